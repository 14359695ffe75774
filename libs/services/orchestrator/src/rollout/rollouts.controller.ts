import { randomBytes } from 'node:crypto';
import {
  AdvanceRolloutBody,
  AtQuery,
  EvidenceBody,
  PlanRolloutBody,
  ReplanRolloutBody,
  ResumeBody,
  RolloutPage,
  RolloutPath,
  RolloutPreview,
  RolloutsQuery,
  RolloutView,
  StopBody,
} from '@sluice/api';
import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import {
  type HaltRollout,
  type PauseRollout,
  type PlanDraft,
  planFaults,
  previewRollout,
  type RolloutCommand,
  toPlan,
} from '@sluice/domain-rollout';
import { Clock, type CommandContext } from '@sluice/event-sourcing';
import {
  IfMatch,
  type ListOrder,
  paged,
  ProblemError,
  RequestContext,
  Roles,
  type SeenVersions,
  StopRoute,
  Versioned,
  withCurrent,
} from '@sluice/platform';
import { AsOf } from '../as-of/as-of.ts';
import { ChangeRollout, DecideRollout } from '../commands.ts';
import { Knowledge } from '../knowledge/knowledge.ts';
import { type KnownRollout } from '../policy/policy.projection.ts';
import { Views } from '../views.ts';
import {
  approvalsAskedOf,
  audienceFaults,
  exposureOf,
  goingOnOf,
  haltedBefore,
  hypothesesOf,
  obstaclesToGoingOn,
  obstaclesToGrants,
  offerablePatch,
  opensWave,
  permissionFor,
  publishedPatch,
} from './rollout-rules.ts';
import { Stops } from './stops.ts';
import { rolloutOperations as operations } from './rollout-operations.ts';
import { viewRollout } from './rollout-views.ts';

const SALT_BYTES = 12;

@ApiTags('rollouts')
@Controller('v1/rollouts')
export class RolloutsController {
  constructor(
    private readonly views: Views,
    private readonly knowledge: Knowledge,
    private readonly stops: Stops,
    private readonly commands: CommandBus,
    private readonly clock: Clock,
    private readonly past: AsOf,
  ) {}

  @Post()
  @Roles('operator')
  @operations.plan
  async plan(
    @Body() body: PlanRolloutBody,
    @RequestContext() context: CommandContext,
    @Res({ passthrough: true }) reply: { status(code: number): unknown },
  ): Promise<Versioned<RolloutView>> {
    const { rolloutId, ...rest } = body;
    const prepare = async (): Promise<RolloutCommand> => {
      const plan = await this.draftOf(rest);
      const freshSalt = randomBytes(SALT_BYTES).toString('base64url');
      return { type: 'PlanRollout', rolloutId, plan, freshSalt, by: context.actor, at: this.now() };
    };
    const events = await this.commands.execute(new DecideRollout(rolloutId, prepare, context));
    // The same plan sent again is no second rollout.
    reply.status(events.length > 0 ? 201 : 200);
    return this.show({ id: rolloutId });
  }

  @Put(':id')
  @Roles('operator')
  @operations.replan
  replan(
    @Param() { id: rolloutId }: RolloutPath,
    @Body() { reason, ...body }: ReplanRolloutBody,
    @RequestContext() context: CommandContext,
    @IfMatch() seen: SeenVersions,
  ): Promise<Versioned<RolloutView>> {
    this.known(rolloutId);
    if (seen === undefined) throw new ProblemError('if-match-missing', rolloutId);
    const prepare = async (): Promise<RolloutCommand> => {
      const plan = await this.draftOf(body);
      const asked = approvalsAskedOf(this.knowledge, toPlan(plan, ''));
      return {
        type: 'ReplanRollout',
        rolloutId,
        plan,
        reason,
        by: context.actor,
        approvalsAsked: asked,
        at: this.now(),
      };
    };
    return this.answer(rolloutId, new DecideRollout(rolloutId, prepare, context, seen));
  }

  @Get()
  @Roles('viewer', 'operator', 'responder')
  @operations.list
  async list(@Query() { at, ...query }: RolloutsQuery): Promise<RolloutPage> {
    const isWanted = (patchId: string, status: string) =>
      (query.patchId ?? patchId) === patchId && (query.status ?? status) === status;
    const order: ListOrder<Pick<RolloutView, 'rolloutId'>> = { list: 'rollouts', keyOf: (each) => [each.rolloutId] };
    if (at !== undefined) {
      const { answer } = await this.past.ask('rollouts', at, {});
      const wanted = answer.filter(({ patchId, status }) => isWanted(patchId, status));
      return paged(wanted, query, order);
    }
    const wanted = this.views.policy.rollouts().filter(({ plan, status }) => isWanted(plan.patchId, status));
    const page = paged(wanted, query, order);
    return { ...page, items: page.items.map((each) => this.view(each)) };
  }

  @Get(':id')
  @Roles('viewer', 'operator', 'responder')
  @operations.show
  async find(@Param() { id }: RolloutPath, @Query() { at }: AtQuery): Promise<Versioned<RolloutView>> {
    if (at === undefined) return this.show({ id });
    const [rollout] = (await this.past.ask('rollouts', at, { rolloutId: id })).answer;
    if (rollout === undefined) throw new ProblemError('rollout-not-found', id);
    return new Versioned(rollout, undefined);
  }

  private show({ id: rolloutId }: RolloutPath): Versioned<RolloutView> {
    return new Versioned(this.view(this.known(rolloutId)), this.views.versionOf(`rollout-${rolloutId}`));
  }

  @Get(':id/preview')
  @Roles('viewer', 'operator', 'responder')
  @operations.preview
  async preview(@Param() { id: rolloutId }: RolloutPath): Promise<RolloutPreview> {
    const { plan } = this.known(rolloutId);
    const published = await publishedPatch(this.views, plan.patchId);
    return { rolloutId, patchId: plan.patchId, waves: previewRollout(plan, published, this.views.gates.census()) };
  }

  @Post(':id/start')
  @HttpCode(200)
  @Roles('operator')
  @operations.start
  start(
    @Param() { id: rolloutId }: RolloutPath,
    @Body() { evidenceSeen }: EvidenceBody,
    @RequestContext() context: CommandContext,
    @IfMatch() seen: SeenVersions,
  ): Promise<Versioned<RolloutView>> {
    const prepare = async (): Promise<RolloutCommand> => {
      const rollout = this.known(rolloutId);
      const { plan } = rollout;
      if (!this.knowledge.clockIsSound) throw new ProblemError('clock-unsound');
      const faults = audienceFaults(plan, await publishedPatch(this.views, plan.patchId));
      if (faults.length > 0) throw new ProblemError('plan-not-valid', faults[0]?.detail, faults);
      return {
        type: 'StartRollout',
        rolloutId,
        ...hypothesesOf(this.views, plan),
        haltedBefore: haltedBefore(this.views, plan, rolloutId),
        evidenceSeen,
        approvalsAsked: approvalsAskedOf(this.knowledge, plan),
        ...opensWave(this.knowledge, rollout, this.clock.now(), 1),
        at: this.now(),
      };
    };
    return this.answer(rolloutId, new DecideRollout(rolloutId, prepare, context, seen));
  }

  @Post(':id/pause')
  @StopRoute(StopBody)
  @HttpCode(200)
  @Roles('operator', 'responder')
  @operations.pause
  pause(
    @Param() { id: rolloutId }: RolloutPath,
    @Body() { reason }: StopBody,
    @RequestContext() context: CommandContext,
  ): Promise<Versioned<RolloutView>> {
    return this.stop({ type: 'PauseRollout', rolloutId, reason, at: this.now() }, context);
  }

  @Post(':id/resume')
  @HttpCode(200)
  @Roles('operator')
  @operations.resume
  resume(
    @Param() { id: rolloutId }: RolloutPath,
    @Body() { reason, evidenceSeen }: ResumeBody,
    @RequestContext() context: CommandContext,
    @IfMatch() seen: SeenVersions,
  ): Promise<Versioned<RolloutView>> {
    const rollout = this.known(rolloutId);
    const wave = 'wave' in rollout ? rollout.wave : 1;
    const permission = permissionFor(this.knowledge, rollout, this.clock.now(), wave);
    const command = { type: 'ResumeRollout', rolloutId, reason, evidenceSeen, permission, at: this.now() } as const;
    return this.answer(rolloutId, new ChangeRollout(command, context, undefined, seen));
  }

  @Post(':id/halt')
  @StopRoute(StopBody)
  @HttpCode(200)
  @Roles('operator', 'responder')
  @operations.halt
  halt(
    @Param() { id: rolloutId }: RolloutPath,
    @Body() { reason }: StopBody,
    @RequestContext() context: CommandContext,
  ): Promise<Versioned<RolloutView>> {
    const rollout = this.views.policy.rollout(rolloutId);
    const exposure = 'exposure' in rollout ? exposureOf(this.views, rollout, this.clock.now()) : undefined;
    const exposedDevices = exposure?.devices?.exposed;
    const halt = { type: 'HaltRollout', rolloutId, by: 'responder', reason, exposedDevices, at: this.now() } as const;
    return this.stop(halt, context);
  }

  @Post(':id/advance')
  @HttpCode(200)
  @Roles('operator')
  @operations.advance
  advance(
    @Param() { id: rolloutId }: RolloutPath,
    @Body() body: AdvanceRolloutBody,
    @RequestContext() context: CommandContext,
    @IfMatch() seen: SeenVersions,
  ): Promise<Versioned<RolloutView>> {
    const prepare = () => this.advanceOf(rolloutId, body);
    return this.answer(rolloutId, new DecideRollout(rolloutId, prepare, context, seen));
  }

  @Post(':id/abort')
  @StopRoute(StopBody)
  @HttpCode(200)
  @Roles('operator', 'responder')
  @operations.abort
  abort(
    @Param() { id: rolloutId }: RolloutPath,
    @Body() { reason }: StopBody,
    @RequestContext() context: CommandContext,
  ): Promise<Versioned<RolloutView>> {
    const abort = { type: 'AbortRollout', rolloutId, reason, at: this.now() } as const;
    return this.answer(rolloutId, new ChangeRollout(abort, context));
  }

  private async draftOf(draft: Omit<PlanRolloutBody, 'rolloutId'>): Promise<PlanDraft> {
    const faults = planFaults(draft);
    if (faults.length > 0) throw new ProblemError('invalid-request', undefined, faults);
    await publishedPatch(this.views, draft.patchId);
    const unmatched = audienceFaults(draft, offerablePatch(this.views, draft.patchId));
    if (unmatched.length > 0) throw new ProblemError('plan-not-valid', unmatched[0]?.detail, unmatched);
    return draft;
  }

  private advanceOf(rolloutId: string, { wave, reason, force }: AdvanceRolloutBody): RolloutCommand {
    const rollout = this.known(rolloutId);
    const at = this.now();
    if (rollout.status !== 'running' || wave !== rollout.wave) {
      return { type: 'AdvanceRollout', rolloutId, wave, goingOn: { says: 'go' }, at };
    }
    const goingOn = goingOnOf(this.views, rollout, this.clock.now());
    // Forcing passes missing evidence, but never blindness.
    const obstacles = [
      ...obstaclesToGrants(this.knowledge, rollout, this.clock.now()),
      ...(goingOn.says === 'wait' && force === undefined ? obstaclesToGoingOn(goingOn) : []),
    ];
    if (obstacles.length > 0) throw new ProblemError('wave-waits', obstacles.map(({ words }) => words).join('; '));
    const opening = opensWave(this.knowledge, rollout, this.clock.now(), wave + 1);
    return { type: 'AdvanceRollout', rolloutId, wave, goingOn, reason, force: force?.reason, ...opening, at };
  }

  private async stop(command: PauseRollout | HaltRollout, context: CommandContext) {
    await this.stops.stopRollout(command, context);
    return this.show({ id: command.rolloutId });
  }

  private async answer(rolloutId: string, change: ChangeRollout | DecideRollout): Promise<Versioned<RolloutView>> {
    await withCurrent(
      () => this.commands.execute(change),
      () => this.show({ id: rolloutId }),
    );
    return this.show({ id: rolloutId });
  }

  private known(rolloutId: string): KnownRollout {
    const rollout = this.views.policy.rollout(rolloutId);
    if (rollout.status === 'absent') throw new ProblemError('rollout-not-found', rolloutId);
    return rollout;
  }

  private view(rollout: KnownRollout): RolloutView {
    return viewRollout(rollout, this.knowledge, this.clock.now());
  }

  private now(): string {
    return this.clock.nowText();
  }
}
