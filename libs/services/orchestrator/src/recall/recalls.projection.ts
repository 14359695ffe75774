import { type HealthEvent } from '@sluice/contracts/events';
import {
  emptyRecallLedger,
  foldRecallLedger,
  holdersOf,
  type Recall,
  recallDecider,
  type RecallEvent,
  type RecallProgress,
  recallProgress,
} from '@sluice/domain-rollout';

export type KnownRecall = Exclude<Recall, { status: 'absent' | 'recorded' }>;

/** Recalls, and how they burn down. */
export class RecallsView {
  readonly states = new Map<string, Recall>();
  private readonly removals = emptyRecallLedger();
  /** Recalls under way, and those whose patch was counted since they were visited: one may have to be reopened. */
  private readonly toVisit = new Set<string>();

  applyOwn(event: RecallEvent): void {
    foldRecallLedger(this.removals, event);
    this.states.set(event.patchId, recallDecider.evolve(this.recall(event.patchId), event));
    this.toVisit.add(event.patchId);
  }

  applyHealth(event: HealthEvent): void {
    foldRecallLedger(this.removals, event);
    for (const { patchId } of event.holders) if (this.states.has(patchId)) this.toVisit.add(patchId);
  }

  recall(patchId: string): Recall {
    return this.states.get(patchId) ?? recallDecider.initialState;
  }

  recalls(): KnownRecall[] {
    return [...this.states.values()].filter(isKnownRecall);
  }

  /** What a pass has to visit. A recall that waits for devices changes with their counts, or with time. Completed recalls are handed out once for each time that their patch was counted. */
  recallsToVisit(): KnownRecall[] {
    const visited = [...this.toVisit].map((patchId) => this.recall(patchId)).filter(isKnownRecall);
    for (const recall of visited) if (this.isSettled(recall)) this.toVisit.delete(recall.patchId);
    return visited;
  }

  progressOf(patchId: string): RecallProgress | undefined {
    return recallProgress(this.removals, patchId);
  }

  private isSettled({ patchId, status }: KnownRecall): boolean {
    const count = this.progressOf(patchId)?.count;
    return status === 'completed' && count !== undefined && count !== null && holdersOf(count) === 0;
  }
}

/** Whether the patch was recalled, and not only pulled. */
export function isKnownRecall(recall: Recall): recall is KnownRecall {
  return recall.status !== 'absent' && recall.status !== 'recorded';
}
