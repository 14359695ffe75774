import { type HealthBucketClosed } from '@sluice/domain-cohorts';
import { fold } from '@sluice/event-sourcing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  evidence as older,
  granted,
  halted,
  healthBucket,
  installRow,
  minute,
  opened,
  planned,
  removalRow,
  resumed,
  started,
} from '../examples.ts';
import { type RecallEvent } from '../recall.ts';
import { rolloutDecider } from '../rollout.ts';
import { type RolloutEvent } from '../rollout-messages.ts';
import { type StartedRollout } from '../rollout-state.ts';
import { emptyGateLedger, foldGateLedger, restartDue, verdictOn } from './ledger.ts';
import { recompute } from './recompute.ts';
import { emptyRemovalLedger, foldRemovalLedger, removalVerdictOn } from './removals.ts';
import { logPartOf, type SumEvidence } from './verdict.ts';

const HOUR = 60;
const models = ['iPhone18,1', 'iPhone17,1', 'iPad16,3'] as const;
const begin: RolloutEvent[] = [planned(), started(), opened(1), granted(1, 0, 100_000, { percents: [0, 90] })];
const rollout = fold(rolloutDecider, begin) as StartedRollout;
const onModel = (model: string) => ({ slice: { platform: 'ios', model, base: '23D8133' } as const });

const bucket = fc.record({
  later: fc.integer({ min: 1, max: 400 }),
  model: fc.constantFrom(...models),
  started: fc.constantFrom(0, 30, 2000),
  failed: fc.constantFrom(0, 0, 1, 9),
  open: fc.constantFrom(0, 0, 6),
  removed: fc.constantFrom(0, 0, 4),
  band: fc.integer({ min: 0, max: 3 }),
  pending: fc.constantFrom(0, 0, 20),
  inside: fc.constantFrom(0, 3, 15),
  outside: fc.constantFrom(0, 2),
  isResumed: fc.constantFrom(false, false, false, false, true),
});
type Bucket = typeof bucket extends fc.Arbitrary<infer Value> ? Value : never;

function eventsOf(each: Bucket, minutes: number): (RolloutEvent | HealthBucketClosed)[] {
  const { model, started: begun, failed, open, removed, band } = each;
  const cohort = installRow().cohort + Math.floor(minutes / HOUR);
  const its = { ...onModel(model), cohort, band, started: begun, failed, open, removed };
  const crash = (place: number) => ({
    ...{ rolloutId: 'r1', ...onModel(model), signal: 'crash', waves: 1 },
    ...{ place, minute: minutes, received: minutes },
  });
  const harm = [...places(each.inside, 0), ...places(each.outside, 950_000)].map(crash);
  const content = {
    installs: [installRow({ ...its, fine: begun - failed, due: begun })],
    pending: [{ patchId: 'a', ...onModel(model), count: each.pending }],
    harm,
  };
  const health = healthBucket(minute(minutes + 1), content);
  const closed = { ...health, from: minute(minutes) };
  return each.isResumed ? [closed, halted(minute(minutes + 1)), resumed(minute(minutes + 1))] : [closed];
}

function places(count: number, from: number): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

/** As a reader of the event has it. */
const stored = (evidence: SumEvidence) => JSON.parse(JSON.stringify(evidence)) as SumEvidence;

describe('recomputing evidence from the counts that are stored in it', () => {
  it('agrees with what the gates found, in every test and in the sum, whatever was counted', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(bucket, { minLength: 1, maxLength: 25 }), (buckets) => {
        const ledger = begin.reduce(foldGateLedger, emptyGateLedger());
        let minutes = 10_000;
        for (const each of buckets) {
          minutes += each.later;
          for (const event of eventsOf(each, minutes)) foldGateLedger(ledger, event);
          restartDue(ledger);
          const verdict = verdictOn(ledger, rollout, { devicesOf: () => 50 });
          if (verdict.says === 'go') continue;
          const { evidence, says } = verdict;
          const anew = recompute(stored(evidence), says);
          expect(anew).toMatchObject({ says: 'agrees', differing: [] });
          if (!('logListed' in anew)) continue;
          expect(Math.abs(anew.logSum - evidence.logSum)).toBeLessThan(1e-9);
          anew.tests.forEach(({ logE }, index) => expect(logE).toBeCloseTo(evidence.tests[index]?.logE ?? NaN, 9));
          // What is listed is enough for the decision.
          const needed = says === 'wait' ? Math.log(100) : Math.log(1000);
          expect(anew.logListed).toBeGreaterThan(needed - 1e-9);
          seen.add(says);
          for (const { test } of evidence.tests) seen.add(test);
        }
      }),
      { numRuns: 150, seed: 1 },
    );
    const kinds = ['wait', 'hold', 'halt', 'installs', 'installs-waiting', 'installs-late', 'outcome-missing'];
    expect([...seen]).toEqual(expect.arrayContaining([...kinds, 'outcome-missing-late', 'removed-by-user', 'crash']));
  });

  it('has of a hold what speaks against its slice by itself', () => {
    const ledger = begin.reduce(foldGateLedger, emptyGateLedger());
    const rows = [24, 3, 0].map((failed, index) =>
      installRow({ ...onModel(models[index] ?? ''), started: 300, failed }),
    );
    const verdict = verdictOn(foldGateLedger(ledger, healthBucket(minute(1), { installs: rows })), rollout);
    if (verdict.says !== 'hold') expect.unreachable();
    const own = verdict.evidence.tests.filter(({ of }) => of === `${verdict.slice.model} (23D8133)`);
    const sum = own.reduce((total, test) => total + Math.exp(logPartOf(test)), 0);
    expect(sum).toBeGreaterThanOrEqual(100);
  });

  it('agrees with the gate of the removals', () => {
    const recalled: RecallEvent = {
      ...{ type: 'RecallStarted', patchId: 'a', reason: 'r', by: 'ops', recallEpoch: 1 },
      at: minute(0),
    };
    const removals = [removalRow({ started: 90, failed: 30 }), removalRow({ ...onModel('iPad16,3'), started: 9 })];
    const ledger = [recalled, healthBucket(minute(5), { removals })].reduce(foldRemovalLedger, emptyRemovalLedger());
    const verdict = removalVerdictOn(ledger, 'a');
    if (verdict.says !== 'pause') expect.unreachable();
    expect(recompute(stored(verdict.evidence), 'pause')).toMatchObject({ says: 'agrees' });
  });
});

describe('evidence that was altered', () => {
  const ledger = begin.reduce(foldGateLedger, emptyGateLedger());
  const late = { cohort: installRow().cohort + 30, started: 40, fine: 40, failed: 8 };
  foldGateLedger(ledger, healthBucket(minute(1), { installs: [installRow({ started: 20_000, fine: 20_000 })] }));
  foldGateLedger(ledger, healthBucket(minute(30 * HOUR), { installs: [installRow(late)] }));
  const verdict = verdictOn(ledger, rollout);
  const evidence = verdict.says === 'go' ? expect.unreachable() : stored(verdict.evidence);
  const [first] = evidence.tests;
  if (first?.madeOf?.by !== 'periods') expect.unreachable();
  const { madeOf } = first;
  const withFirst = (change: Partial<typeof first>): SumEvidence => ({
    ...evidence,
    tests: [{ ...first, ...change }, ...evidence.tests.slice(1)],
  });

  it.each([
    ['counts', withFirst({ failures: first.failures - 1 })],
    [
      'what it is made of',
      withFirst({ madeOf: { by: 'periods', periods: madeOf.periods.map((each) => ({ ...each, k: each.k + 1 })) } }),
    ],
    ['tolerated rate', withFirst({ toleratedRate: 0.011 })],
    ['logE', withFirst({ logE: first.logE + 1e-6 })],
    ['weight', withFirst({ weight: first.weight / 2 })],
    ['sum', { ...evidence, logSum: evidence.logSum + 1e-6 }],
    ['others', { ...evidence, logOthers: 9 }],
  ])('differs by its %s', (_what, altered) => {
    expect(recompute(evidence, verdict.says === 'go' ? expect.unreachable() : verdict.says)).toMatchObject({
      says: 'agrees',
    });
    const anew = recompute(altered, 'wait');
    expect(anew).toMatchObject({ says: 'differs' });
    expect('differing' in anew && anew.differing.length).toBeGreaterThan(0);
  });
});

describe('evidence that has too little to recompute it', () => {
  it('neither agrees nor differs', () => {
    expect(recompute(older, 'halt')).toEqual({ says: 'not-recomputable', because: 'counts-not-kept' });
    const otherRule = recompute({ ...older, rule: 'evidence-sum/3' }, 'halt');
    expect(otherRule).toEqual({ says: 'not-recomputable', because: 'another-rule' });
    const { patchId, alpha, since, through } = older;
    const counts = { trials: 20, failures: 8, toleratedRate: 0.01, logE: 17, logThreshold: 10, hypotheses: 1 };
    const first = { rule: 'install-e-value/2', patchId, ...onModel('iPhone18,1'), ...counts, alpha, since, through };
    expect(recompute(first, 'halt')).toEqual({ says: 'not-recomputable', because: 'another-rule' });
  });
});
