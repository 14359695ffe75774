import { type RemovalCause, removalCauses } from './facts.ts';
import { NOWHERE, Records } from './records.ts';

/**
 * What the last word on a patch is, of a device: the index is its code, and of two at the same instant the higher one
 * counts. `ran`: nobody said so, but the device showed the patch's build.
 */
export const rawStates = ['ran', 'started', 'installed', 'failed', 'rolledBack'] as const;
export const RAW = { ran: 0, started: 1, installed: 2, failed: 3, rolledBack: 4 } as const;

/**
 * How it is with a patch on a device. `installed`: it holds it. `rolledBack`: it went back to the base, said or not.
 * `replaced`: it went on to another build.
 */
export const patchStates = ['started', 'installed', 'failed', 'rolledBack', 'replaced'] as const;
export type PatchState = (typeof patchStates)[number];

/**
 * Words and bits of an entry: one device, one patch. The first 42 bits are the time of the last word, in ms since 1970 and
 * 0 while there is none; above it is when the trial began, in quarters of an hour since 1970.
 */
export const ENTRY = {
  words: 4,
  atLow: 0,
  atHigh: 1,
  atHighMask: 0x3ff,
  quarterShift: 10,
  next: 2,
  /** The number of the patch, and above it what is known of it. */
  bits: 3,
  patchMask: 0x1ffff,
  /** While its trial lasted its user removed it; or, of one that did not go well, its device went on to another build. */
  removedFlag: 1 << 17,
  rawShift: 18,
  rawMask: 0b111,
  /** Of the last removal: the index of its cause. */
  causeShift: 21,
  causeMask: 0b11,
  /** The state under which the entry is counted, plus 1; 0 while it is not. */
  shownShift: 23,
  shownMask: 0b111,
  trialFlag: 1 << 26,
  failedFlag: 1 << 27,
  fineFlag: 1 << 28,
  /** What became of the device in the recall of the patch; 0 while it is not in it. */
  recalledShift: 29,
  recalledMask: 0b111,
} as const;

/** What is known of the trial of an entry; it depends on when health buckets closed. */
export const TRIAL_FLAGS = ENTRY.trialFlag | ENTRY.failedFlag | ENTRY.fineFlag | ENTRY.removedFlag;

const HIGH_MS = 2 ** 32;

/** Patches that a shard can tell apart; what devices say of further ones is not folded. */
export const PATCHES_MAX = ENTRY.patchMask + 1;

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
    this.records.setWord(entry, ENTRY.next, first);
    this.records.setWord(entry, ENTRY.bits, patch);
    return entry;
  }

  /** Takes the last word on the patch, unless a later one is there. */
  write(entry: number, raw: number, when: number, cause?: RemovalCause): void {
    const at = this.at(entry);
    if (when < at || (when === at && raw < this.raw(entry))) return;
    this.records.setWord(entry, ENTRY.atLow, when % HIGH_MS);
    const above = this.records.word(entry, ENTRY.atHigh) & ~ENTRY.atHighMask;
    this.records.setWord(entry, ENTRY.atHigh, above | Math.floor(when / HIGH_MS));
    this.setField(entry, ENTRY.rawShift, ENTRY.rawMask, raw);
    if (cause !== undefined) this.setField(entry, ENTRY.causeShift, ENTRY.causeMask, removalCauses.indexOf(cause));
  }

  next(entry: number): number {
    return this.records.word(entry, ENTRY.next);
  }

  patch(entry: number): number {
    return this.flags(entry) & ENTRY.patchMask;
  }

  /** When the last word on the patch was said; −∞ while there is none. */
  at(entry: number): number {
    return timeIn(this.records.word(entry, ENTRY.atLow), this.records.word(entry, ENTRY.atHigh));
  }

  /** The quarter of an hour since 1970 in which the trial began; 0 while it has not. */
  quarter(entry: number): number {
    return this.records.word(entry, ENTRY.atHigh) >>> ENTRY.quarterShift;
  }

  setQuarter(entry: number, quarter: number): void {
    const time = this.records.word(entry, ENTRY.atHigh) & ENTRY.atHighMask;
    this.records.setWord(entry, ENTRY.atHigh, time | (quarter << ENTRY.quarterShift));
  }

  raw(entry: number): number {
    return this.field(entry, ENTRY.rawShift, ENTRY.rawMask);
  }

  /** The cause that the last removal named. */
  cause(entry: number): RemovalCause {
    return removalCauses[this.field(entry, ENTRY.causeShift, ENTRY.causeMask)] ?? 'user';
  }

  /** The state under which the entry is counted, plus 1; 0 while it is not. */
  shown(entry: number): number {
    return this.field(entry, ENTRY.shownShift, ENTRY.shownMask);
  }

  setShown(entry: number, shown: number): void {
    this.setField(entry, ENTRY.shownShift, ENTRY.shownMask, shown);
  }

  recalled(entry: number): number {
    return this.field(entry, ENTRY.recalledShift, ENTRY.recalledMask);
  }

  setRecalled(entry: number, recalled: number): void {
    this.setField(entry, ENTRY.recalledShift, ENTRY.recalledMask, recalled);
  }

  flags(entry: number): number {
    return this.records.word(entry, ENTRY.bits);
  }

  setFlags(entry: number, flags: number): void {
    this.records.setWord(entry, ENTRY.bits, flags);
  }

  private field(entry: number, shift: number, mask: number): number {
    return (this.flags(entry) >>> shift) & mask;
  }

  private setField(entry: number, shift: number, mask: number, value: number): void {
    this.setFlags(entry, (this.flags(entry) & ~(mask << shift)) | (value << shift));
  }
}

/** The time of an entry by its first two words. */
export function timeIn(low: number, high: number): number {
  const at = (high & ENTRY.atHighMask) * HIGH_MS + low;
  return at === 0 ? -Infinity : at;
}
