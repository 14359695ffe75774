import { type RecallCount } from '@sluice/domain-cohorts';
import { fold } from '@sluice/event-sourcing';
import { describe, expect, it } from 'vitest';
import { MORNING } from '../examples.ts';
import { recallDecider, type RecallEvent } from '../recall.ts';
import { removalHarm, removalsIn } from './removals.ts';

const count: RecallCount = {
  set: 1000,
  freed: { recall: 60, user: 5, failure: 7, unknown: 10 },
  replaced: 20,
  retired: 3,
  failing: 10,
  offline: 85,
  waiting: 800,
  inFlight: 0,
};
/** How many removals end before the gate pauses the recall, where every so manyth fails. */
const pausedAt = (everyOne: number) => {
  for (let trials = 1; trials < 10_000; trials += 1)
    if (removalHarm({ trials, failures: Math.floor(trials / everyOne) }) !== undefined) return trials;
  return Infinity;
};

describe('the gate on removals', () => {
  it('looks at devices that went back or on, and at those whose removal failed', () => {
    expect(removalsIn(count)).toEqual({ trials: 100, failures: 10 });
  });

  it.each([
    ['10 %', 10, 600],
    ['20 %', 5, 100],
    ['30 %', 10 / 3, 50],
  ])('pauses a recall of which %s fail', (_, everyOne, most) => {
    expect(pausedAt(everyOne)).toBeLessThanOrEqual(most);
  });

  it('pauses none where no more fail than tolerated, nor for one device', () => {
    expect(pausedAt(20)).toBe(Infinity);
    expect(removalHarm({ trials: 1, failures: 1 })).toBeUndefined();
    expect(removalHarm({ trials: 4, failures: 4 })?.words).toBe('removals fail: 4 of 4');
  });

  it('counts anew what a person has seen', () => {
    const seen = { trials: 40, failures: 12 };
    expect(removalHarm({ trials: 100, failures: 14 }, seen)).toBeUndefined();
    expect(removalHarm({ trials: 80, failures: 24 }, seen)).toMatchObject({ trials: 40, failures: 12 });
    // Some of those that had failed have gone back since.
    expect(removalHarm({ trials: 60, failures: 2 }, seen)).toBeUndefined();
  });

  it('has its findings remembered over resumptions and another pull', () => {
    const its = { patchId: 'a', recallEpoch: 1, at: MORNING } as const;
    const evidence = removalHarm({ trials: 40, failures: 12 });
    if (evidence === undefined) throw new Error('there is no evidence');
    const history: RecallEvent[] = [
      { type: 'RecallStarted', ...its, reason: 'r' },
      { type: 'RecallPaused', ...its, reason: evidence.words, evidence },
      { type: 'RecallResumed', ...its },
      { type: 'RecallStarted', ...its, recallEpoch: 2, reason: 'r' },
      { type: 'RecallPaused', ...its, recallEpoch: 2, reason: evidence.words, evidence },
    ];
    expect(fold(recallDecider, history.slice(0, 4))).toMatchObject({
      status: 'removing',
      seen: { trials: 40, failures: 12 },
    });
    expect(fold(recallDecider, history)).toMatchObject({
      status: 'paused',
      seen: { trials: 80, failures: 24 },
      pausedBecause: { reason: 'removals fail: 12 of 40', evidence: { failures: 12 } },
    });
  });
});
