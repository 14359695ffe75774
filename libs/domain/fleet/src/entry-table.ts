import { NOWHERE, Records } from './records.ts';

/** What a device last said of a patch. The index of a state is its code. */
export const rawStates = ['started', 'installed', 'failed', 'rolledBack'] as const;

/** How it is with a patch on a device. Replaced: the device reported another build since it installed the patch. */
export const patchStates = ['started', 'installed', 'failed', 'rolledBack', 'replaced'] as const;
export type PatchState = (typeof patchStates)[number];

/** Words and bits of an entry: one device, one patch. Word 0 and 1 are the time as a float. */
export const ENTRY = {
  words: 6,
  atFloat: 0,
  patch: 2,
  next: 3,
  /** The profile of the report that set the state: of an installed patch, its build. */
  profile: 4,
  bits: 5,
  rawMask: 0b11,
  /** The state under which the entry is counted, plus 1; 0 while it is not. */
  shownShift: 2,
  shownMask: 0b111,
  trialFlag: 1 << 5,
  failedFlag: 1 << 6,
  fineFlag: 1 << 7,
} as const;

/** What is known of the trial of an entry; it depends on when health buckets closed. */
export const TRIAL_FLAGS = ENTRY.trialFlag | ENTRY.failedFlag | ENTRY.fineFlag;

/**
 * What few devices have is kept among their entries, as if of these patches: the time of the last removal (which clears
 * all patches of the device), and that of the last retirement.
 */
export const CLEARED = 0;
export const RETIRED = 1;
export const FIRST_PATCH = 2;

/** The entries of all devices of a shard, linked into one list per device. */
export class EntryTable {
  readonly records = new Records(ENTRY.words);

  find(first: number, patch: number): number {
    let entry = first;
    while (entry !== NOWHERE && this.patch(entry) !== patch) entry = this.next(entry);
    return entry;
  }

  /** A new entry before `first`, older than any report. */
  add(first: number, patch: number): number {
    const entry = this.records.add();
    this.records.setFloat(entry, ENTRY.atFloat, -Infinity);
    this.records.setWord(entry, ENTRY.patch, patch);
    this.records.setWord(entry, ENTRY.next, first);
    return entry;
  }

  /** Sets the state, unless a later one is there. */
  write(entry: number, raw: number, index: number, profile: number): void {
    if (index < this.at(entry)) return;
    this.records.setFloat(entry, ENTRY.atFloat, index);
    this.records.setWord(entry, ENTRY.profile, profile);
    this.setFlags(entry, (this.flags(entry) & ~ENTRY.rawMask) | raw);
  }

  next(entry: number): number {
    return this.records.word(entry, ENTRY.next);
  }

  patch(entry: number): number {
    return this.records.word(entry, ENTRY.patch);
  }

  profile(entry: number): number {
    return this.records.word(entry, ENTRY.profile);
  }

  at(entry: number): number {
    return this.records.float(entry, ENTRY.atFloat);
  }

  raw(entry: number): number {
    return this.flags(entry) & ENTRY.rawMask;
  }

  /** The state under which the entry is counted, plus 1; 0 while it is not. */
  shown(entry: number): number {
    return (this.flags(entry) >> ENTRY.shownShift) & ENTRY.shownMask;
  }

  setShown(entry: number, shown: number): void {
    this.setFlags(entry, (this.flags(entry) & ~(ENTRY.shownMask << ENTRY.shownShift)) | (shown << ENTRY.shownShift));
  }

  flags(entry: number): number {
    return this.records.word(entry, ENTRY.bits);
  }

  setFlags(entry: number, flags: number): void {
    this.records.setWord(entry, ENTRY.bits, flags);
  }
}
