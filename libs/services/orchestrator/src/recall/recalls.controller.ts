import {
  AtQuery,
  listedMarks,
  Operation,
  PointsQuery,
  RecallPage,
  RecallPath,
  type RecallPoint,
  RecallPreview,
  RecallPreviewQuery,
  RecallsQuery,
  RecallTimelineView,
  RecallView,
  ResumeBody,
  StopBody,
} from '@sluice/api';
import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { freedOf, holdersOf, type RecallCommand } from '@sluice/domain-rollout';
import { Clock, type CommandContext, toTimeText } from '@sluice/event-sourcing';
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
import { ChangeRecall } from '../commands.ts';
import { Views } from '../views.ts';
import { RecallPreviews } from './recall-previews.ts';
import { recallState } from './recall-views.ts';
import { type KnownRecall } from './recalls.projection.ts';

/** A point before all of the fleet has counted. */
const uncounted = { remaining: null, freed: null, replaced: null, retired: null, failing: null, offline: null };

@ApiTags('recalls')
@Controller('v1/recalls')
export class RecallsController {
  constructor(
    private readonly views: Views,
    private readonly commands: CommandBus,
    private readonly clock: Clock,
    private readonly previews: RecallPreviews,
    private readonly past: AsOf,
  ) {}

  @Get()
  @Roles('viewer', 'operator', 'responder')
  @Operation({
    id: 'listRecalls',
    summary: 'List recalls, now or as of an instant',
    answers: { 200: RecallPage },
    problems: ['unknown-cursor', 'at-in-future', 'at-before-first-record'],
  })
  async list(@Query() { at, ...query }: RecallsQuery): Promise<RecallPage> {
    const order: ListOrder<{ readonly patchId: string }> = { list: 'recalls', keyOf: ({ patchId }) => [patchId] };
    if (at !== undefined) return paged((await this.past.ask('recalls', at, {})).answer, query, order);
    const page = paged(this.views.recalls.recalls(), query, order);
    return { ...page, items: page.items.map((recall) => this.view(recall)) };
  }

  @Get(':patchId')
  @Roles('viewer', 'operator', 'responder')
  @Operation({
    id: 'showRecall',
    summary: 'How far the recall of a patch has burned down',
    description: 'Its numbers are null until all of the fleet has counted, and as of an instant.',
    answers: { 200: RecallView },
    etag: true,
    problems: ['recall-not-found', 'at-in-future', 'at-before-first-record'],
  })
  async find(@Param() { patchId }: RecallPath, @Query() { at }: AtQuery): Promise<Versioned<RecallView>> {
    if (at === undefined) return this.show({ patchId });
    const [recall] = (await this.past.ask('recalls', at, { patchId })).answer;
    if (recall === undefined) throw new ProblemError('recall-not-found', patchId);
    return new Versioned(recall, undefined);
  }

  private show({ patchId }: RecallPath): Versioned<RecallView> {
    return new Versioned(this.view(this.known(patchId)), this.views.versionOf(`recall-${patchId}`));
  }

  @Get(':patchId/preview')
  @Roles('viewer', 'operator', 'responder')
  @Operation({
    id: 'previewRecall',
    summary: 'Whom a recall of the patch hits, or would hit',
    description:
      'The second part of the re-exposure ledger. Telemetry is asked for it, within 2 seconds: what it does not answer is null, and refuses no recall.',
    answers: { 200: RecallPreview },
    problems: ['patch-not-found'],
  })
  preview(@Param() { patchId }: RecallPath, @Query() { replacement }: RecallPreviewQuery): Promise<RecallPreview> {
    return this.previews.of(patchId, replacement);
  }

  @Get(':patchId/timeline')
  @Roles('viewer', 'operator', 'responder')
  @Operation({
    id: 'showRecallTimeline',
    summary: 'How a recall has burnt down over time, and what happened to it',
    answers: { 200: RecallTimelineView },
    problems: ['recall-not-found'],
  })
  timeline(@Param() { patchId }: RecallPath, @Query() { points: count }: PointsQuery): RecallTimelineView {
    const recall = this.known(patchId);
    const startMs = Date.parse(recall.startedAt);
    const endMs = recall.status === 'completed' ? Date.parse(recall.completedAt) : this.clock.now();
    const stepMs = Math.max(1, (endMs - startMs) / (count - 1));
    const points = Array.from({ length: count }, (_, index): RecallPoint => {
      const atMs = Math.min(endMs, Math.round(startMs + index * stepMs));
      return { at: toTimeText(atMs), ...(this.views.recalls.countAt(patchId, atMs) ?? uncounted) };
    }).filter(({ at }, index, all) => at !== all[index - 1]?.at);
    const marks = this.views.recalls.eventsOf(patchId).map(({ at, type, ...event }) => {
      const words = 'reason' in event ? event.reason : undefined;
      return { at, what: type, ...(words !== undefined && { words }) };
    });
    return { patchId, points, marks: listedMarks(marks), marksTotal: marks.length };
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
    etag: true,
    problems: ['recall-not-found', 'recall-not-running'],
  })
  async pause(
    @Param() { patchId }: RecallPath,
    @Body() { reason }: StopBody,
    @RequestContext() context: CommandContext,
  ): Promise<Versioned<RecallView>> {
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
    etag: true,
    ifMatch: 'optional',
    problems: ['recall-not-found', 'evidence-not-named'],
  })
  async resume(
    @Param() { patchId }: RecallPath,
    @Body() { reason, evidenceSeen }: ResumeBody,
    @RequestContext() context: CommandContext,
    @IfMatch() seen: SeenVersions,
  ): Promise<Versioned<RecallView>> {
    const command = { type: 'ResumeRecall', patchId, reason, evidenceSeen, at: this.clock.nowText() } as const;
    return this.change(command, context, seen);
  }

  private async change(
    command: RecallCommand,
    context: CommandContext,
    seen?: SeenVersions,
  ): Promise<Versioned<RecallView>> {
    await withCurrent(
      () => this.commands.execute(new ChangeRecall(command, context, undefined, seen)),
      () => this.show(command),
    );
    return this.show(command);
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
      ...recallState(recall, this.views.policy),
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
      reExposed: count?.reExposed ?? null,
      begun: gate.n,
      begunFailed: gate.x,
      ...(quantiles ?? { p50Seconds: null, p90Seconds: null, p99Seconds: null }),
    };
  }
}
