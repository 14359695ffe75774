import {
  freedCauses,
  type HealthBucketClosed,
  type HolderCount,
  HOUR_MS,
  type RecallCount,
  sum,
} from '@sluice/domain-cohorts';
import { freedOf, type RecallEvent } from './recall.ts';

/** How the recalls burn down, per patch, as the shards of the fleet count it. */
export interface RecallLedger {
  /** How many shards there are; undefined until the first bucket says so. */
  shards: number | undefined;
  readonly patches: Map<string, PatchRecall>;
}

interface PatchRecall {
  recallEpoch: number;
  /** Of the first epoch. */
  startedAtMs: number | undefined;
  /** The last count of each shard at this epoch. */
  readonly byShard: Map<number, RecallCount>;
  /** How many devices were free of the patch at the end of each bucket that changed it, over all shards. */
  readonly burnDown: { readonly toMs: number; gone: number }[];
}

/** Seconds from the start of the recall until so many percent of its devices were free of the patch; null until then. */
export interface RecallQuantiles {
  readonly p50Seconds: number | null;
  readonly p90Seconds: number | null;
  readonly p99Seconds: number | null;
}

export interface RecallProgress {
  readonly recallEpoch: number;
  /** Over all shards; null while one of them has not counted at this epoch. */
  readonly count: RecallCount | null;
  readonly quantiles: RecallQuantiles;
  /** When the number of devices that are free of the patch changed last (ms since 1970); undefined while it has not. */
  readonly burntDownAtMs: number | undefined;
}

export function emptyRecallLedger(): RecallLedger {
  return { shards: undefined, patches: new Map() };
}

/** Takes the event into the ledger, in place. Counts of an older epoch are dropped: they say nothing of this recall. */
export function foldRecallLedger(ledger: RecallLedger, event: RecallEvent | HealthBucketClosed): RecallLedger {
  if (event.type === 'RecallStarted') {
    const recall = recallOf(ledger, event.patchId, event.recallEpoch);
    if (recall !== undefined) recall.startedAtMs ??= Date.parse(event.at);
  } else if (event.type === 'HealthBucketClosed') {
    ledger.shards = event.shards;
    for (const line of event.holders) addCount(ledger, event.shard, line, Date.parse(event.to));
  }
  return ledger;
}

/** How far the recall of the patch has come; undefined when nothing was heard of one. */
export function recallProgress(ledger: RecallLedger, patchId: string): RecallProgress | undefined {
  const recall = ledger.patches.get(patchId);
  if (recall === undefined) return undefined;
  const count = recallCount(ledger, patchId);
  const burntDownAtMs = recall.burnDown.at(-1)?.toMs;
  return { recallEpoch: recall.recallEpoch, count, quantiles: quantilesOf(recall, count), burntDownAtMs };
}

/** The devices of a recall over all shards; null while one of them has not counted at its epoch, or there is none. */
export function recallCount({ shards, patches }: RecallLedger, patchId: string): RecallCount | null {
  const byShard = patches.get(patchId)?.byShard;
  const isCounted = byShard !== undefined && shards !== undefined && byShard.size >= shards;
  return isCounted ? addUp([...byShard.values()]) : null;
}

/**
 * The share of a recall's devices that its pace allows to be directed by now: `perHourMax` of them for each hour since its
 * pull. Nothing while it is not known how many there are.
 */
export function removalShare(
  { perHourMax, pulledAtMs }: { readonly perHourMax: number; readonly pulledAtMs: number },
  count: RecallCount | null,
  nowMs: number,
): number {
  if (count === null) return 0;
  const allowed = (perHourMax * Math.max(0, nowMs - pulledAtMs)) / HOUR_MS;
  return allowed >= count.set ? 1 : allowed / count.set;
}

function recallOf({ patches }: RecallLedger, patchId: string, recallEpoch: number): PatchRecall | undefined {
  const present = patches.get(patchId);
  if (present === undefined) {
    const first = { recallEpoch, startedAtMs: undefined, byShard: new Map(), burnDown: [] };
    patches.set(patchId, first);
    return first;
  }
  if (present.recallEpoch > recallEpoch) return undefined;
  if (present.recallEpoch < recallEpoch) {
    present.recallEpoch = recallEpoch;
    present.byShard.clear();
  }
  return present;
}

/** A line without a recall count is of a patch that was withdrawn, or was written before recalls were counted as sets. */
function addCount(
  ledger: RecallLedger,
  shard: number,
  { patchId, recallEpoch, recall }: HolderCount,
  toMs: number,
): void {
  if (recall === undefined) return;
  const known = recallOf(ledger, patchId, recallEpoch);
  if (known === undefined) return;
  known.byShard.set(shard, recall);
  const gone = sum([...known.byShard.values()].map(goneOf));
  const last = known.burnDown.at(-1);
  if (last !== undefined && toMs <= last.toMs) last.gone = gone;
  else if (gone !== (last?.gone ?? 0)) known.burnDown.push({ toMs, gone });
}

/** Free of the patch, by going back or by going on. */
function goneOf(count: RecallCount): number {
  return freedOf(count) + count.replaced;
}

/** What one shard has not counted is not known of all. */
function addUp(counts: readonly RecallCount[]): RecallCount {
  const reExposed = counts.flatMap((count) => count.reExposed ?? []);
  const total = (of: (count: RecallCount) => number) => sum(counts.map(of));
  const freed = freedCauses.map((cause) => [cause, total((count) => count.freed[cause])] as const);
  return {
    set: total(({ set }) => set),
    freed: Object.fromEntries(freed) as RecallCount['freed'],
    replaced: total(({ replaced }) => replaced),
    retired: total(({ retired }) => retired),
    failing: total(({ failing }) => failing),
    offline: total(({ offline }) => offline),
    waiting: total(({ waiting }) => waiting),
    inFlight: total(({ inFlight }) => inFlight),
    ...(reExposed.length === counts.length && { reExposed: sum(reExposed) }),
  };
}

function quantilesOf({ startedAtMs, burnDown }: PatchRecall, count: RecallCount | null): RecallQuantiles {
  const secondsAt = (share: number) => {
    if (startedAtMs === undefined || count === null || count.set === 0) return null;
    const needed = share * count.set;
    if ((burnDown.at(-1)?.gone ?? 0) < needed) return null;
    // A device that holds the patch again takes the count back: what counts is since when it stayed reached.
    const lastBelow = burnDown.findLastIndex(({ gone }) => gone < needed);
    const reachedMs = burnDown[lastBelow + 1]?.toMs ?? startedAtMs;
    return Math.max(0, Math.round((reachedMs - startedAtMs) / 1000));
  };
  return { p50Seconds: secondsAt(0.5), p90Seconds: secondsAt(0.9), p99Seconds: secondsAt(0.99) };
}
