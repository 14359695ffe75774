import { msUntilInside, rampPercent } from '@sluice/domain-cohorts';
import { fold } from '@sluice/event-sourcing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { completed, minute, minuteMs, opened, paused, phonesWave, planned, resumed, started } from './examples.ts';
import { isWaveOver, plannedPercent } from './exposure.ts';
import { rolloutDecider } from './rollout.ts';
import { type RolloutEvent } from './rollout-messages.ts';
import { type StartedRollout } from './rollout-state.ts';

const ramp = { fromPercent: 10, toPercent: 60, minutes: 100 };
const running = [planned({ waves: [phonesWave] }), started(), opened(1)];

describe('following a ramp', () => {
  it.each([
    [0, 10],
    [50, 35],
    [99, 59.5],
    [100, 60],
    [5000, 60],
  ])('is, after %i minutes of running time, at %d percent', (minutes, percent) => {
    expect(rampPercent(ramp, minutes * 60_000)).toBeCloseTo(percent, 10);
  });

  it('jumps to its end when it takes no time', () => {
    expect(rampPercent({ fromPercent: 0, toPercent: 100, minutes: 0 }, 0)).toBe(100);
  });

  it('says when it reaches a bucket', () => {
    expect(msUntilInside(ramp, 0.05)).toBe(0);
    expect(msUntilInside(ramp, 0.35)).toBeCloseTo(50 * 60_000, 3);
    expect(msUntilInside(ramp, 0.6)).toBe(Infinity);
  });
});

describe('exposing the audience of a rollout from before there were grants', () => {
  it('stands still while the rollout is paused', () => {
    const history = [...running, paused(minute(100)), resumed(minute(400))];
    expect(exposureAt(history.slice(0, -1), 300)).toBeCloseTo(10);
    expect(exposureAt(history, 500)).toBeCloseTo(20);
  });

  it('is nothing before the start, and what the last wave says when complete', () => {
    expect(exposureAt([planned()], 100)).toBe(0);
    expect(exposureAt([...running, completed(minute(1200))], 1300)).toBe(98);
  });

  it('leaves the hold-back out at the end of the ramp', () => {
    expect(exposureAt(running, 1100)).toBe(98);
  });

  it('does not count rings', () => {
    expect(exposureAt([planned(), started(), opened(1)], 10)).toBe(0);
  });

  it('ends the bake in running time', () => {
    const history = [...running, paused(minute(100)), resumed(minute(400))];
    const rollout = fold(rolloutDecider, history) as StartedRollout;
    expect([1499, 1500].map((minutes) => isWaveOver(rollout, minuteMs(minutes)))).toEqual([false, true]);
  });

  it('grows and never shrinks while the rollout runs, is paused and goes on', () => {
    const stops = fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.integer({ min: 1, max: 300 })), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(stops, fc.double({ min: 0, max: 100, noNaN: true }), (stopsAfter, fromPercent) => {
        const wave = { ...phonesWave, ramp: { ...phonesWave.ramp, fromPercent } };
        const history: RolloutEvent[] = [planned({ waves: [wave], holdBackPercent: 0 }), started(), opened(1)];
        let now = 0;
        let last = 0;
        const look = () => {
          const percent = exposureAt(history, now);
          expect(percent).toBeGreaterThanOrEqual(last);
          last = percent;
        };
        for (const [ran, stood] of stopsAfter) {
          for (const step of [0.3, 0.7]) {
            now += ran * step;
            look();
          }
          history.push(paused(minute(now)));
          now += stood;
          look();
          history.push(resumed(minute(now)));
          look();
        }
      }),
    );
  });
});

function exposureAt(history: readonly RolloutEvent[], minutes: number): number {
  const rollout = fold(rolloutDecider, history);
  return 'exposure' in rollout ? plannedPercent(rollout, minuteMs(minutes)) : 0;
}
