import {
  ageBands,
  bandOf,
  HOUR_MS,
  nothingCounted,
  OUTCOME_HOURS,
  trialCounts,
  type TrialCounts,
} from '@sluice/domain-cohorts';
import { ENTRY, type EntryTable, TRIAL_FLAGS } from './entry-table.ts';
import { recordsIn } from './records.ts';

/** What happened to the trials of one patch under one profile that began in one hour, at one age, since it was last drained. */
export interface TrialCell extends TrialCounts {
  readonly patch: number;
  readonly profile: number;
  /** In hours since 1970. */
  readonly cohort: number;
  /** The index of their age band, by the cohort's hour. */
  readonly band: number;
}

/** A count of one patch under one profile: failures that wait, or tries that got no package. */
export interface ProfileCount {
  readonly patch: number;
  readonly profile: number;
  count: number;
}

/** Numbers per cell, per cohort that is watched, per patch and profile without package, and per waiting outcome, in a copy. */
export const CELL_NUMBERS = 4 + trialCounts.length;
export const WATCHED_NUMBERS = 5;
export const UNREACHED_NUMBERS = 3;
export const OUTCOME_NUMBERS = 4;

/** Trials that began in one quarter of an hour, until their outcome is due. */
interface Watched {
  readonly patch: number;
  readonly profile: number;
  /** Since 1970. */
  readonly quarter: number;
  started: number;
  known: number;
}

/** A failure that waits for its start, or a trial for its package. `hasStart`: the start came together with the failure. */
interface Waiting {
  readonly entry: number;
  readonly profile: number;
  readonly receivedAt: number;
  readonly hasStart: boolean;
}

/** The end of a bucket, and until when what waits was received that counts then. */
export interface TrialDeadlines {
  readonly to: number;
  readonly receivedUntil: number;
  readonly stuckUntil: number;
}

/** What was counted since it was last taken, and what waits: as many numbers each as the constants say. */
export interface TrialsCopy {
  readonly cells: Float64Array;
  readonly watched: Float64Array;
  readonly unreached: Float64Array;
  readonly outcomes: Float64Array;
  readonly stuck: Float64Array;
}

/** Where is kept what is known of a trial: the flags, and the quarter of an hour in which it began. */
export type TrialStore = Pick<EntryTable, 'patch' | 'flags' | 'setFlags' | 'quarter' | 'setQuarter'>;

/** How far the numbers of the cells of two patches lie apart: more profiles than a shard can have (PROFILES_MAX); cohorts and quarters are told apart over 128 hours. */
const PATCH_STRIDE = 2 ** 26;
const COHORTS = 128;
const QUARTERS = COHORTS * 4;
/** An outcome is due so long after its trial began, to the quarter: by the hour a patch that kills would be found half an hour later. */
export const QUARTER_MS = HOUR_MS / 4;

/**
 * The trials of the install gates (design §3.4): one per device and patch, ever. A trial enters with `install-started`, in
 * the cohort of the hour in which that was received, because devices' clocks cannot be relied on. It fails with the first
 * failure, and went well with the first `installed` before one (it may fail later, and is in both). Without a reported
 * start, a good outcome counts at once and a failure only once its deadline has passed: failures arrive at once and
 * successes after a restart, so counting failures as they come would fake a failure rate. With `missingFails` a trial
 * whose outcome is missing has failed by that, and fails no second time.
 */
export class InstallTrials {
  private cells = new Map<number, TrialCell>();
  private unreachedCells = new Map<number, ProfileCount>();
  private readonly watched = new Map<number, Watched>();
  /** Failures that wait for their start, or for their deadline. */
  private readonly waiting: Waiting[] = [];
  private waitingFrom = 0;
  /** Trials whose device could not get the package: in the order of receipt. */
  private stuck: Waiting[] = [];
  private stuckEntries = new Set<number>();
  /** Starts that were received in the same instant, as those of one request are. */
  private latest = { receivedAt: NaN, entries: new Set<number>() };

  constructor(
    private readonly entries: TrialStore,
    private readonly missingFails = false,
  ) {}

  /**
   * A device tried and got no package. Its trial, if it has begun, stays open for a day. It counts once an hour, so that one
   * device that tries again and again, or tells at once what it has kept, does not look like an outage.
   */
  unreached(entry: number, profile: number, receivedAt: number, isFirstOfHour: boolean): void {
    if (isFirstOfHour) countOne(this.unreachedCells, this.entries.patch(entry), profile);
    if (!isOpen(this.entries.flags(entry)) || this.stuckEntries.has(entry)) return;
    this.stuckEntries.add(entry);
    this.stuck.push({ entry, profile, receivedAt, hasStart: true });
  }

  /** The device said that it begins. */
  began(entry: number, profile: number, receivedAt: number): void {
    if ((this.entries.flags(entry) & ENTRY.trialFlag) !== 0) return;
    if (this.latest.receivedAt !== receivedAt) this.latest = { receivedAt, entries: new Set() };
    this.latest.entries.add(entry);
    this.started(entry, profile, receivedAt);
  }

  /** `countedAt` is later than the receipt for what waited. */
  private started(entry: number, profile: number, receivedAt: number, countedAt = receivedAt): void {
    const flags = this.entries.flags(entry);
    if ((flags & ENTRY.trialFlag) !== 0) return;
    this.entries.setFlags(entry, flags | ENTRY.trialFlag);
    this.entries.setQuarter(entry, Math.floor(receivedAt / QUARTER_MS));
    this.cell(entry, profile, receivedAt).started += 1;
    this.watch(entry, profile, countedAt, 'started');
    // The failure had come before its start, and waited for it.
    if ((flags & ENTRY.failedFlag) === 0) return;
    this.cell(entry, profile, countedAt).failed += 1;
    this.watch(entry, profile, countedAt, 'known');
  }

  failed(entry: number, profile: number, receivedAt: number, countedAt = receivedAt): void {
    const flags = this.entries.flags(entry);
    if ((flags & ENTRY.failedFlag) !== 0) return;
    this.entries.setFlags(entry, flags | ENTRY.failedFlag);
    const hasStart = (flags & ENTRY.trialFlag) !== 0;
    // Told together, the start says as little of when it began as none: those that go well are told only later.
    const cameTogether = this.latest.receivedAt === receivedAt && this.latest.entries.has(entry);
    if (!hasStart || cameTogether) this.waiting.push({ entry, profile, receivedAt, hasStart });
    else this.countFailure(entry, profile, countedAt);
  }

  private countFailure(entry: number, profile: number, countedAt: number): void {
    const flags = this.entries.flags(entry);
    const isFine = (flags & ENTRY.fineFlag) !== 0;
    if (this.missingFails && !isFine && countedAt >= dueAt(this.entries.quarter(entry))) return;
    const cell = this.cell(entry, profile, countedAt);
    cell.failed += 1;
    if (isFine) cell.relapsed += 1;
    else if (!hasMovedOn(flags)) this.watch(entry, profile, countedAt, 'known');
  }

  wentWell(entry: number, profile: number, receivedAt: number): void {
    this.started(entry, profile, receivedAt);
    const flags = this.entries.flags(entry);
    if ((flags & (ENTRY.failedFlag | ENTRY.fineFlag)) !== 0) return;
    this.entries.setFlags(entry, flags | ENTRY.fineFlag);
    this.cell(entry, profile, receivedAt).fine += 1;
    if (!hasMovedOn(flags)) this.watch(entry, profile, receivedAt, 'known');
  }

  /** Before an outcome it went on to a build that is neither the patch's nor its base: it was heard of, so none is missing. */
  movedOn(entry: number, profile: number, receivedAt: number): void {
    const flags = this.entries.flags(entry);
    if (!isOpen(flags)) return;
    this.entries.setFlags(entry, flags | ENTRY.removedFlag);
    this.watch(entry, profile, receivedAt, 'known');
  }

  /** Its user took it off again, while its trial lasted. */
  removed(entry: number, profile: number, receivedAt: number): void {
    const flags = this.entries.flags(entry);
    if ((flags & (ENTRY.fineFlag | ENTRY.removedFlag)) !== ENTRY.fineFlag) return;
    this.entries.setFlags(entry, flags | ENTRY.removedFlag);
    this.cell(entry, profile, receivedAt).removed += 1;
  }

  /** Failures that wait, by patch and profile. */
  pending(): readonly ProfileCount[] {
    const cells = new Map<number, ProfileCount>();
    for (let index = this.waitingFrom; index < this.waiting.length; index += 1) {
      const outcome = this.waiting[index];
      if (outcome === undefined) continue;
      const isCounted = !outcome.hasStart && (this.entries.flags(outcome.entry) & ENTRY.trialFlag) !== 0;
      if (isCounted) continue;
      countOne(cells, this.entries.patch(outcome.entry), outcome.profile);
    }
    return [...cells.values()];
  }

  /**
   * Lets failures received up to then count without a start, trials without a package fail that were stuck by then, and
   * outcomes be missed that are due; hands over what was counted since the last time.
   */
  drain({ to, receivedUntil, stuckUntil }: TrialDeadlines): {
    readonly trials: readonly TrialCell[];
    readonly unreached: readonly ProfileCount[];
  } {
    this.failStuck(stuckUntil, to);
    const deadlineMs = to - receivedUntil;
    for (; this.waitingFrom < this.waiting.length; this.waitingFrom += 1) {
      const outcome = this.waiting[this.waitingFrom];
      if (outcome === undefined || outcome.receivedAt > receivedUntil) break;
      const { entry, profile, receivedAt, hasStart } = outcome;
      if (hasStart) this.countFailure(entry, profile, receivedAt + deadlineMs);
      else this.started(entry, profile, receivedAt, receivedAt + deadlineMs);
    }
    if (this.waitingFrom * 2 >= this.waiting.length) {
      this.waiting.splice(0, this.waitingFrom);
      this.waitingFrom = 0;
    }
    this.missOutcomes(to);
    // In the same order for everybody who folded the same, from whichever image.
    const trials = [...this.cells.values()].sort((left, right) => compare(placeOf(left), placeOf(right)));
    const unreached = [...this.unreachedCells.values()].sort((left, right) => compare(placeOf(left), placeOf(right)));
    this.cells = new Map();
    this.unreachedCells = new Map();
    return { trials, unreached };
  }

  copy(): TrialsCopy {
    const numbersOf = ({ entry, profile, receivedAt, hasStart }: Waiting) => [
      ...[entry, profile, receivedAt],
      hasStart ? 1 : 0,
    ];
    return {
      cells: Float64Array.from([...this.cells.values()].flatMap(numbersOfCell)),
      watched: Float64Array.from(
        [...this.watched.values()].flatMap((each) => [
          each.patch,
          each.profile,
          each.quarter,
          each.started,
          each.known,
        ]),
      ),
      unreached: Float64Array.from(
        [...this.unreachedCells.values()].flatMap(({ patch, profile, count }) => [patch, profile, count]),
      ),
      outcomes: Float64Array.from(this.waiting.slice(this.waitingFrom).flatMap(numbersOf)),
      stuck: Float64Array.from(this.stuck.flatMap(numbersOf)),
    };
  }

  /** Takes over what `copy` gave; the entries are to be there already. */
  restore({ cells, watched, unreached, outcomes, stuck }: TrialsCopy): void {
    for (const numbers of recordsIn(cells, CELL_NUMBERS)) {
      const cell = cellOf(numbers);
      this.cells.set(keyOf(cell) * ageBands.length + cell.band, cell);
    }
    for (const [patch = 0, profile = 0, quarter = 0, started = 0, known = 0] of recordsIn(watched, WATCHED_NUMBERS)) {
      const each = { patch, profile, quarter, started, known };
      this.watched.set(watchedKeyOf(each), each);
    }
    for (const [patch = 0, profile = 0, count = 0] of recordsIn(unreached, UNREACHED_NUMBERS))
      this.unreachedCells.set(patch * PATCH_STRIDE + profile, { patch, profile, count });
    this.waiting.push(...waitingIn(outcomes));
    this.stuck = waitingIn(stuck);
    this.stuckEntries = new Set(this.stuck.map(({ entry }) => entry));
  }

  private failStuck(until: number, countedAt: number): void {
    const overdue = this.stuck.filter(({ receivedAt }) => receivedAt <= until);
    if (overdue.length === 0) return;
    this.stuck = this.stuck.filter(({ receivedAt }) => receivedAt > until);
    for (const { entry, profile, receivedAt } of overdue) {
      this.stuckEntries.delete(entry);
      if ((this.entries.flags(entry) & ENTRY.fineFlag) === 0) this.failed(entry, profile, receivedAt, countedAt);
    }
  }

  /** Counts the trials whose outcome is due by then. Where the package could not be got, none is missed. */
  private missOutcomes(to: number): void {
    const due = [...this.watched].filter(([, { quarter }]) => to >= dueAt(quarter));
    if (due.length === 0) return;
    for (const [key, { patch, profile, quarter, started, known }] of due) {
      this.watched.delete(key);
      const cell = this.cellAt({ patch, profile, cohort: hourOf(quarter) }, to);
      cell.due += started;
      cell.open += started - known;
    }
    for (const { entry, profile } of this.stuck) {
      const began = this.entries.quarter(entry);
      if (!isOpen(this.entries.flags(entry)) || !due.some(([, { quarter }]) => quarter === began)) continue;
      this.cellAt({ patch: this.entries.patch(entry), profile, cohort: hourOf(began) }, to).open -= 1;
    }
  }

  /** What comes when its outcome was due already changes nothing. */
  private watch(entry: number, profile: number, countedAt: number, count: 'started' | 'known'): void {
    const quarter = this.entries.quarter(entry);
    if (countedAt >= dueAt(quarter)) return;
    const patch = this.entries.patch(entry);
    const key = watchedKeyOf({ patch, profile, quarter });
    const watched = this.watched.get(key) ?? { patch, profile, quarter, started: 0, known: 0 };
    this.watched.set(key, watched);
    watched[count] += 1;
  }

  private cell(entry: number, profile: number, countedAt: number): TrialCell {
    const cohort = hourOf(this.entries.quarter(entry));
    return this.cellAt({ patch: this.entries.patch(entry), profile, cohort }, countedAt);
  }

  private cellAt({ patch, profile, cohort }: CohortOf, atMs: number): TrialCell {
    const band = bandOf(atMs / HOUR_MS - cohort);
    const key = keyOf({ patch, profile, cohort }) * ageBands.length + band;
    const known = this.cells.get(key);
    if (known !== undefined) return known;
    const cell = { patch, profile, cohort, band, ...nothingCounted };
    this.cells.set(key, cell);
    return cell;
  }
}

type CohortOf = Pick<TrialCell, 'patch' | 'profile' | 'cohort'>;

function keyOf({ patch, profile, cohort }: CohortOf): number {
  return (patch * PATCH_STRIDE + profile) * COHORTS + (cohort % COHORTS);
}

function watchedKeyOf({ patch, profile, quarter }: Pick<Watched, 'patch' | 'profile' | 'quarter'>): number {
  return (patch * PATCH_STRIDE + profile) * QUARTERS + (quarter % QUARTERS);
}

/** The hour since 1970 in which a quarter lies. */
function hourOf(quarter: number): number {
  return Math.floor((quarter * QUARTER_MS) / HOUR_MS);
}

/** Begun, and nothing else is known of it. */
function isOpen(flags: number): boolean {
  return (flags & TRIAL_FLAGS) === ENTRY.trialFlag;
}

function hasMovedOn(flags: number): boolean {
  return (flags & (ENTRY.removedFlag | ENTRY.fineFlag)) === ENTRY.removedFlag;
}

/** When the outcomes of trials that began in a quarter are due: the last of them may have begun at its end. */
function dueAt(quarter: number): number {
  return (quarter + 1) * QUARTER_MS + OUTCOME_HOURS * HOUR_MS;
}

function countOne(counts: Map<number, ProfileCount>, patch: number, profile: number): void {
  const key = patch * PATCH_STRIDE + profile;
  const known = counts.get(key) ?? { patch, profile, count: 0 };
  counts.set(key, known);
  known.count += 1;
}

function numbersOfCell({ patch, profile, cohort, band, ...counts }: TrialCell): number[] {
  return [patch, profile, cohort, band, ...trialCounts.map((each) => counts[each])];
}

function cellOf(numbers: readonly number[]): TrialCell {
  const [patch = 0, profile = 0, cohort = 0, band = 0, ...counts] = numbers;
  const counted = Object.fromEntries(trialCounts.map((each, index) => [each, counts[index] ?? 0])) as TrialCounts;
  return { patch, profile, cohort, band, ...counted };
}

function waitingIn(numbers: Float64Array): Waiting[] {
  return recordsIn(numbers, OUTCOME_NUMBERS).map(([entry = 0, profile = 0, receivedAt = 0, hasStart = 0]) => ({
    ...{ entry, profile, receivedAt },
    hasStart: hasStart === 1,
  }));
}

type Place = Pick<TrialCell, 'patch' | 'profile'> & Partial<Pick<TrialCell, 'cohort' | 'band'>>;

function placeOf({ patch, profile, cohort = 0, band = 0 }: Place): number[] {
  return [patch, profile, cohort, band];
}

function compare(left: readonly number[], right: readonly number[]): number {
  const index = left.findIndex((number, each) => number !== right[each]);
  return (left[index] ?? 0) - (right[index] ?? 0);
}
