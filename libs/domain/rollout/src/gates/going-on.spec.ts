import { fold } from '@sluice/event-sourcing';
import { describe, expect, it } from 'vitest';
import { evidence, granting, opened, planned } from '../examples.ts';
import { type Gates, type Plan } from '../plan.ts';
import { rolloutDecider } from '../rollout.ts';
import { type RolloutEvent } from '../rollout-messages.ts';
import { type StartedRollout } from '../rollout-state.ts';
import { goingOn, type Outcomes } from './going-on.ts';

const fine = { says: 'go', logSum: -2 } as const;
const harmful = { says: 'halt', evidence } as const;
const nothing: Outcomes = { trialsOfWave: 0, knownOfWave: 0, dueOfWave: 0, knownOfDue: 0, known: 0, pending: 0 };

function running(change: Partial<Plan>, ...more: readonly RolloutEvent[]): StartedRollout {
  return fold(rolloutDecider, [planned(change), granting(), opened(1), ...more]) as StartedRollout;
}

const waits = (rate: number, awake: number, outcomes: Partial<Outcomes>, change: Partial<Gates> = {}) => {
  const rollout = running({ gates: { installFailureRateMax: rate, ...change } });
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

  it('asks for half of the outcomes that are due, however many are known', () => {
    const enough = { trialsOfWave: 1000, knownOfWave: 400, known: 400, dueOfWave: 900 };
    expect(waits(0.01, 1000, { ...enough, knownOfDue: 449 })).toEqual([
      { for: 'outcomes', known: 449, needed: 450, awake: 1000 },
    ]);
    expect(waits(0.01, 1000, { ...enough, knownOfDue: 450 })).toBe('go');
  });

  it('passes on no outcome only by a person, or where the plan asks only for time', () => {
    expect(waits(0.01, 0, {})).toEqual([{ for: 'person' }]);
    expect(waits(0.01, 0, {}, { goOn: 'time' })).toBe('go');
  });

  it('waits for failures that would halt it, also where the plan asks only for time', () => {
    const rollout = running({ gates: { installFailureRateMax: 0.01, goOn: 'time' } });
    const outcomes = { ...nothing, pending: 4 };
    const question = { rollout, outcomes, awake: 0, verdict: fine };
    expect(goingOn({ ...question, withPending: harmful })).toEqual({
      says: 'wait',
      waits: [{ for: 'pending-failures', failures: 4 }],
      evidence,
    });
    expect(goingOn({ ...question, verdict: { says: 'wait', evidence }, withPending: harmful })).toEqual({
      says: 'wait',
      waits: [{ for: 'evidence', evidence: 162755, limit: 100 }],
      evidence,
    });
    expect(goingOn({ ...question, verdict: harmful, withPending: harmful })).toEqual({ says: 'halt', evidence });
  });
});
