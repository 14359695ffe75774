import { randomBytes } from 'node:crypto';
import { Body, Controller, Get, Headers, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { ID_PATTERN } from '@sluice/contracts';
import {
  type HaltRollout,
  type PauseRollout,
  type PlanDraft,
  planFaults,
  previewRollout,
  type RolloutCommand,
} from '@sluice/domain-rollout';
import { Clock, type CommandContext, Rejection } from '@sluice/event-sourcing';
import { Optional, paged, PageQuery, ProblemError, RequestContext, Roles, StopRoute } from '@sluice/platform';
import { IsIn, Matches } from 'class-validator';
import { ChangeRollout } from '../commands.ts';
import { Knowledge } from '../knowledge/knowledge.ts';
import { type KnownRollout } from '../policy/policy.projection.ts';
import { Views } from '../views.ts';
import {
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
import {
  AdvanceBody,
  EvidenceBody,
  PlanBody,
  PlanRolloutBody,
  ReplanBody,
  ResumeBody,
  StopBody,
} from './rollout-bodies.ts';
import { Stops } from './stops.ts';
import { viewRollout } from './rollout-views.ts';

const SALT_BYTES = 12;
const statuses = [
  'planned',
  'running',
  'paused',
  'halted',
  'completed',
  'aborted',
] as const satisfies readonly KnownRollout['status'][];

class RolloutsQuery extends PageQuery {
  @ApiPropertyOptional()
  @Optional()
  @Matches(new RegExp(ID_PATTERN))
  patchId?: string;

  @ApiPropertyOptional({ enum: statuses })
  @Optional()
  @IsIn(statuses)
  status?: KnownRollout['status'];
}

@ApiTags('rollouts')
@Controller('v1/rollouts')
export class RolloutsController {
  constructor(
    private readonly views: Views,
    private readonly knowledge: Knowledge,
    private readonly stops: Stops,
    private readonly commands: CommandBus,
    private readonly clock: Clock,
  ) {}

  @Post()
  @Roles('operator')
  async plan(
    @Body() body: PlanRolloutBody,
    @RequestContext() context: CommandContext,
    @Res({ passthrough: true }) reply: { status(code: number): unknown },
  ) {
    const { rolloutId, ...rest } = body;
    const plan = await this.draftOf(rest);
    const freshSalt = randomBytes(SALT_BYTES).toString('base64url');
    const command = { type: 'PlanRollout', rolloutId, plan, freshSalt, at: this.now() } as const;
    const events = await this.commands.execute(new ChangeRollout(command, context));
    // The same plan sent again is no second rollout.
    reply.status(events.length > 0 ? 201 : 200);
    return this.show(rolloutId);
  }

  @Put(':id')
  @Roles('operator')
  async replan(
    @Param('id') rolloutId: string,
    @Body() { reason, ...body }: ReplanBody,
    @RequestContext() context: CommandContext,
    @Headers('if-match') ifMatch?: string,
  ) {
    this.known(rolloutId);
    if (ifMatch === undefined) throw new ProblemError('if-match-missing', rolloutId);
    const plan = await this.draftOf(body);
    return this.change({ type: 'ReplanRollout', rolloutId, plan, reason, at: this.now() }, context, ifMatch);
  }

  @Get()
  @Roles('viewer', 'operator', 'responder')
  list(@Query() query: RolloutsQuery) {
    const wanted = this.views.policy
      .rollouts()
      .filter(
        ({ plan, status }) => (query.patchId ?? plan.patchId) === plan.patchId && (query.status ?? status) === status,
      );
    const page = paged(wanted, query, ({ rolloutId }) => rolloutId);
    return { ...page, items: page.items.map((each) => this.view(each)) };
  }

  @Get(':id')
  @Roles('viewer', 'operator', 'responder')
  show(
    @Param('id') rolloutId: string,
    @Res({ passthrough: true }) reply?: { header(name: string, value: string): unknown },
  ) {
    const rollout = this.known(rolloutId);
    reply?.header('etag', `"${String(this.views.versionOf(`rollout-${rolloutId}`))}"`);
    return this.view(rollout);
  }

  /** Who would get it: counts per wave and slice, of the devices known now. */
  @Get(':id/preview')
  @Roles('viewer', 'operator', 'responder')
  async preview(@Param('id') rolloutId: string) {
    const { plan } = this.known(rolloutId);
    const published = await publishedPatch(this.views, plan.patchId);
    return { rolloutId, patchId: plan.patchId, waves: previewRollout(plan, published, this.views.gates.census()) };
  }

  @Post(':id/start')
  @HttpCode(200)
  @Roles('operator')
  async start(
    @Param('id') rolloutId: string,
    @Body() { evidenceSeen }: EvidenceBody,
    @RequestContext() context: CommandContext,
    @Headers('if-match') ifMatch?: string,
  ) {
    const rollout = this.known(rolloutId);
    const { plan } = rollout;
    if (!this.knowledge.clockIsSound) throw new ProblemError('clock-unsound');
    const faults = audienceFaults(plan, await publishedPatch(this.views, plan.patchId));
    if (faults.length > 0) throw new ProblemError('plan-not-valid', faults[0]?.detail, faults);
    const command = {
      type: 'StartRollout',
      rolloutId,
      ...hypothesesOf(this.views, plan),
      haltedBefore: haltedBefore(this.views, plan, rolloutId),
      evidenceSeen,
      ...opensWave(this.knowledge, rollout, this.clock.now(), 1),
      at: this.now(),
    } as const;
    return this.change(command, context, ifMatch);
  }

  @Post(':id/pause')
  @StopRoute(StopBody)
  @HttpCode(200)
  @Roles('operator', 'responder')
  pause(@Param('id') rolloutId: string, @Body() { reason }: StopBody, @RequestContext() context: CommandContext) {
    return this.stop({ type: 'PauseRollout', rolloutId, reason, at: this.now() }, context);
  }

  @Post(':id/resume')
  @HttpCode(200)
  @Roles('operator')
  resume(
    @Param('id') rolloutId: string,
    @Body() { reason, evidenceSeen }: ResumeBody,
    @RequestContext() context: CommandContext,
    @Headers('if-match') ifMatch?: string,
  ) {
    const rollout = this.known(rolloutId);
    const wave = 'wave' in rollout ? rollout.wave : 1;
    const permission = permissionFor(this.knowledge, rollout, this.clock.now(), wave);
    const command = { type: 'ResumeRollout', rolloutId, reason, evidenceSeen, permission, at: this.now() } as const;
    return this.change(command, context, ifMatch);
  }

  @Post(':id/halt')
  @StopRoute(StopBody)
  @HttpCode(200)
  @Roles('operator', 'responder')
  halt(@Param('id') rolloutId: string, @Body() { reason }: StopBody, @RequestContext() context: CommandContext) {
    const rollout = this.views.policy.rollout(rolloutId);
    const exposed = 'exposure' in rollout && exposureOf(this.views, rollout, this.clock.now())?.exposed;
    const exposedDevices = exposed === false ? undefined : exposed;
    const halt = { type: 'HaltRollout', rolloutId, by: 'responder', reason, exposedDevices, at: this.now() } as const;
    return this.stop(halt, context);
  }

  @Post(':id/advance')
  @HttpCode(200)
  @Roles('operator')
  advance(
    @Param('id') rolloutId: string,
    @Body() { wave, reason, force }: AdvanceBody,
    @RequestContext() context: CommandContext,
    @Headers('if-match') ifMatch?: string,
  ) {
    const rollout = this.known(rolloutId);
    const at = this.now();
    if (rollout.status !== 'running' || wave !== rollout.wave) {
      return this.change({ type: 'AdvanceRollout', rolloutId, wave, goingOn: { says: 'go' }, at }, context, ifMatch);
    }
    const goingOn = goingOnOf(this.views, rollout, this.clock.now());
    // Forcing passes missing evidence, but never blindness.
    const obstacles = [
      ...obstaclesToGrants(this.knowledge, rollout, this.clock.now()),
      ...(goingOn.says === 'wait' && force === undefined ? obstaclesToGoingOn(goingOn) : []),
    ];
    if (obstacles.length > 0) throw new ProblemError('wave-waits', obstacles.map(({ words }) => words).join('; '));
    const opening = opensWave(this.knowledge, rollout, this.clock.now(), wave + 1);
    const command = { type: 'AdvanceRollout', rolloutId, wave, goingOn, reason, ...opening, at } as const;
    return this.change({ ...command, ...(force && { force: force.reason }) }, context, ifMatch);
  }

  @Post(':id/abort')
  @StopRoute(StopBody)
  @HttpCode(200)
  @Roles('operator', 'responder')
  abort(@Param('id') rolloutId: string, @Body() { reason }: StopBody, @RequestContext() context: CommandContext) {
    return this.change({ type: 'AbortRollout', rolloutId, reason, at: this.now() }, context);
  }

  private async draftOf({ approvalsRequired: _, ...draft }: PlanBody): Promise<PlanDraft> {
    const faults = planFaults(draft);
    if (faults.length > 0) throw new ProblemError('invalid-request', undefined, faults);
    await publishedPatch(this.views, draft.patchId);
    const unmatched = audienceFaults(draft, offerablePatch(this.views, draft.patchId));
    if (unmatched.length > 0) throw new ProblemError('plan-not-valid', unmatched[0]?.detail, unmatched);
    return draft;
  }

  private async stop(command: PauseRollout | HaltRollout, context: CommandContext) {
    await this.stops.stopRollout(command, context);
    return this.show(command.rolloutId);
  }

  /** `ifMatch`: the ETag of what the caller decided on, where it is named. */
  private async change(command: RolloutCommand, context: CommandContext, ifMatch?: string) {
    const { rolloutId } = command;
    try {
      await this.commands.execute(new ChangeRollout(command, context, undefined, versionIn(ifMatch)));
    } catch (error) {
      if (!(error instanceof Rejection) || error.code !== 'revision-changed') throw error;
      throw new ProblemError(error.code, error.detail, undefined, this.show(rolloutId));
    }
    return this.show(rolloutId);
  }

  private known(rolloutId: string): KnownRollout {
    const rollout = this.views.policy.rollout(rolloutId);
    if (rollout.status === 'absent') throw new ProblemError('rollout-not-found', rolloutId);
    return rollout;
  }

  private view(rollout: KnownRollout) {
    return viewRollout(rollout, this.knowledge, this.clock.now());
  }

  private now(): string {
    return this.clock.nowText();
  }
}

/** The version in an If-Match header, as the ETag of the rollout has it; undefined when there is no such header. */
function versionIn(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined) return undefined;
  const version = /^"(\d{1,15})"$/.exec(ifMatch)?.[1];
  if (version === undefined) throw new ProblemError('invalid-request', 'If-Match takes the ETag of the rollout');
  return Number(version);
}
