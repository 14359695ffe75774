import { type Population } from '@sluice/domain-cohorts';
import { fold } from '@sluice/event-sourcing';
import { describe, expect, it } from 'vitest';
import { emptyCensus, foldCensus } from '../census.ts';
import {
  evidence,
  granted,
  granting,
  healthBucket,
  minute,
  minuteMs,
  opened,
  phonesWave,
  planned,
  policyOf,
  published as publication,
} from '../examples.ts';
import { awakeFirstExposed, exposedDevices, goingOn, type Outcomes } from './going-on.ts';
import { type Plan } from '../plan.ts';
import { type PublishedPatch } from '../catalog-events.ts';
import { rolloutDecider } from '../rollout.ts';
import { type RolloutEvent } from '../rollout-messages.ts';
import { type StartedRollout } from '../rollout-state.ts';

const fine = { says: 'go', logSum: -2 } as const;
const harmful = { says: 'halt', evidence } as const;
const nothing: Outcomes = { trialsOfWave: 0, knownOfWave: 0, known: 0, pending: 0 };

function running(change: Partial<Plan>, ...more: readonly RolloutEvent[]): StartedRollout {
  return fold(rolloutDecider, [planned(change), granting(), opened(1), ...more]) as StartedRollout;
}

const waits = (rate: number, awake: number, outcomes: Partial<Outcomes>, change: Partial<Plan> = {}) => {
  const rollout = running({ gates: { installFailureRateMax: rate }, ...change });
  const said = goingOn({ rollout, verdict: fine, withPending: fine, outcomes: { ...nothing, ...outcomes }, awake });
  return said.says === 'wait' ? said.waits : said.says;
};

describe('whether a wave may go on', () => {
  it.each([
    // Of three outcomes to a tolerated failure and half of the awake, the fewer; at least one.
    ['10 of 20 awake', 0.01, 20, 10],
    ['three to a tolerated failure', 0.1, 1000, 30],
    ['a whole number of them', 0.07, 1000, 43],
    ['2 of 3 awake', 0.01, 3, 2],
    ['1 of 1 awake', 0.01, 1, 1],
  ])('asks for %s', (_, rate, awake, needed) => {
    const enough = { trialsOfWave: needed, knownOfWave: needed, known: needed };
    expect(waits(rate, awake, enough)).toBe('go');
    const known = needed - 1;
    expect(waits(rate, awake, { trialsOfWave: needed, knownOfWave: known, known: 1000 })).toEqual([
      { for: 'outcomes', known, needed, awake },
    ]);
  });

  it('counts all outcomes of the patch where fewer are awake than it asks for', () => {
    expect(waits(0.01, 0, { known: 1 })).toBe('go');
    expect(waits(0.01, 0.4, { known: 1 })).toBe('go');
    expect(waits(0.01, 0.4, {})).toEqual([{ for: 'outcomes', known: 0, needed: 1, awake: 0.4 }]);
  });

  it('passes on no outcome only by a person, or where the plan asks only for time', () => {
    expect(waits(0.01, 0, {})).toEqual([{ for: 'person' }]);
    expect(waits(0.01, 0, {}, { goOn: 'time' })).toBe('go');
  });

  it('waits for failures that would halt it, also where the plan asks only for time', () => {
    const rollout = running({ goOn: 'time' });
    const outcomes = { ...nothing, pending: 4 };
    const question = { rollout, outcomes, awake: 0, verdict: fine };
    expect(goingOn({ ...question, withPending: harmful })).toEqual({
      says: 'wait',
      waits: [{ for: 'pending-failures', failures: 4 }],
    });
    expect(goingOn({ ...question, verdict: { says: 'wait', evidence }, withPending: harmful })).toEqual({
      says: 'wait',
      waits: [{ for: 'evidence', evidence: 162755, limit: 100 }],
    });
    expect(goingOn({ ...question, verdict: harmful, withPending: harmful })).toEqual({ says: 'halt', evidence });
  });
});

const published = policyOf(publication('a')).patches.get('a')?.published as PublishedPatch;
const of = (devices: number, change: Partial<Population> = {}): Population => {
  return { platform: 'ios', model: 'iPhone18,1', base: '23D8133', track: 'automatic', devices, ...change };
};
const census = foldCensus(emptyCensus(), {
  ...healthBucket(minute(1), {}),
  populations: [of(100), of(40, { ring: 'beta' }), of(7, { track: 'manual' }), of(60, { base: '23X1' })],
});
const inRing = { ...phonesWave, ring: 'beta' };
const half = { ...phonesWave, ramp: { fromPercent: 0, toPercent: 50, minutes: 1000 } };
const rest = { ...phonesWave, ramp: { fromPercent: 50, toPercent: 100, minutes: 1000 } };

describe('who is new to the patch, and awake', () => {
  const at = (minutes: number) => ({ census, nowMs: minuteMs(minutes) });

  it('is who the open wave reaches, on the automatic track, on a base that the patch is for', () => {
    const rollout = running({ waves: [half], holdBackPercent: 0 }, granted(1, 0, 500, { percents: [0, 25] }));
    expect(awakeFirstExposed(rollout, published, at(500))).toBe(140 * 0.25);
    expect(exposedDevices(rollout, published, at(500))).toEqual({ eligible: 147, exposed: 37 });
  });

  it('does not count whom an earlier wave has reached', () => {
    const rollout = running(
      { waves: [half, rest], holdBackPercent: 0 },
      granted(1, 0, 1000, { percents: [0, 50] }),
      { type: 'WaveBaked', rolloutId: 'r1', wave: 1, because: 'baked', at: minute(1200) },
      opened(2, minute(1200)),
      granted(2, 1200, 1700, { percents: [50, 75] }),
    );
    expect(awakeFirstExposed(rollout, published, at(1700))).toBe(140 * 0.25);
  });

  it('is nobody where a ring was served before, and nobody of the control group otherwise', () => {
    const events = [
      granted(1, 0, 1000, { percents: [0, 100] }),
      { type: 'WaveBaked', rolloutId: 'r1', wave: 1, because: 'baked', at: minute(1200) },
      opened(2, minute(1200)),
      granted(2, 1200, 2200, { percents: [0, 100] }),
    ] as const;
    const again = running({ waves: [inRing, inRing] }, ...events);
    expect(awakeFirstExposed(again, published, at(2200))).toBe(0);
    const wide = running({ waves: [inRing, phonesWave], holdBackPercent: 2 }, ...events);
    expect(awakeFirstExposed(wide, published, at(2200))).toBeCloseTo(98);
  });
});
