import { type RecallCount } from '@sluice/domain-cohorts';
import { logRateEvidence } from './rates.ts';
import { ALPHA } from './verdict.ts';

/** The name and version of the rule, kept in the evidence. */
export const REMOVAL_RULE = 'removals/1';
/** Of the devices whose removal has ended, so many may fail. */
const TOLERATED = 0.05;
/** One device stops nothing. */
const FAILURES_MIN = 2;

/** Removals that have ended: all of them, and those that failed. */
export interface Removals {
  readonly trials: number;
  readonly failures: number;
}

/** Everything needed to recompute why a recall was paused; the counts are since the last pause for such a reason. */
export interface RemovalEvidence extends Removals {
  readonly rule: string;
  readonly alpha: number;
  readonly toleratedRate: number;
  readonly logE: number;
  readonly logLimit: number;
  readonly words: string;
}

/**
 * What a recall's counts say of its removals: devices that went back or on, and those that hold the patch after a removal
 * failed. Devices do not tell that they begin to remove, so one of which nothing is heard is no trial.
 */
export function removalsIn({ freed, replaced, failing }: RecallCount): Removals {
  return { trials: freed.recall + freed.unknown + replaced + failing, failures: failing };
}

/** The evidence that removals fail too often, undefined while it does not reach its limit. `seen`: what a person has looked at. */
export function removalHarm(
  removals: Removals,
  seen: Removals = { trials: 0, failures: 0 },
): RemovalEvidence | undefined {
  const failures = Math.max(0, removals.failures - seen.failures);
  const trials = Math.max(failures, removals.trials - seen.trials);
  const logE = logRateEvidence({ n: trials, x: failures }, TOLERATED);
  const logLimit = -Math.log(ALPHA);
  if (failures < FAILURES_MIN || logE < logLimit) return undefined;
  const words = `removals fail: ${String(failures)} of ${String(trials)}`;
  return { rule: REMOVAL_RULE, alpha: ALPHA, trials, failures, toleratedRate: TOLERATED, logE, logLimit, words };
}
