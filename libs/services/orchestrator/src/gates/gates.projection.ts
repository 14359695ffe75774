import { type HealthEvent } from '@sluice/contracts';
import {
  type Assessment,
  assessRollout,
  type Census,
  emptyCensus,
  emptyGateLedger,
  foldCensus,
  foldGateLedger,
  type RolloutEvent,
  type StartedRollout,
} from '@sluice/domain-rollout';
import { type FeedEvent } from '@sluice/event-feed';

/** What the gates look at: trials and failures since each start, and how many devices of each kind are known. */
export class GatesView {
  private readonly ledger = emptyGateLedger();
  private readonly populations = emptyCensus();
  /** The last bucket: the cause of what follows from it. */
  lastBucket: FeedEvent | undefined;

  applyOwn(event: RolloutEvent): void {
    foldGateLedger(this.ledger, event);
  }

  applyHealth(event: FeedEvent): void {
    const data = event.data as HealthEvent;
    foldGateLedger(this.ledger, data);
    foldCensus(this.populations, data);
    this.lastBucket = event;
  }

  assess(rollout: StartedRollout): Assessment {
    return assessRollout(this.ledger, rollout);
  }

  census(): Census {
    return this.populations;
  }
}
