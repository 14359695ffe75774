import { ALL_AGES_WEIGHT } from './gate.ts';
import { ALL_DEVICES_WEIGHT } from './nodes.ts';
import { logRateEvidence, logSum } from './rates.ts';
import { ALPHA } from './verdict.ts';

/** With such a chance. */
const CHANCE = 0.95;
/** Its place in the normal distribution. */
const Z = 1.645;
/** For more failures than these the normal distribution is near enough (Wilson's bound). */
const EXACT_MAX = 100;
const HALVINGS = 50;

/**
 * The smallest share of failing installs that the test on all devices together would have found among so many, with a chance
 * of 95 %; undefined when they are too few to find any.
 */
export function smallestRateSeen(trials: number, tolerated: number): number | undefined {
  const failures = failuresFound(trials, tolerated);
  if (failures === undefined) return undefined;
  if (failures > EXACT_MAX) return Math.min(1, wilsonBound(failures, trials));
  let [low, high] = [failures / trials, 1];
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = (low + high) / 2;
    if (chanceOfFewer(failures, trials, middle) <= 1 - CHANCE) high = middle;
    else low = middle;
  }
  return high;
}

/** How many failures among so many reach the limit of that test by themselves; undefined when not even all of them do. */
function failuresFound(trials: number, tolerated: number): number | undefined {
  const limit = -Math.log(ALPHA * ALL_DEVICES_WEIGHT * ALL_AGES_WEIGHT);
  const isFound = (x: number) => x >= 2 && logRateEvidence({ n: trials, x }, tolerated) >= limit;
  if (!isFound(trials)) return undefined;
  let [low, high] = [Math.floor(trials * tolerated), trials];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isFound(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** The chance that fewer than so many of the trials fail, at a rate. */
function chanceOfFewer(failures: number, trials: number, rate: number): number {
  if (rate >= 1) return 0;
  const logs: number[] = [];
  let log = trials * Math.log1p(-rate);
  for (let count = 0; count < failures; count += 1) {
    logs.push(log);
    log += Math.log((trials - count) / (count + 1)) + Math.log(rate) - Math.log1p(-rate);
  }
  return Math.exp(logSum(logs));
}

function wilsonBound(failures: number, trials: number): number {
  const below = failures - 0.5;
  return (below + Z ** 2 / 2 + Z * Math.sqrt(Z ** 2 / 4 + below * (1 - below / trials))) / (trials + Z ** 2);
}
