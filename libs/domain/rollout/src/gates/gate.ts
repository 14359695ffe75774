import { ageBands, harmSignals, type HarmSignal } from '@sluice/domain-cohorts';
import { OUTCOME_MISSING_RATE_MAX, type Plan, REMOVED_BY_USER_RATE_MAX } from '../plan.ts';
import { harmCounts, type HarmTally, logHarmEvidence, lotCounts, type LotCounts } from './harm.ts';
import { lateRateEvidence, logRateEvidence, type RateCounts, type RateNumbers } from './rates.ts';
import { type PeriodCounts, type SliceCounts } from './trials.ts';

/** What a test is made on, beside the counts of the slices. */
export interface Asked {
  readonly plan: Plan;
  /** How many periods of harm have begun. */
  readonly periods: number;
  /** The period of trials in which the counting began. */
  readonly firstPeriod: number;
}

/** What a test found on slices that are looked at together; `logE`: the natural logarithm of its evidence. */
export interface Found {
  readonly trials: number;
  readonly failures: number;
  readonly toleratedRate: number;
  readonly logE: number;
}

/** What the evidence of a test is made of: whoever has it, and what was found, computes it again (`recompute.ts`). */
export type MadeOf = RateNumbers | LotCounts;

/** One test of a gate: what it finds, its part of the one α of a rollout (design §3.4), and its words. */
export interface Test {
  readonly name: string;
  readonly weight: number;
  /** Undefined where nothing was counted. */
  readonly find: (slices: readonly SliceCounts[], asked: Asked) => Found | undefined;
  /** Of what was found; absent where that is made of its own counts. */
  readonly madeOf?: (slices: readonly SliceCounts[], asked: Asked) => MadeOf;
  readonly words: (found: Omit<Found, 'logE'>) => string;
}

/** Four bands alone would tolerate four times the rate, so that all ages together are looked at, too. */
export const ALL_AGES_WEIGHT = 0.2;
/** Taken from the weight of removals by users, which needs little. */
const WAITING_WEIGHT = 0.02;
const BANDS_WEIGHT = 0.27;
export const LATE_WEIGHT = 0.08;
const LATE_MISSING_WEIGHT = 0.05;
export const HARM_WEIGHT = 0.04;

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

function rateFinder(countsOf: (slice: SliceCounts) => RateCounts, tolerated: (plan: Plan) => number): Test['find'] {
  return (slices, { plan }) => rateFound(slices, countsOf, tolerated(plan));
}

/** The failure rate may rise in any period: only trials from that period on are counted. */
function lateFinder(
  countsOf: (period: PeriodCounts) => RateCounts,
  tolerated: (plan: Plan) => number,
): Pick<Test, 'find' | 'madeOf'> {
  return {
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
  const sums = new Map<number, { k: number; n: number; x: number }>();
  for (const { periods } of slices) {
    for (const each of periods) {
      const { n, x } = countsOf(each);
      const sum = sums.get(each.period);
      if (sum === undefined) sums.set(each.period, { k: each.period - firstPeriod + 1, n, x });
      else [sum.n, sum.x] = [sum.n + n, sum.x + x];
    }
  }
  return [...sums.values()].filter(({ k }) => k >= 1);
}

const failing = ({ gates }: Plan) => gates.installFailureRateMax;

const installs: readonly Test[] = [
  {
    name: 'installs',
    weight: ALL_AGES_WEIGHT,
    find: rateFinder(({ all }) => all, failing),
    words: ({ trials, failures }) => `installs fail: ${String(failures)} of ${String(trials)}`,
  },
  {
    // Few failures that wait say nothing, for successes take longer. So all devices that are known count as successes to come.
    name: 'installs-waiting',
    weight: WAITING_WEIGHT,
    find: (slices, { plan }) =>
      slices.some(({ waiting }) => waiting !== undefined)
        ? rateFound(slices, ({ waiting, all }) => waiting ?? all, failing(plan))
        : undefined,
    words: ({ trials, failures }) =>
      `installs fail, and their starts come too late: ${String(failures)} of ${String(trials)} devices`,
  },
  ...ageBands.map(({ from, to }, band): Test => {
    const hours = `${String(from)}-${String(to)}h`;
    return {
      name: `installs-${hours}`,
      weight: BANDS_WEIGHT / ageBands.length,
      find: rateFinder(({ bands }) => bands[band] ?? { n: 0, x: 0 }, failing),
      words: ({ trials, failures }) =>
        `installs fail ${String(from)} to ${String(to)} h after they began: ${String(failures)} of ${String(trials)}`,
    };
  }),
];

const missing = ({ gates }: Plan) => gates.outcomeMissingRateMax ?? OUTCOME_MISSING_RATE_MAX;

const outcomeMissing: Test = {
  name: 'outcome-missing',
  weight: 0.15,
  find: rateFinder((counts) => counts.missing, missing),
  words: ({ trials, failures }) =>
    `devices that began to install are not heard of again: ${String(failures)} of ${String(trials)}`,
};

const late: readonly Test[] = [
  {
    name: 'installs-late',
    weight: LATE_WEIGHT,
    ...lateFinder(({ all }) => all, failing),
    words: ({ trials, failures }) => `installs fail that began late: ${String(failures)} of ${String(trials)}`,
  },
  {
    name: 'outcome-missing-late',
    weight: LATE_MISSING_WEIGHT,
    ...lateFinder((counts) => counts.missing, missing),
    words: ({ trials, failures }) =>
      `devices that began to install late are not heard of again: ${String(failures)} of ${String(trials)}`,
  },
];

const removedByUser: Test = {
  name: 'removed-by-user',
  weight: 0.03,
  find: rateFinder(
    ({ removed }) => removed,
    ({ gates }) => gates.removedByUserRateMax ?? REMOVED_BY_USER_RATE_MAX,
  ),
  words: ({ trials, failures }) => `users remove it: ${String(failures)} of ${String(trials)}`,
};

const harmWords: Readonly<Record<HarmSignal, string>> = {
  crash: 'crash',
  'boot-failure': 'cannot start',
  compatibility: 'have something that does not work with it',
  connectivity: 'lose their connection',
  silent: 'fall silent',
};

/** Whether devices inside the exposure are harmed more often than those outside, which are drawn by lot. */
const harm: readonly Test[] = harmSignals.map((signal) => ({
  name: signal,
  weight: HARM_WEIGHT,
  find: (slices, { periods }) => {
    const tallies = talliesOf(slices, signal);
    const { treated, events, expectedShare } = harmCounts(tallies);
    if (events === 0) return undefined;
    const logE = logHarmEvidence(tallies, periods);
    return { trials: events, failures: treated, toleratedRate: expectedShare, logE };
  },
  madeOf: (slices, { periods }) => lotCounts(talliesOf(slices, signal), periods),
  words: ({ trials, failures, toleratedRate }) =>
    `devices ${harmWords[signal]}: of ${String(trials)} that do, ${String(failures)} were exposed, ${String(Math.round(toleratedRate * trials))} would be by chance`,
}));

function talliesOf(slices: readonly SliceCounts[], signal: HarmSignal): HarmTally[] {
  return slices.flatMap((slice) => slice.harm.get(signal) ?? []);
}

/** All tests. Their weights come to 1. */
export const tests: readonly Test[] = [...installs, outcomeMissing, ...late, removedByUser, ...harm];
