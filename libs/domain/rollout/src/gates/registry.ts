import { type Gate, type Test } from './gate.ts';
import { incidentsGate } from './incidents.ts';
import { installsGate } from './installs.ts';
import { outcomeMissingGate } from './outcome-missing.ts';
import { removedByUserGate } from './removed-by-user.ts';

/** All gates of a rollout: what judges goes through this list, and names none of them. */
const gates: readonly Gate[] = [installsGate, outcomeMissingGate, removedByUserGate, incidentsGate];

/** All tests. Their weights come to 1. */
export const tests: readonly Test[] = gates.flatMap((gate) => gate.tests);
