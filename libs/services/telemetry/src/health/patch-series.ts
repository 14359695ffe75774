/** What is told of a patch over time; each is a count so far. */
export const seriesCounts = ['holders', 'started', 'failed', 'fine', 'removed', 'removalsFailed'] as const;
export type SeriesCount = (typeof seriesCounts)[number];

/** The counts as they were at an instant (ms since 1970). */
export type SeriesPoint = Record<SeriesCount, number> & { readonly at: number };

export interface SeriesSpan {
  /** Milliseconds since 1970, both included. */
  readonly from: number;
  readonly to: number;
  readonly pointsMax: number;
}

export interface SeriesPoints {
  /** Milliseconds between two points; the last may follow sooner. */
  readonly stepMs: number;
  readonly points: readonly SeriesPoint[];
}

const SLOTS_MAX = 1_024;
const SLOTS_AT_FIRST = 32;
const FINEST_MS = 60_000;
const COLUMNS = seriesCounts.length;

/**
 * The counts of one patch over time, in a table that stays small: it holds what changed in each slot of time, and when it is
 * full, two slots become one. So a month is told as well as an hour, in steps of an hour and of a minute. Slot k is what
 * changed after (k − 1) and up to k widths. Which shard told first changes nothing, because changes add up.
 */
export class PatchSeries {
  private widthMs = FINEST_MS;
  private first = 0;
  private used = 0;
  private changes = new Float64Array(SLOTS_AT_FIRST * COLUMNS);
  private lastMs = -Infinity;

  /** Adds what changed by an instant. What is told late, of before the first slot, counts in that one. */
  add(atMs: number, change: Partial<Record<SeriesCount, number>>): void {
    this.lastMs = Math.max(this.lastMs, atMs);
    if (this.used === 0) this.first = this.slotOf(atMs);
    while (this.slotOf(atMs) - this.first >= SLOTS_MAX) this.halve();
    const slot = Math.max(0, this.slotOf(atMs) - this.first);
    this.used = Math.max(this.used, slot + 1);
    this.makeRoom();
    for (const [column, name] of seriesCounts.entries()) {
      const place = slot * COLUMNS + column;
      this.changes[place] = (this.changes[place] ?? 0) + (change[name] ?? 0);
    }
  }

  /** The counts at evenly spaced instants of the span that lie between the first and the last count. */
  points({ from, to, pointsMax }: SeriesSpan): SeriesPoints {
    const begin = Math.max(this.slotOf(from), this.first);
    const last = this.first + this.used - 1;
    const end = to >= this.lastMs ? last : Math.min(Math.floor(to / this.widthMs), last);
    const stride = Math.max(1, Math.ceil((end - begin + 1) / pointsMax));
    const points: SeriesPoint[] = [];
    const counts = seriesCounts.map(() => 0);
    for (let slot = this.first; slot <= end; slot += 1) {
      for (let column = 0; column < COLUMNS; column += 1)
        counts[column] = (counts[column] ?? 0) + (this.changes[(slot - this.first) * COLUMNS + column] ?? 0);
      // Counted back from the end, so that the last point is the latest one.
      if (slot >= begin && (end - slot) % stride === 0) points.push(this.pointAt(slot, counts));
    }
    return { stepMs: stride * this.widthMs, points };
  }

  // What the last slot holds was counted by the last instant, which may be before the end of the slot.
  private pointAt(slot: number, counts: readonly number[]): SeriesPoint {
    const named = Object.fromEntries(seriesCounts.map((name, column) => [name, counts[column] ?? 0]));
    return { at: Math.min(slot * this.widthMs, this.lastMs), ...(named as Record<SeriesCount, number>) };
  }

  private slotOf(ms: number): number {
    return Math.ceil(ms / this.widthMs);
  }

  private halve(): void {
    const { first, used, changes } = this;
    this.widthMs *= 2;
    this.first = Math.ceil(first / 2);
    this.changes = new Float64Array(changes.length);
    for (let slot = 0; slot < used; slot += 1) {
      const target = Math.ceil((first + slot) / 2) - this.first;
      for (let column = 0; column < COLUMNS; column += 1) {
        const place = target * COLUMNS + column;
        this.changes[place] = (this.changes[place] ?? 0) + (changes[slot * COLUMNS + column] ?? 0);
      }
      this.used = target + 1;
    }
  }

  private makeRoom(): void {
    let room = this.changes.length;
    while (room < this.used * COLUMNS) room *= 2;
    if (room === this.changes.length) return;
    const larger = new Float64Array(room);
    larger.set(this.changes);
    this.changes = larger;
  }
}
