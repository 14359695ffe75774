const DAY_MS = 86_400_000;
const FIRST_SLOTS = 64;
const LOAD_MAX = 0.7;

/** Words of a report: the 8 bytes of its hash, and the hash of what it says. */
export const REPORT_WORDS = 3;

/** What is known of a report: nothing; that it came before; or that another one came under its id. */
export type Remembered = 'new' | 'same' | 'other';

/**
 * Reports by the 8-byte hashes of their ids (two words each), with 16 bits of a hash over what they say, where 0 is
 * unknown; by open addressing. The low bits of the first word must be random.
 */
export class ReportSet {
  private slots: Uint32Array;
  private contents: Uint16Array;
  private used = 0;

  /** With room for some reports: those of another set come in the order of their places, and would crowd in a smaller one. */
  constructor(reports = 0) {
    let slots = FIRST_SLOTS;
    while (reports > slots * LOAD_MAX) slots *= 2;
    this.slots = new Uint32Array(slots * 2);
    this.contents = new Uint16Array(slots);
  }

  get size(): number {
    return this.used;
  }

  find(low: number, high: number, content: number): Remembered {
    const slot = this.slotOf(low, high);
    if (this.isFree(slot)) return 'new';
    const known = this.contents[slot / 2] ?? 0;
    return known === 0 || content === 0 || known === content ? 'same' : 'other';
  }

  /** Keeps what was there before. All zero stands for empty, so that one hash in 2⁶⁴ is never found again. */
  add(low: number, high: number, content: number): void {
    const slot = this.slotOf(low, high);
    if (!this.isFree(slot)) return;
    this.write(slot, low, high, content);
    this.used += 1;
    if (this.used * 2 > this.slots.length * LOAD_MAX) this.grow();
  }

  /** All reports, REPORT_WORDS each, in no order that means anything. */
  copy(): Uint32Array {
    const all = new Uint32Array(this.used * REPORT_WORDS);
    let index = 0;
    for (let slot = 0; slot < this.slots.length; slot += 2) {
      if (this.isFree(slot)) continue;
      all[index] = this.slots[slot] ?? 0;
      all[index + 1] = this.slots[slot + 1] ?? 0;
      all[index + 2] = this.contents[slot / 2] ?? 0;
      index += REPORT_WORDS;
    }
    return all;
  }

  private isFree(slot: number): boolean {
    return this.slots[slot] === 0 && this.slots[slot + 1] === 0;
  }

  private slotOf(low: number, high: number): number {
    const mask = this.slots.length - 1;
    let slot = (low << 1) & mask;
    while ((this.slots[slot] !== low || this.slots[slot + 1] !== high) && !this.isFree(slot)) {
      slot = (slot + 2) & mask;
    }
    return slot;
  }

  private write(slot: number, low: number, high: number, content: number): void {
    this.slots[slot] = low;
    this.slots[slot + 1] = high;
    this.contents[slot / 2] = content;
  }

  private grow(): void {
    const [before, contents] = [this.slots, this.contents];
    this.slots = new Uint32Array(before.length * 2);
    this.contents = new Uint16Array(contents.length * 2);
    for (let index = 0; index < before.length; index += 2) {
      const [low, high] = [before[index] ?? 0, before[index + 1] ?? 0];
      if (low !== 0 || high !== 0) this.write(this.slotOf(low, high), low, high, contents[index / 2] ?? 0);
    }
  }
}

/** The reports of one day of receipt, REPORT_WORDS each. */
export interface RememberedDay {
  readonly day: number;
  readonly reports: Uint32Array;
}

/** Which reports were accepted within the last days: one set a day, dropped as a whole when it is too old. */
export class RecentReports {
  private readonly days = new Map<number, ReportSet>();

  constructor(private readonly keptDays: number) {}

  find(low: number, high: number, content: number): Remembered {
    for (const day of this.days.values()) {
      const found = day.find(low, high, content);
      if (found !== 'new') return found;
    }
    return 'new';
  }

  add(low: number, high: number, { content, receivedAt }: { content: number; receivedAt: number }): void {
    const day = Math.floor(receivedAt / DAY_MS);
    let reports = this.days.get(day);
    if (reports === undefined) {
      reports = new ReportSet();
      this.days.set(day, reports);
      this.forget(Math.max(...this.days.keys()) - this.keptDays);
    }
    reports.add(low, high, content);
  }

  /** The reports of each day, by its number since 1970: what `restore` takes. */
  copy(): RememberedDay[] {
    return [...this.days].map(([day, reports]) => ({ day, reports: reports.copy() }));
  }

  restore(days: readonly RememberedDay[]): void {
    for (const { day, reports } of days) {
      const set = new ReportSet(reports.length / REPORT_WORDS);
      for (let index = 0; index < reports.length; index += REPORT_WORDS)
        set.add(reports[index] ?? 0, reports[index + 1] ?? 0, reports[index + 2] ?? 0);
      this.days.set(day, set);
    }
  }

  /** The days before this one are no longer looked at. */
  private forget(firstKept: number): void {
    for (const day of this.days.keys()) if (day < firstKept) this.days.delete(day);
  }
}
