import { type HealthBucketClosed } from '@sluice/domain-cohorts';
import { fold } from '@sluice/event-sourcing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { halted, healthBucket, minute, opened, paused, planned, resumed, started } from '../examples.ts';
import { assessRollout, emptyGateLedger, foldGateLedger } from './ledger.ts';
import { rolloutDecider } from '../rollout.ts';
import { type RolloutEvent } from '../rollout-messages.ts';
import { type StartedRollout } from '../rollout-state.ts';

const rollout = fold(rolloutDecider, [planned(), started(), opened(1)]) as StartedRollout;

const installs = (minutes: number, trials: number, failures: number, model = 'iPhone18,1', shard = 0) =>
  healthBucket(minute(minutes), {
    shard,
    cells: [{ patchId: 'a', platform: 'ios', model, base: '23D8133', trials, failures }],
  });

const assessAfter = (...events: (RolloutEvent | HealthBucketClosed)[]) =>
  assessRollout(events.reduce(foldGateLedger, emptyGateLedger()), rollout);

describe('keeping the ledger of the install gate', () => {
  it('sums the buckets and shards of a slice', () => {
    expect(
      assessAfter(started(), installs(1, 20, 2), installs(1, 20, 3, 'iPhone18,1', 1), installs(2, 10, 4)),
    ).toMatchObject({
      harmful: true,
      evidence: {
        trials: 50,
        failures: 9,
        slice: { model: 'iPhone18,1' },
        since: minute(0),
        through: minute(2),
        hypotheses: 2,
      },
    });
  });

  it('keeps slices apart', () => {
    expect(assessAfter(started(), installs(1, 20, 4), installs(2, 20, 4, 'iPhone17,1')).harmful).toBe(false);
  });

  it('does not look at what came before the start', () => {
    expect(assessAfter(installs(-5, 20, 10), installs(0, 20, 10), started()).harmful).toBe(false);
  });

  it('counts anew after a halt that somebody looked at, with the trials that may still fail', () => {
    const bad = [started(), installs(1, 20, 10), halted(minute(2))];
    expect(assessAfter(...bad).harmful).toBe(true);
    expect(assessAfter(...bad, resumed(minute(3))).harmful).toBe(false);
    expect(assessAfter(...bad, resumed(minute(3)), installs(4, 20, 10))).toMatchObject({
      evidence: { trials: 30, failures: 10, since: minute(3) },
    });
  });

  it('forgets nothing over a pause', () => {
    const bad = [started(), installs(1, 20, 10), paused(minute(2))];
    expect(assessAfter(...bad, resumed(minute(3))).harmful).toBe(true);
  });

  it('does not take late failures of trials from before a restart for a failure rate of 100 %', () => {
    const before = [started(), installs(1, 1000, 0), halted(minute(2)), resumed(minute(3))];
    expect(assessAfter(...before, installs(4, 0, 5)).harmful).toBe(false);
    expect(assessAfter(...before, installs(4, 0, 60)).harmful).toBe(true);
  });

  it('comes out the same however rollout events and health interleave', () => {
    const own = [started(), halted(minute(9)), resumed(minute(10)), halted(minute(19)), resumed(minute(20))];
    const health = [5, 10, 15, 20, 25, 30, 30].map((minutes) => installs(minutes, 20, 4));
    const expected = assessAfter(...own, ...health);
    expect(expected.harmful).toBe(true);
    const applyOwn = fc.array(fc.boolean(), { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(applyOwn, (turns) => {
        const [owns, buckets] = [[...own], [...health]];
        const mixed: (RolloutEvent | HealthBucketClosed | undefined)[] = turns.map((turn) =>
          (turn ? owns : buckets).shift(),
        );
        const events = [...mixed, ...owns, ...buckets].filter((event) => event !== undefined);
        expect(assessAfter(...events)).toEqual(expected);
      }),
    );
  });
});
