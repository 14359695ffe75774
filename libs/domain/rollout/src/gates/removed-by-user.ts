import { type Gate, rateFinder } from './gate.ts';

/** Where the plan does not say. */
const RATE_MAX = 0.05;

/** Whether users take the patch off their devices. */
export const removedByUserGate: Gate = {
  tests: [
    {
      name: 'removed-by-user',
      weight: 0.03,
      find: rateFinder(
        ({ removed }) => removed,
        ({ gates }) => gates.removedByUserRateMax ?? RATE_MAX,
      ),
      words: ({ trials, failures }) => `users remove it: ${String(failures)} of ${String(trials)}`,
    },
  ],
};
