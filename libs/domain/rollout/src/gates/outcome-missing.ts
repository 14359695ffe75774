import { type Plan } from '../plan.ts';
import { type Gate, lateFinder, rateFinder, type Test } from './gate.ts';

/** Where the plan does not say. */
const RATE_MAX = 0.02;

const missing = ({ gates }: Plan) => gates.outcomeMissingRateMax ?? RATE_MAX;

const tests: readonly Test[] = [
  {
    name: 'outcome-missing',
    weight: 0.15,
    find: rateFinder((counts) => counts.missing, missing),
    words: ({ trials, failures }) =>
      `devices that began to install are not heard of again: ${String(failures)} of ${String(trials)}`,
  },
  {
    name: 'outcome-missing-late',
    weight: 0.05,
    ...lateFinder((counts) => counts.missing, missing),
    words: ({ trials, failures }) =>
      `devices that began to install late are not heard of again: ${String(failures)} of ${String(trials)}`,
  },
];

/** Whether devices that began to install are heard of again. */
export const outcomeMissingGate: Gate = { tests };
