import { type Slice } from '@sluice/domain-cohorts';
/** Install trials of one slice, and how many of them have failed so far. */
export interface SliceCounts {
  readonly slice: Slice;
  readonly trials: number;
  readonly failures: number;
}

/** Everything needed to recompute the decision of a gate (design §3.4). */
export interface GateEvidence {
  readonly rule: string;
  readonly patchId: string;
  readonly slice: Slice;
  readonly trials: number;
  readonly failures: number;
  readonly toleratedRate: number;
  readonly logE: number;
  readonly logThreshold: number;
  readonly hypotheses: number;
  readonly alpha: number;
  readonly since: string;
  readonly through: string;
}

export type Assessment = { readonly harmful: false } | { readonly harmful: true; readonly evidence: GateEvidence };

/** What a gate looks at: the counts of one patch since an instant, and how many slices are tested in all. */
export interface GateQuestion {
  readonly patchId: string;
  readonly toleratedRate: number;
  readonly hypotheses: number;
  readonly since: string;
  readonly through: string;
  readonly counts: Iterable<SliceCounts>;
}

/** The name and version of the rule, kept in the evidence. */
export const INSTALL_GATE_RULE = 'install-e-value/1';

/** The chance that a rollout at the tolerated rate is ever halted, over all its slices. */
export const ALPHA = 0.001;

/** Fewer failures than this prove nothing, whatever the rate. */
export const FAILURES_MIN = 2;

/** The alternatives tested, as multiples of the tolerated rate, each with the same weight. */
const ALTERNATIVES = [1.25, 1.5, 2, 3, 5, 10, 20] as const;

/** A rate of 1 would give every success the probability 0. */
const RATE_MAX = 0.999;

/**
 * The natural logarithm of the evidence against "the failure rate is at most `toleratedRate`" (in (0, 0.5]).
 * Valid however often one looks: at the tolerated rate, E ever reaches 1/alpha with a chance of at most alpha.
 * A trial counts from the report of its start, and as a success until it fails.
 */
export function logEValue({ trials, failures }: Omit<SliceCounts, 'slice'>, toleratedRate: number): number {
  // Failures of trials from before the counting began have no trial here.
  const successes = Math.max(0, trials - failures);
  const terms = ALTERNATIVES.map((factor) => {
    const rate = Math.min(toleratedRate * factor, RATE_MAX);
    return failures * Math.log(rate / toleratedRate) + successes * Math.log((1 - rate) / (1 - toleratedRate));
  });
  // E itself leaves the range of numbers, so the mean is taken around its largest term.
  const largest = Math.max(...terms);
  return largest + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - largest), 0) / ALTERNATIVES.length);
}

/** Harmful when the evidence against some slice is enough; the strongest is handed back. */
export function assess({ counts, toleratedRate, hypotheses, ...question }: GateQuestion): Assessment {
  const logThreshold = Math.log(Math.max(1, hypotheses) / ALPHA);
  let worst: GateEvidence | undefined;
  for (const { slice, trials, failures } of counts) {
    if (failures < FAILURES_MIN) continue;
    const logE = logEValue({ trials, failures }, toleratedRate);
    if (logE < logThreshold || (worst !== undefined && logE <= worst.logE)) continue;
    const { patchId, since, through } = question;
    const decided = { toleratedRate, logE, logThreshold, hypotheses, alpha: ALPHA, since, through };
    worst = { rule: INSTALL_GATE_RULE, patchId, slice, trials, failures, ...decided };
  }
  return worst === undefined ? { harmful: false } : { harmful: true, evidence: worst };
}
