import { ENTRY, type EntryTable } from './entry-table.ts';

/** New trials and failures of one patch under one profile, since they were last taken. */
export interface TrialCell {
  readonly patch: number;
  readonly profile: number;
  trials: number;
  failures: number;
}

/** More profiles than this in a shard would make two cells share a number. */
const PROFILES_MAX = 2 ** 26;

/**
 * The trials of the install gate (design §3.4): one per device and patch, ever. A trial enters with `install-started` and
 * fails with the first failure. An outcome whose start was never heard counts only once its deadline has passed: failures
 * arrive at once and successes after a restart, so counting outcomes as they come would fake a failure rate.
 */
export class InstallTrials {
  private cells = new Map<number, TrialCell>();
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

  ended(entry: number, profile: number, receivedAt: number, failed: boolean): void {
    const flags = this.entries.flags(entry);
    const isTrial = (flags & ENTRY.trialFlag) !== 0;
    if (failed && (flags & ENTRY.failedFlag) === 0) {
      this.entries.setFlags(entry, flags | ENTRY.failedFlag);
      if (isTrial) this.cell(entry, profile).failures += 1;
    }
    if (!isTrial) this.waiting.push({ entry, profile, receivedAt });
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

  /** True when `take` would hand over something. */
  pending(receivedUntil: number): boolean {
    const next = this.waiting[this.waitingFrom];
    return this.cells.size > 0 || (next !== undefined && next.receivedAt <= receivedUntil);
  }

  /** What was counted since it was last taken, four numbers a cell, and the outcomes that wait, three numbers each. */
  copy(): { readonly cells: Float64Array; readonly outcomes: Float64Array } {
    const cells = [...this.cells.values()].flatMap((cell) => [cell.patch, cell.profile, cell.trials, cell.failures]);
    const outcomes = new Float64Array((this.waiting.length - this.waitingFrom) * 3);
    for (let index = 0; index < outcomes.length; index += 3) {
      const waiting = this.waiting[this.waitingFrom + index / 3];
      outcomes.set([waiting?.entry ?? 0, waiting?.profile ?? 0, waiting?.receivedAt ?? 0], index);
    }
    return { cells: Float64Array.from(cells), outcomes };
  }

  /** Takes over what `copy` gave; the entries are to be there already. */
  restore({ cells, outcomes }: { readonly cells: Float64Array; readonly outcomes: Float64Array }): void {
    for (let index = 0; index < cells.length; index += 4) {
      const [patch = 0, profile = 0, trials = 0, failures = 0] = cells.subarray(index, index + 4);
      this.cells.set(patch * PROFILES_MAX + profile, { patch, profile, trials, failures });
    }
    for (let index = 0; index < outcomes.length; index += 3) {
      const [entry = 0, profile = 0, receivedAt = 0] = outcomes.subarray(index, index + 3);
      this.waiting.push({ entry, profile, receivedAt });
    }
  }

  private cell(entry: number, profile: number): TrialCell {
    const patch = this.entries.patch(entry);
    const number = patch * PROFILES_MAX + profile;
    const known = this.cells.get(number);
    if (known !== undefined) return known;
    const cell = { patch, profile, trials: 0, failures: 0 };
    this.cells.set(number, cell);
    return cell;
  }
}
