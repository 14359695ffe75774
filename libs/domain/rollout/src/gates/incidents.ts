import { harmSignals, type HarmSignal } from '@sluice/domain-cohorts';
import { ratioWouldBeSeen } from './could-see.ts';
import { type Gate, type Test } from './gate.ts';
import { harmFound, type HarmTally, lotCounts } from './harm.ts';
import { type SliceCounts } from './trials.ts';

/** Of each of the signals. */
export const HARM_WEIGHT = 0.04;

/** `isLagged`: without a connection nobody reports that it is lost; and who falls silent was harmed hours before. */
const signals: Readonly<Record<HarmSignal, { readonly words: string; readonly isLagged?: true }>> = {
  crash: { words: 'crash' },
  'boot-failure': { words: 'cannot start' },
  compatibility: { words: 'have something that does not work with it' },
  connectivity: { words: 'lose their connection', isLagged: true },
  silent: { words: 'fall silent', isLagged: true },
};

const tests: readonly Test[] = harmSignals.map((signal) => ({
  name: signal,
  weight: HARM_WEIGHT,
  find: (slices, { onsets }) => {
    const tallies = talliesOf(slices, signal);
    if (tallies.length === 0) return undefined;
    const { treated, events, expectedShare, logE } = harmFound(tallies, onsets);
    if (events === 0) return undefined;
    return { trials: events, failures: treated, toleratedRate: expectedShare, logE };
  },
  by: 'lot',
  madeOf: (slices, { onsets }) => lotCounts(talliesOf(slices, signal), onsets),
  words: ({ trials, failures, toleratedRate }) =>
    `devices ${signals[signal].words}: of ${String(trials)} that do, ${String(failures)} were exposed, ${String(Math.round(toleratedRate * trials))} would be by chance`,
}));

function talliesOf(slices: readonly SliceCounts[], signal: HarmSignal): HarmTally[] {
  const tallies: HarmTally[] = [];
  for (const { harm } of slices) {
    const tally = harm.get(signal);
    if (tally !== undefined) tallies.push(tally);
  }
  return tallies;
}

/** Whether devices inside the exposure are harmed more often than those outside, which are drawn by lot. */
export const incidentsGate: Gate = { tests };

/** Signals whose incidents are always judged with a lag. */
export const laggedSignals: readonly string[] = harmSignals.filter((signal) => signals[signal].isLagged);

/**
 * How many times as often as the others the exposed devices would have to be harmed for the test on all devices together to have
 * found it, with a chance of 95 %, by so many devices of the control group with an incident; undefined where it could have found
 * no ratio that is a number to show. `expectedShare`: the share of all incidents that chance would put on exposed devices.
 */
export function smallestRatioSeen(control: number, expectedShare: number): number | undefined {
  return ratioWouldBeSeen({ control, expectedShare, weight: HARM_WEIGHT });
}
