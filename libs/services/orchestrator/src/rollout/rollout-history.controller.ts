import {
  EvidenceQuery,
  listedMarks,
  Operation,
  PointsQuery,
  RolloutEvidence,
  RolloutPath,
  type RolloutPoint,
  RolloutTimelineView,
  type TimelineMark,
} from '@sluice/api';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type RolloutTimeline } from '@sluice/domain-rollout';
import { Clock, toTimeText } from '@sluice/event-sourcing';
import { Folds, ProblemError, Roles } from '@sluice/platform';
import { Knowledge } from '../knowledge/knowledge.ts';
import { TIMELINE_FOLD, type TimelineInput } from '../own-streams.fold.ts';
import { type KnownHold, type KnownRollout } from '../policy/policy.projection.ts';
import { Views } from '../views.ts';
import { viewEvidence } from './rollout-evidence.ts';

/** What the gates find, and what became of a rollout over time. */
@ApiTags('rollouts')
@Controller('v1/rollouts')
export class RolloutHistoryController {
  constructor(
    private readonly views: Views,
    private readonly knowledge: Knowledge,
    private readonly folds: Folds,
    private readonly clock: Clock,
  ) {}

  @Get(':id/evidence')
  @Roles('viewer', 'operator', 'responder')
  @Operation({
    id: 'showRolloutEvidence',
    summary: 'Every test of a rollout as it is now, the strongest first, and what could have been seen',
    answers: { 200: RolloutEvidence },
    problems: ['rollout-not-found', 'rollout-not-running', 'rollout-over', 'unknown-cursor'],
  })
  evidence(@Param() { id }: RolloutPath, @Query() query: EvidenceQuery): RolloutEvidence {
    const rollout = this.known(id);
    if (rollout.status === 'planned') throw new ProblemError('rollout-not-running', id);
    if (rollout.status === 'aborted') throw new ProblemError('rollout-over', id);
    return viewEvidence(rollout, this.knowledge, query);
  }

  @Get(':id/timeline')
  @Roles('viewer', 'operator', 'responder')
  @Operation({
    id: 'showRolloutTimeline',
    summary: 'Exposure planned and granted, outcomes and evidence over time, and what happened',
    description: 'Evidence is known where this process has judged, or something was decided on it; else it is null.',
    answers: { 200: RolloutTimelineView },
    problems: ['rollout-not-found', 'overloaded'],
  })
  async timeline(@Param() { id }: RolloutPath, @Query() { points }: PointsQuery): Promise<RolloutTimelineView> {
    const { plan } = this.known(id);
    const input: TimelineInput = { rolloutId: id, nowMs: this.clock.now(), points };
    const folded = (await this.folds.run(TIMELINE_FOLD, input)) as RolloutTimeline;
    const marks = [...folded.marks, ...this.marksOfPatch(plan.patchId, folded)];
    marks.sort((left, right) => Date.parse(left.at) - Date.parse(right.at));
    return {
      ...{ rolloutId: id, patchId: plan.patchId, points: this.pointsOf(id, plan.patchId, folded) },
      ...{ marks: listedMarks(marks), marksTotal: marks.length },
    };
  }

  private pointsOf(rolloutId: string, patchId: string, { startedAtMs = 0, points, evidence }: RolloutTimeline) {
    const { history } = this.views.gates;
    return points.map(({ atMs, plannedPercent, grantedPercent }, index): RolloutPoint => {
      const afterMs = points[index - 1]?.atMs ?? -Infinity;
      const decided = evidence.filter((each) => each.atMs > afterMs && each.atMs <= atMs).map(({ logSum }) => logSum);
      const seen = [...decided, ...history.evidenceWithin(rolloutId, afterMs, atMs)];
      const [started, fine, failed] = this.knowledge.healthIsRead
        ? history.outcomesBetween(patchId, startedAtMs, atMs)
        : [null, null, null];
      return {
        ...{ at: toTimeText(atMs), plannedPercent, grantedPercent, started, fine, failed },
        logSum: seen.length === 0 ? null : Math.max(...seen),
      };
    });
  }

  /** Holds on the patch, and its pulls, while the rollout was there. */
  private marksOfPatch(
    patchId: string,
    { startedAtMs = Infinity, endedAtMs = Infinity, endedBy }: RolloutTimeline,
  ): TimelineMark[] {
    const { policy } = this.views;
    const ofHolds = policy.holds().flatMap((hold) => (hold.patchId === patchId ? marksOfHold(hold) : []));
    // By its receipt the pull that ended the rollout is known, whatever the clock of the catalog says.
    const pulls = policy
      .pullsOf(patchId)
      .filter(({ at, receipt }) => Date.parse(at) <= endedAtMs || (receipt !== undefined && receipt === endedBy));
    return [
      ...ofHolds.filter(({ at }) => Date.parse(at) >= startedAtMs && Date.parse(at) <= endedAtMs),
      ...pulls.map(({ at, mode, reason }) => ({ at, what: 'PatchPulled', words: `${mode}: ${reason}` })),
    ];
  }

  private known(rolloutId: string): KnownRollout {
    const rollout = this.views.policy.rollout(rolloutId);
    if (rollout.status === 'absent') throw new ProblemError('rollout-not-found', rolloutId);
    return rollout;
  }
}

function marksOfHold(hold: KnownHold): TimelineMark[] {
  const { holdId, reason, placedAt, expiresAt } = hold;
  const placed = { at: placedAt, what: 'HoldPlaced', words: `${holdId}: ${reason}` };
  if (hold.status === 'lifted')
    return [placed, { at: hold.liftedAt, what: 'HoldLifted', words: `${holdId}: ${hold.liftedBecause}` }];
  if (hold.status === 'expired' && expiresAt !== undefined)
    return [placed, { at: expiresAt, what: 'HoldExpired', words: `${holdId}: ${reason}` }];
  return [placed];
}
