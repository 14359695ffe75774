import { type RateCounts } from './rates.ts';
import { type PeriodCounts, type SliceCounts } from './trials.ts';

type TrialCounts = Omit<SliceCounts, 'harm'>;
type Sums<Counts> = { -readonly [Key in keyof Counts]: Counts[Key] };

interface PeriodSums extends PeriodCounts {
  readonly all: Sums<RateCounts>;
  readonly missing: Sums<RateCounts>;
  /** How many of the slices have trials of it. */
  slices: number;
}

/** The trials of slices that are looked at together. From look to look only slices whose counts are other ones are summed anew. */
export class PooledTrials {
  private members: readonly TrialCounts[] = [];
  private readonly rates = Array.from({ length: 3 }, none);
  private bands: Sums<RateCounts>[] = [];
  private readonly periods = new Map<number, PeriodSums>();
  private readonly waiting = none();
  /** How many of the slices have failures that wait. */
  private waits = 0;

  /** What the trials of these slices come to; until the next call. */
  of(members: readonly TrialCounts[]): TrialCounts {
    const before = this.members;
    for (let index = 0; index < Math.max(before.length, members.length); index += 1) {
      const [old, now] = [before[index], members[index]];
      if (old === now) continue;
      if (old !== undefined) this.add(old, -1);
      if (now !== undefined) this.add(now, 1);
    }
    this.members = members;
    const { rates, bands, waiting } = this;
    const [all = none(), missing = none(), removed = none()] = rates;
    const periods = [...this.periods.values()];
    return { all, missing, removed, bands, periods, ...(this.waits > 0 && { waiting }) };
  }

  private add(counts: TrialCounts, times: 1 | -1): void {
    const { all, missing, removed, bands, waiting, periods } = counts;
    [all, missing, removed].forEach((each, index) => addTo(this.rates[index], each, times));
    bands.forEach((band, index) => addTo((this.bands[index] ??= none()), band, times));
    addTo(this.waiting, waiting ?? all, times);
    if (waiting !== undefined) this.waits += times;
    for (const its of periods) {
      const sums = this.periods.get(its.period) ?? { period: its.period, all: none(), missing: none(), slices: 0 };
      this.periods.set(its.period, sums);
      addTo(sums.all, its.all, times);
      addTo(sums.missing, its.missing, times);
      sums.slices += times;
      if (sums.slices === 0) this.periods.delete(its.period);
    }
  }
}

function none(): Sums<RateCounts> {
  return { n: 0, x: 0 };
}

function addTo(sums: Sums<RateCounts> | undefined, { n, x }: RateCounts, times: 1 | -1): void {
  if (sums === undefined) return;
  sums.n += times * n;
  sums.x += times * x;
}
