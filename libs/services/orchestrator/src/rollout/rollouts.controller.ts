import { randomBytes } from 'node:crypto';
import { Body, Controller, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { type PlanDraft, planFaults, previewRollout, type Rollout, type RolloutCommand } from '@sluice/domain-rollout';
import { Clock, type CommandContext } from '@sluice/event-sourcing';
import { paged, PageQuery, ProblemError, RequestContext, Roles } from '@sluice/platform';
import { IsIn, IsOptional, Matches } from 'class-validator';
import { ChangeRollout } from '../commands.ts';
import { Overview } from '../overview.projection.ts';
import { PlanBody, PlanRolloutBody, ReasonBody, ResumeBody } from './rollout-bodies.ts';
import { type KnownRollout, slicesToTest, viewRollout } from './rollout-views.ts';

const SALT_BYTES = 12;
const statuses = ['planned', 'running', 'paused', 'halted', 'completed', 'aborted'] as const;

class RolloutsQuery extends PageQuery {
  @IsOptional()
  @Matches(/^[A-Za-z0-9._:-]{1,64}$/)
  patchId?: string;

  @IsOptional()
  @IsIn(statuses)
  status?: (typeof statuses)[number];
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
  async plan(@Body() body: PlanRolloutBody, @RequestContext() context: CommandContext) {
    const { rolloutId, ...rest } = body;
    const plan = await this.draftOf(rest);
    const freshSalt = randomBytes(SALT_BYTES).toString('base64url');
    return this.change({ type: 'PlanRollout', rolloutId, plan, freshSalt, at: this.now() }, context);
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
      .filter((each): each is KnownRollout => each.status !== 'absent')
      .filter(
        ({ plan, status }) => (query.patchId ?? plan.patchId) === plan.patchId && (query.status ?? status) === status,
      );
    const page = paged(wanted, query, ({ rolloutId }) => rolloutId);
    return { ...page, items: page.items.map((each) => viewRollout(each, this.clock.now())) };
  }

  @Get(':id')
  @Roles('viewer', 'operator', 'responder')
  show(@Param('id') rolloutId: string) {
    return viewRollout(this.known(rolloutId), this.clock.now());
  }

  /** Who would get it: counts per wave and slice, of the devices known now. */
  @Get(':id/preview')
  @Roles('viewer', 'operator', 'responder')
  async preview(@Param('id') rolloutId: string) {
    const { plan } = this.known(rolloutId);
    const release = await this.overview.releaseOf(plan.patchId);
    if (release === undefined) throw new ProblemError('patch-unknown', plan.patchId);
    return { rolloutId, patchId: plan.patchId, waves: previewRollout(plan, release, this.overview.census()) };
  }

  @Post(':id/start')
  @HttpCode(200)
  @Roles('operator')
  async start(@Param('id') rolloutId: string, @RequestContext() context: CommandContext) {
    const { plan } = this.known(rolloutId);
    const slices = await slicesToTest(this.overview, plan);
    if (slices === undefined) throw new ProblemError('patch-unknown', plan.patchId);
    if (this.overview.isPulled(plan.patchId)) throw new ProblemError('patch-pulled', plan.patchId);
    return this.change({ type: 'StartRollout', rolloutId, slices, anotherUnderWay: false, at: this.now() }, context);
  }

  @Post(':id/pause')
  @HttpCode(200)
  @Roles('operator', 'responder')
  pause(@Param('id') rolloutId: string, @Body() { reason }: ReasonBody, @RequestContext() context: CommandContext) {
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
  @HttpCode(200)
  @Roles('operator', 'responder')
  halt(@Param('id') rolloutId: string, @Body() { reason }: ReasonBody, @RequestContext() context: CommandContext) {
    return this.change({ type: 'HaltRollout', rolloutId, by: 'responder', reason, at: this.now() }, context);
  }

  @Post(':id/advance')
  @HttpCode(200)
  @Roles('operator')
  advance(@Param('id') rolloutId: string, @RequestContext() context: CommandContext) {
    const rollout = this.known(rolloutId);
    const assessment = rollout.status === 'running' ? this.overview.assess(rollout) : ({ harmful: false } as const);
    return this.change({ type: 'AdvanceRollout', rolloutId, assessment, at: this.now() }, context);
  }

  @Post(':id/abort')
  @HttpCode(200)
  @Roles('operator', 'responder')
  abort(@Param('id') rolloutId: string, @Body() { reason }: ReasonBody, @RequestContext() context: CommandContext) {
    return this.change({ type: 'AbortRollout', rolloutId, reason, at: this.now() }, context);
  }

  private async draftOf({ approvalsRequired: _, ...draft }: PlanBody): Promise<PlanDraft> {
    const faults = planFaults(draft);
    if (faults.length > 0) throw new ProblemError('invalid-request', undefined, faults);
    if ((await this.overview.releaseOf(draft.patchId)) === undefined)
      throw new ProblemError('patch-unknown', draft.patchId);
    if (this.overview.isPulled(draft.patchId)) throw new ProblemError('patch-pulled', draft.patchId);
    return draft;
  }

  private async change(command: RolloutCommand, context: CommandContext) {
    await this.commands.execute(new ChangeRollout(command, context));
    return this.show(command.rolloutId);
  }

  private known(rolloutId: string): KnownRollout {
    const rollout: Rollout = this.overview.rollout(rolloutId);
    if (rollout.status === 'absent') throw new ProblemError('rollout-not-found', rolloutId);
    return rollout;
  }

  private now(): string {
    return this.clock.nowText();
  }
}
