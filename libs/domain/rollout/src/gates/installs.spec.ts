import { describe, expect, it } from 'vitest';
import { ALPHA, assess, FAILURES_MIN, type GateQuestion, type SliceCounts } from './installs.ts';
import { logRateEvidence } from './rates.ts';
import { MORNING, random } from '../examples.ts';

const TOLERATED = 0.02;
const slice = { platform: 'ios', model: 'iPhone18,1', base: '23D8133' } as const;
const question: GateQuestion = {
  patchId: 'a',
  toleratedRate: TOLERATED,
  hypotheses: 1,
  since: MORNING,
  through: MORNING,
  counts: [],
};
const isHarmful = (...counts: SliceCounts[]) => assess({ ...question, counts }).harmful;

describe('weighing the failures of a slice', () => {
  it('is the mean of the likelihood ratios', () => {
    const [p0, x, n] = [0.1, 3, 10];
    const ratios = [0.125, 0.15, 0.2, 0.3, 0.5, 0.9].map((p) => (p / p0) ** x * ((1 - p) / (1 - p0)) ** (n - x));
    const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / 6;
    expect(logRateEvidence({ n, x }, p0)).toBeCloseTo(Math.log(mean), 9);
  });

  it('stays a number for counts whose E is beyond all numbers', () => {
    expect(logRateEvidence({ n: 1e7, x: 1e6 }, 0.001)).toBeGreaterThan(1e6);
    expect(logRateEvidence({ n: 1e7, x: 0 }, 0.001)).toBeLessThan(0);
    expect(logRateEvidence({ n: 0, x: 0 }, 0.001)).toBeCloseTo(0, 12);
    expect(logRateEvidence({ n: 2, x: 9 }, 0.001)).toBeGreaterThan(0);
  });
});

describe('assessing the slices of a rollout', () => {
  it('says nothing on the word of a single device, and speaks of a small ring that fails whole', () => {
    const one = { slice, trials: FAILURES_MIN - 1, failures: FAILURES_MIN - 1 };
    for (const toleratedRate of [0.0001, 0.01, 0.5]) {
      expect(assess({ ...question, toleratedRate, hypotheses: 1, counts: [one] }).harmful).toBe(false);
    }
    expect(isHarmful({ slice, trials: 4, failures: 4 })).toBe(true);
  });

  it('hands back the strongest evidence, enough to decide again', () => {
    const worse = { ...slice, model: 'iPhone17,1' };
    const counts = [
      { slice, trials: 40, failures: 8 },
      { slice: worse, trials: 40, failures: 20 },
      { slice, trials: 4000, failures: 80 },
    ];
    const assessment = assess({ ...question, hypotheses: 3, counts });
    expect(assessment).toMatchObject({
      harmful: true,
      evidence: { patchId: 'a', slice: worse, trials: 40, failures: 20, toleratedRate: TOLERATED, hypotheses: 3 },
    });
    if (!assessment.harmful) return;
    const { trials, failures, toleratedRate, logE, logThreshold, hypotheses, alpha } = assessment.evidence;
    expect(logE).toBe(logRateEvidence({ n: trials, x: failures }, toleratedRate));
    expect(logThreshold).toBe(Math.log(hypotheses / alpha));
  });

  it('asks for more evidence when it looks at more slices', () => {
    const counts = [{ slice, trials: 30, failures: 6 }];
    expect(assess({ ...question, counts }).harmful).toBe(true);
    expect(assess({ ...question, hypotheses: 1_000_000, counts }).harmful).toBe(false);
  });
});

// A fleet of 4000 devices installs within four hours, fails at exactly the tolerated rate, and is looked at after each report.
describe('watching rollouts that fail as often as tolerated', () => {
  const RUNS = 400;

  it('halts none when trials count from their start', () => {
    expect(countHalted(RUNS, 'started')).toBe(0);
  });

  it('would halt nine in ten when outcomes count as they come', () => {
    expect(countHalted(RUNS, 'outcome')).toBeGreaterThanOrEqual(0.9 * RUNS);
  });
});

describe('watching a slice that is harmful', () => {
  it.each([
    [0.2, 80],
    [0.3, 50],
  ])('that fails at %d halts after fewer than %i devices in nearly every run', (rate, devicesMax) => {
    const needed = Array.from({ length: 200 }, (_, seed) => devicesUntilHalt(rate, random(seed + 1))).sort(
      (a, b) => a - b,
    );
    expect(needed[Math.floor(needed.length * 0.95)]).toBeLessThan(devicesMax);
  });
});

function countHalted(runs: number, counting: 'started' | 'outcome'): number {
  return Array.from({ length: runs }, (_, seed) => halts(random(seed + 1), counting)).filter(Boolean).length;
}

/** One rollout; failures are reported after 2 minutes, successes 30 to 90 minutes after the start. */
function halts(draw: () => number, counting: 'started' | 'outcome'): boolean {
  const reports: { minute: number; trials: number; failures: number }[] = [];
  for (let device = 0; device < 4000; device += 1) {
    const startedAt = draw() * 240;
    const isFailure = draw() < TOLERATED;
    const outcomeAt = startedAt + (isFailure ? 2 : 30 + draw() * 60);
    if (counting === 'started') {
      reports.push({ minute: startedAt, trials: 1, failures: 0 });
      if (isFailure) reports.push({ minute: outcomeAt, trials: 0, failures: 1 });
    } else reports.push({ minute: outcomeAt, trials: 1, failures: isFailure ? 1 : 0 });
  }
  reports.sort((left, right) => left.minute - right.minute);
  let [trials, failures] = [0, 0];
  for (const report of reports) {
    trials += report.trials;
    failures += report.failures;
    // Only a failure can tip the scale.
    if (report.failures > 0 && isHarmful({ slice, trials, failures })) return true;
  }
  return false;
}

function devicesUntilHalt(rate: number, draw: () => number): number {
  for (let [trials, failures] = [1, 0]; trials < 10_000; trials += 1) {
    if (draw() < rate) failures += 1;
    if (isHarmful({ slice, trials, failures })) return trials;
  }
  return Infinity;
}

it('keeps the chance of a false halt small', () => {
  expect(ALPHA).toBeLessThanOrEqual(0.001);
});
