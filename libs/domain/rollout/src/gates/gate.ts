import { ageBands } from '@sluice/domain-cohorts';
import { OUTCOME_MISSING_RATE_MAX, type Plan, REMOVED_BY_USER_RATE_MAX } from '../plan.ts';
import { type RateCounts } from './rates.ts';
import { type SliceCounts } from './trials.ts';

/**
 * One test of a gate: which counts it looks at, how often what it counts may happen, its part of the one α of a rollout
 * (design §3.4), and its words.
 */
export interface Test {
  readonly name: string;
  readonly weight: number;
  readonly countsOf: (slice: SliceCounts) => RateCounts;
  readonly tolerated: (plan: Plan) => number;
  readonly words: (counts: RateCounts) => string;
}

/** Four bands alone would tolerate four times the rate, so that all ages together are looked at, too. */
const ALL_AGES_WEIGHT = 0.2;
const BANDS_WEIGHT = 0.4;

const installs: readonly Test[] = [
  {
    name: 'installs',
    weight: ALL_AGES_WEIGHT,
    countsOf: ({ all }) => all,
    tolerated: ({ gates }) => gates.installFailureRateMax,
    words: ({ n, x }) => `installs fail: ${String(x)} of ${String(n)}`,
  },
  ...ageBands.map(({ from, to }, band): Test => {
    const hours = `${String(from)}-${String(to)}h`;
    return {
      name: `installs-${hours}`,
      weight: BANDS_WEIGHT / ageBands.length,
      countsOf: ({ bands }) => bands[band] ?? { n: 0, x: 0 },
      tolerated: ({ gates }) => gates.installFailureRateMax,
      words: ({ n, x }) =>
        `installs fail ${String(from)} to ${String(to)} h after they began: ${String(x)} of ${String(n)}`,
    };
  }),
];

const outcomeMissing: Test = {
  name: 'outcome-missing',
  weight: 0.15,
  countsOf: ({ missing }) => missing,
  tolerated: ({ gates }) => gates.outcomeMissingRateMax ?? OUTCOME_MISSING_RATE_MAX,
  words: ({ n, x }) => `devices that began to install are not heard of again: ${String(x)} of ${String(n)}`,
};

const removedByUser: Test = {
  name: 'removed-by-user',
  weight: 0.05,
  countsOf: ({ removed }) => removed,
  tolerated: ({ gates }) => gates.removedByUserRateMax ?? REMOVED_BY_USER_RATE_MAX,
  words: ({ n, x }) => `users remove it: ${String(x)} of ${String(n)}`,
};

/** All tests. The weights come to less than 1: what is missing is kept for signals of harm with a control group. */
export const tests: readonly Test[] = [...installs, outcomeMissing, removedByUser];
