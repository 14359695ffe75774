import { ENTRY, type EntryTable } from './entry-table.ts';

/** New trials of one patch under one profile, and which of its trials failed or went well, since they were last drained. */
export interface TrialCell {
  readonly patch: number;
  readonly profile: number;
  trials: number;
  failures: number;
  fine: number;
}

/** Failures of one patch under one profile whose start was not reported, and whose deadline still runs. */
export interface PendingCell {
  readonly patch: number;
  readonly profile: number;
  failures: number;
}

/** Numbers per cell, and per waiting outcome, in a copy. */
export const CELL_NUMBERS = 5;
export const OUTCOME_NUMBERS = 3;

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
  private readonly waiting: { entry: number; profile: number; receivedAt: number }[] = [];
  private waitingFrom = 0;

  constructor(private readonly entries: EntryTable) {}

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

  /** Lets outcomes received up to then count without a start, and hands over what was counted since the last time. */
  drain(receivedUntil: number): readonly TrialCell[] {
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

  /** True when `drain` would hand over something. */
  hasCounted(receivedUntil: number): boolean {
    const next = this.waiting[this.waitingFrom];
    return this.cells.size > 0 || (next !== undefined && next.receivedAt <= receivedUntil);
  }

  /** What was counted since it was last taken, CELL_NUMBERS a cell, and the failures that wait, OUTCOME_NUMBERS each. */
  copy(): { readonly cells: Float64Array; readonly outcomes: Float64Array } {
    const cells = [...this.cells.values()].flatMap((cell) => [
      cell.patch,
      cell.profile,
      cell.trials,
      cell.failures,
      cell.fine,
    ]);
    const outcomes = new Float64Array((this.waiting.length - this.waitingFrom) * OUTCOME_NUMBERS);
    for (let index = 0; index < outcomes.length; index += OUTCOME_NUMBERS) {
      const waiting = this.waiting[this.waitingFrom + index / OUTCOME_NUMBERS];
      outcomes.set([waiting?.entry ?? 0, waiting?.profile ?? 0, waiting?.receivedAt ?? 0], index);
    }
    return { cells: Float64Array.from(cells), outcomes };
  }

  /** Takes over what `copy` gave; the entries are to be there already. */
  restore({ cells, outcomes }: { readonly cells: Float64Array; readonly outcomes: Float64Array }): void {
    for (let index = 0; index < cells.length; index += CELL_NUMBERS) {
      const [patch = 0, profile = 0, trials = 0, failures = 0, fine = 0] = cells.subarray(index, index + CELL_NUMBERS);
      this.cells.set(patch * PROFILES_MAX + profile, { patch, profile, trials, failures, fine });
    }
    for (let index = 0; index < outcomes.length; index += OUTCOME_NUMBERS) {
      const [entry = 0, profile = 0, receivedAt = 0] = outcomes.subarray(index, index + OUTCOME_NUMBERS);
      this.waiting.push({ entry, profile, receivedAt });
    }
  }

  private cell(entry: number, profile: number): TrialCell {
    const patch = this.entries.patch(entry);
    const number = patch * PROFILES_MAX + profile;
    const known = this.cells.get(number);
    if (known !== undefined) return known;
    const cell = { patch, profile, trials: 0, failures: 0, fine: 0 };
    this.cells.set(number, cell);
    return cell;
  }
}
