import { describePolicy, emptyPolicy, foldPolicy, type Recall, recallDecider } from '@sluice/domain-rollout';
import { comparePositions, type Position } from '@sluice/event-sourcing';
import { type FoldStore, type FoldTask } from '@sluice/platform';
import { OWN_STREAMS, type OwnEvent, ownEventsOf } from './publications.ts';

/**
 * What the own streams say: every rollout and hold, in the policy that devices are answered by, and every recall.
 * Pure memory: the live read model and a replay share it.
 */
export class OwnBook {
  readonly policy = emptyPolicy();
  readonly recalls = new Map<string, Recall>();

  apply(event: OwnEvent): void {
    switch (event.type) {
      case 'RecallStarted':
      case 'RecallCompleted':
      case 'RecallReopened': {
        const recall = this.recalls.get(event.patchId) ?? recallDecider.initialState;
        this.recalls.set(event.patchId, recallDecider.evolve(recall, event));
        break;
      }
      default:
        foldPolicy(this.policy, event);
    }
  }

  /** As plain JSON, to compare one book with another; without what the catalog has added to the policy. */
  snapshot() {
    return { ...describePolicy(this.policy), recalls: Object.fromEntries(this.recalls) };
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
