import { type HarmColumns, type HarmNumbers, harmNumbers } from './harm.ts';
import { type Population, type Slice, sliceKey } from './slice.ts';

/**
 * The health of one shard in [from, to), times RFC 3339 in UTC, counted over its commits up to `throughRevision`. What is
 * too large for one event is told in several, numbered parts. Rows of columns name patches and slices by their index.
 */
export interface HealthBucketClosed {
  readonly type: 'HealthBucketClosed';
  readonly shard: number;
  readonly shards: number;
  readonly from: string;
  readonly to: string;
  readonly throughRevision: number;
  readonly part: number;
  readonly parts: number;
  /** After so long a failure counts whose start was not reported. */
  readonly reportingDeadlineMinutes: number;
  readonly patches: readonly string[];
  readonly slices: readonly Slice[];
  readonly installs: InstallColumns;
  readonly pending: CountColumns;
  readonly unreached: CountColumns;
  /** Absent where there is none. */
  readonly harm?: HarmColumns;
  /** Absent when none was counted. */
  readonly removals?: RemovalColumns;
  readonly holders: readonly HolderCount[];
  readonly populations: readonly Population[];
}

/** What is counted of the trials of one patch in one slice that began in one hour, at one age, within the bucket. */
export const trialCounts = ['started', 'failed', 'relapsed', 'fine', 'removed', 'due', 'open'] as const;

/**
 * `relapsed`: those of the failed that had been fine. `removed`: by their user. `due`: trials that have reached the age at
 * which an outcome is due, `open` those of them without any.
 */
export type TrialCounts = Record<(typeof trialCounts)[number], number>;

export const nothingCounted: Readonly<TrialCounts> = {
  started: 0,
  failed: 0,
  relapsed: 0,
  fine: 0,
  removed: 0,
  due: 0,
  open: 0,
};

/** The cohort of buckets of version 1: to be shown, and read by no gate. */
export const SETTLED = 0;

/** One row for each patch, slice, cohort (in hours since 1970; SETTLED for all that was counted before there were cohorts) and age band. */
export interface InstallColumns extends Readonly<Record<keyof TrialCounts, readonly number[]>> {
  readonly patch: readonly number[];
  readonly slice: readonly number[];
  readonly cohort: readonly number[];
  readonly band: readonly number[];
  /** Of the started, those of devices on the manual track; absent in buckets from before it was counted. */
  readonly manual?: readonly number[];
}

/**
 * One row for each patch and slice. `pending`: failures at the end of the bucket whose start was not reported and whose
 * deadline still runs; absolute, there when it changed. `unreached`: tries within the bucket that got no package.
 */
export interface CountColumns {
  readonly patch: readonly number[];
  readonly slice: readonly number[];
  readonly count: readonly number[];
}

/** What is counted of the removals of a recalled patch in one slice that began in one hour, within the bucket. */
export const removalCounts = ['started', 'failed', 'fine', 'missing'] as const;

/** `missing`: nothing was heard of it when its outcome was due. It is in `failed` no more, whatever is heard of it later. */
export type RemovalCounts = Record<(typeof removalCounts)[number], number>;

/** One row for each patch, slice and cohort, in hours since 1970. Devices are counted, not reports. */
export interface RemovalColumns extends Readonly<Record<keyof RemovalCounts, readonly number[]>> {
  readonly patch: readonly number[];
  readonly slice: readonly number[];
  readonly cohort: readonly number[];
}

/** A row of `removals`. */
export interface RemovalRow extends Readonly<RemovalCounts> {
  readonly patchId: string;
  readonly slice: Slice;
  readonly cohort: number;
}

/** A row of `installs`. */
export interface InstallRow extends Readonly<TrialCounts> {
  readonly patchId: string;
  readonly slice: Slice;
  readonly cohort: number;
  readonly band: number;
  /** Of the started, those of devices on the manual track. */
  readonly manual?: number;
}

/** A row of `pending` or `unreached`. */
export interface CountRow {
  readonly patchId: string;
  readonly slice: Slice;
  readonly count: number;
}

/** A row of `harm`. */
export interface HarmRow extends HarmNumbers {
  readonly rolloutId: string;
  readonly slice: Slice;
  readonly signal: string;
}

/** The rows of a bucket, however they are laid out. */
export interface HealthRows {
  readonly installs: readonly InstallRow[];
  readonly pending: readonly CountRow[];
  readonly unreached: readonly CountRow[];
  readonly harm: readonly HarmRow[];
  readonly removals: readonly RemovalRow[];
}

/** Known devices of the shard that hold a patch at the end of the bucket, and what happened to it within. */
export interface HolderCount {
  readonly patchId: string;
  /** The recall epoch that the shard had heard of when it counted. */
  readonly recallEpoch: number;
  readonly holders: number;
  /** Of a recalled patch, those that are offline; 0 of another one. */
  readonly longOffline: number;
  readonly removed: number;
  readonly removalsFailed: number;
  /** Present when the patch is recalled. */
  readonly recall?: RecallCount;
}

/** Why a device of a recall holds the patch no more; `unknown`: its build says so, and it said nothing. */
export const freedCauses = ['recall', 'user', 'failure', 'unknown'] as const;
export type FreedCause = (typeof freedCauses)[number];

/**
 * The devices of a recall: those that held the patch when the recall was heard of, and those that held it later. `set` is
 * all of them, each under one of the next six; `inFlight` are devices outside of it that have begun to install the patch.
 */
export interface RecallCount {
  readonly set: number;
  /** The build of the device showed that it went back to the base. */
  readonly freed: Readonly<Record<FreedCause, number>>;
  /** It went on to another build. */
  readonly replaced: number;
  readonly retired: number;
  /** Of those that still hold it: a removal failed; else not heard of for long; else the rest. */
  readonly failing: number;
  readonly offline: number;
  readonly waiting: number;
  readonly inFlight: number;
  /** Of the freed, those that were seen on nothing but the base since; absent in counts from before it was kept. */
  readonly reExposed?: number;
}

/** The rows of a bucket. A row that names what is not there is left out. */
export function rowsOf({
  patches,
  slices,
  installs,
  pending,
  unreached,
  harm,
  removals,
}: HealthBucketClosed): HealthRows {
  const rows = <Counts>(columns: Pick<CountColumns, 'patch' | 'slice'>, countsIn: (row: number) => Counts) =>
    columns.patch.flatMap((patch, row) => {
      const [patchId, slice] = [patches[patch], slices[columns.slice[row] ?? -1]];
      return patchId === undefined || slice === undefined ? [] : [{ patchId, slice, ...countsIn(row) }];
    });
  const counted = (columns: CountColumns) => rows(columns, (row) => ({ count: columns.count[row] ?? 0 }));
  return {
    installs: rows(installs, (row) => {
      const counts = Object.fromEntries(trialCounts.map((each) => [each, installs[each][row] ?? 0])) as TrialCounts;
      const [cohort, band] = [installs.cohort[row] ?? SETTLED, installs.band[row] ?? 0];
      return { cohort, band, manual: installs.manual?.[row] ?? 0, ...counts };
    }),
    pending: counted(pending),
    unreached: counted(unreached),
    harm: harm === undefined ? [] : harmRows(harm, slices),
    removals:
      removals === undefined
        ? []
        : rows(removals, (row) => {
            const counts = Object.fromEntries(removalCounts.map((each) => [each, removals[each][row] ?? 0]));
            return { cohort: removals.cohort[row] ?? SETTLED, ...(counts as RemovalCounts) };
          }),
  };
}

function harmRows(columns: HarmColumns, slices: readonly Slice[]): HarmRow[] {
  return columns.rollout.flatMap((rollout, row) => {
    const [rolloutId, slice] = [columns.rollouts[rollout], slices[columns.slice[row] ?? -1]];
    const signal = columns.signals[columns.signal[row] ?? -1];
    if (rolloutId === undefined || slice === undefined || signal === undefined) return [];
    const numbers = Object.fromEntries(harmNumbers.map((each) => [each, columns[each][row] ?? 0])) as HarmNumbers;
    return [{ rolloutId, slice, signal, ...numbers }];
  });
}

/** The rows as the columns of a bucket. */
export function columnsOf({
  installs,
  pending,
  unreached,
  harm = [],
  removals = [],
}: Omit<HealthRows, 'harm' | 'removals'> & Partial<HealthRows>): Pick<
  HealthBucketClosed,
  'patches' | 'slices' | keyof HealthRows
> {
  const patches = new Map<string, number>();
  const slices = new Map<string, { readonly index: number; readonly slice: Slice }>();
  const patchOf = ({ patchId }: { readonly patchId: string }) => indexIn(patches, patchId);
  const sliceOf = ({ slice }: { readonly slice: Slice }) => {
    const key = sliceKey(slice);
    const known = slices.get(key) ?? { index: slices.size, slice };
    slices.set(key, known);
    return known.index;
  };
  const counted = (rows: readonly CountRow[]): CountColumns => ({
    patch: rows.map(patchOf),
    slice: rows.map(sliceOf),
    count: rows.map(({ count }) => count),
  });
  const counts = Object.fromEntries(trialCounts.map((each) => [each, installs.map((row) => row[each])]));
  const columns = {
    installs: {
      patch: installs.map(patchOf),
      slice: installs.map(sliceOf),
      cohort: installs.map(({ cohort }) => cohort),
      band: installs.map(({ band }) => band),
      manual: installs.map(({ manual = 0 }) => manual),
      ...(counts as Record<keyof TrialCounts, number[]>),
    },
    pending: counted(pending),
    unreached: counted(unreached),
    ...(harm.length > 0 && { harm: harmColumns(harm, sliceOf) }),
    ...(removals.length > 0 && {
      removals: { patch: removals.map(patchOf), slice: removals.map(sliceOf), ...removalNumbers(removals) },
    }),
  };
  return { patches: [...patches.keys()], slices: [...slices.values()].map(({ slice }) => slice), ...columns };
}

function removalNumbers(rows: readonly RemovalRow[]) {
  const counts = Object.fromEntries(removalCounts.map((each) => [each, rows.map((row) => row[each])]));
  return { cohort: rows.map(({ cohort }) => cohort), ...(counts as Record<keyof RemovalCounts, number[]>) };
}

function harmColumns(rows: readonly HarmRow[], sliceOf: (row: HarmRow) => number): HarmColumns {
  const [rollouts, signals] = [new Map<string, number>(), new Map<string, number>()];
  const columns = {
    rollout: rows.map(({ rolloutId }) => indexIn(rollouts, rolloutId)),
    slice: rows.map(sliceOf),
    signal: rows.map(({ signal }) => indexIn(signals, signal)),
  };
  const numbers = Object.fromEntries(harmNumbers.map((each) => [each, rows.map((row) => row[each])]));
  return {
    ...{ rollouts: [...rollouts.keys()], signals: [...signals.keys()] },
    ...columns,
    ...(numbers as Record<keyof HarmNumbers, number[]>),
  };
}

function indexIn(known: Map<string, number>, key: string): number {
  const index = known.get(key) ?? known.size;
  known.set(key, index);
  return index;
}

/** The same for rows of one patch and slice. */
export function patchSliceKey({ patchId, slice }: { readonly patchId: string; readonly slice: Slice }): string {
  return JSON.stringify([patchId, sliceKey(slice)]);
}

/** What the counts of several buckets or shards come to. */
export function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

/** Whether two lists have the very same items, in the same order. */
export function haveSameItems(left: readonly unknown[], right: readonly unknown[]): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index += 1) if (left[index] !== right[index]) return false;
  return true;
}
