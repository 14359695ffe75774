import { type Plan } from '../plan.ts';
import { type LotCounts } from './harm.ts';
import { lateRateEvidence, logRateEvidence, type RateCounts, type RateNumbers } from './rates.ts';
import { type PeriodCounts, type SliceCounts } from './trials.ts';

/** What a test is made on, beside the counts of the slices. */
export interface Asked {
  readonly plan: Plan;
  /** How many onsets of harm there were. */
  readonly onsets: number;
  /** The period in which the counting began. */
  readonly firstPeriod: number;
}

/** What a test found on slices that are looked at together; `logE`: the natural logarithm of its evidence. */
export interface Found {
  readonly trials: number;
  readonly failures: number;
  readonly toleratedRate: number;
  readonly logE: number;
}

/** What the evidence of a test is made of: who has it, and what was found, computes it again (`recompute.ts`). */
export type MadeOf = RateNumbers | LotCounts;

/** One test of a gate: what it finds, its part of the one α of a rollout (design §3.4), and its words. */
export interface Test {
  readonly name: string;
  readonly weight: number;
  /** Undefined where nothing was counted. */
  readonly find: (slices: readonly SliceCounts[], asked: Asked) => Found | undefined;
  /** What it is made of, and of what kind that is; absent where it is made of nothing but its own counts. */
  readonly by?: 'periods' | 'lot';
  readonly madeOf?: (slices: readonly SliceCounts[], asked: Asked) => MadeOf;
  readonly words: (found: Omit<Found, 'logE'>) => string;
}

/** What the evidence of a rule has to be like. */
export interface EvidenceRule {
  readonly name: string;
  readonly decides: readonly Decided[];
  /** With the rate that each tolerates, where no plan says it. */
  readonly tests: readonly (Pick<Test, 'name' | 'weight' | 'by'> & { readonly tolerated?: number })[];
  /** Of the strongest test. */
  readonly words: (strongest: Strongest) => string;
}

type Strongest = Omit<Found, 'logE'> & { readonly test: string; readonly of?: string };

/** What is decided on evidence: a wave does not go on, a slice is held, a rollout halts, a recall is paused. */
export type Decided = 'wait' | 'hold' | 'halt' | 'pause';

/** One gate: its tests. What they count is in `trials.ts`, or `rollout-harm.ts`. */
export interface Gate {
  readonly tests: readonly Test[];
}

/** What is found of a rate that is above the tolerated one; undefined where nothing was counted. */
export function rateFound<Counts>(
  slices: readonly Counts[],
  countsOf: (slice: Counts) => RateCounts,
  toleratedRate: number,
): Found | undefined {
  let [n, x] = [0, 0];
  for (const slice of slices) {
    const counts = countsOf(slice);
    n += counts.n;
    x += counts.x;
  }
  if (n === 0 && x === 0) return undefined;
  return { trials: n, failures: x, toleratedRate, logE: logRateEvidence({ n, x }, toleratedRate) };
}

export function rateFinder(
  countsOf: (slice: SliceCounts) => RateCounts,
  tolerated: (plan: Plan) => number,
): Test['find'] {
  return (slices, { plan }) => rateFound(slices, countsOf, tolerated(plan));
}

/** The failure rate may rise in any period: only trials from that period on are counted. */
export function lateFinder(
  countsOf: (period: PeriodCounts) => RateCounts,
  tolerated: (plan: Plan) => number,
): Pick<Test, 'find' | 'by' | 'madeOf'> {
  return {
    by: 'periods',
    find: (slices, asked) => {
      const periods = periodsOf(slices, asked, countsOf);
      if (periods.length === 0) return undefined;
      const toleratedRate = tolerated(asked.plan);
      const { n, x, logE } = lateRateEvidence(periods, toleratedRate);
      return { trials: n, failures: x, toleratedRate, logE };
    },
    madeOf: (slices, asked) => ({
      by: 'periods',
      periods: periodsOf(slices, asked, countsOf).map(({ k, n, x }) => ({ k, trials: n, failures: x })),
    }),
  };
}

/** The periods since the counting began, of all slices together. */
function periodsOf(
  slices: readonly SliceCounts[],
  { firstPeriod }: Asked,
  countsOf: (period: PeriodCounts) => RateCounts,
) {
  const sums: { readonly k: number; n: number; x: number }[] = [];
  for (const { periods } of slices) {
    for (const each of periods) {
      const k = each.period - firstPeriod + 1;
      if (k < 1) continue;
      const { n, x } = countsOf(each);
      const sum = (sums[k] ??= { k, n: 0, x: 0 });
      sum.n += n;
      sum.x += x;
    }
  }
  return Object.values(sums);
}
