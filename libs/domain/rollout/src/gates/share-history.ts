interface Knot {
  readonly atMs: number;
  readonly percent: number;
}

/** What lies on the line between its neighbours to this part of a percent is left out. */
const STRAIGHT_PERCENT = 1e-6;

/** How a share of buckets went over time: lines between knots, so that a steady ramp takes two, however many grants it had. */
export class ShareHistory {
  private knots: Knot[] = [];

  /** It goes evenly from one to the other, from the first instant on. */
  goes(from: Knot, to: Knot): void {
    this.cut(from.atMs);
    this.add(from);
    this.add(to);
  }

  /** It stays where it is at an instant. */
  cut(atMs: number): void {
    const last = this.knots.at(-1);
    if (last === undefined || last.atMs <= atMs) {
      if (last !== undefined && last.atMs < atMs) this.add({ atMs, percent: last.percent });
      return;
    }
    const percent = this.at(atMs);
    this.knots = this.knots.filter((knot) => knot.atMs < atMs);
    this.add({ atMs, percent });
  }

  /** The percentage at an instant; 0 before the first. */
  at(ms: number): number {
    // The last knot at or before the instant.
    let [low, high] = [0, this.knots.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.knots[middle]?.atMs ?? Infinity) <= ms) low = middle + 1;
      else high = middle;
    }
    const [before, after] = [this.knots[low - 1], this.knots[low]];
    if (before === undefined) return 0;
    if (after === undefined) return before.percent;
    return onLine(before, after, ms);
  }

  /** From when on all buckets are inside, to the end; undefined while some are not. */
  fullFromMs(): number | undefined {
    return this.knots.find(({ percent }) => percent >= 100)?.atMs;
  }

  private add(knot: Knot): void {
    const last = this.knots.at(-1);
    if (last?.atMs === knot.atMs && Math.abs(last.percent - knot.percent) < STRAIGHT_PERCENT) return;
    const [first, middle] = this.knots.slice(-2);
    if (first !== undefined && middle !== undefined && first.atMs < middle.atMs && middle.atMs < knot.atMs) {
      const isStraight = Math.abs(onLine(first, knot, middle.atMs) - middle.percent) < STRAIGHT_PERCENT;
      if (isStraight) this.knots.pop();
    }
    this.knots.push(knot);
  }
}

function onLine(from: Knot, to: Knot, ms: number): number {
  return from.percent + ((to.percent - from.percent) * (ms - from.atMs)) / (to.atMs - from.atMs);
}
