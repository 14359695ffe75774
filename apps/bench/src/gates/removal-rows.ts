import { removalHarm } from '@sluice/domain-rollout';
import { type Random } from '@sluice/simulation';
import { median } from '../figure.ts';
import { type GateOutcome } from './gate-run.ts';
import { judgeNull, percent, type PlayedRow, playedRow, share, type Verdict } from './gate-rows.ts';

const HOLDERS = 20_000;

/** A recall whose removals fail as often as tolerated. */
export function removalNulls(runs: number): PlayedRow[] {
  return [playedRow('removals fail at 5 %', runs, (random) => playRecall(0.05, random), judgeNull)];
}

export function removalHarms(runs: number): PlayedRow[] {
  const rates = [
    [0.1, 600],
    [0.2, 100],
    [0.3, 50],
  ] as const;
  return rates.map(([rate, most]) =>
    playedRow(`removals fail at ${percent(rate)}`, runs, (random) => playRecall(rate, random), pausedAtMost(most)),
  );
}

/** Removals end one after the other; the gate looks at each. */
function playRecall(rate: number, random: Random): GateOutcome {
  let failures = 0;
  for (let trials = 1; trials <= HOLDERS; trials += 1) {
    failures += random.chance(rate) ? 1 : 0;
    const evidence = removalHarm({ trials, failures });
    if (evidence === undefined) continue;
    const then = { startedThen: trials, exposedThen: trials / HOLDERS };
    return { stood: 'halt', ended: 'halt', ...then, held: [], largestLogSum: evidence.logE };
  }
  return { stood: 'go', ended: 'go', startedThen: HOLDERS, exposedThen: 1, held: [], largestLogSum: -Infinity };
}

function pausedAtMost(devices: number) {
  return (outcomes: readonly GateOutcome[]): Verdict => {
    const found = outcomes.filter(({ stood }) => stood !== 'go').length;
    const directed = median(outcomes.map(({ startedThen }) => startedThen));
    return {
      must: `all paused, at ≤ ${String(devices)} directed`,
      found: `${share(found, outcomes.length)} paused, at ${String(directed)} directed`,
      isReached: found === outcomes.length && directed <= devices,
    };
  };
}
