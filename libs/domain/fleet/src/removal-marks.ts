import { ENTRY, type EntryTable } from './entry-table.ts';
import { type TrialStore } from './install-trials.ts';
import { Records } from './records.ts';

export const MARK = { words: 2, flags: 0, quarter: 1 } as const;

/**
 * What is known of the removals of recalled patches, by entry, in the flags that trials of installs have. Entries have no
 * room for it, and nothing is kept before the first removal.
 */
export class RemovalMarks implements TrialStore {
  readonly records = new Records(MARK.words);

  constructor(private readonly entries: EntryTable) {}

  /** True when the removal is known to have begun. */
  isTrial(entry: number): boolean {
    return (this.flags(entry) & ENTRY.trialFlag) !== 0;
  }

  patch(entry: number): number {
    return this.entries.patch(entry);
  }

  flags(entry: number): number {
    return this.records.word(entry, MARK.flags);
  }

  setFlags(entry: number, flags: number): void {
    this.set(entry, MARK.flags, flags);
  }

  quarter(entry: number): number {
    return this.records.word(entry, MARK.quarter);
  }

  setQuarter(entry: number, quarter: number): void {
    this.set(entry, MARK.quarter, quarter);
  }

  private set(entry: number, word: number, value: number): void {
    while (this.records.count <= entry) this.records.add();
    this.records.setWord(entry, word, value);
  }
}
