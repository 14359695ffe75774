import { type RecallCount } from '@sluice/domain-cohorts';
import { describe, expect, it } from 'vitest';
import { healthBucket, minute, minuteMs } from './examples.ts';
import { emptyRecallLedger, foldRecallLedger, recallProgress, removalShare } from './recall-progress.ts';
import { type RecallEvent } from './recall.ts';

const started: RecallEvent = {
  type: 'RecallStarted',
  patchId: 'a',
  recallEpoch: 1,
  reason: 'it smokes',
  at: minute(0),
};

const freed = { recall: 0, user: 0, failure: 0, unknown: 0 };
const nobody: RecallCount = {
  set: 0,
  freed,
  replaced: 0,
  retired: 0,
  failing: 0,
  offline: 0,
  waiting: 0,
  inFlight: 0,
};

function count(shard: number, minutes: number, change: Partial<RecallCount>, recallEpoch = 1) {
  const recall = { ...nobody, ...change };
  const line = { patchId: 'a', recallEpoch, holders: 0, longOffline: 0, removed: 0, removalsFailed: 0, recall };
  return healthBucket(minute(minutes), { shard, shards: 2, holders: [line] });
}

const gone = (devices: number) => ({ freed: { ...freed, recall: devices } });
const after = (...events: (RecallEvent | ReturnType<typeof count>)[]) =>
  recallProgress(events.reduce(foldRecallLedger, emptyRecallLedger()), 'a');

describe('watching a recall burn down', () => {
  it('adds up the last count of each shard', () => {
    const events = [
      started,
      count(0, 1, { set: 10, waiting: 10 }),
      count(1, 1, { set: 4, waiting: 1, offline: 1, retired: 1, ...gone(1), inFlight: 2 }),
      count(0, 10, { set: 10, waiting: 1, failing: 2, replaced: 1, ...gone(6) }),
    ];
    expect(after(...events)?.count).toEqual({
      set: 14,
      freed: { ...freed, recall: 7 },
      replaced: 1,
      retired: 1,
      failing: 2,
      offline: 1,
      waiting: 2,
      inFlight: 2,
    });
  });

  it('knows who is re-exposed once each shard has counted that', () => {
    const former = after(count(0, 1, { set: 1, ...gone(1) }), count(1, 1, { set: 1, ...gone(1), reExposed: 1 }));
    expect(former?.count).not.toHaveProperty('reExposed');
    const all = after(
      count(0, 1, { set: 4, ...gone(4), reExposed: 3 }),
      count(1, 1, { set: 1, ...gone(1), reExposed: 1 }),
    );
    expect(all?.count).toMatchObject({ freed: { recall: 5 }, reExposed: 4 });
  });

  it('knows no number while a shard has not counted since the pull', () => {
    expect(after(started)?.count).toBeNull();
    expect(after(started, count(0, 1, {}))?.count).toBeNull();
    expect(after(started, count(0, 1, {}), count(1, 1, {}, 0))?.count).toBeNull();
    expect(after(started, count(0, 1, {}), count(1, 1, {}))?.count).toEqual(nobody);
  });

  it('knows nothing of a count from before recalls were counted as sets', () => {
    const line = { patchId: 'a', recallEpoch: 1, holders: 3, longOffline: 0, removed: 0, removalsFailed: 0 };
    const former = healthBucket(minute(1), { shard: 0, shards: 1, holders: [line] });
    expect(after(started, former)?.count).toBeNull();
  });

  it('measures from the start of the recall, over all its devices, and says nothing that is not reached', () => {
    const other = count(1, 1, {});
    const events = [50, 90, 95, 99].map((devices, index) =>
      count(0, [1, 10, 20, 100][index] ?? 0, { set: 100, waiting: 100 - devices, ...gone(devices) }),
    );
    const quantiles = { p50Seconds: 60, p90Seconds: 600, p99Seconds: 6000 };
    expect(after(started, other, ...events)?.quantiles).toEqual(quantiles);
    expect(after(started, other, ...events.slice(0, 3))?.quantiles).toEqual({ ...quantiles, p99Seconds: null });
    expect(after(started, ...events)?.quantiles).toEqual({ p50Seconds: null, p90Seconds: null, p99Seconds: null });
  });

  it('takes back what it measured when devices hold the patch again', () => {
    const other = count(1, 1, {});
    const events = [
      count(0, 1, { set: 10, ...gone(9) }),
      count(0, 2, { set: 10, waiting: 6, ...gone(4) }),
      count(0, 30, { set: 10, waiting: 1, ...gone(9) }),
    ];
    expect(after(started, other, ...events)?.quantiles).toMatchObject({ p50Seconds: 1800, p90Seconds: 1800 });
  });

  it('waits for new counts in another epoch, and goes on measuring from the first', () => {
    const again: RecallEvent = { ...started, recallEpoch: 2, at: minute(60) };
    const events = [
      started,
      count(0, 1, { set: 4, waiting: 4 }),
      count(1, 1, {}),
      count(0, 9, { set: 4, waiting: 1, ...gone(3) }),
      again,
    ];
    expect(after(...events)).toMatchObject({ recallEpoch: 2, count: null });
    const recounted = [count(0, 61, { set: 4, waiting: 1, ...gone(3) }, 2), count(1, 61, {}, 2)];
    expect(after(...events, count(0, 62, { set: 9 }, 1), ...recounted)).toMatchObject({
      count: { set: 4, waiting: 1 },
      quantiles: { p50Seconds: 540, p90Seconds: null },
    });
  });

  it('knows nothing of patches that were not recalled', () => {
    const line = { patchId: 'a', recallEpoch: 0, holders: 7, longOffline: 0, removed: 0, removalsFailed: 0 };
    expect(after(healthBucket(minute(1), { shard: 0, shards: 1, holders: [line] }))).toBeUndefined();
  });
});

describe('pacing a recall', () => {
  it('lets so many devices an hour through, none before they are counted, and all in the end', () => {
    const pace = { perHourMax: 60, pulledAtMs: minuteMs(0) };
    const of = (minutes: number, set: number | null) =>
      removalShare(pace, set === null ? null : { ...nobody, set }, minuteMs(minutes));
    expect(of(30, null)).toBe(0);
    expect([of(0, 100), of(30, 100), of(99, 100), of(100, 100), of(500, 100)]).toEqual([0, 0.3, 0.99, 1, 1]);
    expect(of(0, 0)).toBe(1);
    expect(of(-5, 100)).toBe(0);
  });
});
