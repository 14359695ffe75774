const DAY_MS = 86_400_000;
const FIRST_SLOTS = 64;
const LOAD_MAX = 0.7;

/** A set of 8-byte hashes (two words each) by open addressing. Their low bits must be random. */
export class HashSet {
  private slots: Uint32Array;
  private used = 0;

  /** With room for some hashes: those of another set come in the order of their places, and would crowd in a smaller one. */
  constructor(hashes = 0) {
    let slots = FIRST_SLOTS;
    while (hashes > slots * LOAD_MAX) slots *= 2;
    this.slots = new Uint32Array(slots * 2);
  }

  get size(): number {
    return this.used;
  }

  has(low: number, high: number): boolean {
    const slot = this.slotOf(low, high);
    return this.slots[slot] !== 0 || this.slots[slot + 1] !== 0;
  }

  /** False when it was there before. All zero stands for empty, so that one hash in 2⁶⁴ is never found again. */
  add(low: number, high: number): boolean {
    const slot = this.slotOf(low, high);
    if (this.slots[slot] !== 0 || this.slots[slot + 1] !== 0) return false;
    this.slots[slot] = low;
    this.slots[slot + 1] = high;
    this.used += 1;
    if (this.used * 2 > this.slots.length * LOAD_MAX) this.grow();
    return true;
  }

  /** All hashes, two words each, in no order that means anything. */
  copy(): Uint32Array {
    const all = new Uint32Array(this.used * 2);
    let index = 0;
    for (let slot = 0; slot < this.slots.length; slot += 2) {
      const [low, high] = [this.slots[slot] ?? 0, this.slots[slot + 1] ?? 0];
      if (low === 0 && high === 0) continue;
      all[index] = low;
      all[index + 1] = high;
      index += 2;
    }
    return all;
  }

  private slotOf(low: number, high: number): number {
    const mask = this.slots.length - 1;
    let slot = (low << 1) & mask;
    while (
      (this.slots[slot] !== low || this.slots[slot + 1] !== high) &&
      (this.slots[slot] !== 0 || this.slots[slot + 1] !== 0)
    ) {
      slot = (slot + 2) & mask;
    }
    return slot;
  }

  private grow(): void {
    const before = this.slots;
    this.slots = new Uint32Array(before.length * 2);
    for (let index = 0; index < before.length; index += 2) {
      const [low, high] = [before[index] ?? 0, before[index + 1] ?? 0];
      if (low === 0 && high === 0) continue;
      const slot = this.slotOf(low, high);
      this.slots[slot] = low;
      this.slots[slot + 1] = high;
    }
  }
}

/** The reports of one day of receipt, two words each. */
export interface RememberedDay {
  readonly day: number;
  readonly hashes: Uint32Array;
}

/** Which reports were accepted within the last days: one set a day, dropped as a whole when it is too old. */
export class RecentReports {
  private readonly days = new Map<number, HashSet>();

  constructor(private readonly keptDays: number) {}

  has(low: number, high: number): boolean {
    for (const day of this.days.values()) if (day.has(low, high)) return true;
    return false;
  }

  add(low: number, high: number, receivedAt: number): void {
    const day = Math.floor(receivedAt / DAY_MS);
    let hashes = this.days.get(day);
    if (hashes === undefined) {
      hashes = new HashSet();
      this.days.set(day, hashes);
      this.forget(Math.max(...this.days.keys()) - this.keptDays);
    }
    hashes.add(low, high);
  }

  /** The hashes of each day, by its number since 1970: what `restore` takes. */
  copy(): RememberedDay[] {
    return [...this.days].map(([day, hashes]) => ({ day, hashes: hashes.copy() }));
  }

  restore(days: readonly RememberedDay[]): void {
    for (const { day, hashes } of days) {
      const set = new HashSet(hashes.length / 2);
      for (let index = 0; index < hashes.length; index += 2) set.add(hashes[index] ?? 0, hashes[index + 1] ?? 0);
      this.days.set(day, set);
    }
  }

  /** The days before this one are no longer looked at. */
  private forget(firstKept: number): void {
    for (const day of this.days.keys()) if (day < firstKept) this.days.delete(day);
  }
}
