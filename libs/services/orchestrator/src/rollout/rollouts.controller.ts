import { randomBytes } from 'node:crypto';
import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { ID_PATTERN } from '@sluice/contracts';
import { type PlanDraft, planFaults, previewRollout, type PublishedPatch, slicesOf } from '@sluice/domain-rollout';
import { Clock, type CommandContext } from '@sluice/event-sourcing';
import { Optional, paged, PageQuery, ProblemError, RequestContext, Roles, StopRoute } from '@sluice/platform';
import { IsIn, Matches } from 'class-validator';
import { type AskedOfRollout, ChangeRollout } from '../commands.ts';
import { type KnownRollout, Overview } from '../overview.projection.ts';
import { PlanBody, PlanRolloutBody, ResumeBody, StopBody } from './rollout-bodies.ts';
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
    private readonly overview: Overview,
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
  async replan(@Param('id') rolloutId: string, @Body() body: PlanBody, @RequestContext() context: CommandContext) {
    this.known(rolloutId);
    return this.change({ type: 'ReplanRollout', rolloutId, plan: await this.draftOf(body), at: this.now() }, context);
  }

  @Get()
  @Roles('viewer', 'operator', 'responder')
  list(@Query() query: RolloutsQuery) {
    const wanted = this.overview
      .rollouts()
      .filter(
        ({ plan, status }) => (query.patchId ?? plan.patchId) === plan.patchId && (query.status ?? status) === status,
      );
    const page = paged(wanted, query, ({ rolloutId }) => rolloutId);
    return { ...page, items: page.items.map((each) => this.view(each)) };
  }

  @Get(':id')
  @Roles('viewer', 'operator', 'responder')
  show(@Param('id') rolloutId: string) {
    return this.view(this.known(rolloutId));
  }

  /** Who would get it: counts per wave and slice, of the devices known now. */
  @Get(':id/preview')
  @Roles('viewer', 'operator', 'responder')
  async preview(@Param('id') rolloutId: string) {
    const { plan } = this.known(rolloutId);
    const published = await this.publishedPatch(plan.patchId);
    return { rolloutId, patchId: plan.patchId, waves: previewRollout(plan, published, this.overview.census()) };
  }

  @Post(':id/start')
  @HttpCode(200)
  @Roles('operator')
  async start(@Param('id') rolloutId: string, @RequestContext() context: CommandContext) {
    const { plan } = this.known(rolloutId);
    const slices = slicesOf(plan, await this.offerablePatch(plan.patchId)).length;
    return this.change({ type: 'StartRollout', rolloutId, slices, at: this.now() }, context);
  }

  @Post(':id/pause')
  @StopRoute(StopBody)
  @HttpCode(200)
  @Roles('operator', 'responder')
  pause(@Param('id') rolloutId: string, @Body() { reason }: StopBody, @RequestContext() context: CommandContext) {
    return this.change({ type: 'PauseRollout', rolloutId, reason, at: this.now() }, context);
  }

  @Post(':id/resume')
  @HttpCode(200)
  @Roles('operator')
  resume(
    @Param('id') rolloutId: string,
    @Body() { evidenceSeen }: ResumeBody,
    @RequestContext() context: CommandContext,
  ) {
    const seen = evidenceSeen !== undefined && { evidenceSeen };
    return this.change({ type: 'ResumeRollout', rolloutId, ...seen, at: this.now() }, context);
  }

  @Post(':id/halt')
  @StopRoute(StopBody)
  @HttpCode(200)
  @Roles('operator', 'responder')
  halt(@Param('id') rolloutId: string, @Body() { reason }: StopBody, @RequestContext() context: CommandContext) {
    return this.change({ type: 'HaltRollout', rolloutId, by: 'responder', reason, at: this.now() }, context);
  }

  @Post(':id/advance')
  @HttpCode(200)
  @Roles('operator')
  advance(@Param('id') rolloutId: string, @RequestContext() context: CommandContext) {
    const rollout = this.known(rolloutId);
    // A gate that has not heard of any harm yet would let everything through.
    if (!this.overview.healthIsKnown) throw new ProblemError('not-ready', 'the health of the fleet is not known yet');
    const assessment = rollout.status === 'running' ? this.overview.assess(rollout) : ({ harmful: false } as const);
    return this.change({ type: 'AdvanceRollout', rolloutId, assessment, at: this.now() }, context);
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
    await this.offerablePatch(draft.patchId);
    return draft;
  }

  private async offerablePatch(patchId: string): Promise<PublishedPatch> {
    const published = await this.publishedPatch(patchId);
    if (this.overview.isPulled(patchId)) throw new ProblemError('patch-pulled', patchId);
    return published;
  }

  private async publishedPatch(patchId: string): Promise<PublishedPatch> {
    const published = await this.overview.awaitPublished(patchId);
    if (published === undefined) throw new ProblemError('patch-unknown', patchId);
    return published;
  }

  private async change(command: AskedOfRollout, context: CommandContext) {
    await this.commands.execute(new ChangeRollout(command, context));
    return this.show(command.rolloutId);
  }

  private known(rolloutId: string): KnownRollout {
    const rollout = this.overview.rollout(rolloutId);
    if (rollout.status === 'absent') throw new ProblemError('rollout-not-found', rolloutId);
    return rollout;
  }

  private view(rollout: KnownRollout) {
    return viewRollout(rollout, this.clock.now(), this.overview.healthIsCurrent);
  }

  private now(): string {
    return this.clock.nowText();
  }
}
