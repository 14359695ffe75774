import { ENTRY, type EntryTable } from './entry-table.ts';

/** New trials of one patch under one profile, and which of its trials failed or went well, since they were last drained. */
export interface TrialCell {
  readonly patch: number;
  readonly profile: number;
  trials: number;
  failures: number;
  fine: number;
  /** Tries that got no package, for want of network or server. */
  unreached: number;
}

/** Failures of one patch under one profile whose start was not reported, and whose deadline still runs. */
export interface PendingCell {
  readonly patch: number;
  readonly profile: number;
  failures: number;
}

/** Numbers per cell, and per waiting outcome, in a copy. */
export const CELL_NUMBERS = 6;
export const OUTCOME_NUMBERS = 3;

/** A failure that waits for its start, or a trial for its package. */
interface Waiting {
  readonly entry: number;
  readonly profile: number;
  readonly receivedAt: number;
}

/** Until when what waits was received that counts now. */
export interface TrialDeadlines {
  readonly receivedUntil: number;
  readonly stuckUntil: number;
}

/** What was counted since it was last taken, CELL_NUMBERS a cell; failures and trials that wait, OUTCOME_NUMBERS each. */
export interface TrialsCopy {
  readonly cells: Float64Array;
  readonly outcomes: Float64Array;
  readonly stuck: Float64Array;
}

const TRIAL_BITS = ENTRY.trialFlag | ENTRY.failedFlag | ENTRY.fineFlag;

/** More profiles than this in a shard would make two cells share a number. */
const PROFILES_MAX = 2 ** 26;

/**
 * The trials of the install gate (design §3.4): one per device and patch, ever. A trial enters with `install-started`, fails
 * with the first failure, and went well with the first `installed` before one (it may fail later, and is in both). Without a reported start, a good outcome
 * counts at once and a failure only once its deadline has passed: failures arrive at once and successes after a restart, so
 * counting failures as they come would fake a failure rate.
 */
export class InstallTrials {
  private cells = new Map<number, TrialCell>();
  /** Failures that wait for their start, or for their deadline. */
  private readonly waiting: Waiting[] = [];
  private waitingFrom = 0;
  /** Trials whose device could not get the package: in the order of receipt. */
  private stuck: Waiting[] = [];

  constructor(private readonly entries: EntryTable) {}

  /** A device tried and got no package. Its trial, if it has begun, stays open for a day. */
  unreached(entry: number, profile: number, receivedAt: number): void {
    this.cell(entry, profile).unreached += 1;
    if ((this.entries.flags(entry) & TRIAL_BITS) === ENTRY.trialFlag) this.stuck.push({ entry, profile, receivedAt });
  }

  started(entry: number, profile: number): void {
    const flags = this.entries.flags(entry);
    if ((flags & ENTRY.trialFlag) !== 0) return;
    this.entries.setFlags(entry, flags | ENTRY.trialFlag);
    const cell = this.cell(entry, profile);
    cell.trials += 1;
    // The failure had come before its start, and waited for it.
    if ((flags & ENTRY.failedFlag) !== 0) cell.failures += 1;
  }

  failed(entry: number, profile: number, receivedAt: number): void {
    const flags = this.entries.flags(entry);
    if ((flags & ENTRY.failedFlag) !== 0) return;
    this.entries.setFlags(entry, flags | ENTRY.failedFlag);
    if ((flags & ENTRY.trialFlag) === 0) this.waiting.push({ entry, profile, receivedAt });
    else this.cell(entry, profile).failures += 1;
  }

  wentWell(entry: number, profile: number): void {
    if ((this.entries.flags(entry) & ENTRY.trialFlag) === 0) this.started(entry, profile);
    const flags = this.entries.flags(entry);
    if ((flags & (ENTRY.failedFlag | ENTRY.fineFlag)) !== 0) return;
    this.entries.setFlags(entry, flags | ENTRY.fineFlag);
    this.cell(entry, profile).fine += 1;
  }

  /** Failures that wait, by patch and profile. */
  pending(): readonly PendingCell[] {
    const cells = new Map<number, PendingCell>();
    for (let index = this.waitingFrom; index < this.waiting.length; index += 1) {
      const outcome = this.waiting[index];
      if (outcome === undefined || (this.entries.flags(outcome.entry) & ENTRY.trialFlag) !== 0) continue;
      const patch = this.entries.patch(outcome.entry);
      const key = patch * PROFILES_MAX + outcome.profile;
      const cell = cells.get(key) ?? { patch, profile: outcome.profile, failures: 0 };
      cells.set(key, cell);
      cell.failures += 1;
    }
    return [...cells.values()];
  }

  /**
   * Lets failures received up to then count without a start, and trials without a package fail that were stuck by then;
   * hands over what was counted since the last time.
   */
  drain({ receivedUntil, stuckUntil }: TrialDeadlines): readonly TrialCell[] {
    this.failStuck(stuckUntil);
    for (; this.waitingFrom < this.waiting.length; this.waitingFrom += 1) {
      const outcome = this.waiting[this.waitingFrom];
      if (outcome === undefined || outcome.receivedAt > receivedUntil) break;
      this.started(outcome.entry, outcome.profile);
    }
    if (this.waitingFrom * 2 >= this.waiting.length) {
      this.waiting.splice(0, this.waitingFrom);
      this.waitingFrom = 0;
    }
    const taken = [...this.cells.values()];
    this.cells = new Map();
    return taken;
  }

  /** What was counted since it was last taken, CELL_NUMBERS a cell, and the failures that wait, OUTCOME_NUMBERS each. */
  copy(): TrialsCopy {
    const cells = [...this.cells.values()].flatMap((cell) => [
      cell.patch,
      cell.profile,
      cell.trials,
      cell.failures,
      cell.fine,
      cell.unreached,
    ]);
    const numbersOf = ({ entry, profile, receivedAt }: Waiting) => [entry, profile, receivedAt];
    return {
      cells: Float64Array.from(cells),
      outcomes: Float64Array.from(this.waiting.slice(this.waitingFrom).flatMap(numbersOf)),
      stuck: Float64Array.from(this.stuck.flatMap(numbersOf)),
    };
  }

  /** Takes over what `copy` gave; the entries are to be there already. */
  restore({ cells, outcomes, stuck }: TrialsCopy): void {
    for (let index = 0; index < cells.length; index += CELL_NUMBERS) {
      const [patch = 0, profile = 0, ...counted] = cells.subarray(index, index + CELL_NUMBERS);
      const [trials = 0, failures = 0, fine = 0, unreached = 0] = counted;
      this.cells.set(patch * PROFILES_MAX + profile, { patch, profile, trials, failures, fine, unreached });
    }
    this.waiting.push(...waitingIn(outcomes));
    this.stuck = waitingIn(stuck);
  }

  private failStuck(until: number): void {
    const overdue = this.stuck.filter(({ receivedAt }) => receivedAt <= until);
    if (overdue.length === 0) return;
    this.stuck = this.stuck.filter(({ receivedAt }) => receivedAt > until);
    for (const { entry, profile, receivedAt } of overdue)
      if ((this.entries.flags(entry) & ENTRY.fineFlag) === 0) this.failed(entry, profile, receivedAt);
  }

  private cell(entry: number, profile: number): TrialCell {
    const patch = this.entries.patch(entry);
    const number = patch * PROFILES_MAX + profile;
    const known = this.cells.get(number);
    if (known !== undefined) return known;
    const cell = { patch, profile, trials: 0, failures: 0, fine: 0, unreached: 0 };
    this.cells.set(number, cell);
    return cell;
  }
}

function waitingIn(numbers: Float64Array): Waiting[] {
  return Array.from({ length: numbers.length / OUTCOME_NUMBERS }, (_, index) => {
    const [entry = 0, profile = 0, receivedAt = 0] = numbers.subarray(
      index * OUTCOME_NUMBERS,
      (index + 1) * OUTCOME_NUMBERS,
    );
    return { entry, profile, receivedAt };
  });
}
