import { type HealthBucketClosed, type HolderCount, sum } from '@sluice/domain-cohorts';
import { type RecallEvent } from './recall.ts';

/** How the recalls burn down, per patch, as the shards of the fleet count it. */
export interface RecallLedger {
  /** How many shards there are; undefined until the first bucket says so. */
  shards: number | undefined;
  readonly patches: Map<string, PatchRecall>;
}

interface PatchRecall {
  recallEpoch: number;
  startedAt: string | undefined;
  /** The last count of each shard at this epoch. */
  readonly byShard: Map<number, Pick<HolderCount, 'holders' | 'longOffline'>>;
  /** Removals and the end of the bucket in which they fell, in the order in which they were heard of. */
  readonly removals: { readonly toMs: number; readonly removed: number }[];
  removalsFailed: number;
}

export interface RecallProgress {
  readonly recallEpoch: number;
  readonly holders: number;
  readonly removed: number;
  readonly longOffline: number;
  readonly removalsFailed: number;
  /** False while a shard has not counted at this epoch: the numbers are lower bounds then. */
  readonly complete: boolean;
  /** Seconds from the start of the recall to the removal from so many percent of the devices freed so far. */
  readonly p50Seconds?: number;
  readonly p90Seconds?: number;
  readonly p99Seconds?: number;
}

export function emptyRecallLedger(): RecallLedger {
  return { shards: undefined, patches: new Map() };
}

/** Takes the event into the ledger, in place. Counts of an older epoch are dropped: they say nothing of this recall. */
export function foldRecallLedger(ledger: RecallLedger, event: RecallEvent | HealthBucketClosed): RecallLedger {
  if (event.type === 'RecallStarted') {
    const recall = recallOf(ledger, event.patchId, event.recallEpoch);
    if (recall !== undefined) recall.startedAt = event.at;
  } else if (event.type === 'HealthBucketClosed') {
    ledger.shards = event.shards;
    const toMs = Date.parse(event.to);
    for (const count of event.holders) if (count.recallEpoch > 0) addCount(ledger, event.shard, count, toMs);
  }
  return ledger;
}

/** How far the recall of the patch has come; undefined when nothing was heard of one. */
export function recallProgress({ shards, patches }: RecallLedger, patchId: string): RecallProgress | undefined {
  const recall = patches.get(patchId);
  if (recall === undefined) return undefined;
  const counts = [...recall.byShard.values()];
  return {
    recallEpoch: recall.recallEpoch,
    holders: sum(counts.map(({ holders }) => holders)),
    removed: sum(recall.removals.map(({ removed }) => removed)),
    longOffline: sum(counts.map(({ longOffline }) => longOffline)),
    removalsFailed: recall.removalsFailed,
    complete: shards !== undefined && counts.length >= shards,
    ...quantiles(recall),
  };
}

function recallOf({ patches }: RecallLedger, patchId: string, recallEpoch: number): PatchRecall | undefined {
  const present = patches.get(patchId);
  if (present !== undefined && present.recallEpoch > recallEpoch) return undefined;
  if (present?.recallEpoch === recallEpoch) return present;
  const next = { recallEpoch, startedAt: undefined, byShard: new Map(), removals: [], removalsFailed: 0 };
  patches.set(patchId, next);
  return next;
}

function addCount(ledger: RecallLedger, shard: number, count: HolderCount, toMs: number): void {
  const recall = recallOf(ledger, count.patchId, count.recallEpoch);
  if (recall === undefined) return;
  const { holders, longOffline, removed, removalsFailed } = count;
  recall.byShard.set(shard, { holders, longOffline });
  recall.removalsFailed += removalsFailed;
  if (removed > 0) recall.removals.push({ toMs, removed });
}

function quantiles({
  startedAt,
  removals,
}: PatchRecall): Pick<RecallProgress, 'p50Seconds' | 'p90Seconds' | 'p99Seconds'> {
  if (startedAt === undefined || removals.length === 0) return {};
  const startedAtMs = Date.parse(startedAt);
  const sorted = removals.toSorted((left, right) => left.toMs - right.toMs);
  const total = sum(sorted.map(({ removed }) => removed));
  const secondsAt = (share: number) => {
    let seen = 0;
    const reached = sorted.find(({ removed }) => (seen += removed) >= share * total);
    return Math.max(0, Math.round(((reached?.toMs ?? startedAtMs) - startedAtMs) / 1000));
  };
  return { p50Seconds: secondsAt(0.5), p90Seconds: secondsAt(0.9), p99Seconds: secondsAt(0.99) };
}
