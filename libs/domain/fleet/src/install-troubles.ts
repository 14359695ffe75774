import { HOUR_MS } from '@sluice/domain-cohorts';
import { NOWHERE, Records, TextTable } from './records.ts';

/** What went wrong between a device and a patch. */
export interface Trouble {
  /** Reports of failed installs, and of failed removals; 255 stands for as many or more. */
  readonly failedInstalls: number;
  readonly failedRemovals: number;
  /** What the device called the last of them. */
  readonly failureCode: string | undefined;
  /** When the last of them happened; undefined where there was none. */
  readonly lastFailureAt: number | undefined;
}

/** A failure that a device reported: when it happened, and what the device called it. */
export interface Failure {
  readonly when: number;
  readonly code: string | undefined;
}

const COUNT_MAX = 0xff;
const NO_CODE = 0xffff;
/** Codes beyond are not kept: devices make them up. */
const CODES_MAX = 4096;

/**
 * Words of a trouble. Words 0 and 1 are the time of the last failure as a float; `triedHour` is the hour since 1970 in which the
 * last try without package was received.
 */
export const TROUBLE = { words: 6, atFloat: 0, entry: 2, packed: 3, triedHour: 4 } as const;

/** The troubles of the few entries that have any. */
export class InstallTroubles {
  readonly codes = new TextTable();
  readonly records = new Records(TROUBLE.words);
  private readonly found = new Map<number, number>();

  installFailed(entry: number, failure: Failure): void {
    const { failedInstalls, failedRemovals } = this.of(entry);
    this.write(entry, failure, Math.min(failedInstalls + 1, COUNT_MAX), failedRemovals);
  }

  /** The device got no package: no attempt, and worth its code. False when it said so already in the hour of the receipt. */
  unreached(entry: number, failure: Failure, received: number): boolean {
    const { failedInstalls, failedRemovals } = this.of(entry);
    this.write(entry, failure, failedInstalls, failedRemovals);
    const [record, hour] = [this.found.get(entry) ?? NOWHERE, Math.floor(received / HOUR_MS)];
    if (this.records.word(record, TROUBLE.triedHour) === hour) return false;
    this.records.setWord(record, TROUBLE.triedHour, hour);
    return true;
  }

  removalFailed(entry: number, failure: Failure): void {
    const { failedInstalls, failedRemovals } = this.of(entry);
    this.write(entry, failure, failedInstalls, Math.min(failedRemovals + 1, COUNT_MAX));
  }

  of(entry: number): Trouble {
    const record = this.found.get(entry);
    if (record === undefined) return NO_TROUBLE;
    const packed = this.records.word(record, TROUBLE.packed);
    const code = packed & 0xffff;
    return {
      failedInstalls: (packed >>> 16) & COUNT_MAX,
      failedRemovals: packed >>> 24,
      failureCode: code === NO_CODE ? undefined : this.codes.texts[code],
      lastFailureAt: this.records.float(record, TROUBLE.atFloat),
    };
  }

  hasFailedRemovals(entry: number): boolean {
    return this.found.has(entry) && this.of(entry).failedRemovals > 0;
  }

  /** The entries with so many failed removals or more. */
  *withFailedRemovals(atLeast: number): Iterable<number> {
    for (let record = 0; record < this.records.count; record += 1) {
      if (this.records.word(record, TROUBLE.packed) >>> 24 >= atLeast) yield this.records.word(record, TROUBLE.entry);
    }
  }

  restore(copy: Uint32Array, codes: readonly string[]): void {
    for (const code of codes) this.codes.indexOf(code);
    this.records.restore(copy);
    for (let record = 0; record < this.records.count; record += 1)
      this.found.set(this.records.word(record, TROUBLE.entry), record);
  }

  private write(entry: number, { when, code }: Failure, failedInstalls: number, failedRemovals: number): void {
    const record = this.found.get(entry) ?? this.add(entry);
    const lastAt = this.records.float(record, TROUBLE.atFloat);
    // The last failure that is heard of again is no other one.
    if (when === lastAt) return;
    const known = this.records.word(record, TROUBLE.packed) & 0xffff;
    const number = when > lastAt ? this.numberOf(code) : known;
    this.records.setFloat(record, TROUBLE.atFloat, Math.max(when, lastAt));
    this.records.setWord(record, TROUBLE.packed, (failedRemovals << 24) | (failedInstalls << 16) | number);
  }

  private add(entry: number): number {
    const record = this.records.add();
    this.found.set(entry, record);
    this.records.setFloat(record, TROUBLE.atFloat, -Infinity);
    this.records.setWord(record, TROUBLE.entry, entry);
    this.records.setWord(record, TROUBLE.packed, NO_CODE);
    return record;
  }

  private numberOf(code: string | undefined): number {
    if (code === undefined) return NO_CODE;
    return this.codes.find(code) ?? (this.codes.texts.length < CODES_MAX ? this.codes.indexOf(code) : NO_CODE);
  }
}

const NO_TROUBLE: Trouble = {
  failedInstalls: 0,
  failedRemovals: 0,
  failureCode: undefined,
  lastFailureAt: undefined,
};
