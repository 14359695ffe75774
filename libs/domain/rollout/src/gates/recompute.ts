import { type GateEvidence } from '../rollout-messages.ts';
import { TOLERATED_RATE_MAX } from '../plan.ts';
import { type Decided, type EvidenceRule, type Found, type MadeOf } from './gate.ts';
import { lotEvidence } from './harm.ts';
import { packageRule } from './infrastructure.ts';
import { ALPHA } from './nodes.ts';
import { lateRateEvidence, logRateEvidence, logSum } from './rates.ts';
import { removalsRule } from './removals.ts';
import {
  CAUTION,
  evidenceRule,
  LISTED_MAX,
  logCounted,
  logPartOf,
  type SumEvidence,
  type TestEvidence,
} from './verdict.ts';

/** One test as its stored counts say. */
export type RecomputedTest = Pick<
  TestEvidence,
  'test' | 'level' | 'of' | 'trials' | 'failures' | 'toleratedRate' | 'logE'
>;

/**
 * What evidence comes to by its own counts. `logListed`: the logarithm of the sum of the tests that are listed. `differing`: what
 * is not as it was stored (a test, by name and devices; `alpha`, `logLimit`, `logSum`, `words`), or does not carry the decision:
 * `decision` where the rule decides no such thing, `limit` where the sum does not reach what it needs, `tests` where those that
 * are listed do not reach it by themselves, `slice` where no slice that could be held reaches its part, `weights` where there is
 * more α in them than there is, or one is listed twice.
 */
export type Recomputed =
  | {
      readonly says: 'not-recomputable';
      /** `not-all-listed`: as many tests are listed as may be, and it takes more to reach what is needed. */
      readonly because: 'another-rule' | 'counts-not-kept' | 'unknown-counts' | 'not-all-listed';
    }
  | {
      readonly says: 'agrees' | 'differs';
      readonly tests: readonly RecomputedTest[];
      readonly logListed: number;
      readonly logSum: number;
      readonly differing: readonly string[];
    };

const rules: readonly EvidenceRule[] = [evidenceRule, removalsRule, packageRule];
/** Numbers that differ by less, relative to those above 1, are the same. */
const TOLERANCE = 1e-9;

/**
 * Computes the evidence of a decision again, by nothing but the counts that are stored in it, and holds it against what the decision
 * needs. Evidence of another rule, or from before its counts were kept, neither agrees nor differs. A wave that waits for nothing
 * but failures that are pending waits because they would hold or halt: asked as a halt, its evidence has to reach the limit.
 */
export function recompute(evidence: GateEvidence, decided: Decided): Recomputed {
  const rule = rules.find(({ name }) => name === evidence.rule);
  if (!('tests' in evidence) || rule === undefined) return { says: 'not-recomputable', because: 'another-rule' };
  const tests: TestEvidence[] = [];
  for (const stored of evidence.tests) {
    const found = stored.madeOf === undefined ? 'counts-not-kept' : foundAnew(stored, stored.madeOf);
    if (typeof found === 'string') return { says: 'not-recomputable', because: found };
    tests.push({ ...stored, ...found, logE: logCounted(found) });
  }
  const logListed = logSum(tests.map(logPartOf));
  const total = logSum([logListed, evidence.logOthers ?? -Infinity]);
  const logNeeded = neededFor(decided, evidence);
  const isListed = logListed >= logNeeded - TOLERANCE;
  const differing = [
    ...tests.flatMap((test, index) => (isAsStored(test, evidence.tests[index], rule) ? [] : [nameOf(test)])),
    ...differingHead(evidence, rule, total),
    ...(rule.decides.includes(decided) ? [] : ['decision']),
    ...(total >= logNeeded - TOLERANCE ? [] : ['limit']),
    ...(isListed || tests.length >= LISTED_MAX ? [] : ['tests']),
    ...(decided !== 'hold' || hasSlice(tests) ? [] : ['slice']),
    ...(hasAllWeights(tests, rule) ? [] : ['weights']),
  ];
  if (differing.length === 0 && !isListed) return { says: 'not-recomputable', because: 'not-all-listed' };
  return { says: differing.length === 0 ? 'agrees' : 'differs', tests, logListed, logSum: total, differing };
}

type FoundAnew = Omit<Found, 'toleratedRate'> & Partial<Pick<Found, 'toleratedRate'>>;

function foundAnew(stored: TestEvidence, madeOf: MadeOf): FoundAnew | 'counts-not-kept' | 'unknown-counts' {
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
      return lotEvidence(madeOf) ?? 'counts-not-kept';
    default:
      return 'unknown-counts';
  }
}

/** The logarithm that the sum has to reach. Where a wave waits for what would stop it (failures that are pending, a hold), that is the limit. */
function neededFor(decided: Decided, stored: SumEvidence): number {
  const logLimit = -Math.log(ALPHA);
  return decided === 'wait' && stored.logSum < logLimit ? logLimit + Math.log(CAUTION) : logLimit;
}

function isAsStored(anew: TestEvidence, stored: TestEvidence | undefined, { tests }: EvidenceRule): boolean {
  const test = tests.find(({ name }) => name === anew.test);
  if (stored === undefined || test === undefined || (test.by ?? 'rate') !== stored.madeOf?.by) return false;
  // The share of the events of a lot that chance gives may be any.
  const isTolerated = test.by === 'lot' || (stored.toleratedRate > 0 && stored.toleratedRate <= TOLERATED_RATE_MAX);
  return (
    isTolerated &&
    isSame(stored.toleratedRate, test.tolerated ?? anew.toleratedRate) &&
    anew.trials === stored.trials &&
    anew.failures === stored.failures &&
    isSame(anew.logE, stored.logE)
  );
}

function differingHead(evidence: SumEvidence, rule: EvidenceRule, total: number): string[] {
  const [first] = evidence.tests;
  return [
    ...(evidence.alpha === ALPHA ? [] : ['alpha']),
    ...(isSame(evidence.logLimit, -Math.log(ALPHA)) ? [] : ['logLimit']),
    ...(isSame(total, evidence.logSum) ? [] : ['logSum']),
    ...(first === undefined || rule.words(first) === evidence.words ? [] : ['words']),
  ];
}

/** Whether the tests of one slice by themselves are enough to blame it. */
function hasSlice(tests: readonly TestEvidence[]): boolean {
  const bySlice = Map.groupBy(
    tests.filter(({ level }) => level === 'slice'),
    ({ of }) => of,
  );
  const logCaution = -Math.log(ALPHA) + Math.log(CAUTION);
  return [...bySlice.values()].some((its) => logSum(its.map(logPartOf)) >= logCaution - TOLERANCE);
}

/** Whether each test is listed once on the same devices, and has its part of theirs; all devices together have no more than all of it. */
function hasAllWeights(tests: readonly TestEvidence[], rule: EvidenceRule): boolean {
  const byNode = new Map<string, number>();
  for (const { test, level, of, weight } of tests) {
    const node = JSON.stringify([level, of]);
    const its = weight / (rule.tests.find(({ name }) => name === test)?.weight ?? NaN);
    if (!(its > 0) || !isSame(byNode.get(node) ?? its, its)) return false;
    byNode.set(node, its);
  }
  const isOnce = new Set(tests.map(({ test, level, of }) => JSON.stringify([test, level, of]))).size === tests.length;
  return isOnce && [...byNode.values()].reduce((sum, weight) => sum + weight, 0) <= 1 + TOLERANCE;
}

function nameOf({ test, level, of }: RecomputedTest): string {
  return [test, of ?? level].join(' on ');
}

function isSame(left: number, right: number): boolean {
  return Math.abs(left - right) <= TOLERANCE * Math.max(1, Math.abs(right));
}
