import { type CouldHaveSeen } from '@sluice/api';
import { type HealthEvent } from '@sluice/contracts/events';
import { type Slice } from '@sluice/domain-cohorts';
import {
  awakeFirstExposed,
  type Awake,
  type Census,
  devicesIn,
  emptyCensus,
  emptyGateLedger,
  emptyRemovalLedger,
  type EvidenceNow,
  evidenceNow,
  foldCensus,
  foldGateLedger,
  foldRemovalLedger,
  type GoingOn,
  goingOn,
  harmOf,
  judgementOn,
  nextGateHold,
  outageFor,
  outcomesOf,
  plannedPercent,
  removalsCounted,
  removalsVersionOf,
  type RemovalVerdict,
  removalVerdictOn,
  restartDue,
  smallestRateSeen,
  smallestRatioSeen,
  type StartedRollout,
  type GateVerdict,
  verdictOn,
  versionOf,
  type Well,
  wellOf,
} from '@sluice/domain-rollout';
import { type FeedEvent } from '@sluice/event-feed';
import { type Commit } from '@sluice/event-sourcing';
import { ownEventsOf } from '../publications.ts';
import { HistoryView } from './history.projection.ts';

/** What a verdict depends on beside the counts. */
type Judged = Pick<StartedRollout, 'plan'> & { readonly known: StartedRollout['known'] | undefined };

/** Rollouts whose tests are kept until their counts change. */
const EVIDENCE_KEPT = 8;

/** What the gates look at: trials and outcomes since each start, and how many devices of each kind are known. */
export class GatesView {
  private readonly ledger = emptyGateLedger();
  private readonly removals = emptyRemovalLedger();
  private readonly populations = emptyCensus();
  readonly history = new HistoryView();
  private readonly revisions = new Map<number, number>();
  private readonly ownRevisions = new Map<string, number>();
  private readonly verdicts = new Map<
    string,
    { readonly version: number; readonly of: Judged; readonly verdict: GateVerdict }
  >();
  /** What people have asked for last. */
  private readonly evidence = new Map<
    string,
    { readonly version: number; readonly of: Judged; readonly found: EvidenceNow }
  >();
  private readonly removalVerdicts = new Map<string, { readonly version: number; readonly verdict: RemovalVerdict }>();
  /** Whether all buckets so far are in: before, no verdict is one. */
  isRead: () => boolean = () => true;
  /** The last bucket: the cause of what follows from it. */
  lastBucket: FeedEvent | undefined;

  /** A commit of the own streams, also ahead of the buckets of the time around it; heard of twice, it counts once. */
  applyOwn(commit: Commit): void {
    const { stream, revision } = commit;
    if (revision <= (this.ownRevisions.get(stream) ?? -1)) return;
    this.ownRevisions.set(stream, revision);
    for (const event of ownEventsOf(commit)) {
      foldGateLedger(this.ledger, event);
      if ('recallEpoch' in event) foldRemovalLedger(this.removals, event);
    }
  }

  applyHealth(event: FeedEvent): void {
    const data = event.data as HealthEvent;
    foldGateLedger(this.ledger, data);
    foldRemovalLedger(this.removals, data);
    foldCensus(this.populations, data);
    this.history.applyHealth(data);
    this.revisions.set(data.shard, event.place.revision);
    this.lastBucket = event;
  }

  /** The revision of `health-<shard>` through which it shows here; -1 for a shard without a bucket. */
  appliedRevision(shard: number): number {
    return this.revisions.get(shard) ?? -1;
  }

  /** Whether the open wave may go on, on the counts that are there now; undefined while they are not all read. */
  goingOn(rollout: StartedRollout, awake: Awake): GoingOn | undefined {
    const verdict = this.verdictOn(rollout);
    if (verdict === undefined) return undefined;
    const outcomes = outcomesOf(this.ledger, rollout, awake.nowMs);
    return goingOn({
      rollout,
      verdict,
      withPending: outcomes.pending === 0 ? verdict : verdictOn(this.ledger, rollout, { pendingToo: true }),
      outcomes,
      awake: awakeFirstExposed(rollout, awake),
    });
  }

  /** What the gates say of the rollout; undefined while the health is not all read. */
  verdictOn(rollout: StartedRollout): GateVerdict | undefined {
    if (!this.isRead()) return undefined;
    restartDue(this.ledger);
    const { rolloutId, plan, known } = rollout;
    const version = versionOf(this.ledger, plan.patchId);
    const before = this.verdicts.get(rolloutId);
    // Of what has not changed, the verdict is the same.
    if (before?.version === version && before.of.plan === plan && before.of.known === known) return before.verdict;
    const verdict = verdictOn(this.ledger, rollout, { devicesOf: (slice) => devicesIn(this.populations, slice) });
    this.verdicts.set(rolloutId, { version, of: { plan, known }, verdict });
    this.noteVerdict(rolloutId, verdict);
    return verdict;
  }

  private noteVerdict(rolloutId: string, verdict: GateVerdict): void {
    const bucket = this.lastBucket?.data as HealthEvent | undefined;
    if (bucket !== undefined) this.history.applyVerdict(rolloutId, Date.parse(bucket.to), verdict);
  }

  /** Every test of the rollout as it is now; undefined while the health is not all read. */
  evidenceOf(rollout: StartedRollout): EvidenceNow | undefined {
    if (!this.isRead()) return undefined;
    restartDue(this.ledger);
    const { rolloutId, plan, known } = rollout;
    const version = versionOf(this.ledger, plan.patchId);
    const before = this.evidence.get(rolloutId);
    // All pages of one look are of the same counts.
    if (before?.version === version && before.of.plan === plan && before.of.known === known) return before.found;
    const devicesOf = (slice: Slice) => devicesIn(this.populations, slice);
    const found = evidenceNow(judgementOn(this.ledger, rollout, { devicesOf }));
    this.evidence.delete(rolloutId);
    this.evidence.set(rolloutId, { version, of: { plan, known }, found });
    const oldest = this.evidence.keys().next().value;
    if (this.evidence.size > EVIDENCE_KEPT && oldest !== undefined) this.evidence.delete(oldest);
    return found;
  }

  /** Of each slice of the patch, the devices that are fine of installs that began before an instant. */
  wellOf(patchId: string, beforeMs: number): Well[] {
    return wellOf(this.ledger, patchId, beforeMs);
  }

  /** What the gate says of the removals of a recalled patch; undefined while the health is not all read. */
  removalVerdictOn(patchId: string): RemovalVerdict | undefined {
    if (!this.isRead()) return undefined;
    const version = removalsVersionOf(this.removals, patchId);
    const before = this.removalVerdicts.get(patchId);
    if (before?.version === version) return before.verdict;
    const verdict = removalVerdictOn(this.removals, patchId);
    this.removalVerdicts.set(patchId, { version, verdict });
    return verdict;
  }

  /** Devices whose removal is known to have begun, and those of them that failed it or went silent, as the gate counts them. */
  removalsOf(patchId: string) {
    return removalsCounted(this.removals, patchId);
  }

  /**
   * The smallest share of failing installs that the open wave could have shown, with 95 %; null when its installs are too few. And
   * of each kind of incident that devices without the patch had since the start, how many times as often exposed ones would
   * have to have it; null where that is nothing up to 100.
   */
  couldHaveSeen(rollout: StartedRollout, nowMs: number): CouldHaveSeen {
    const { trialsOfWave: trials } = outcomesOf(this.ledger, rollout, Infinity);
    const failureRate = smallestRateSeen(trials, rollout.plan.gates.installFailureRateMax) ?? null;
    const harm = harmOf(this.ledger, rollout)
      .filter(({ control }) => control > 0)
      .map(({ signal, control, expectedShare }) => ({
        signal,
        control,
        ratio: smallestRatioSeen(control, expectedShare) ?? null,
      }));
    return { trials, failureRate, harm, hasControl: plannedPercent(rollout, nowMs) < 100 };
  }

  /** The id of the next hold that a gate places for the rollout. */
  nextHold(rolloutId: string): string {
    return nextGateHold(this.ledger, rolloutId);
  }

  /** How many of the last tries got no package, when that are too many; undefined when they are not. */
  outageOf(patchId: string) {
    return outageFor(this.ledger, patchId);
  }

  census(): Census {
    return this.populations;
  }
}
