import { harmSignals, type HealthBucketClosed } from '@sluice/domain-cohorts';
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
  MORNING,
  opened,
  plan,
  planned,
  removalRow,
  resumed,
  started,
} from '../examples.ts';
import { type RecallEvent } from '../recall.ts';
import { rolloutDecider } from '../rollout.ts';
import { type RolloutEvent } from '../rollout-messages.ts';
import { type StartedRollout } from '../rollout-state.ts';
import { type Decided } from './gate.ts';
import { goingOn } from './going-on.ts';
import { emptyGateLedger, foldGateLedger, type GateLedger, restartDue, verdictOn } from './ledger.ts';
import { logRateEvidence, logSum } from './rates.ts';
import { addHarm, noHarm } from './harm.ts';
import { recompute } from './recompute.ts';
import { emptyRemovalLedger, foldRemovalLedger, removalVerdictOn } from './removals.ts';
import { SliceTrials } from './trials.ts';
import { EVIDENCE_BYTES_MAX, judge, LISTED_MAX, logPartOf, type SumEvidence } from './verdict.ts';

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
  unreached: fc.constantFrom(0, 0, 0, 40),
  inside: fc.constantFrom<number>(0, 3, 15),
  outside: fc.constantFrom<number>(0, 2),
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
    unreached: [{ patchId: 'a', ...onModel(model), count: each.unreached }],
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

/** What was decided on a rollout, as waves are: held or halted, or else its wave waits, on what it would come to with what is pending. */
function decisionsOn(ledger: GateLedger): readonly (readonly [Decided, SumEvidence])[] {
  const looking = { devicesOf: () => 50 };
  const verdict = verdictOn(ledger, rollout, looking);
  const withPending = verdictOn(ledger, rollout, { pendingToo: true });
  const outcomes = { trialsOfWave: 0, knownOfWave: 0, dueOfWave: 0, knownOfDue: 0, known: 0, pending: 20 };
  const going = goingOn({ rollout, verdict, withPending, outcomes, awake: 0 });
  return [
    ...(verdict.says === 'hold' || verdict.says === 'halt' ? [[verdict.says, verdict.evidence] as const] : []),
    ...(going.says === 'wait' && going.evidence !== undefined ? [['wait', going.evidence] as const] : []),
  ];
}

describe('recomputing evidence from the counts that are stored in it', () => {
  it('agrees with each decision of the gates, in every test and in the sum, whatever was counted', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(bucket, { minLength: 1, maxLength: 25 }), (buckets) => {
        const ledger = begin.reduce(foldGateLedger, emptyGateLedger());
        let minutes = 10_000;
        for (const each of buckets) {
          minutes += each.later;
          for (const event of eventsOf(each, minutes)) foldGateLedger(ledger, event);
          restartDue(ledger);
          for (const [decided, evidence] of decisionsOn(ledger)) {
            const anew = recompute(stored(evidence), decided);
            if (anew.says === 'not-recomputable') {
              expect([anew.because, evidence.tests.length]).toEqual(['not-all-listed', LISTED_MAX]);
              continue;
            }
            expect(anew).toMatchObject({ says: 'agrees', differing: [] });
            expect(Math.abs(anew.logSum - evidence.logSum)).toBeLessThan(1e-9);
            anew.tests.forEach(({ logE }, index) => expect(logE).toBeCloseTo(evidence.tests[index]?.logE ?? NaN, 9));
            // What is listed is enough for the decision.
            const needed = decided === 'wait' ? Math.log(100) : Math.log(1000);
            expect(anew.logListed).toBeGreaterThan(needed - 1e-9);
            seen.add(decided).add(`${decided} at ${evidence.logSum < Math.log(1000) ? 'a tenth' : 'the limit'}`);
            for (const { test } of evidence.tests) seen.add(test);
          }
        }
      }),
      { numRuns: 150, seed: 1 },
    );
    const kinds = ['wait at a tenth', 'wait at the limit', 'hold', 'halt', 'package', 'installs', 'installs-waiting'];
    const late = ['installs-late', 'outcome-missing', 'outcome-missing-late', 'removed-by-user', 'crash'];
    expect([...seen]).toEqual(expect.arrayContaining([...kinds, ...late]));
  });

  it('agrees with each pause of a recall', () => {
    const row = fc.record({
      model: fc.constantFrom(...models),
      begun: fc.constantFrom(0, 5, 60),
      failed: fc.constantFrom(0, 1, 4, 20),
      missing: fc.constantFrom(0, 0, 6),
    });
    const recalled: RecallEvent = {
      ...{ type: 'RecallStarted', patchId: 'a', reason: 'r', by: 'ops', recallEpoch: 1 },
      at: minute(0),
    };
    let pauses = 0;
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 20 }), (rows) => {
        const ledger = foldRemovalLedger(emptyRemovalLedger(), recalled);
        for (const [index, { model, begun, ...counts }] of rows.entries()) {
          const removals = [removalRow({ ...onModel(model), started: begun, ...counts })];
          foldRemovalLedger(ledger, healthBucket(minute(5 + index * 40), { removals }));
          const verdict = removalVerdictOn(ledger, 'a');
          if (verdict.says !== 'pause') continue;
          pauses += 1;
          expect(recompute(stored(verdict.evidence), 'pause')).toMatchObject({ says: 'agrees', differing: [] });
        }
      }),
      { numRuns: 100, seed: 1 },
    );
    expect(pauses).toBeGreaterThan(50);
  });

  it('is of no more bytes than are named, however many tests it is spread over', () => {
    const ONSETS = 48;
    // As much harm on one half of the slices as there is good on the other: no pool finds it, and no test by itself.
    const tallyOf = (isHarmed: boolean, others: number) => {
      const tally = noHarm();
      for (let onset = 0; onset < ONSETS; onset += 1)
        for (let each = 0; each < 2; each += 1) {
          const isTreated = isHarmed !== onset % (ONSETS / 2) < others;
          addHarm(tally, { minute: onset * 180, place: isTreated ? 1 : 999_999, shareBegin: 0.5, shareEnd: 0.5 });
        }
      return tally;
    };
    const slices = Array.from({ length: 40 }, (_, index) => {
      const { slice } = onModel(`iPhone1,${String(index)}`);
      const harm = new Map(harmSignals.map((signal) => [signal, tallyOf(index % 2 === 0, index === 0 ? 8 : 10)]));
      const trials = new SliceTrials(slice, -Infinity);
      return { slice, key: trials.key, counts: { ...trials.counts(0), harm }, isHeld: false };
    });
    const known = slices.map(({ slice }) => ({ ...slice, devices: 100 }));
    const times = { firstPeriod: 0, since: MORNING, through: MORNING };
    const verdict = judge({ plan, known, slices, onsets: ONSETS, ...times });
    if (verdict.says !== 'hold') expect.unreachable();
    expect(verdict.evidence.tests.length).toBe(LISTED_MAX);
    const bytes = Buffer.byteLength(JSON.stringify(verdict.evidence));
    expect(bytes).toBeGreaterThan(EVIDENCE_BYTES_MAX / 2);
    expect(bytes).toBeLessThan(EVIDENCE_BYTES_MAX);
    expect(recompute(stored(verdict.evidence), 'hold')).toEqual({
      says: 'not-recomputable',
      because: 'not-all-listed',
    });
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
  /** Altered with care: the sum is what its tests come to. */
  const summed = (altered: SumEvidence): SumEvidence => {
    const { logOthers = -Infinity } = altered;
    return { ...altered, logSum: logSum([...altered.tests.map(logPartOf), logOthers]) };
  };
  const harmless = (failures: number, name = 'installs') => {
    const logE = logRateEvidence({ n: 1000, x: failures }, 0.01);
    const counts = { trials: 1000, failures, toleratedRate: 0.01, logE };
    const words = `installs fail: ${String(failures)} of 1000`;
    return { words, test: { test: name, level: 'all', ...counts, weight: 0.03, madeOf: { by: 'rate' } } } as const;
  };

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
    ['name, which no test has', withFirst({ test: 'horoscopes' })],
    ['name, which has another kind of counts', withFirst({ test: 'installs' })],
    ['words', { ...evidence, words: 'all is well' }],
  ])('differs by its %s', (_what, altered) => {
    expect(recompute(evidence, 'halt')).toMatchObject({ says: 'agrees' });
    const anew = recompute(altered, 'halt');
    expect(anew).toMatchObject({ says: 'differs' });
    expect('differing' in anew && anew.differing.length).toBeGreaterThan(0);
  });

  it.each([
    [
      'harmless counts with matching numbers',
      summed({ ...evidence, tests: [harmless(10).test], ...{ words: harmless(10).words } }),
      ['limit', 'tests'],
    ],
    ['no tests, and all in the others', summed({ ...evidence, tests: [], logOthers: 20 }), ['tests']],
    [
      'a harmless test, and the rest in the others',
      summed({ ...evidence, tests: [harmless(10).test], words: harmless(10).words, logOthers: 20 }),
      ['tests'],
    ],
    ['another alpha', { ...evidence, alpha: 0.5 }, ['alpha']],
    ['another limit', { ...evidence, logLimit: 1 }, ['logLimit']],
    [
      'a weight of 50,000',
      summed({ ...evidence, tests: [{ ...harmless(10).test, weight: 50_000 }], words: harmless(10).words }),
      ['weights'],
    ],
    [
      'a weight that is all there is',
      summed({ ...evidence, tests: [{ ...harmless(30).test, weight: 1 }], words: harmless(30).words }),
      ['weights'],
    ],
    [
      'weights of nodes that are more than one',
      summed({ ...evidence, tests: [first, { ...first, level: 'all', of: undefined, weight: 0.08 }] as never }),
      ['weights'],
    ],
    ['one test twice', summed({ ...evidence, tests: [first, first, ...evidence.tests.slice(1)] }), ['weights']],
  ])('differs where it has %s', (_what, altered, differing) => {
    expect(recompute(altered, 'halt')).toMatchObject({ says: 'differs', differing });
  });

  it.each([
    ['halt', 'agrees'],
    // Whoever waits for a halt waits as well.
    ['wait', 'agrees'],
    ['pause', 'differs'],
  ] as const)('of a halt carries a %s: %s', (decided, says) => {
    expect(recompute(evidence, decided).says).toBe(says);
  });

  it('of a wait carries no halt, and below a tenth of the limit not even a wait', () => {
    const waiting = summed({ ...evidence, ...harmlessIn(28) });
    expect(recompute(waiting, 'wait')).toMatchObject({ says: 'agrees' });
    expect(recompute(waiting, 'halt')).toMatchObject({ says: 'differs', differing: ['limit', 'tests'] });
    const nothing = summed({ ...evidence, ...harmlessIn(25) });
    expect(recompute(nothing, 'wait')).toMatchObject({ says: 'differs', differing: ['limit', 'tests'] });
  });

  it('of a halt carries no hold, where it is on no slice', () => {
    expect(recompute(summed({ ...evidence, ...harmlessIn(60) }), 'halt')).toMatchObject({ says: 'agrees' });
    const hold = recompute(summed({ ...evidence, ...harmlessIn(60) }), 'hold');
    expect(hold).toMatchObject({ says: 'differs', differing: ['slice'] });
  });

  it('is not recomputable where as many tests are listed as may be, and they are not enough', () => {
    const weight = 0.2 / LISTED_MAX;
    const { test, words } = harmless(20);
    const tests = Array.from(
      { length: LISTED_MAX },
      (_, index) => ({ ...test, weight, level: 'model', of: `iPhone1,${String(index)}` }) as const,
    );
    const all = { ...evidence, tests, words: `${words}, on iPhone1,0`, logOthers: 8 };
    expect(recompute(summed(all), 'halt')).toEqual({ says: 'not-recomputable', because: 'not-all-listed' });
    expect(recompute(summed({ ...all, tests: tests.slice(1), words: `${words}, on iPhone1,1` }), 'halt')).toMatchObject(
      { says: 'differs', differing: ['tests'] },
    );
  });

  function harmlessIn(failures: number) {
    const { test, words } = harmless(failures);
    return { tests: [test], words };
  }
});

describe('evidence of harm that was altered', () => {
  const ledger = begin.reduce(foldGateLedger, emptyGateLedger());
  const crashes = { later: 0, model: 'iPhone18,1', band: 0, started: 0, failed: 0, open: 0, removed: 0 } as const;
  const none = { pending: 0, unreached: 0, isResumed: false } as const;
  for (const event of eventsOf({ ...crashes, ...none, inside: 60, outside: 20 }, 50_000)) foldGateLedger(ledger, event);
  const verdict = verdictOn(ledger, rollout);
  const evidence = verdict.says === 'go' ? expect.unreachable() : stored(verdict.evidence);
  const [first] = evidence.tests;
  if (first?.madeOf?.by !== 'lot') expect.unreachable();
  const { expected, ...older } = first.madeOf;
  const withFirst = (change: Partial<typeof first>) => ({ ...evidence, tests: [{ ...first, ...change }] });

  it.each([
    ['tolerated rate', withFirst({ toleratedRate: first.toleratedRate / 2 })],
    ['name', withFirst({ test: 'silent' })],
    ['name, which has another kind of counts', withFirst({ test: 'installs' })],
    ['expectation', withFirst({ madeOf: { ...older, expected: 1 } })],
  ])('differs by its %s', (_what, altered) => {
    expect(recompute(evidence, 'halt')).toMatchObject({ says: 'agrees' });
    expect(recompute(altered, 'halt')).toMatchObject({ says: 'differs' });
  });

  it('is not recomputable without what chance expects, or made of what nobody knows', () => {
    expect(expected).toBeGreaterThan(0);
    const says = (madeOf: object) => recompute(withFirst({ madeOf: madeOf as typeof older }), 'halt');
    expect(says(older)).toEqual({ says: 'not-recomputable', because: 'counts-not-kept' });
    expect(says({ by: 'tea-leaves' })).toEqual({ says: 'not-recomputable', because: 'unknown-counts' });
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
