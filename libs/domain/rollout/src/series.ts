/** Between two points that are kept, at first; it doubles whenever there are too many of them. */
const FIRST_STEP_MS = 60_000;

/** The values at an instant (ms since 1970). */
export interface SeriesPoint {
  readonly atMs: number;
  readonly values: readonly number[];
}

/**
 * Values over time, in a bounded number of points, evenly thinned out as the time grows. Of each step the last values are kept, or
 * the largest of each. In flat lists of numbers, because there are many of them.
 */
export class Series {
  private times: number[] = [];
  private cells: number[] = [];
  private stepMs = FIRST_STEP_MS;

  /** `width`: how many values a point has. */
  constructor(
    private readonly width: number,
    private readonly pointsMax: number,
    private readonly keeps: 'last' | 'largest' = 'last',
  ) {}

  /** Takes the values of an instant; what comes late counts at the last instant that there is. */
  add(atMs: number, values: readonly number[]): void {
    this.put(Math.max(atMs, this.times.at(-1) ?? -Infinity), values);
    while (this.times.length > this.pointsMax) {
      this.stepMs *= 2;
      const all = this.within(-Infinity, Infinity);
      [this.times, this.cells] = [[], []];
      for (const point of all) this.put(point.atMs, point.values);
    }
  }

  /** The values of the last point at or before an instant; undefined before the first. */
  valuesAt(atMs: number): readonly number[] | undefined {
    const index = this.times.findLastIndex((each) => each <= atMs);
    return index === -1 ? undefined : this.valuesOf(index);
  }

  /** The points in (after, through]. */
  within(afterMs: number, throughMs: number): readonly SeriesPoint[] {
    return this.times.flatMap((atMs, index) =>
      atMs > afterMs && atMs <= throughMs ? [{ atMs, values: this.valuesOf(index) }] : [],
    );
  }

  private put(atMs: number, values: readonly number[]): void {
    const last = this.times.length - 1;
    const isSameStep = Math.floor((this.times[last] ?? -Infinity) / this.stepMs) === Math.floor(atMs / this.stepMs);
    const index = isSameStep ? last : last + 1;
    const before = isSameStep && this.keeps === 'largest' ? this.valuesOf(index) : [];
    this.times[index] = atMs;
    for (let column = 0; column < this.width; column += 1) {
      const value = values[column] ?? 0;
      this.cells[index * this.width + column] = Math.max(value, before[column] ?? value);
    }
  }

  private valuesOf(index: number): number[] {
    return this.cells.slice(index * this.width, (index + 1) * this.width);
  }
}
