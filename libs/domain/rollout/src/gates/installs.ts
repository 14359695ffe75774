import { type Slice } from '@sluice/domain-cohorts';
import { logRateEvidence } from './rates.ts';

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
export const INSTALL_GATE_RULE = 'install-e-value/2';

/** The chance that a rollout at the tolerated rate is ever halted, over all its slices. */
export const ALPHA = 0.001;

/** Fewer failures than this prove nothing, whatever the rate. */
export const FAILURES_MIN = 2;

/** Harmful when the evidence against some slice is enough; the strongest is handed back. */
export function assess({ counts, toleratedRate, hypotheses, ...question }: GateQuestion): Assessment {
  const logThreshold = Math.log(Math.max(1, hypotheses) / ALPHA);
  let worst: GateEvidence | undefined;
  for (const { slice, trials, failures } of counts) {
    if (failures < FAILURES_MIN) continue;
    const logE = logRateEvidence({ n: trials, x: failures }, toleratedRate);
    if (logE < logThreshold || (worst !== undefined && logE <= worst.logE)) continue;
    const { patchId, since, through } = question;
    const decided = { toleratedRate, logE, logThreshold, hypotheses, alpha: ALPHA, since, through };
    worst = { rule: INSTALL_GATE_RULE, patchId, slice, trials, failures, ...decided };
  }
  return worst === undefined ? { harmful: false } : { harmful: true, evidence: worst };
}
