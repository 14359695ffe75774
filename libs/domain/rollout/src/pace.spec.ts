import { type Population } from '@sluice/domain-cohorts';
import { describe, expect, it } from 'vitest';
import { fold } from '@sluice/event-sourcing';
import { emptyCensus, foldCensus } from './census.ts';
import { type PublishedPatch } from './catalog-events.ts';
import {
  granted,
  granting,
  healthBucket,
  installRow,
  minute,
  minuteMs,
  opened,
  paused,
  phonesWave,
  planned,
  policyOf,
  published as publication,
} from './examples.ts';
import { nextGrant, wavePercent, isWaveOver } from './exposure.ts';
import { exposedDevices } from './gates/going-on.ts';
import { wellOf } from './gates/counts.ts';
import { emptyGateLedger, foldGateLedger } from './gates/ledger.ts';
import { type Awake, awakeFirstExposed, awakeOf, matureBefore, paceLimit, type Well } from './pace.ts';
import { type Plan, planFaults } from './plan.ts';
import { rolloutDecider } from './rollout.ts';
import { type RolloutCommand, type RolloutEvent } from './rollout-messages.ts';
import { type StartedRollout } from './rollout-state.ts';

const published = policyOf(publication('a')).patches.get('a')?.published as PublishedPatch;
const of = (devices: number, change: Partial<Population> = {}): Population => {
  return { platform: 'ios', model: 'iPhone18,1', base: '23D8133', track: 'automatic', devices, ...change };
};
const censusOf = (...populations: Population[]) =>
  foldCensus(emptyCensus(), { ...healthBucket(minute(1), {}), populations });
const census = censusOf(
  of(100, { awake: 80 }),
  of(40, { ring: 'beta' }),
  of(7, { track: 'manual' }),
  of(60, { base: '23X1' }),
);
const slice = { platform: 'ios', model: 'iPhone18,1', base: '23D8133' } as const;
const inRing = { ...phonesWave, ring: 'beta' };
const half = { ...phonesWave, ramp: { fromPercent: 0, toPercent: 50, minutes: 1000 } };
const rest = { ...phonesWave, ramp: { fromPercent: 50, toPercent: 100, minutes: 1000 } };
const at = (minutes: number, known = census): Awake => ({ published, census: known, nowMs: minuteMs(minutes) });

function running(change: Partial<Plan>, ...more: readonly RolloutEvent[]): StartedRollout {
  return fold(rolloutDecider, [planned(change), granting(), opened(1), ...more]) as StartedRollout;
}
const toSecondWave = (percents: [number, number]): RolloutEvent[] => [
  granted(1, 0, 1000, { percents }),
  { type: 'WaveBaked', rolloutId: 'r1', wave: 1, because: 'baked', at: minute(1200) },
  opened(2, minute(1200)),
];

describe('who is new to the patch, and awake', () => {
  it('is who the open wave reaches, on the automatic track, on a base that the patch is for', () => {
    const rollout = running({ waves: [half], holdBackPercent: 0 }, granted(1, 0, 500, { percents: [0, 25] }));
    expect(awakeFirstExposed(rollout, at(500))).toBe(120 * 0.25);
    expect(exposedDevices(rollout, published, at(500))).toEqual({ eligible: 147, exposed: 37 });
  });

  it('does not count whom an earlier wave has reached', () => {
    const rollout = running(
      { waves: [half, rest], holdBackPercent: 0 },
      ...toSecondWave([0, 50]),
      granted(2, 1200, 1700, { percents: [50, 75] }),
    );
    expect(awakeFirstExposed(rollout, at(1700))).toBe(120 * 0.25);
    expect(awakeOf(rollout, 2, at(1700))).toEqual([{ ...slice, abovePercent: 50, devices: 120 }]);
  });

  it('is nobody where a ring was served before, and nobody of the control group otherwise', () => {
    const events = [...toSecondWave([0, 100]), granted(2, 1200, 2200, { percents: [0, 100] })];
    const again = running({ waves: [inRing, inRing] }, ...events);
    expect(awakeFirstExposed(again, at(2200))).toBe(0);
    const wide = running({ waves: [inRing, phonesWave], holdBackPercent: 2 }, ...events);
    expect(awakeFirstExposed(wide, at(2200))).toBeCloseTo(78.4);
  });
});

const big = censusOf(of(10_000), of(5_000, { model: 'iPhone17,1' }));
const instantly = { ...phonesWave, ramp: { fromPercent: 100, toPercent: 100, minutes: 0 }, bakeMinutes: 0 };
const well = (devices: number, manual = 0): Well[] => [{ slice, well: devices, manual }];
const limitOf = (rollout: StartedRollout, counted: Well[], known = big, more: Partial<Awake> = {}) =>
  paceLimit(rollout, 1, counted, { ...at(0, known), ...more });

describe('the pace', () => {
  const fresh = running({ waves: [instantly], holdBackPercent: 0 });

  it.each([
    ['300 devices while none is fine', 0, 0, 2],
    ['300 more than the fine ones', 100, 0, 400 / 150],
    ['three times the fine ones more', 1000, 0, 4000 / 150],
    ['less where devices of the manual track have begun', 100, 100, 2],
    ['all', 3750, 0, 100],
  ])('exposes %s', (_, fine, manual, percent) => {
    expect(limitOf(fresh, well(fine, manual)).percentMax).toBeCloseTo(percent, 9);
  });

  it('is as the plan has it', () => {
    const slow = running({ waves: [instantly], holdBackPercent: 0, pace: { first: 15, factor: 1 } });
    expect(limitOf(slow, []).percentMax).toBeCloseTo(0.1, 9);
    expect(limitOf(slow, well(150)).percentMax).toBeCloseTo(2, 9);
  });

  it('counts who was awake when the wave was opened, though they fell silent since, and who came since', () => {
    const awake = [{ ...slice, abovePercent: 0, devices: 15_000 }];
    const killed = running(
      { waves: [instantly], holdBackPercent: 0 },
      { type: 'WaveOpened', rolloutId: 'r1', wave: 1, awake, at: minute(0) },
    );
    expect(limitOf(killed, [], censusOf(of(15_000, { awake: 10 }))).percentMax).toBeCloseTo(2, 9);
    expect(limitOf(killed, [], censusOf(of(30_000))).percentMax).toBeCloseTo(1, 9);
  });

  it('leaves out slices on hold', () => {
    const isHeld = ({ model }: { model: string }) => model === 'iPhone18,1';
    expect(limitOf(fresh, well(100), big, { isHeld }).percentMax).toBeCloseTo(6, 9);
  });

  it('counts what earlier waves have exposed', () => {
    const second = running({ waves: [half, rest], holdBackPercent: 0 }, ...toSecondWave([0, 2]));
    // 300 are exposed by the first wave, and stay so.
    const limitWith = (fine: number) => paceLimit(second, 2, well(fine), at(1200, big));
    expect(limitWith(0)).toMatchObject({ percentMax: 2, exposed: 300, most: 300 });
    expect(limitWith(200).percentMax).toBeCloseTo(800 / 150, 9);
  });

  it('lets everything go where nobody is awake', () => {
    expect(limitOf(fresh, [], censusOf(of(500, { awake: 0 }))).percentMax).toBe(100);
  });
});

describe('devices that are fine', () => {
  const ledger = [
    healthBucket(minute(60), { installs: [installRow({ started: 10, fine: 6, manual: 4 })] }),
    healthBucket(minute(120), { installs: [installRow({ band: 1, failed: 2, relapsed: 1, removed: 1, fine: 3 })] }),
  ].reduce(foldGateLedger, emptyGateLedger());

  it('are those that neither failed later nor were removed, of installs that are old enough', () => {
    const { plan } = running({ gates: { installFailureRateMax: 0.01, maturityHours: 2 } });
    // The cohort's hour is over at 60 minutes.
    expect(wellOf(ledger, 'a', matureBefore(plan, minuteMs(179)))).toEqual([{ slice, well: 0, manual: 4 }]);
    expect(wellOf(ledger, 'a', matureBefore(plan, minuteMs(180)))).toEqual([{ slice, well: 7, manual: 4 }]);
  });

  it('are as old as the plan asks, which asks for no more than the ledger tells apart', () => {
    const MOST = 72;
    const gates = { installFailureRateMax: 0.01, maturityHours: MOST };
    const { plan } = running({ gates });
    const ledgerThen = [...Array(MOST + 30).keys()].reduce((folded, hour) => {
      const rows = [installRow({ cohort: installRow().cohort + hour, started: 1, fine: 1 })];
      return foldGateLedger(folded, healthBucket(minute((hour + 1) * 60), { installs: rows }));
    }, emptyGateLedger());
    const through = (MOST + 30) * 60;
    expect(wellOf(ledgerThen, 'a', matureBefore(plan, minuteMs(through)))).toMatchObject([{ well: 30 }]);
    expect(planFaults(plan)).toEqual([]);
    const more = planFaults({ ...plan, gates: { ...gates, maturityHours: MOST + 0.5 } });
    expect(more).toMatchObject([{ path: '/gates/maturityHours', code: 'out-of-range' }]);
  });

  it('are remembered over restarts and when their cohorts are settled', () => {
    const later = minuteMs(60 * 24 * 7);
    const restarted: RolloutEvent[] = [planned(), granting(minute(200)), opened(1, minute(200))];
    for (const event of restarted) foldGateLedger(ledger, event);
    const old = installRow({ cohort: later / 3_600_000, started: 1, fine: 1 });
    foldGateLedger(ledger, healthBucket(new Date(later + 3_600_000).toISOString(), { installs: [old] }));
    expect(wellOf(ledger, 'a', later + 7_200_000)).toEqual([{ slice, well: 8, manual: 4 }]);
  });
});

/** Plays grants every half minute, with a limit that depends on the instant; gives the percentage over time. */
function played(rollout: StartedRollout, minutes: number, limitAt: (minutes: number) => number) {
  let state: StartedRollout = rollout;
  const seen: { minutes: number; percent: number; isOver: boolean }[] = [];
  for (let passed = 0; passed <= minutes; passed += 0.5) {
    const command: RolloutCommand = {
      type: 'GrantExposure',
      rolloutId: 'r1',
      permission: { passMs: 30_000, percentMax: limitAt(passed) },
      at: minute(passed),
    };
    if (state.status === 'running')
      state = rolloutDecider.decide(command, state).reduce(rolloutDecider.evolve, state) as StartedRollout;
    seen.push({
      minutes: passed,
      percent: wavePercent(state, 1, minuteMs(passed)),
      isOver: isWaveOver(state, minuteMs(passed)),
    });
  }
  return { seen, state };
}

describe('grants under a pace', () => {
  it('never go beyond it, stay where they are, and go on from there', () => {
    const ramp = running({ waves: [{ ...phonesWave, bakeMinutes: 10 }], holdBackPercent: 0 });
    const limitAt = (minutes: number) => (minutes < 100 ? 3.3 : minutes < 200 ? 7 : 100);
    const { seen } = played(ramp, 1500, limitAt);
    for (const { minutes, percent } of seen) expect(percent).toBeLessThanOrEqual(limitAt(minutes) + 1e-9);
    expect(seen.find(({ minutes }) => minutes === 99)?.percent).toBeCloseTo(3.3, 1);
    expect(seen.find(({ minutes }) => minutes === 199)?.percent).toBeCloseTo(7, 1);
    // The time in which it stood is no running time: the ramp of 1000 minutes goes on from 7 % at minute 200.
    const over = seen.find(({ isOver }) => isOver);
    expect(over?.percent).toBe(100);
    expect(over?.minutes).toBeGreaterThan(200 + 930 + 9);
    expect(over?.minutes).toBeLessThan(200 + 930 + 13);
  });

  it('take a ramp of 0 minutes in steps, and do not end its wave before its end', () => {
    const { seen } = played(running({ waves: [instantly], holdBackPercent: 0 }), 60, (minutes) =>
      minutes < 20 ? 2 : minutes < 40 ? 8 : 100,
    );
    expect(seen.filter(({ percent }) => percent > 0)[0]?.percent).toBe(2);
    for (const { minutes, percent, isOver } of seen) {
      if (minutes < 40) expect(isOver).toBe(false);
      expect([2, 8, 100]).toContain(percent);
    }
    expect(seen.at(-1)).toMatchObject({ percent: 100, isOver: true });
  });

  it('take what a ramp begins with in steps, before it moves', () => {
    const wave = { ...phonesWave, ramp: { fromPercent: 50, toPercent: 100, minutes: 50 }, bakeMinutes: 0 };
    const { seen } = played(running({ waves: [wave], holdBackPercent: 0 }), 120, (minutes) => (minutes < 40 ? 4 : 100));
    expect(seen.find(({ minutes }) => minutes === 39)?.percent).toBe(4);
    expect(seen.find(({ isOver }) => isOver)?.minutes).toBeGreaterThanOrEqual(90);
  });

  it('keep a pause and another plan from skipping what is left', () => {
    const { state } = played(running({ waves: [instantly], holdBackPercent: 0 }), 5, () => 2);
    const again = [paused(minute(6)), { type: 'RolloutResumed', rolloutId: 'r1', at: minute(7) } as const];
    const resumed = again.reduce(rolloutDecider.evolve, state) as StartedRollout;
    expect(isWaveOver(resumed, minuteMs(60))).toBe(false);
    expect(nextGrant(resumed, minuteMs(8), { passMs: 1000, percentMax: 5 })).toMatchObject({
      toPercent: 5,
      paced: true,
    });
    const plan = { ...state.plan, notes: 'slower' };
    const event: RolloutEvent = { type: 'RolloutReplanned', rolloutId: 'r1', plan, reason: 'r', at: minute(6) };
    const replanned = rolloutDecider.evolve(state, event) as StartedRollout;
    expect(isWaveOver(replanned, minuteMs(60))).toBe(false);
    expect(nextGrant(replanned, minuteMs(8), { passMs: 1000 })).toMatchObject({ fromPercent: 100, toPercent: 100 });
  });
});
