import { type GateEvidence } from '../rollout-messages.ts';
import { type Found, type MadeOf } from './gate.ts';
import { lotEvidence } from './harm.ts';
import { PACKAGE_RULE } from './infrastructure.ts';
import { lateRateEvidence, logRateEvidence, logSum } from './rates.ts';
import { REMOVALS_RULE } from './removals.ts';
import { CAUTION, EVIDENCE_RULE, logCounted, logPartOf, type TestEvidence } from './verdict.ts';

/** What was decided on the evidence. */
export type Decided = 'wait' | 'hold' | 'halt' | 'pause';

/** One test as its stored counts say. */
export type RecomputedTest = Pick<TestEvidence, 'test' | 'level' | 'of' | 'trials' | 'failures' | 'logE'>;

/**
 * What evidence comes to by its own counts. `logListed`: the logarithm of the sum of the tests that are listed; of a hold or a
 * halt it reaches the limit, unless there are too many to be listed. `differing`: what is not as it was stored.
 */
export type Recomputed =
  | { readonly says: 'not-recomputable'; readonly because: 'another-rule' | 'counts-not-kept' }
  | {
      readonly says: 'agrees' | 'differs';
      readonly tests: readonly RecomputedTest[];
      readonly logListed: number;
      readonly logSum: number;
      readonly differing: readonly string[];
    };

const rules: readonly string[] = [EVIDENCE_RULE, REMOVALS_RULE, PACKAGE_RULE];
/** Logarithms that differ by less, relative to those above 1, are the same. */
const TOLERANCE = 1e-9;

/**
 * Computes the evidence of a decision again, by nothing but the counts that are stored in it, and whether it carries what was
 * decided. Evidence of another rule, or from before its counts were kept, neither agrees nor differs.
 */
export function recompute(evidence: GateEvidence, decided: Decided): Recomputed {
  if (!('tests' in evidence) || !rules.includes(evidence.rule))
    return { says: 'not-recomputable', because: 'another-rule' };
  const tests: TestEvidence[] = [];
  for (const stored of evidence.tests) {
    if (stored.madeOf === undefined) return { says: 'not-recomputable', because: 'counts-not-kept' };
    const found = foundAnew(stored, stored.madeOf);
    tests.push({ ...stored, ...found, logE: logCounted(found) });
  }
  const logListed = logSum(tests.map(logPartOf));
  const total = logSum([logListed, evidence.logOthers ?? -Infinity]);
  const differing = tests.flatMap((test, index) => {
    const stored = evidence.tests[index];
    return stored !== undefined && isSameTest(test, stored) ? [] : [[test.test, test.of ?? test.level].join(' on ')];
  });
  if (!isSame(total, evidence.logSum)) differing.push('logSum');
  const needed = -Math.log(evidence.alpha) + (decided === 'wait' ? Math.log(CAUTION) : 0);
  if (total < needed && !isSame(total, needed)) differing.push(`the sum does not carry a ${decided}`);
  const says = differing.length === 0 ? 'agrees' : 'differs';
  return { says, tests, logListed, logSum: total, differing };
}

function foundAnew(stored: TestEvidence, madeOf: MadeOf): Omit<Found, 'toleratedRate'> {
  const { trials, failures, toleratedRate } = stored;
  switch (madeOf.by) {
    case 'rate':
      return { trials, failures, logE: logRateEvidence({ n: trials, x: failures }, toleratedRate) };
    case 'periods': {
      const periods = madeOf.periods.map((each) => ({ k: each.k, n: each.trials, x: each.failures }));
      const { n, x, logE } = lateRateEvidence(periods, toleratedRate);
      return { trials: n, failures: x, logE };
    }
    case 'lot':
      return lotEvidence(madeOf);
  }
}

function isSameTest(left: RecomputedTest, right: RecomputedTest): boolean {
  return left.trials === right.trials && left.failures === right.failures && isSame(left.logE, right.logE);
}

function isSame(left: number, right: number): boolean {
  return Math.abs(left - right) <= TOLERANCE * Math.max(1, Math.abs(right));
}
