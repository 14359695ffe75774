import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { freedOf, holdersOf, lastLeaseMs, type RecallCommand } from '@sluice/domain-rollout';
import { Clock, type CommandContext, toTimeText } from '@sluice/event-sourcing';
import { paged, PageQuery, ProblemError, RequestContext, Roles, StopRoute } from '@sluice/platform';
import { ChangeRecall } from '../commands.ts';
import { ResumeBody, StopBody } from '../rollout/rollout-bodies.ts';
import { Views } from '../views.ts';
import { type KnownRecall } from './recalls.projection.ts';

@ApiTags('recalls')
@Controller('v1/recalls')
export class RecallsController {
  constructor(
    private readonly views: Views,
    private readonly commands: CommandBus,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Roles('viewer', 'operator', 'responder')
  list(@Query() query: PageQuery) {
    const views = this.views.recalls.recalls().map((recall) => this.view(recall));
    return paged(views, query, ({ patchId }) => patchId);
  }

  /** How far the recall of a patch has burned down. Its numbers are null until all of the fleet has counted. */
  @Get(':patchId')
  @Roles('viewer', 'operator', 'responder')
  show(@Param('patchId') patchId: string) {
    return this.view(this.known(patchId));
  }

  /** Devices keep the patch until the recall is resumed. Ordered twice, it is paused once. */
  @Post(':patchId/pause')
  @StopRoute(StopBody)
  @HttpCode(200)
  @Roles('operator', 'responder')
  async pause(
    @Param('patchId') patchId: string,
    @Body() { reason }: StopBody,
    @RequestContext() context: CommandContext,
  ) {
    return this.change({ type: 'PauseRecall', patchId, reason, at: this.clock.nowText() }, context);
  }

  /** After a pause by the gate only with the evidence that was seen: what fails from then on is counted anew. */
  @Post(':patchId/resume')
  @HttpCode(200)
  @Roles('operator', 'responder')
  async resume(
    @Param('patchId') patchId: string,
    @Body() { reason, evidenceSeen }: ResumeBody,
    @RequestContext() context: CommandContext,
  ) {
    const command = { type: 'ResumeRecall', patchId, reason, evidenceSeen, at: this.clock.nowText() } as const;
    return this.change(command, context);
  }

  private async change(command: RecallCommand, context: CommandContext) {
    await this.commands.execute(new ChangeRecall(command, context));
    return this.view(this.known(command.patchId));
  }

  private known(patchId: string): KnownRecall {
    const recall = this.views.recalls.recall(patchId);
    if (recall.status === 'absent' || recall.status === 'recorded') throw new ProblemError('recall-not-found', patchId);
    return recall;
  }

  private view(recall: KnownRecall) {
    const { count = null, quantiles } = this.views.recalls.progressOf(recall.patchId) ?? {};
    const gate = this.views.gates.removalsOf(recall.patchId);
    return {
      ...recall,
      status: recall.status === 'removing' ? 'running' : recall.status,
      /** Those that held the patch when it was pulled, or since: each is removed, replaced, retired or remaining. */
      devices: count && count.set,
      /** Their build showed that they went back; by the cause that they gave. */
      removed: count && freedOf(count),
      freed: count && count.freed,
      replaced: count && count.replaced,
      retired: count && count.retired,
      /** Each failing, offline or waiting. */
      remaining: count && holdersOf(count),
      failing: count && count.failing,
      offline: count && count.offline,
      waiting: count && count.waiting,
      /** Devices outside of these that have begun to install the patch. */
      inFlight: count && count.inFlight,
      /** Devices that are known to have begun to remove it, and those of them that failed or went silent, since the gate counts. */
      begun: gate.n,
      begunFailed: gate.x,
      /** When the last directive from before the pull runs out; null for a patch that was never offered. */
      leasesUntil: this.views.policy.wasOffered(recall.patchId) ? toTimeText(lastLeaseMs(recall)) : null,
      ...(quantiles ?? { p50Seconds: null, p90Seconds: null, p99Seconds: null }),
    };
  }
}
