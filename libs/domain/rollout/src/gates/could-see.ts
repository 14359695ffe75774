import { harmSignals } from '@sluice/domain-cohorts';
import { logHarmRatioEvidence } from './harm.ts';
import { ALL_DEVICES_WEIGHT, ALPHA } from './nodes.ts';
import { logRateEvidence, logSum } from './rates.ts';
// As a type only: the verdict brings all gates, which ask this file what they could see.
import type { TestEvidence } from './verdict.ts';

/** With such a chance. */
const CHANCE = 0.95;
/** Its place in the normal distribution. */
const Z = 1.645;
/** For more failures than these the normal distribution is near enough (Wilson's bound). */
const EXACT_MAX = 100;
const HALVINGS = 50;
/** A ratio beyond is no number to show. */
const RATIO_MAX = 100;

/** Trials, and the rate of failures that a test of such a weight tolerates. */
interface RateQuestion {
  readonly trials: number;
  readonly tolerated: number;
  readonly weight: number;
}

/** Incidents of the control group, and the share of all incidents that chance would put on exposed devices. */
interface RatioQuestion {
  readonly control: number;
  readonly expectedShare: number;
  readonly weight: number;
}

/** The smallest rate that a test on all devices together would have found with a chance of 95 %; undefined when there is none. */
export function rateWouldBeSeen(question: RateQuestion): number | undefined {
  const { trials } = question;
  const failures = failuresFound(question);
  if (failures === undefined) return undefined;
  if (failures > EXACT_MAX) return Math.min(1, wilsonBound(failures, trials));
  return boundOf((rate) => chanceOfFewer(failures, trials, rate), { low: failures / trials, high: 1 });
}

/** The same of how many times as often as the others the exposed devices are harmed; undefined where that is beyond RATIO_MAX. */
export function ratioWouldBeSeen({ control, expectedShare, weight }: RatioQuestion): number | undefined {
  if (control === 0 || expectedShare <= 0 || expectedShare >= 1) return undefined;
  const byChance = (control * expectedShare) / (1 - expectedShare);
  const limit = -Math.log(ALPHA * ALL_DEVICES_WEIGHT * weight);
  const isFound = (x: number) => x >= 2 && logHarmRatioEvidence({ treated: x, control }, expectedShare) >= limit;
  const treated = leastOf(isFound, { low: Math.floor(byChance), high: Math.ceil(RATIO_MAX * byChance) });
  if (treated === undefined) return undefined;
  const ratio = meanThatGives(treated) / byChance;
  return ratio > RATIO_MAX ? undefined : ratio;
}

/**
 * What a test could have found by itself on its devices, with a chance of 95 %: of a signal of harm the smallest ratio, of the
 * others the smallest failure rate; null where that is nothing.
 */
export function couldSee({
  test,
  trials,
  failures,
  toleratedRate,
  weight: itsWeight,
}: Pick<TestEvidence, 'test' | 'trials' | 'failures' | 'toleratedRate' | 'weight'>): {
  readonly failureRate?: number | null;
  readonly ratio?: number | null;
} {
  const weight = itsWeight / ALL_DEVICES_WEIGHT;
  if ((harmSignals as readonly string[]).includes(test))
    return { ratio: ratioWouldBeSeen({ control: trials - failures, expectedShare: toleratedRate, weight }) ?? null };
  return { failureRate: trials === 0 ? null : (rateWouldBeSeen({ trials, tolerated: toleratedRate, weight }) ?? null) };
}

/** How many failures among so many reach the limit of that test by themselves; undefined when not even all of them do. */
function failuresFound({ trials, tolerated, weight }: RateQuestion): number | undefined {
  const limit = -Math.log(ALPHA * ALL_DEVICES_WEIGHT * weight);
  const isFound = (x: number) => x >= 2 && logRateEvidence({ n: trials, x }, tolerated) >= limit;
  return leastOf(isFound, { low: Math.floor(trials * tolerated), high: trials });
}

/** The least whole number above `low` of which it holds, as it does of all larger ones; undefined when not even of `high`. */
function leastOf(holds: (x: number) => boolean, { low, high }: { low: number; high: number }): number | undefined {
  if (!holds(high)) return undefined;
  let [less, enough] = [low, high];
  while (enough - less > 1) {
    const middle = Math.floor((less + enough) / 2);
    if (holds(middle)) enough = middle;
    else less = middle;
  }
  return enough;
}

/** The mean of a Poisson distribution that gives so many, or more, with a chance of 95 %. */
function meanThatGives(count: number): number {
  if (count > EXACT_MAX) return count - 0.5 + Z ** 2 / 2 + Z * Math.sqrt(count - 0.5 + Z ** 2 / 4);
  return boundOf((mean) => chanceOfFewerAt(count, mean), { low: 0, high: 2 * count + 10 });
}

/** From where on the chance to stay below, which falls, is no more than what may be missed. */
function boundOf(chanceBelow: (value: number) => number, { low, high }: { low: number; high: number }): number {
  let [less, enough] = [low, high];
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = (less + enough) / 2;
    if (chanceBelow(middle) <= 1 - CHANCE) enough = middle;
    else less = middle;
  }
  return enough;
}

/** The chance of fewer than so many, of a Poisson distribution. */
function chanceOfFewerAt(count: number, mean: number): number {
  const logs: number[] = [];
  let log = -mean;
  for (let index = 0; index < count; index += 1) {
    logs.push(log);
    log += Math.log(mean) - Math.log(index + 1);
  }
  return Math.exp(logSum(logs));
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
