import {
  type Hold,
  holdDecider,
  type Recall,
  recallDecider,
  type Rollout,
  rolloutDecider,
} from '@sluice/domain-rollout';
import { comparePositions, type Position } from '@sluice/event-sourcing';
import { type FoldStore, type FoldTask } from '@sluice/platform';
import { OWN_STREAMS, type OwnEvent, ownEventsOf } from './publications.ts';

/** Every rollout, hold and recall as the own streams say. */
export class OwnBook {
  readonly rollouts = new Map<string, Rollout>();
  readonly holds = new Map<string, Hold>();
  readonly recalls = new Map<string, Recall>();

  apply(event: OwnEvent): void {
    switch (event.type) {
      case 'HoldPlaced':
      case 'HoldLifted':
      case 'HoldExpired': {
        const hold = this.holds.get(event.holdId) ?? holdDecider.initialState;
        this.holds.set(event.holdId, holdDecider.evolve(hold, event));
        break;
      }
      case 'RecallStarted':
      case 'RecallCompleted':
      case 'RecallReopened': {
        const recall = this.recalls.get(event.patchId) ?? recallDecider.initialState;
        this.recalls.set(event.patchId, recallDecider.evolve(recall, event));
        break;
      }
      default: {
        const rollout = this.rollouts.get(event.rolloutId) ?? rolloutDecider.initialState;
        this.rollouts.set(event.rolloutId, rolloutDecider.evolve(rollout, event));
      }
    }
  }

  /** As plain JSON, to compare one book with another. */
  snapshot() {
    return {
      rollouts: Object.fromEntries(this.rollouts),
      holds: Object.fromEntries(this.holds),
      recalls: Object.fromEntries(this.recalls),
    };
  }
}

/** Input: the position through which to fold. Result: the snapshot of the book. */
export const OWN_BOOK_FOLD = 'orchestrator-book';

/** What the orchestrator does away from the thread that answers requests. */
export const folds: Record<string, FoldTask> = {
  [OWN_BOOK_FOLD]: (store, through) => foldBook(store, through as Position),
};

async function foldBook(store: FoldStore, through: Position) {
  const book = new OwnBook();
  for await (const commit of store.readAll({ prefixes: OWN_STREAMS })) {
    if (comparePositions(commit.position, through) > 0) break;
    for (const event of ownEventsOf(commit)) book.apply(event);
  }
  return book.snapshot();
}
