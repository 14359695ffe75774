const SLOT_MS = 60_000;

interface Entry<Item> {
  readonly at: number;
  readonly order: number;
  readonly item: Item;
}

/** What is to happen when, in simulated time. Entries at the same instant come in the order in which they were added. */
export class Agenda<Item> {
  private readonly slots = new Map<number, Entry<Item>[]>();
  private added = 0;
  private nextSlot: number;

  constructor(startMs: number) {
    this.nextSlot = slotOf(startMs);
  }

  /** An instant that has been taken already counts as the next one that has not. */
  add(atMs: number, item: Item): void {
    const slot = Math.max(slotOf(atMs), this.nextSlot);
    const entry = { at: atMs, order: this.added, item };
    this.added += 1;
    const entries = this.slots.get(slot);
    if (entries === undefined) this.slots.set(slot, [entry]);
    else entries.push(entry);
  }

  /** Takes out everything up to and with the instant, in order of time. */
  takeUntil(nowMs: number): { at: number; item: Item }[] {
    const due: Entry<Item>[] = [];
    const last = slotOf(nowMs);
    for (let slot = this.nextSlot; slot <= last; slot += 1) {
      const entries = this.slots.get(slot) ?? [];
      this.slots.delete(slot);
      due.push(...entries.filter(({ at }) => at <= nowMs));
      const rest = entries.filter(({ at }) => at > nowMs);
      if (rest.length > 0) this.slots.set(slot, rest);
    }
    this.nextSlot = Math.max(this.nextSlot, last);
    return due.sort((left, right) => left.at - right.at || left.order - right.order);
  }
}

function slotOf(ms: number): number {
  return Math.floor(ms / SLOT_MS);
}
