import { type HealthEvent } from '@sluice/contracts';
import {
  assessRollout,
  awakeFirstExposed,
  type Census,
  emptyCensus,
  emptyGateLedger,
  foldCensus,
  foldGateLedger,
  type GoingOn,
  goingOn,
  outageFor,
  outcomesOf,
  type PublishedPatch,
  type RolloutEvent,
  type StartedRollout,
} from '@sluice/domain-rollout';
import { type FeedEvent } from '@sluice/event-feed';

/** What the gates look at: trials and outcomes since each start, and how many devices of each kind are known. */
export class GatesView {
  private readonly ledger = emptyGateLedger();
  private readonly populations = emptyCensus();
  private readonly revisions = new Map<number, number>();
  /** The last bucket: the cause of what follows from it. */
  lastBucket: FeedEvent | undefined;

  applyOwn(event: RolloutEvent): void {
    foldGateLedger(this.ledger, event);
  }

  applyHealth(event: FeedEvent): void {
    const data = event.data as HealthEvent;
    foldGateLedger(this.ledger, data);
    foldCensus(this.populations, data);
    this.revisions.set(data.shard, event.place.revision);
    this.lastBucket = event;
  }

  /** The revision of `health-<shard>` through which it shows here; -1 for a shard without a bucket. */
  appliedRevision(shard: number): number {
    return this.revisions.get(shard) ?? -1;
  }

  /** Whether the open wave may go on, on the counts that are there now. */
  goingOn(rollout: StartedRollout, published: PublishedPatch, nowMs: number): GoingOn {
    return goingOn({
      rollout,
      assessment: assessRollout(this.ledger, rollout),
      withPending: assessRollout(this.ledger, rollout, { withPending: true }),
      outcomes: outcomesOf(this.ledger, rollout),
      awake: awakeFirstExposed(rollout, published, { census: this.populations, nowMs }),
    });
  }

  /** What the gate has found against the rollout; undefined when nothing. */
  harmOf(rollout: StartedRollout) {
    const assessment = assessRollout(this.ledger, rollout);
    return assessment.harmful ? assessment.evidence : undefined;
  }

  /** How many of the last tries got no package, when that are too many; undefined when they are not. */
  outageOf(patchId: string) {
    return outageFor(this.ledger, patchId);
  }

  census(): Census {
    return this.populations;
  }
}
