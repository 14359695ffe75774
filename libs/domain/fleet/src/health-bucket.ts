import {
  AWAKE_HOURS,
  type BucketOf,
  columnsOf,
  type CountRow,
  type HarmRow,
  type HealthBucketClosed,
  type HealthRows,
  type HolderCount,
  type InstallRow,
  nothingCounted,
  patchSliceKey,
  type Population,
  populationKey,
  MINUTE_MS,
  removalCounts,
  type RemovalRow,
  rowsOf,
  type Slice,
  trialCounts,
} from '@sluice/domain-cohorts';
import { toTimeText } from '@sluice/event-sourcing';
import { type FleetShard, TRIAL_MS } from './fleet-shard.ts';
import { wavesOf } from './harm-counts.ts';
import { type ProfileCount, type TrialDeadlines } from './install-trials.ts';
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
  /** Failures that wait, as they were last announced. */
  readonly pending: ReadonlyMap<string, CountRow>;
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
  readonly bucketOf: BucketOf;
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
  for (const row of rowsOf(bucket).pending) {
    if (row.count === 0) pending.delete(patchSliceKey(row));
    else pending.set(patchSliceKey(row), row);
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
  const drained = state.drainHealth(deadlinesAt(closing.to, closing.reportingDeadlineMs));
  const rows = { ...rowsIn(state, drained, announced.pending), harm: harmRows(state, drained.harms, closing.bucketOf) };
  const holders = holderLines(state, announced, drained.tallies, closing);
  const populations = populationLines(state, announced, closing.to);
  const counted =
    rows.installs.length + rows.pending.length + rows.unreached.length + rows.harm.length + rows.removals.length;
  if (counted === 0 && holders.length === 0 && populations.length === 0) return undefined;
  return {
    type: 'HealthBucketClosed',
    shard: closing.shard,
    shards: closing.shards,
    from: toTimeText(closing.from),
    to: toTimeText(closing.to),
    throughRevision: closing.throughRevision,
    part: 1,
    parts: 1,
    reportingDeadlineMinutes: closing.reportingDeadlineMs / MINUTE_MS,
    ...columnsOf(rows),
    holders,
    populations,
  };
}

/** A device that cannot get the package has so long; then its trial has failed (design §2). */
const STUCK_MS = 24 * 3_600_000;

/** What a bucket that ends then counts of what waits. */
export function deadlinesAt(toMs: number, reportingDeadlineMs: number): TrialDeadlines {
  return { to: toMs, receivedUntil: toMs - reportingDeadlineMs, stuckUntil: toMs - STUCK_MS };
}

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };
type Drained = ReturnType<FleetShard['drainHealth']>;

/** What was counted by profile, by slice. */
function rowsIn(
  state: FleetShard,
  { trials, removals, pending, unreached }: Drained,
  announced: ReadonlyMap<string, CountRow>,
): Omit<HealthRows, 'harm'> {
  const installs = new Map<string, Mutable<Required<InstallRow>>>();
  const placeOf = (patch: number, profileIndex: number) => {
    const profile = state.profiles.at(profileIndex);
    if (profile === undefined) return undefined;
    const { platform, model } = profile;
    const slice: Slice = { platform, model, base: state.baseOf(profile) };
    return { patchId: state.patches.idOf(patch), slice };
  };
  for (const { patch, profile, cohort, band, ...counts } of trials) {
    const place = placeOf(patch, profile);
    if (place === undefined) continue;
    const key = `${patchSliceKey(place)} ${String(cohort)} ${String(band)}`;
    const row = installs.get(key) ?? { ...place, cohort, band, manual: 0, ...nothingCounted };
    installs.set(key, row);
    for (const each of trialCounts) row[each] += counts[each];
    if (state.profiles.at(profile)?.track === 'manual') row.manual += counts.started;
  }
  const counted = (cells: readonly ProfileCount[]) => {
    const rows = new Map<string, Mutable<CountRow>>();
    for (const { patch, profile, count } of cells) {
      const place = placeOf(patch, profile);
      if (place === undefined) continue;
      const row = rows.get(patchSliceKey(place)) ?? { ...place, count: 0 };
      rows.set(patchSliceKey(place), row);
      row.count += count;
    }
    return rows;
  };
  return {
    installs: [...installs.values()].map(withoutDebt).filter((row) => trialCounts.some((each) => row[each] > 0)),
    pending: changed(counted(pending), announced),
    unreached: [...counted(unreached).values()],
    removals: removalRows(removals, placeOf),
  };
}

function removalRows(
  removals: Drained['removals'],
  placeOf: (patch: number, profile: number) => { readonly patchId: string; readonly slice: Slice } | undefined,
): RemovalRow[] {
  const rows = new Map<string, Mutable<RemovalRow>>();
  for (const { patch, profile, cohort, ...counts } of removals) {
    const place = placeOf(patch, profile);
    if (place === undefined) continue;
    const key = `${patchSliceKey(place)} ${String(cohort)}`;
    const row = rows.get(key) ?? { ...place, cohort, started: 0, failed: 0, fine: 0, missing: 0 };
    rows.set(key, row);
    for (const each of removalCounts) row[each] += each === 'missing' ? counts.open : counts[each];
  }
  return [...rows.values()]
    .map((row) => ({ ...row, missing: Math.max(0, row.missing) }))
    .filter((row) => removalCounts.some((each) => row[each] > 0));
}

/** Where each harmed device lies among the buckets of the rollout, and when it was harmed. */
function harmRows(state: FleetShard, harms: Drained['harms'], bucketOf: BucketOf): HarmRow[] {
  return harms.flatMap(({ rolloutId, device, profile, signal, when, received }) => {
    const [rollout, looks] = [state.notes.rolloutOf(rolloutId), state.profiles.at(profile)];
    if (rollout === undefined || looks === undefined) return [];
    const slice: Slice = { platform: looks.platform, model: looks.model, base: state.baseOf(looks) };
    const sinceStart = (ms: number) => Math.max(0, Math.floor((ms - Date.parse(rollout.startedAt)) / MINUTE_MS));
    const place = Math.floor(bucketOf(rollout.salt, state.devices.idOf(device)) * MILLION);
    const [minute, receivedMinute] = [sinceStart(when), sinceStart(received)];
    return [
      { rolloutId, slice, signal, waves: wavesOf(rollout, looks, slice.base), place, minute, received: receivedMinute },
    ];
  });
}

const MILLION = 1_000_000;

/** A device that tells another model midway is counted in two slices, in one of them less than not at all. */
function withoutDebt(row: InstallRow): InstallRow {
  const due = Math.max(0, row.due);
  return { ...row, due, open: Math.min(due, Math.max(0, row.open)) };
}

/** The rows that are not as announced; those whose last failure no longer waits come with 0. */
function changed(rows: ReadonlyMap<string, CountRow>, announced: ReadonlyMap<string, CountRow>): CountRow[] {
  const others = [...rows].filter(([key, { count }]) => count !== announced.get(key)?.count);
  const gone = [...announced].filter(([key]) => !rows.has(key));
  return [...others.map(([, row]) => row), ...gone.map(([, row]) => ({ ...row, count: 0 }))];
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

/** A count of awake devices is told again when it has changed by more than this part of the devices. */
const AWAKE_STEP = 1 / 50;

function populationLines(state: FleetShard, announced: AnnouncedHealth, toMs: number): Population[] {
  const present = new Map<string, Mutable<Population> & { awake: number }>();
  const awakeBy = state.awakeByProfile(toMs - AWAKE_HOURS * 3_600_000);
  state.profiles.populations().forEach(({ profile, devices }, index) => {
    if (devices === 0) return;
    const { platform, model, track, ring } = profile;
    const alike = { platform, model, base: state.baseOf(profile), track, ...(ring !== undefined && { ring }) };
    const line = present.get(populationKey({ ...alike, devices })) ?? { ...alike, devices: 0, awake: 0 };
    present.set(populationKey(line), line);
    line.devices += devices;
    line.awake += awakeBy[index] ?? 0;
  });
  const changed = [...present].filter(([key, line]) => hasChanged(line, announced.populations.get(key)));
  const gone = [...announced.populations].filter(([key]) => !present.has(key));
  return [...changed.map(([, line]) => line), ...gone.map(([, line]) => ({ ...line, devices: 0, awake: 0 }))];
}

function hasChanged({ devices, awake }: Population & { awake: number }, before: Population | undefined): boolean {
  if (before?.devices !== devices || before.awake === undefined) return true;
  return awake !== before.awake && (awake === 0 || Math.abs(awake - before.awake) > devices * AWAKE_STEP);
}
