import { type HealthBucketClosed } from '@sluice/domain-cohorts';
import { describe, expect, it } from 'vitest';
import {
  BASE_BUILD,
  type FactSketch,
  MINUTE,
  NOON,
  notedShardOf,
  pack,
  PATCHED_BUILD,
  recallNoted,
  view,
} from './facts.fixture.ts';
import { type FleetShard } from './fleet-shard.ts';
import { type BucketClosing, closeBucket, deadlinesAt, nothingAnnounced, announce } from './health-bucket.ts';
import { readPackedFacts } from './packed-facts.ts';

const HOUR = 60 * MINUTE;

function closing(minutes: number, overrides: Partial<BucketClosing> = {}): BucketClosing {
  return {
    shard: 0,
    shards: 1,
    from: NOON,
    to: NOON + minutes * MINUTE,
    throughRevision: 0,
    reportingDeadlineMs: 2 * HOUR,
    longOfflineMs: 72 * HOUR,
    ...overrides,
  };
}

function about(kind: FactSketch['kind'] & string, minutes: number, osBuild = BASE_BUILD): FactSketch {
  return { kind, occurredAt: NOON + minutes * MINUTE, said: { patchId: 'a', osBuild, cause: 'recall' } };
}

const started = (minutes: number) => about('InstallStarted', minutes);
const installed = (minutes: number) => about('PatchInstalled', minutes, PATCHED_BUILD);
const failed = (minutes: number) => about('PatchInstallFailed', minutes);
const seen = (minutes: number, osBuild = PATCHED_BUILD): FactSketch => about('DeviceObserved', minutes, osBuild);
const fellBack = (minutes: number): FactSketch => {
  const { said, ...fact } = about('PatchRolledBack', minutes);
  return { ...fact, said: { ...said, cause: 'failure' } };
};
const removed = (minutes: number): FactSketch => {
  const { said, ...fact } = about('PatchRolledBack', minutes);
  return { ...fact, said: { ...said, cause: 'user' } };
};
const bootFailure = (minutes: number): FactSketch => {
  const { said, ...fact } = about('IncidentReported', minutes);
  return { ...fact, said: { ...said, signal: 'boot-failure' } };
};

function add(shard: FleetShard, ...facts: FactSketch[]): void {
  shard.apply(readPackedFacts(pack(...facts)));
}

const slice = { patchId: 'a', platform: 'ios', model: 'iPhone18,1', base: BASE_BUILD };

describe('counting trials', () => {
  it.each([
    ['a start', [started(0)], 1, { trials: 1, failures: 0, fine: 0 }],
    ['a start and its failure', [started(0), failed(3)], 5, { trials: 1, failures: 1, fine: 0 }],
    ['a start and a fall-back', [started(0), installed(3), fellBack(60)], 61, { trials: 1, failures: 1, fine: 1 }],
    ['a device that could not start', [started(0), bootFailure(30)], 31, { trials: 1, failures: 1, fine: 0 }],
    [
      'no fall-back that is later than a trial lasts',
      [installed(0), fellBack(73 * 60)],
      74 * 60,
      { trials: 1, failures: 0, fine: 1 },
    ],
    ['a removal by its user as no failure', [installed(0), removed(60)], 61, { trials: 1, failures: 0, fine: 1 }],
    ['a start and a status with the build', [started(0), seen(3)], 5, { trials: 1, failures: 0, fine: 1 }],
    [
      'a status with the build after one with the base',
      [seen(0, BASE_BUILD), seen(3)],
      5,
      { trials: 1, failures: 0, fine: 1 },
    ],
    ['a start and its good end', [started(0), installed(3)], 5, { trials: 1, failures: 0, fine: 1 }],
    [
      'one trial for a device that tries again and again',
      [started(0), failed(3), started(4), failed(5)],
      6,
      { trials: 1, failures: 1, fine: 0 },
    ],
    ['a failure that arrives before its start', [failed(3), started(0)], 5, { trials: 1, failures: 1, fine: 0 }],
    [
      'a failure without a start as pending before its deadline',
      [failed(1)],
      119,
      { trials: 0, failures: 0, fine: 0, pending: 1 },
    ],
    ['a good outcome without a start at once', [installed(0)], 1, { trials: 1, failures: 0, fine: 1 }],
    ['a failure without a start after its deadline', [failed(0)], 120, { trials: 1, failures: 1, fine: 0 }],
    [
      'one trial when the start comes in time after all',
      [installed(0), started(1)],
      121,
      { trials: 1, failures: 0, fine: 1 },
    ],
  ] as const)('counts %s', (_name, facts, minutes, counts) => {
    const bucket = closeBucket(notedShardOf(...facts), nothingAnnounced, closing(minutes));
    expect(bucket?.cells).toEqual([{ ...slice, ...counts }]);
  });

  it('counts a try that got no package apart, and fails its trial after a day', () => {
    const without = (minutes: number): FactSketch => {
      const { said, ...fact } = failed(minutes);
      return { ...fact, said: { ...said, failureCode: 'download-timeout' } };
    };
    const counts = { ...slice, trials: 0, failures: 0, fine: 0 };
    const shard = notedShardOf(without(0), without(9));
    expect(closeBucket(shard, nothingAnnounced, closing(10))?.cells).toEqual([{ ...counts, unreached: 2 }]);
    expect(view(shard)?.patches['a']).toBeUndefined();
    add(shard, started(20), without(25));
    expect(closeBucket(shard, nothingAnnounced, closing(30))?.cells).toEqual([{ ...counts, trials: 1, unreached: 1 }]);
    expect(closeBucket(shard, nothingAnnounced, closing(24 * 60 + 24))?.cells).toEqual([]);
    expect(closeBucket(shard, nothingAnnounced, closing(24 * 60 + 25))?.cells).toEqual([{ ...counts, failures: 1 }]);
    const other = notedShardOf(started(0), without(5), installed(90));
    expect(closeBucket(other, nothingAnnounced, closing(25 * 60))?.cells).toMatchObject([
      { trials: 1, failures: 0, fine: 1 },
    ]);
  });

  it('counts no install of a device that came with the patch', () => {
    expect(closeBucket(notedShardOf(seen(0)), nothingAnnounced, closing(1))?.cells).toEqual([]);
  });

  it('counts each once over several buckets', () => {
    const shard = notedShardOf(started(0));
    expect(closeBucket(shard, nothingAnnounced, closing(1))?.cells).toEqual([
      { ...slice, trials: 1, failures: 0, fine: 0 },
    ]);
    add(shard, started(2), failed(2));
    expect(closeBucket(shard, nothingAnnounced, closing(3))?.cells).toEqual([
      { ...slice, trials: 0, failures: 1, fine: 0 },
    ]);
    add(shard, failed(4), installed(5));
    expect(closeBucket(shard, nothingAnnounced, closing(500))?.cells).toEqual([]);
  });
});

describe('announcing pending failures', () => {
  it('lists them when they change, and says when the last one is gone', () => {
    const shard = notedShardOf(failed(0));
    const first = closeBucket(shard, nothingAnnounced, closing(1)) as HealthBucketClosed;
    expect(first.cells).toEqual([{ ...slice, trials: 0, failures: 0, fine: 0, pending: 1 }]);
    const announced = announce(nothingAnnounced, first);
    expect(closeBucket(shard, announced, closing(2))?.cells ?? []).toEqual([]);
    add(shard, started(3));
    expect(closeBucket(shard, announced, closing(4))?.cells).toEqual([
      { ...slice, trials: 1, failures: 1, fine: 0, pending: 0 },
    ]);
  });
});

describe('telling holders', () => {
  const none = { longOffline: 0, removed: 0, removalsFailed: 0, recallEpoch: 0 };

  it('tells absolute counts when they change, and is silent otherwise', () => {
    const shard = notedShardOf(installed(0), { ...installed(0), device: 'd-2' });
    const first = closeBucket(shard, nothingAnnounced, closing(1));
    expect(first?.holders).toEqual([{ patchId: 'a', holders: 2, ...none }]);
    const announced = announce(nothingAnnounced, first as HealthBucketClosed);
    expect(closeBucket(shard, announced, closing(2))).toBeUndefined();
    add(shard, about('PatchRolledBack', 3));
    expect(closeBucket(shard, announced, closing(4))?.holders).toEqual([
      { patchId: 'a', ...none, holders: 1, removed: 1 },
    ]);
  });

  it('counts no removal when a holder is retired, nor one holder more when it comes back', () => {
    const shard = notedShardOf(installed(0), { ...installed(0), device: 'd-2' });
    const announced = announce(
      nothingAnnounced,
      closeBucket(shard, nothingAnnounced, closing(1)) as HealthBucketClosed,
    );
    add(shard, { kind: 'DeviceRetired', occurredAt: NOON + 3 * MINUTE });
    const retired = closeBucket(shard, announced, closing(4));
    expect(retired?.holders).toEqual([{ patchId: 'a', ...none, holders: 1 }]);
    add(shard, { occurredAt: NOON + 5 * MINUTE, said: { osBuild: PATCHED_BUILD } });
    const back = closeBucket(shard, announce(announced, retired as HealthBucketClosed), closing(6));
    expect(back?.holders).toEqual([{ patchId: 'a', ...none, holders: 2 }]);
  });

  it('counts removals that failed', () => {
    const shard = notedShardOf(installed(0), about('PatchRemoveFailed', 1, PATCHED_BUILD));
    expect(closeBucket(shard, nothingAnnounced, closing(2))?.holders[0]).toMatchObject({
      holders: 1,
      removalsFailed: 1,
    });
  });

  const nobody = {
    set: 0,
    freed: { recall: 0, user: 0, failure: 0, unknown: 0 },
    replaced: 0,
    retired: 0,
    failing: 0,
    offline: 0,
    waiting: 0,
    inFlight: 0,
  };

  it('tells of a recalled patch that nobody here ever had, once', () => {
    const shard = notedShardOf();
    shard.note(recallNoted('a'));
    const bucket = closeBucket(shard, nothingAnnounced, closing(1));
    expect(bucket?.holders).toEqual([{ patchId: 'a', holders: 0, ...none, recallEpoch: 1, recall: nobody }]);
    const announced = announce(nothingAnnounced, bucket as HealthBucketClosed);
    expect(closeBucket(shard, announced, closing(2))).toBeUndefined();
  });

  it('tells when holders of a recalled patch have been silent for too long', () => {
    const settings = { reportingDeadlineMs: 1000 * HOUR };
    const shard = notedShardOf(installed(0));
    shard.note(recallNoted('a'));
    const announced = announce(
      nothingAnnounced,
      closeBucket(shard, nothingAnnounced, closing(1, settings)) as HealthBucketClosed,
    );
    expect(closeBucket(shard, announced, closing(72 * 60, settings))).toBeUndefined();
    const silent = closeBucket(shard, announced, closing(72 * 60 + 1, settings));
    expect(silent?.holders[0]).toMatchObject({ holders: 1, longOffline: 1, recall: { ...nobody, set: 1, offline: 1 } });
  });
});

describe('telling populations', () => {
  it('counts a patched device under its base, and takes back what is gone', () => {
    const shard = notedShardOf(started(0), { ...installed(0), device: 'd-2' });
    const bucket = closeBucket(shard, nothingAnnounced, closing(1)) as HealthBucketClosed;
    const here = { platform: 'ios', model: 'iPhone18,1', base: BASE_BUILD, track: 'automatic' };
    expect(bucket.populations).toEqual([{ ...here, devices: 2 }]);
    add(shard, { occurredAt: NOON + HOUR, said: { osBuild: '23E200' } });
    add(shard, { device: 'd-2', occurredAt: NOON + HOUR, said: { osBuild: '23E200', ring: 'beta' } });
    const announced = announce(nothingAnnounced, bucket);
    const next = closeBucket(shard, announced, closing(61)) as HealthBucketClosed;
    expect(next.populations).toEqual([
      { ...here, base: '23E200', devices: 1 },
      { ...here, base: '23E200', ring: 'beta', devices: 1 },
      { ...here, devices: 0 },
    ]);
    expect(announce(announced, next).populations.size).toBe(2);
  });
});

describe('counting again after a restart', () => {
  it('comes to the same open bucket from the commits after the last one told', () => {
    const [before, after] = [
      [started(0), { ...installed(1), device: 'd-2' }],
      [failed(30), started(31)],
    ];
    const live = notedShardOf(...before);
    const announced = announce(
      nothingAnnounced,
      closeBucket(live, nothingAnnounced, closing(20)) as HealthBucketClosed,
    );
    add(live, ...after);

    const rebuilt = notedShardOf(...before);
    rebuilt.drainHealth(deadlinesAt(announced.to - 2 * HOUR, 0));
    add(rebuilt, ...after);
    expect(closeBucket(rebuilt, announced, closing(130))).toEqual(closeBucket(live, announced, closing(130)));
  });
});
