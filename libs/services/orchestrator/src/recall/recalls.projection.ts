import { type HealthEvent } from '@sluice/contracts/events';
import { type RecallCount } from '@sluice/domain-cohorts';
import {
  emptyRecallLedger,
  foldRecallLedger,
  freedOf,
  holdersOf,
  type Recall,
  recallDecider,
  type RecallEvent,
  type RecallProgress,
  recallCount,
  recallProgress,
  Series,
} from '@sluice/domain-rollout';

/** Points that are kept of each recall, and events. */
const POINTS_KEPT = 400;
const EVENTS_KEPT = 500;

/** The devices of a recall at an instant. */
export type CountPoint = Pick<RecallCount, 'replaced' | 'retired' | 'failing' | 'offline'> & {
  readonly remaining: number;
  readonly freed: number;
};

export type KnownRecall = Exclude<Recall, { status: 'absent' | 'recorded' }>;

/** Recalls, and how they burn down. */
export class RecallsView {
  readonly states = new Map<string, Recall>();
  private readonly removals = emptyRecallLedger();
  /** Recalls under way, and those whose patch was counted since they were visited: one may have to be reopened. */
  private readonly toVisit = new Set<string>();
  /** Once all shards have counted: how many devices remain, and what became of the others. */
  private readonly counts = new Map<string, Series>();
  private readonly events = new Map<string, readonly RecallEvent[]>();

  applyOwn(event: RecallEvent): void {
    foldRecallLedger(this.removals, event);
    this.states.set(event.patchId, recallDecider.evolve(this.recall(event.patchId), event));
    this.toVisit.add(event.patchId);
    this.events.set(event.patchId, [...this.eventsOf(event.patchId), event].slice(-EVENTS_KEPT));
  }

  applyHealth(event: HealthEvent): void {
    foldRecallLedger(this.removals, event);
    for (const { patchId, recall } of event.holders) {
      if (this.states.has(patchId)) this.toVisit.add(patchId);
      if (recall !== undefined) this.noteCount(patchId, Date.parse(event.to));
    }
  }

  /** How it had burnt down by an instant; undefined before all of the fleet had counted. */
  countAt(patchId: string, atMs: number): CountPoint | undefined {
    const values = this.counts.get(patchId)?.valuesAt(atMs);
    if (values === undefined) return undefined;
    const [remaining = 0, freed = 0, replaced = 0, retired = 0, failing = 0, offline = 0] = values;
    return { remaining, freed, replaced, retired, failing, offline };
  }

  /** What happened to the recall of a patch, in order. */
  eventsOf(patchId: string): readonly RecallEvent[] {
    return this.events.get(patchId) ?? [];
  }

  private noteCount(patchId: string, atMs: number): void {
    const count = recallCount(this.removals, patchId);
    if (count === null) return;
    const series = this.counts.get(patchId) ?? new Series(6, POINTS_KEPT);
    this.counts.set(patchId, series);
    const { replaced, retired, failing, offline } = count;
    series.add(atMs, [holdersOf(count), freedOf(count), replaced, retired, failing, offline]);
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
