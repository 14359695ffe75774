import { EvidenceBody, Operation, PageQuery, RecallPage, RecallPath, RecallView, StopBody } from '@sluice/api';
import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { freedOf, holdersOf, lastLeaseMs, type RecallCommand } from '@sluice/domain-rollout';
import { Clock, type CommandContext, toTimeText } from '@sluice/event-sourcing';
import { paged, ProblemError, RequestContext, Roles, StopRoute } from '@sluice/platform';
import { ChangeRecall } from '../commands.ts';
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
  @Operation({ id: 'listRecalls', summary: 'List recalls', answers: { 200: RecallPage } })
  list(@Query() query: PageQuery): RecallPage {
    const views = this.views.recalls.recalls().map((recall) => this.view(recall));
    return paged(views, query, ({ patchId }) => patchId);
  }

  @Get(':patchId')
  @Roles('viewer', 'operator', 'responder')
  @Operation({
    id: 'showRecall',
    summary: 'How far the recall of a patch has burned down',
    description: 'Its numbers are null until all of the fleet has counted.',
    answers: { 200: RecallView },
    problems: ['recall-not-found'],
  })
  show(@Param() { patchId }: RecallPath): RecallView {
    return this.view(this.known(patchId));
  }

  @Post(':patchId/pause')
  @StopRoute(StopBody)
  @HttpCode(200)
  @Roles('operator', 'responder')
  @Operation({
    id: 'pauseRecall',
    summary: 'Devices keep the patch until the recall is resumed',
    description: 'Ordered twice, it is paused once.',
    answers: { 200: RecallView },
    problems: ['recall-not-found', 'recall-not-running'],
  })
  async pause(
    @Param() { patchId }: RecallPath,
    @Body() { reason }: StopBody,
    @RequestContext() context: CommandContext,
  ): Promise<RecallView> {
    return this.change({ type: 'PauseRecall', patchId, reason, at: this.clock.nowText() }, context);
  }

  @Post(':patchId/resume')
  @HttpCode(200)
  @Roles('operator', 'responder')
  @Operation({
    id: 'resumeRecall',
    summary: 'Direct devices to remove the patch again',
    description:
      'After a pause by the gate only with the evidence that was seen: what fails from then on is counted anew.',
    answers: { 200: RecallView },
    problems: ['recall-not-found', 'evidence-not-named'],
  })
  async resume(
    @Param() { patchId }: RecallPath,
    @Body() { evidenceSeen }: EvidenceBody,
    @RequestContext() context: CommandContext,
  ): Promise<RecallView> {
    return this.change({ type: 'ResumeRecall', patchId, evidenceSeen, at: this.clock.nowText() }, context);
  }

  private async change(command: RecallCommand, context: CommandContext): Promise<RecallView> {
    await this.commands.execute(new ChangeRecall(command, context));
    return this.view(this.known(command.patchId));
  }

  private known(patchId: string): KnownRecall {
    const recall = this.views.recalls.recall(patchId);
    if (recall.status === 'absent' || recall.status === 'recorded') throw new ProblemError('recall-not-found', patchId);
    return recall;
  }

  private view(recall: KnownRecall): RecallView {
    const { count = null, quantiles } = this.views.recalls.progressOf(recall.patchId) ?? {};
    const gate = this.views.gates.removalsOf(recall.patchId);
    return {
      ...recall,
      status: recall.status === 'removing' ? 'running' : recall.status,
      devices: count && count.set,
      removed: count && freedOf(count),
      freed: count && count.freed,
      replaced: count && count.replaced,
      retired: count && count.retired,
      remaining: count && holdersOf(count),
      failing: count && count.failing,
      offline: count && count.offline,
      waiting: count && count.waiting,
      inFlight: count && count.inFlight,
      begun: gate.n,
      begunFailed: gate.x,
      leasesUntil: this.views.policy.wasOffered(recall.patchId) ? toTimeText(lastLeaseMs(recall)) : null,
      ...(quantiles ?? { p50Seconds: null, p90Seconds: null, p99Seconds: null }),
    };
  }
}
