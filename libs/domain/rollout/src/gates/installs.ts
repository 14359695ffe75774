import { ageBands } from '@sluice/domain-cohorts';
import { type Plan } from '../plan.ts';
import { rateWouldBeSeen } from './could-see.ts';
import { type Gate, lateFinder, rateFinder, rateFound, type Test } from './gate.ts';

/** Four bands alone would tolerate four times the rate, so that all ages together are looked at, too. */
const ALL_AGES_WEIGHT = 0.2;
/** Taken from the weight of removals by users, which needs little. */
const WAITING_WEIGHT = 0.02;
const BANDS_WEIGHT = 0.27;
export const LATE_WEIGHT = 0.08;

const failing = ({ gates }: Plan) => gates.installFailureRateMax;

const tests: readonly Test[] = [
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
  {
    name: 'installs-late',
    weight: LATE_WEIGHT,
    ...lateFinder(({ all }) => all, failing),
    words: ({ trials, failures }) => `installs fail that began late: ${String(failures)} of ${String(trials)}`,
  },
];

/** Whether installs fail, at any age, and of those that begin late. */
export const installsGate: Gate = { tests };

/**
 * The smallest share of failing installs that the test on all devices together would have found among so many, with a chance
 * of 95 %; undefined when they are too few to find any.
 */
export function smallestRateSeen(trials: number, tolerated: number): number | undefined {
  return rateWouldBeSeen({ trials, tolerated, weight: ALL_AGES_WEIGHT });
}
