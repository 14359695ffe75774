import {
  cellKey,
  type HealthBucketClosed,
  type HealthCell,
  type HolderCount,
  type Population,
  populationKey,
} from '@sluice/domain-cohorts';
import { toTimeText } from '@sluice/event-sourcing';
import { type FleetShard, TRIAL_MS } from './fleet-shard.ts';
import { type PendingCell, type TrialCell, type TrialDeadlines } from './install-trials.ts';
import { type PatchTally } from './patch-counts.ts';

/** What the buckets of a shard have told so far. Holders and populations are absolute, so only changes are told again. */
export interface AnnouncedHealth {
  /** How many buckets there were. */
  readonly buckets: number;
  readonly throughRevision: number;
  /** ms since 1970; −∞ before the first bucket. */
  readonly to: number;
  readonly holders: ReadonlyMap<string, HolderCount>;
  readonly populations: ReadonlyMap<string, Population>;
  /** Cells with failures that wait, as they were last announced. */
  readonly pending: ReadonlyMap<string, HealthCell>;
}

export const nothingAnnounced: AnnouncedHealth = {
  buckets: 0,
  throughRevision: -1,
  to: -Infinity,
  holders: new Map(),
  populations: new Map(),
  pending: new Map(),
};

export interface BucketClosing {
  readonly shard: number;
  readonly shards: number;
  readonly from: number;
  readonly to: number;
  readonly throughRevision: number;
  /** An outcome without a start counts as a trial this long after its receipt. */
  readonly reportingDeadlineMs: number;
  /** A holder that was not heard of for so long is offline. */
  readonly longOfflineMs: number;
}

/** The state after a bucket was told. */
export function announce(announced: AnnouncedHealth, bucket: HealthBucketClosed): AnnouncedHealth {
  const holders = new Map(announced.holders);
  for (const line of bucket.holders) holders.set(line.patchId, line);
  const populations = new Map(announced.populations);
  for (const line of bucket.populations) {
    if (line.devices === 0) populations.delete(populationKey(line));
    else populations.set(populationKey(line), line);
  }
  const pending = new Map(announced.pending);
  for (const cell of bucket.cells) {
    if (cell.pending === undefined) continue;
    if (cell.pending === 0) pending.delete(cellKey(cell));
    else pending.set(cellKey(cell), cell);
  }
  return {
    buckets: announced.buckets + 1,
    throughRevision: bucket.throughRevision,
    to: Date.parse(bucket.to),
    holders,
    populations,
    pending,
  };
}

/**
 * Closes the open bucket of a shard: takes what was counted since the last one, and lists the absolute counts that are
 * no longer what was told. Undefined when nothing changed. The counts are taken: the event must be appended, or the shard be folded anew.
 */
export function closeBucket(
  state: FleetShard,
  announced: AnnouncedHealth,
  closing: BucketClosing,
): HealthBucketClosed | undefined {
  const { trials, pending, tallies } = state.drainHealth(deadlinesAt(closing.to, closing.reportingDeadlineMs));
  const cells = cellsOf(state, { trials, pending, announced: announced.pending });
  const holders = holderLines(state, announced, tallies, closing);
  const populations = populationLines(state, announced);
  if (cells.length === 0 && holders.length === 0 && populations.length === 0) return undefined;
  return {
    type: 'HealthBucketClosed',
    shard: closing.shard,
    shards: closing.shards,
    from: toTimeText(closing.from),
    to: toTimeText(closing.to),
    throughRevision: closing.throughRevision,
    cells,
    holders,
    populations,
  };
}

/** A device that cannot get the package has so long; then its trial has failed (design §2). */
const STUCK_MS = 24 * 3_600_000;

/** What a bucket that ends then counts of what waits. */
export function deadlinesAt(toMs: number, reportingDeadlineMs: number): TrialDeadlines {
  return { receivedUntil: toMs - reportingDeadlineMs, stuckUntil: toMs - STUCK_MS };
}

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };

interface TrialCounts {
  readonly trials: readonly TrialCell[];
  readonly pending: readonly PendingCell[];
  readonly announced: ReadonlyMap<string, HealthCell>;
}

function cellsOf(state: FleetShard, { trials, pending, announced }: TrialCounts): HealthCell[] {
  const cells = new Map<string, Mutable<HealthCell>>();
  const cellOf = (patch: number, profileIndex: number) => {
    const profile = state.profiles.at(profileIndex);
    if (profile === undefined) return undefined;
    const { platform, model } = profile;
    const slice = { patchId: state.patches.idOf(patch), platform, model, base: state.baseOf(profile) };
    const cell = cells.get(cellKey(slice)) ?? { ...slice, trials: 0, failures: 0, fine: 0 };
    cells.set(cellKey(slice), cell);
    return cell;
  };
  for (const { patch, profile, trials: entered, failures, fine, unreached } of trials) {
    const cell = cellOf(patch, profile);
    if (cell === undefined) continue;
    cell.trials += entered;
    cell.failures += failures;
    cell.fine = (cell.fine ?? 0) + fine;
    if (unreached > 0) cell.unreached = (cell.unreached ?? 0) + unreached;
  }
  for (const { patch, profile, failures } of pending) {
    const cell = cellOf(patch, profile);
    if (cell !== undefined) cell.pending = (cell.pending ?? 0) + failures;
  }
  return withChangedPending(cells, announced);
}

/** The cells, each with its pending failures where they are not as announced; those whose last ones are gone come with 0. */
function withChangedPending(
  cells: ReadonlyMap<string, HealthCell>,
  announced: ReadonlyMap<string, HealthCell>,
): HealthCell[] {
  const gone = [...announced].filter(([key]) => !cells.has(key));
  const zeros = gone.map(([, { patchId, platform, model, base }]) => {
    const slice = { patchId, platform, model, base };
    return { ...slice, trials: 0, failures: 0, fine: 0, pending: 0 };
  });
  const changed = [...cells].flatMap(([key, { pending = 0, ...counted }]) => {
    if (pending !== (announced.get(key)?.pending ?? 0)) return [{ ...counted, pending }];
    const { trials, failures, fine = 0, unreached = 0 } = counted;
    const isEmpty = trials + failures + fine + unreached === 0;
    return isEmpty ? [] : [counted];
  });
  return [...changed, ...zeros];
}

function holderLines(
  state: FleetShard,
  announced: AnnouncedHealth,
  tallies: ReadonlyMap<number, PatchTally>,
  { to, longOfflineMs }: BucketClosing,
): HolderCount[] {
  const lines: HolderCount[] = [];
  for (let patch = 0; patch < state.patches.size; patch += 1) {
    const patchId = state.patches.idOf(patch);
    const recall = state.recallCount(patch, { silent: to - longOfflineMs, started: to - TRIAL_MS });
    lines.push({
      patchId,
      recallEpoch: state.notes.pullOf(patchId)?.recallEpoch ?? 0,
      holders: state.patches.shown(patch, 'installed'),
      longOffline: recall?.offline ?? 0,
      removed: tallies.get(patch)?.removed ?? 0,
      removalsFailed: tallies.get(patch)?.removalsFailed ?? 0,
      ...(recall !== undefined && { recall }),
    });
  }
  return lines.filter((line) => isChanged(line, announced.holders.get(line.patchId)));
}

function isChanged(line: HolderCount, before: HolderCount | undefined): boolean {
  return (
    line.removed > 0 ||
    line.removalsFailed > 0 ||
    line.holders !== (before?.holders ?? 0) ||
    line.recallEpoch !== (before?.recallEpoch ?? 0) ||
    // Both were written by this file, or read from what it wrote: the fields are in the same order.
    JSON.stringify(line.recall) !== JSON.stringify(before?.recall)
  );
}

function populationLines(state: FleetShard, announced: AnnouncedHealth): Population[] {
  const present = new Map<string, Population>();
  for (const { profile, devices } of state.profiles.populations()) {
    if (devices === 0) continue;
    const { platform, model, track, ring } = profile;
    const line = { platform, model, base: state.baseOf(profile), track, ...(ring !== undefined && { ring }), devices };
    const key = populationKey(line);
    present.set(key, { ...line, devices: devices + (present.get(key)?.devices ?? 0) });
  }
  const changed = [...present].filter(([key, line]) => line.devices !== announced.populations.get(key)?.devices);
  const gone = [...announced.populations].filter(([key]) => !present.has(key));
  return [...changed.map(([, line]) => line), ...gone.map(([, line]) => ({ ...line, devices: 0 }))];
}
