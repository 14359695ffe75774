import { sliceKey, sum, type Slice } from '@sluice/domain-cohorts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { installRow, MORNING, plan } from '../examples.ts';
import { type KnownSlice } from '../rollout-messages.ts';
import { ALPHA, nodesOf } from './nodes.ts';
import { lateRateEvidence, logRateEvidence } from './rates.ts';
import { tests } from './registry.ts';
import { SliceTrials, trialPeriodAt } from './trials.ts';
import { type GateVerdict, judge, withPending } from './verdict.ts';

const MORNING_MS = Date.parse(MORNING);
const sliceOf = (model: string): Slice => ({ platform: 'ios', model, base: '23D8133' });
const phones = (count: number, devices = 100): KnownSlice[] =>
  Array.from({ length: count }, (_, index) => ({ ...sliceOf(`iPhone1,${String(index)}`), devices }));

/** Started and failed within the first hour, by slice; the others have none. */
function verdictOn(
  known: readonly KnownSlice[],
  counts: Readonly<Record<string, readonly [number, number]>>,
): GateVerdict {
  const slices = Object.entries(counts).map(([model, [started, failed]]) => {
    const trials = new SliceTrials(sliceOf(model), -Infinity);
    const atMs = Date.parse(MORNING) + 1000;
    trials.add(installRow({ started, failed }), atMs);
    return {
      slice: sliceOf(model),
      key: trials.key,
      counts: { ...trials.counts(atMs), harm: new Map() },
      isHeld: false,
    };
  });
  return judge({
    plan,
    known,
    slices,
    onsets: 1,
    firstPeriod: trialPeriodAt(MORNING_MS),
    since: MORNING,
    through: MORNING,
  });
}

describe('sharing out the one α', () => {
  it('gives out no more than there is, whatever is known and whatever appears later', () => {
    const models = fc.uniqueArray(fc.tuple(fc.constantFrom('iPhone', 'iPad', 'Mac'), fc.nat(9)), {
      selector: ([family, number]) => `${family}${String(number)}`,
    });
    fc.assert(
      fc.property(models, fc.nat(), (all, cut) => {
        const slices = all.map(([family, number]) => sliceOf(`${family}${String(number)},1`));
        const known = slices.slice(0, cut % (slices.length + 1)).map((slice, index) => ({ ...slice, devices: index }));
        const nodes = nodesOf(known, slices.slice(known.length));
        expect(sum(nodes.map(({ weight }) => weight))).toBeLessThanOrEqual(1);
        expect(nodes.every(({ weight }) => weight >= 0)).toBe(true);
        expect(new Set(nodes.flatMap((node) => node.slices))).toEqual(new Set(slices.map(sliceKey)));
      }),
    );
    expect(sum(tests.map(({ weight }) => weight))).toBeCloseTo(1, 12);
  });

  it('gives half to devices together and half to slices, more to large ones, and keeps a tenth', () => {
    const known = [
      { ...sliceOf('iPhone1,1'), devices: 400 },
      { ...sliceOf('iPad1,1'), devices: 100 },
    ];
    const weights = Object.fromEntries(nodesOf(known, []).map(({ level, of, weight }) => [`${level} ${of}`, weight]));
    // Family, model and slice have the same devices here: they are one.
    expect(weights['all ']).toBeCloseTo(0.5 / 3, 12);
    expect(weights['slice iPhone1,1 (23D8133)']).toBeCloseTo(0.5 * 0.9 * (1 / 6 + 1 / 6 + 2 / 3), 12);
    expect(weights['slice iPad1,1 (23D8133)']).toBeCloseTo(0.5 * 0.9 * (1 / 6 + 1 / 6 + 1 / 3), 12);
    const later = nodesOf(known, [sliceOf('iPhone2,1'), sliceOf('iPhone3,1')]);
    const appeared = later.filter(({ of }) => of.startsWith('iPhone2') || of.startsWith('iPhone3'));
    // The reserve of the models, and that of the slices.
    expect(appeared.map(({ weight }) => weight)).toEqual([
      expect.closeTo((0.5 / 3) * 0.1 * (1 / 2) + 0.5 * 0.1 * (1 / 2), 12),
      expect.closeTo((0.5 / 3) * 0.1 * (1 / 6) + 0.5 * 0.1 * (1 / 6), 12),
    ]);
  });
});

describe('judging', () => {
  it('finds a fault that is on all models of a small fleet, and halts, for no slice explains it', () => {
    const fleet = phones(40, 50);
    const few = Object.fromEntries(fleet.map(({ model }, index) => [model, [8, index % 2] as const]));
    expect(verdictOn(fleet, few)).toMatchObject({ says: 'halt', evidence: { tests: [{ level: 'family' }] } });
  });

  it('holds the one model that fails, and nothing else', () => {
    const fleet = phones(40, 500);
    const counts = Object.fromEntries(fleet.map(({ model }) => [model, [50, 0] as const]));
    const verdict = verdictOn(fleet, { ...counts, 'iPhone1,7': [50, 12] });
    expect(verdict).toMatchObject({ says: 'hold', slice: sliceOf('iPhone1,7') });
    expect(verdict).toMatchObject({ evidence: { words: 'installs fail: 12 of 50, on iPhone1,7 (23D8133)' } });
  });

  it('halts where what would be held is more than half of the devices', () => {
    const two = (devices: number) => [
      { ...sliceOf('iPhone1,0'), devices },
      { ...sliceOf('iPhone1,1'), devices: 100 },
    ];
    const bad = { 'iPhone1,0': [40, 20], 'iPhone1,1': [40, 0] } as const;
    expect(verdictOn(two(100), bad).says).toBe('hold');
    expect(verdictOn(two(101), bad).says).toBe('halt');
  });

  it.each([
    ['of one model', { 'iPhone1,0': [3, 3] }],
    ['of two models', { 'iPhone1,0': [2, 2], 'iPhone1,1': [1, 1] }],
    ['of three models', { 'iPhone1,0': [1, 1], 'iPhone1,1': [1, 1], 'iPhone1,2': [1, 1] }],
  ] as const)('stands at three devices that all fail, %s', (_, counts) => {
    const known = Object.keys(counts).map((model) => ({ ...sliceOf(model), devices: 1 }));
    expect(verdictOn(known, counts).says).not.toBe('go');
  });

  it('is stopped by no single device', () => {
    expect(verdictOn(phones(1, 4), { 'iPhone1,0': [1, 1] }).says).toBe('go');
  });

  it('waits from a tenth of the limit on', () => {
    const known = phones(1, 1000);
    const says = [3, 4, 5, 6, 7, 8].map((failed) => verdictOn(known, { 'iPhone1,0': [60, failed] }).says);
    expect(says).toEqual(['go', 'go', 'go', 'wait', 'halt', 'halt']);
  });

  it('hands back the tests that reach the limit by themselves, enough to decide again', () => {
    const verdict = verdictOn(phones(3), { 'iPhone1,0': [40, 8], 'iPhone1,1': [40, 8], 'iPhone1,2': [40, 8] });
    if (verdict.says === 'go') throw new Error('nothing was found');
    const { logSum, logLimit, alpha, tests: listed } = verdict.evidence;
    expect(logLimit).toBe(-Math.log(ALPHA));
    expect(alpha).toBe(ALPHA);
    for (const { trials, failures, toleratedRate, logE } of listed)
      expect(logE).toBe(logRateEvidence({ n: trials, x: failures }, toleratedRate));
    const total = Math.log(sum(listed.map(({ logE, weight }) => weight * Math.exp(logE))));
    expect(total).toBeGreaterThanOrEqual(logLimit);
    expect(logSum).toBeGreaterThanOrEqual(total - 1e-9);
  });

  it('finds devices that are not heard of again, and users that take it off', () => {
    const trials = new SliceTrials(sliceOf('iPhone1,0'), -Infinity);
    const at = Date.parse(MORNING) + 6 * 3_600_000;
    const say = (row: Parameters<typeof installRow>[0]) => {
      trials.add(installRow({ started: 200, fine: 150, ...row }), at);
      const slices = [
        {
          slice: sliceOf('iPhone1,0'),
          key: trials.key,
          counts: { ...trials.counts(at), harm: new Map() },
          isHeld: false,
        },
      ];
      return judge({
        plan,
        known: phones(1),
        slices,
        onsets: 1,
        firstPeriod: trialPeriodAt(MORNING_MS),
        since: MORNING,
        through: MORNING,
      });
    };
    expect(say({ due: 200, open: 4, removed: 5 }).says).toBe('go');
    expect(say({ due: 200, open: 30 })).toMatchObject({
      says: 'halt',
      evidence: { tests: [{ test: 'outcome-missing' }] },
    });
  });

  it('counts pending failures as such where it is asked to', () => {
    const trials = new SliceTrials(sliceOf('iPhone1,0'), -Infinity);
    trials.add(installRow({ started: 50, failed: 1 }), Date.parse(MORNING) + 1000);
    const { all, bands } = withPending(trials.counts(Date.parse(MORNING) + 1000), 7);
    expect([all, bands[0], bands[1]]).toEqual([
      { n: 57, x: 8 },
      { n: 50, x: 1 },
      { n: 7, x: 7 },
    ]);
  });
});

describe('what begins late', () => {
  const HOUR_MS = 3_600_000;
  const cohortOf = (ms: number) => Math.floor(ms / HOUR_MS);

  /** The verdict on 100,000 good installs in two days, and on those of the hour after, of which none goes well. */
  function verdictAfter({ good, ...row }: { good: number; failed?: number; due?: number; open?: number }): GateVerdict {
    const trials = new SliceTrials(sliceOf('iPhone1,0'), MORNING_MS);
    for (let hour = 0; hour < 48; hour += 1) {
      const counted = { cohort: cohortOf(MORNING_MS) + hour, started: good / 48, fine: good / 48, due: good / 48 };
      trials.add(installRow(counted), MORNING_MS + (hour + 1) * HOUR_MS);
    }
    const atMs = MORNING_MS + 60 * HOUR_MS;
    const started = (row.failed ?? 0) + (row.due ?? 0);
    trials.add(installRow({ cohort: cohortOf(atMs), started, ...row }), atMs);
    const counts = { ...trials.counts(atMs), harm: new Map() };
    const slices = [{ slice: sliceOf('iPhone1,0'), key: trials.key, counts, isHeld: false }];
    const firstPeriod = trialPeriodAt(MORNING_MS);
    return judge({ plan, known: phones(1), slices, onsets: 21, firstPeriod, since: MORNING, through: MORNING });
  }

  it('finds installs that fail after any number of good ones', () => {
    expect(verdictAfter({ good: 96_000, failed: 2 }).says).toBe('go');
    const verdict = verdictAfter({ good: 96_000, failed: 8 });
    expect(verdict).toMatchObject({
      says: 'halt',
      evidence: { tests: [{ test: 'installs-late', trials: 8, failures: 8 }] },
    });
    expect(verdictAfter({ good: 960_000, failed: 8 }).says).toBe('halt');
  });

  it('finds devices that are not heard of again after any number of good ones', () => {
    const verdict = verdictAfter({ good: 96_000, due: 10, open: 10 });
    expect(verdict).toMatchObject({ says: 'halt', evidence: { tests: [{ test: 'outcome-missing-late' }] } });
  });

  it('keeps what it has found for as long as nothing more begins', () => {
    const slice = sliceOf('iPhone1,0');
    const trials = new SliceTrials(slice, MORNING_MS);
    trials.add(installRow({ started: 96_000, fine: 96_000 }), MORNING_MS + HOUR_MS);
    const cohort = cohortOf(MORNING_MS) + 60;
    trials.add(installRow({ cohort, started: 6, failed: 6 }), MORNING_MS + 60 * HOUR_MS);
    const before = trials.counts(MORNING_MS + 60 * HOUR_MS).periods;
    trials.add(installRow({ cohort, fine: 1 }), MORNING_MS + 400 * HOUR_MS);
    trials.settle(MORNING_MS + 400 * HOUR_MS);
    expect(trials.counts(MORNING_MS + 400 * HOUR_MS).periods).toEqual(before);
    expect(before.at(-1)).toMatchObject({ all: { n: 6, x: 6 } });
    trials.forgetPeriods(before.at(-1)?.period ?? 0);
    expect(trials.counts(MORNING_MS + 400 * HOUR_MS).periods).toHaveLength(1);
    trials.restart(MORNING_MS + 60.5 * HOUR_MS);
    expect(trials.counts(MORNING_MS + 401 * HOUR_MS).periods).toMatchObject([]);
  });

  it('waits for failures whose starts come too late, after any number of good ones', () => {
    const trials = new SliceTrials(sliceOf('iPhone1,0'), MORNING_MS);
    trials.add(installRow({ started: 96_000, fine: 96_000 }), MORNING_MS + HOUR_MS);
    trials.add(installRow({ cohort: cohortOf(MORNING_MS) + 60, started: 1, fine: 1 }), MORNING_MS + 60 * HOUR_MS);
    const counts = withPending(trials.counts(MORNING_MS + 60 * HOUR_MS), 8);
    expect(counts.periods.map(({ all }) => all)).toEqual([
      { n: 96_000, x: 0 },
      { n: 9, x: 8 },
    ]);
  });

  it('is no more than 1 in the mean, where as many fail as may', () => {
    const p0 = 0.1;
    const began = [1, 1, 2, 4, 4, 4, 9];
    let mean = 0;
    for (let outcome = 0; outcome < 2 ** began.length; outcome += 1) {
      const failed = began.map((_, index) => (outcome >> index) & 1);
      const periods = [...new Set(began)].map((k) => {
        const its = failed.filter((_, index) => began[index] === k);
        return { k, n: its.length, x: sum(its) };
      });
      const chance = failed.reduce((product, each) => product * (each === 1 ? p0 : 1 - p0), 1);
      mean += chance * Math.exp(lateRateEvidence(periods, p0).logE);
    }
    const begun = [1, 2, 4, 9].map((k) => 1 / (k * (k + 1)));
    expect(mean).toBeCloseTo(sum(begun), 12);
    expect(mean).toBeLessThanOrEqual(1);
  });
});
