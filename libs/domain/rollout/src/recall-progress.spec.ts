import { type HolderCount } from '@sluice/domain-cohorts';
import { describe, expect, it } from 'vitest';
import { healthBucket, minute } from './examples.ts';
import { emptyRecallLedger, foldRecallLedger, recallProgress } from './recall-progress.ts';
import { type RecallEvent } from './recall.ts';

const started: RecallEvent = {
  type: 'RecallStarted',
  patchId: 'a',
  recallEpoch: 1,
  reason: 'it smokes',
  at: minute(0),
};

function count(shard: number, minutes: number, change: Partial<HolderCount>) {
  const line = { patchId: 'a', recallEpoch: 1, holders: 0, longOffline: 0, removed: 0, removalsFailed: 0, ...change };
  return healthBucket(minute(minutes), { shard, shards: 2, holders: [line] });
}

const after = (...events: (RecallEvent | ReturnType<typeof count>)[]) =>
  recallProgress(events.reduce(foldRecallLedger, emptyRecallLedger()), 'a');

describe('watching a recall burn down', () => {
  it('adds up the last count of each shard, and all removals', () => {
    const events = [
      started,
      count(0, 1, { holders: 10, removed: 5, longOffline: 1 }),
      count(1, 1, { holders: 4 }),
      count(0, 10, { holders: 1, removed: 9, longOffline: 1, removalsFailed: 2 }),
    ];
    expect(after(...events)).toEqual({
      recallEpoch: 1,
      holders: 5,
      removed: 14,
      longOffline: 1,
      removalsFailed: 2,
      complete: true,
      p50Seconds: 600,
      p90Seconds: 600,
      p99Seconds: 600,
    });
  });

  it('is not complete while a shard has not counted since the pull', () => {
    expect(after(started, count(0, 1, {}))).toMatchObject({ holders: 0, complete: false });
    expect(after(started, count(0, 1, {}), count(1, 1, { recallEpoch: 0 }))).toMatchObject({ complete: false });
    expect(after(started, count(0, 1, {}), count(1, 1, {}))).toMatchObject({ complete: true });
  });

  it('measures from the start of the recall to the removals', () => {
    const events = [count(0, 1, { removed: 50 }), count(0, 10, { removed: 45 }), count(0, 100, { removed: 5 })];
    const quantiles = { p50Seconds: 60, p90Seconds: 600, p99Seconds: 6000 };
    expect(after(started, ...events)).toMatchObject(quantiles);
    expect(after(...events, started)).toMatchObject(quantiles);
  });

  it('begins anew with another epoch, and drops counts of the one before', () => {
    const again: RecallEvent = { ...started, recallEpoch: 2 };
    const events = [started, count(0, 1, { holders: 3, removed: 9 }), again, count(1, 2, { holders: 8 })];
    expect(after(...events)).toEqual({
      recallEpoch: 2,
      holders: 0,
      removed: 0,
      longOffline: 0,
      removalsFailed: 0,
      complete: false,
    });
  });

  it('knows nothing of patches that were not recalled', () => {
    expect(after(count(0, 1, { recallEpoch: 0, holders: 7 }))).toBeUndefined();
  });
});
