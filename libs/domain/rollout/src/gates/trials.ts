import { ageBands, HOUR_MS, type InstallRow, type Slice, sliceKey, sum, TRIAL_HOURS } from '@sluice/domain-cohorts';
import { type HarmTally } from './harm.ts';
import { type RateCounts } from './rates.ts';

const BANDS = ageBands.length;
const numberedBands = [...ageBands.entries()];
/** Trials are put together by the period of 6 hours in which they began, too: what goes wrong late must not drown among the good ones before. */
const PERIOD_HOURS = 6;
/** Cohorts beyond this age change no more: a trial lasts 72 h from its own start, and failures wait for a start for some hours. */
const SETTLED_HOURS = TRIAL_HOURS + 12;

/** The trials of one slice that began in one hour. `seen` is what had failed at the last restart of the counting. */
interface Cohort {
  started: number;
  readonly failed: number[];
  readonly seen: number[];
  fine: number;
  removed: number;
  removedSeen: number;
  /** Of the fine ones, those that neither failed later nor were removed. */
  well: number;
}

/** The trials that began in one period, for the tests that look for what begins late. */
export interface PeriodCounts {
  readonly period: number;
  readonly all: RateCounts;
  readonly missing: RateCounts;
}

/** The sums of what no longer changes, and of what is counted once. */
interface Sums {
  readonly bands: RateSums[];
  readonly all: RateSums;
  readonly removed: RateSums;
}

interface RateSums {
  n: number;
  x: number;
}

/** The counts of one slice, as the tests ask for them; each trial counts as a success until it fails. */
export interface SliceCounts {
  /** 0–72 h together. */
  readonly all: RateCounts;
  readonly bands: readonly RateCounts[];
  /**
   * The same with failures whose start is not known or came together with them, and as many trials as there are devices: what it
   * would come to if all others turned out well. Absent while none waits.
   */
  readonly waiting?: RateCounts;
  /** Trials whose outcome was due, and those of them without any. */
  readonly missing: RateCounts;
  /** By the period in which they began, in order; of the last days only. */
  readonly periods: readonly PeriodCounts[];
  /** Trials that went well, and those of them whose device the user took the patch off again. */
  readonly removed: RateCounts;
  /** Incidents by signal, judged against devices without the patch. */
  readonly harm: ReadonlyMap<string, HarmTally>;
}

/** Of a slice in which no harm is counted. */
export const noHarms: SliceCounts['harm'] = new Map();

/**
 * The trials of a patch in one slice, in a table of cohorts and age bands. A cohort enters a band with its first trial, with
 * what has not failed before. Restarted, passed bands are dropped, bands in progress keep their survivors, later ones come
 * as usual (design §3.4): so late failures never come without their trials.
 */
export class SliceTrials {
  readonly slice: Slice;
  readonly key: string;
  private readonly cohorts = new Map<number, Cohort>();
  private oldestHour = Infinity;
  /** Of an hour: cohorts enter their bands on it, so that within one only what comes changes the sums. */
  private summed: { readonly hour: number; readonly sums: Sums } | undefined;
  /** Made of them, until something comes. */
  private counted: Omit<SliceCounts, 'harm'> | undefined;
  private settled = noSums();
  private due: RateSums = none();
  /** Of the trials that began since the counting did. Kept apart from the cohorts: time alone lets go of no evidence. */
  private readonly byPeriod = new Map<number, { readonly all: RateSums; readonly missing: RateSums }>();
  private sinceMs: number;
  private settledWell = 0;
  private well: { readonly beforeHour: number; readonly devices: number } | undefined;
  /** The end of the first bucket that told of it: its part of the α is by the order of appearance. */
  appearedMs = Infinity;
  /** Trials of devices on the manual track, ever. */
  manual = 0;
  /** Failures without a start whose deadline still runs, as each shard told them last, and those that were so at the last restart. */
  private readonly pendingOf = new Map<number, number>();
  private pendingSeen = 0;

  constructor(slice: Slice, sinceMs: number) {
    this.slice = slice;
    this.key = sliceKey(slice);
    this.sinceMs = sinceMs;
  }

  /** Takes a row of a bucket that ended then. */
  add({ cohort, band, started, failed, fine, removed, ...row }: InstallRow, toMs: number): void {
    const counted = this.cohorts.get(cohort) ?? noCohort();
    this.cohorts.set(cohort, counted);
    this.oldestHour = Math.min(this.oldestHour, cohort);
    const { summed } = this;
    if (summed !== undefined) this.addTo(summed.sums, cohort, counted, { hour: summed.hour, times: -1 });
    this.counted = undefined;
    this.well = undefined;
    counted.started += started;
    counted.failed[band] = (counted.failed[band] ?? 0) + failed;
    counted.fine += fine;
    counted.removed += removed;
    counted.well += fine - row.relapsed - removed;
    this.manual += row.manual ?? 0;
    // It was counted before the restart, and comes after it.
    const isSeen = toMs <= this.sinceMs;
    if (cohort >= Math.floor(this.sinceMs / HOUR_MS)) {
      const its = this.periodOf(cohort);
      add(its.all, started - (isSeen ? failed : 0), isSeen ? 0 : failed);
      if (!isSeen) add(its.missing, row.due, row.open);
    }
    if (isSeen) {
      counted.seen[band] = (counted.seen[band] ?? 0) + failed;
      counted.removedSeen += removed;
    } else {
      this.due.n += row.due;
      this.due.x += row.open;
    }
    if (summed !== undefined) this.addTo(summed.sums, cohort, counted, { hour: summed.hour, times: 1 });
  }

  get pending(): number {
    return sum([...this.pendingOf.values()]);
  }

  setPending(shard: number, count: number): void {
    if (count === 0) this.pendingOf.delete(shard);
    else this.pendingOf.set(shard, count);
    this.pendingSeen = Math.min(this.pendingSeen, this.pending);
  }

  /** The counts with the failures that wait; how many devices are known is asked only where any do. */
  withWaiting(counts: Omit<SliceCounts, 'harm'>, devicesOf: (slice: Slice) => number): Omit<SliceCounts, 'harm'> {
    const { all } = counts;
    const waiting = this.pending - this.pendingSeen;
    if (waiting === 0) return counts;
    const x = all.x + waiting;
    return { ...counts, waiting: { n: Math.max(all.n, x, devicesOf(this.slice)), x } };
  }

  /** Counts anew from an instant on. */
  restart(atMs: number): void {
    this.pendingSeen = this.pending;
    this.sinceMs = Math.max(this.sinceMs, atMs);
    this.summed = undefined;
    this.counted = undefined;
    this.settled = noSums();
    this.due = none();
    for (const cohort of this.cohorts.values()) {
      cohort.failed.forEach((failed, band) => (cohort.seen[band] = failed));
      cohort.removedSeen = cohort.removed;
    }
    this.byPeriod.clear();
    for (const [hour, { started, failed }] of this.cohorts)
      if (hour >= Math.floor(this.sinceMs / HOUR_MS)) add(this.periodOf(hour).all, started - sum(failed), 0);
  }

  /** Lets go of whole periods: the rest of one would be a test of its own, without a part of the chance. */
  forgetPeriods(before: number): void {
    for (const period of this.byPeriod.keys()) {
      if (period >= before) continue;
      this.byPeriod.delete(period);
      this.counted = undefined;
    }
  }

  /** Lets go of cohorts that are so old at an instant that nothing comes to them any more; their sums stay. False when none is. */
  settle(atMs: number): boolean {
    if (!isSettled(this.oldestHour, atMs)) return false;
    this.oldestHour = Infinity;
    this.summed = undefined;
    this.counted = undefined;
    this.well = undefined;
    for (const [hour, cohort] of this.cohorts) {
      if (!isSettled(hour, atMs)) {
        this.oldestHour = Math.min(this.oldestHour, hour);
        continue;
      }
      this.addTo(this.settled, hour, cohort, { hour: Math.floor(atMs / HOUR_MS), times: 1 });
      this.settledWell += cohort.well;
      this.cohorts.delete(hour);
    }
    return true;
  }

  /**
   * Devices that are fine, of the trials that began before an instant; also those from before a restart. What is settled is older
   * than any plan asks for.
   */
  wellBefore(beforeMs: number): number {
    const beforeHour = Math.floor(beforeMs / HOUR_MS);
    if (this.well?.beforeHour === beforeHour) return this.well.devices;
    let devices = this.settledWell;
    for (const [hour, cohort] of this.cohorts) if (hour < beforeHour) devices += cohort.well;
    this.well = { beforeHour, devices: Math.max(0, devices) };
    return this.well.devices;
  }

  /** What is counted at an instant. */
  counts(atMs: number): Omit<SliceCounts, 'harm'> {
    const hour = Math.floor(atMs / HOUR_MS);
    if (this.summed?.hour !== hour) {
      this.summed = { hour, sums: copyOf(this.settled) };
      for (const [begun, cohort] of this.cohorts) this.addTo(this.summed.sums, begun, cohort, { hour, times: 1 });
      this.counted = undefined;
    }
    this.counted ??= { ...copyOf(this.summed.sums), missing: { ...this.due }, periods: this.periods() };
    return this.counted;
  }

  private periods(): PeriodCounts[] {
    return [...this.byPeriod]
      .map(([period, { all, missing }]) => ({
        period,
        // A failure may be counted on another slice than its start.
        all: { n: Math.max(0, all.n), x: all.x },
        missing: { ...missing },
      }))
      .sort((left, right) => left.period - right.period);
  }

  private periodOf(hour: number): { readonly all: RateSums; readonly missing: RateSums } {
    const period = periodOfHour(hour);
    const its = this.byPeriod.get(period) ?? { all: none(), missing: none() };
    this.byPeriod.set(period, its);
    return its;
  }

  /** Adds a cohort that began in an hour, as it is in another, so many times to sums. */
  private addTo(sums: Sums, begun: number, cohort: Cohort, { hour, times }: { hour: number; times: 1 | -1 }): void {
    const { started, failed, seen, fine, removed, removedSeen } = cohort;
    const sinceHours = this.sinceMs / HOUR_MS - begun;
    const hours = hour - begun;
    let failedBefore = 0;
    let seenInAll = 0;
    for (const [band, { from, to }] of numberedBands) {
      const x = failed[band] ?? 0;
      const before = seen[band] ?? 0;
      seenInAll += before;
      if (hours >= from && sinceHours < to)
        add(sums.bands[band], times * Math.max(0, started - failedBefore - before), times * (x - before));
      failedBefore += x;
    }
    if (sinceHours >= TRIAL_HOURS) return;
    add(sums.all, times * Math.max(0, started - seenInAll), times * (failedBefore - seenInAll));
    add(sums.removed, times * Math.max(0, fine - removedSeen), times * (removed - removedSeen));
  }
}

/** The period of trials that began at an instant, counted since 1970. */
export function trialPeriodAt(ms: number): number {
  return periodOfHour(Math.floor(ms / HOUR_MS));
}

/** The same of an hour, counted since 1970. */
export function periodOfHour(hour: number): number {
  return Math.floor(hour / PERIOD_HOURS);
}

/** In the order of appearance; those of the same bucket by name, so that another order of the shards comes to the same. */
export function byAppearance(left: SliceTrials, right: SliceTrials): number {
  return left.appearedMs - right.appearedMs || (left.key < right.key ? -1 : 1);
}

function noCohort(): Cohort {
  const nothing = () => new Array<number>(BANDS).fill(0);
  return {
    started: 0,
    failed: nothing(),
    seen: nothing(),
    fine: 0,
    removed: 0,
    removedSeen: 0,
    well: 0,
  };
}

function noSums(): Sums {
  return { bands: Array.from({ length: BANDS }, none), all: none(), removed: none() };
}

function copyOf({ bands, all, removed }: Sums): Sums {
  return { bands: bands.map((each) => ({ ...each })), all: { ...all }, removed: { ...removed } };
}

function none(): RateSums {
  return { n: 0, x: 0 };
}

/** True when nothing comes any more to what began in an hour. */
export function isSettled(hour: number, atMs: number): boolean {
  return hour + SETTLED_HOURS < atMs / HOUR_MS;
}

function add(counts: RateSums | undefined, n: number, x: number): void {
  if (counts === undefined) return;
  counts.n += n;
  counts.x += x;
}
