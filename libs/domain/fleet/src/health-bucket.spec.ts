import { type HealthBucketClosed, removalCounts, rowsOf, sum, trialCounts } from '@sluice/domain-cohorts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BASE_BUILD,
  type FactSketch,
  MINUTE,
  NEXT_BUILD,
  NOON,
  notedShardOf,
  pack,
  PATCHED_BUILD,
  recallNoted,
  rolloutNoted,
  view,
} from './facts.fixture.ts';
import { type FactKind } from './facts.ts';
import { type FleetShard } from './fleet-shard.ts';
import { type BucketClosing, closeBucket, deadlinesAt, nothingAnnounced, announce } from './health-bucket.ts';
import { readPackedFacts } from './packed-facts.ts';
import { RecentReports } from './report-ids.ts';
import { imageOf, packImage, readImage, restoreShard } from './shard-image.ts';

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
    bucketOf: (salt, deviceId) => Number(deviceId.slice(2)) / 1000 + salt.length / 100,
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

const place = { patchId: 'a', slice: { platform: 'ios', model: 'iPhone18,1', base: BASE_BUILD } };

/** What the bucket counted of the one patch in the one slice, without what it did not. */
function countedIn(bucket: HealthBucketClosed | undefined): Record<string, number> {
  if (bucket === undefined) return {};
  const { installs, pending, unreached } = rowsOf(bucket);
  for (const row of [...installs, ...pending, ...unreached]) expect(row).toMatchObject(place);
  const counts = trialCounts.map((each) => [each, sum(installs.map((row) => row[each]))] as const);
  return {
    ...Object.fromEntries(counts.filter(([, count]) => count > 0)),
    ...(pending.length > 0 && { pending: sum(pending.map(({ count }) => count)) }),
    ...(unreached.length > 0 && { unreached: sum(unreached.map(({ count }) => count)) }),
  };
}

const hourOf = (minutes: number) => Math.floor((NOON + minutes * MINUTE) / HOUR);

describe('counting trials', () => {
  it.each([
    ['a start', [started(0)], 1, { started: 1 }],
    ['a start and its failure', [started(0), failed(3)], 5, { started: 1, failed: 1 }],
    [
      'a start and a fall-back',
      [started(0), installed(3), fellBack(60)],
      61,
      { started: 1, failed: 1, relapsed: 1, fine: 1 },
    ],
    ['a device that could not start', [started(0), bootFailure(30)], 31, { started: 1, failed: 1 }],
    [
      'no fall-back that is later than a trial lasts',
      [installed(0), fellBack(73 * 60)],
      74 * 60,
      { started: 1, fine: 1 },
    ],
    ['a removal by its user as no failure', [installed(0), removed(60)], 61, { started: 1, fine: 1, removed: 1 }],
    [
      'one removal of a device that takes it off again and again',
      [installed(0), removed(60), installed(70), removed(80)],
      81,
      { started: 1, fine: 1, removed: 1 },
    ],
    ['no removal later than a trial lasts', [installed(0), removed(73 * 60)], 74 * 60, { started: 1, fine: 1 }],
    ['a start and a status with the build', [started(0), seen(3)], 5, { started: 1, fine: 1 }],
    ['a status with the build after one with the base', [seen(0, BASE_BUILD), seen(3)], 5, { started: 1, fine: 1 }],
    ['a start and its good end', [started(0), installed(3)], 5, { started: 1, fine: 1 }],
    [
      'one trial for a device that tries again and again',
      [started(0), failed(3), started(4), failed(5)],
      6,
      { started: 1, failed: 1 },
    ],
    ['a failure that arrives before its start', [failed(3), started(0)], 5, { started: 1, failed: 1 }],
    ['a failure without a start as pending before its deadline', [failed(1)], 119, { pending: 1 }],
    ['a good outcome without a start at once', [installed(0)], 1, { started: 1, fine: 1 }],
    ['a failure without a start after its deadline', [failed(0)], 120, { started: 1, failed: 1 }],
    ['one trial when the start comes in time after all', [installed(0), started(1)], 121, { started: 1, fine: 1 }],
  ] as const)('counts %s', (_name, facts, minutes, counts) => {
    const bucket = closeBucket(notedShardOf(...facts), nothingAnnounced, closing(minutes));
    const { due: _due, open: _open, ...others } = countedIn(bucket);
    expect(others).toEqual(counts);
  });

  it('counts a try that got no package apart, and fails its trial after a day', () => {
    const without = (minutes: number): FactSketch => {
      const { said, ...fact } = failed(minutes);
      return { ...fact, said: { ...said, failureCode: 'download-timeout' } };
    };
    const shard = notedShardOf(without(0), { ...without(9), device: 'd-2' });
    expect(countedIn(closeBucket(shard, nothingAnnounced, closing(10)))).toEqual({ unreached: 2 });
    expect(view(shard)?.patches['a']).toBeUndefined();
    add(shard, started(60), without(65));
    expect(countedIn(closeBucket(shard, nothingAnnounced, closing(70)))).toEqual({ started: 1, unreached: 1 });
    // Its outcome is due, and not missed: it could not get the package.
    expect(countedIn(closeBucket(shard, nothingAnnounced, closing(24 * 60 + 64)))).toEqual({ due: 1 });
    expect(countedIn(closeBucket(shard, nothingAnnounced, closing(24 * 60 + 65)))).toEqual({ failed: 1 });
    const other = notedShardOf(started(0), without(5), installed(90));
    expect(countedIn(closeBucket(other, nothingAnnounced, closing(25 * 60)))).toMatchObject({ started: 1, fine: 1 });
  });

  it('counts one try an hour of a device that gets no package, however often it tries and whenever it tells', () => {
    const shard = notedShardOf(started(0));
    const without = (minutes: number, reportedAt: number, device = 'd-1'): FactSketch => {
      const { said, ...fact } = failed(minutes);
      const receivedAt = NOON + reportedAt * MINUTE;
      return { ...fact, device, receivedAt, said: { ...said, failureCode: 'no-network' } };
    };
    for (let minutes = 1; minutes < 70; minutes += 1) add(shard, without(minutes, minutes));
    const kept = Array.from({ length: 48 }, (_, index) => without(-index * 60, 70, 'd-2'));
    add(shard, ...kept.toReversed());
    expect(countedIn(closeBucket(shard, nothingAnnounced, closing(80)))).toEqual({ started: 1, unreached: 3 });
    expect(imageOf(shard, new RecentReports(7)).stuck).toHaveLength(4);
  });

  it('counts no install of a device that came with the patch', () => {
    expect(countedIn(closeBucket(notedShardOf(seen(0)), nothingAnnounced, closing(1)))).toEqual({});
  });

  it('counts each once over several buckets', () => {
    const shard = notedShardOf(started(0));
    expect(countedIn(closeBucket(shard, nothingAnnounced, closing(1)))).toEqual({ started: 1 });
    add(shard, started(2), failed(2));
    expect(countedIn(closeBucket(shard, nothingAnnounced, closing(3)))).toEqual({ failed: 1 });
    add(shard, failed(4), installed(5));
    expect(countedIn(closeBucket(shard, nothingAnnounced, closing(254)))).toEqual({});
    expect(countedIn(closeBucket(shard, nothingAnnounced, closing(255)))).toEqual({ due: 1 });
    expect(countedIn(closeBucket(shard, nothingAnnounced, closing(900)))).toEqual({});
  });
});

describe('telling cohorts', () => {
  const rows = (minutes: number, shard: FleetShard) => {
    const bucket = closeBucket(shard, nothingAnnounced, closing(minutes)) as HealthBucketClosed;
    return rowsOf(bucket).installs.map(({ cohort, band, started: begun, failed: bad, fine }) => {
      return { cohort, band, started: begun, failed: bad, fine };
    });
  };

  it('counts a failure in the cohort of its start, at the age that it had', () => {
    const shard = notedShardOf(started(30), { ...started(70), device: 'd-2' });
    expect(rows(80, shard)).toEqual([
      { cohort: hourOf(30), band: 0, started: 1, failed: 0, fine: 0 },
      { cohort: hourOf(70), band: 0, started: 1, failed: 0, fine: 0 },
    ]);
    add(shard, { ...installed(100), device: 'd-2' }, failed(400));
    expect(rows(410, shard)).toEqual([
      { cohort: hourOf(30), band: 2, started: 0, failed: 1, fine: 0 },
      { cohort: hourOf(70), band: 1, started: 0, failed: 0, fine: 0 },
      { cohort: hourOf(70), band: 0, started: 0, failed: 0, fine: 1 },
    ]);
  });

  it('counts a failure without a start in the hour of its receipt, at the age at which it counts', () => {
    expect(rows(125, notedShardOf(failed(1)))).toEqual([
      { cohort: hourOf(1), band: 0, started: 1, failed: 0, fine: 0 },
      { cohort: hourOf(1), band: 1, started: 0, failed: 1, fine: 0 },
    ]);
  });

  it('counts a failure that came together with its start as one without', () => {
    const together = notedShardOf(started(0), { ...failed(0) });
    expect(countedIn(closeBucket(together, nothingAnnounced, closing(119)))).toEqual({ started: 1, pending: 1 });
    const announced = { ...nothingAnnounced, pending: new Map([['x', { ...place, count: 1 } as never]]) };
    expect(countedIn(closeBucket(together, announced, closing(120)))).toEqual({ failed: 1, pending: 0 });
  });

  it('misses no outcome of a device that went on to a full release, whatever is heard of its install later', () => {
    const shard = notedShardOf();
    const upgraded = (device: string) => ({ ...seen(30, NEXT_BUILD), device });
    for (const device of ['d-1', 'd-2', 'd-3', 'd-4']) add(shard, { ...started(10), device });
    add(shard, upgraded('d-1'), upgraded('d-2'), upgraded('d-3'), { ...failed(40), device: 'd-2' });
    add(shard, { ...upgraded('d-1'), occurredAt: NOON + 35 * MINUTE }, { ...installed(20), device: 'd-3' });
    expect(countedIn(closeBucket(shard, nothingAnnounced, closing(254)))).toEqual({ started: 4, failed: 1, fine: 1 });
    expect(countedIn(closeBucket(shard, nothingAnnounced, closing(255)))).toEqual({ due: 4, open: 1 });
  });

  it('counts once, four hours after the quarter of an hour in which they began, trials that are due, and those without outcome', () => {
    const shard = notedShardOf(
      started(0),
      { ...started(1), device: 'd-2' },
      { ...started(14), device: 'd-3' },
      { ...started(15), device: 'd-4' },
      { ...failed(9), device: 'd-2' },
    );
    closeBucket(shard, nothingAnnounced, closing(254));
    expect(countedIn(closeBucket(shard, nothingAnnounced, closing(255)))).toEqual({ due: 3, open: 2 });
    add(shard, installed(256));
    expect(countedIn(closeBucket(shard, nothingAnnounced, closing(270)))).toEqual({ fine: 1, due: 1, open: 1 });
    expect(closeBucket(shard, nothingAnnounced, closing(420))?.installs.patch).toEqual([]);
  });
});

describe('announcing pending failures', () => {
  it('lists them when they change, and says when the last one is gone', () => {
    const shard = notedShardOf(failed(0));
    const first = closeBucket(shard, nothingAnnounced, closing(1)) as HealthBucketClosed;
    expect(countedIn(first)).toEqual({ pending: 1 });
    const announced = announce(nothingAnnounced, first);
    expect(countedIn(closeBucket(shard, announced, closing(2)))).toEqual({});
    add(shard, started(3));
    expect(countedIn(closeBucket(shard, announced, closing(4)))).toEqual({ started: 1, failed: 1, pending: 0 });
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
    reExposed: 0,
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
    // Its outcome comes to be due, but no holder is offline.
    expect(closeBucket(shard, announced, closing(72 * 60, settings))?.holders).toEqual([]);
    const silent = closeBucket(shard, announced, closing(72 * 60 + 1, settings));
    expect(silent?.holders[0]).toMatchObject({ holders: 1, longOffline: 1, recall: { ...nobody, set: 1, offline: 1 } });
  });
});

describe('counting removals of a recalled patch', () => {
  const began = (minutes: number, device = 'd-1') => ({
    ...about('PatchRemoveStarted', minutes, PATCHED_BUILD),
    device,
  });
  const stuck = (minutes: number, device = 'd-1') => ({
    ...about('PatchRemoveFailed', minutes, PATCHED_BUILD),
    device,
  });
  const freed = (minutes: number, device = 'd-1') => ({ ...about('PatchRolledBack', minutes), device });
  const seenOnBase = (minutes: number) => seen(minutes, BASE_BUILD);
  const bootFails = (minutes: number, osBuild = BASE_BUILD): FactSketch => {
    const { said, ...fact } = bootFailure(minutes);
    return { ...fact, said: { ...said, osBuild } };
  };

  function recalledShard(): FleetShard {
    const shard = notedShardOf(installed(0), { ...installed(0), device: 'd-2' });
    shard.note(recallNoted('a'));
    closeBucket(shard, nothingAnnounced, closing(1));
    return shard;
  }

  function removalsIn(bucket: HealthBucketClosed | undefined): Record<string, number> {
    const rows = bucket === undefined ? [] : rowsOf(bucket).removals;
    for (const row of rows) expect(row).toMatchObject(place);
    const counts = removalCounts.map((each) => [each, sum(rows.map((row) => row[each]))] as const);
    return Object.fromEntries(counts.filter(([, count]) => count > 0));
  }

  it.each([
    ['a start', [began(2)], 10, { started: 1 }],
    ['a start and its good end', [began(2), freed(9)], 10, { started: 1, fine: 1 }],
    ['a start and its failure', [began(2), stuck(9)], 10, { started: 1, failed: 1 }],
    ['devices, not reports', [began(2), stuck(9), began(70), stuck(75), freed(80)], 90, { started: 1, failed: 1 }],
    [
      'a device that cannot start afterwards',
      [began(2), freed(9), bootFails(12)],
      20,
      { started: 1, fine: 1, failed: 1 },
    ],
    ['no device that cannot start with the patch', [bootFails(12, PATCHED_BUILD)], 20, {}],
    ['a good end without a start at once', [freed(9)], 10, { started: 1, fine: 1 }],
    ['a build that shows it, though nothing was said', [seenOnBase(9)], 10, { started: 1, fine: 1 }],
    ['no removal by its user', [removed(9)], 10, {}],
    ['a failure without a start not before its deadline', [stuck(9)], 128, {}],
    ['a failure without a start after it', [stuck(9)], 129, { started: 1, failed: 1 }],
    [
      'a failure that came together with its start likewise',
      [{ ...began(9), receivedAt: NOON + 9 * MINUTE }, stuck(9)],
      128,
      { started: 1 },
    ],
    ['nothing of a device that said nothing', [], 600, {}],
  ] as const)('counts %s', (_name, facts, minutes, counts) => {
    const shard = recalledShard();
    for (const each of facts) add(shard, each);
    expect(removalsIn(closeBucket(shard, nothingAnnounced, closing(minutes)))).toEqual(counts);
  });

  it('misses an outcome when it is due, once, where the removal is known to have begun', () => {
    const shard = recalledShard();
    add(shard, began(2), began(3, 'd-2'));
    add(shard, freed(20, 'd-2'));
    expect(removalsIn(closeBucket(shard, nothingAnnounced, closing(254)))).toEqual({ started: 2, fine: 1 });
    expect(removalsIn(closeBucket(shard, nothingAnnounced, closing(255)))).toEqual({ missing: 1 });
    add(shard, stuck(310));
    expect(removalsIn(closeBucket(shard, nothingAnnounced, closing(320)))).toEqual({});
  });

  it('counts nothing of a patch that is not recalled', () => {
    const shard = notedShardOf(installed(0), began(2), stuck(9));
    expect(closeBucket(shard, nothingAnnounced, closing(300))?.removals).toBeUndefined();
  });

  it('comes to the same after a restart from an image', () => {
    const live = recalledShard();
    add(live, began(2), stuck(9, 'd-2'));
    const bytes = Buffer.concat(packImage(imageOf(live, new RecentReports(7))));
    const { state } = restoreShard(readImage(bytes), 7);
    for (const shard of [live, state]) add(shard, freed(20, 'd-2'));
    const bucketOf = (shard: FleetShard) => closeBucket(shard, nothingAnnounced, closing(300));
    const bucket = bucketOf(live);
    expect(removalsIn(bucket)).toEqual({ started: 2, failed: 1, missing: 1 });
    expect(bucketOf(state)).toEqual(bucket);
  });
});

describe('telling populations', () => {
  it('counts a patched device under its base, and takes back what is gone', () => {
    const shard = notedShardOf(started(0), { ...installed(0), device: 'd-2' });
    const bucket = closeBucket(shard, nothingAnnounced, closing(1)) as HealthBucketClosed;
    const here = { platform: 'ios', model: 'iPhone18,1', base: BASE_BUILD, track: 'automatic' };
    expect(bucket.populations).toEqual([{ ...here, devices: 2, awake: 2 }]);
    add(shard, { occurredAt: NOON + HOUR, said: { osBuild: '23E200' } });
    add(shard, { device: 'd-2', occurredAt: NOON + HOUR, said: { osBuild: '23E200', ring: 'beta' } });
    const announced = announce(nothingAnnounced, bucket);
    const next = closeBucket(shard, announced, closing(61)) as HealthBucketClosed;
    expect(next.populations).toEqual([
      { ...here, base: '23E200', devices: 1, awake: 1 },
      { ...here, base: '23E200', ring: 'beta', devices: 1, awake: 1 },
      { ...here, devices: 0, awake: 0 },
    ]);
    expect(announce(announced, next).populations.size).toBe(2);
  });

  it('tells who was heard of in the last 36 h, when it has changed by more than one in fifty devices', () => {
    const shard = notedShardOf(...Array.from({ length: 100 }, (_, device) => ({ device: `d-${String(device)}` })));
    const bucket = closeBucket(shard, nothingAnnounced, closing(1)) as HealthBucketClosed;
    expect(bucket.populations).toMatchObject([{ devices: 100, awake: 100 }]);
    const announced = announce(nothingAnnounced, bucket);
    const report = (device: number) =>
      add(shard, { device: `d-${String(device)}`, occurredAt: NOON + 20 * HOUR, receivedAt: NOON + 20 * HOUR });
    for (let device = 0; device < 98; device += 1) report(device);
    expect(closeBucket(shard, announced, closing(35 * 60))).toBeUndefined();
    // Two are asleep by now: no more than one in fifty.
    expect(closeBucket(shard, announced, closing(37 * 60))).toBeUndefined();
    const asleep = closeBucket(shard, announced, closing(57 * 60)) as HealthBucketClosed;
    expect(asleep.populations).toMatchObject([{ devices: 100, awake: 0 }]);
    expect(closeBucket(shard, announce(announced, asleep), closing(99 * 60))).toBeUndefined();
  });

  it('tells how many of the started are on the manual track', () => {
    const manual = { ...started(0), device: 'd-2', said: { ...started(0).said, track: 'manual' as const } };
    const bucket = closeBucket(notedShardOf(started(0), manual), nothingAnnounced, closing(1)) as HealthBucketClosed;
    expect(rowsOf(bucket).installs).toMatchObject([{ started: 2, manual: 1 }]);
  });
});

describe('telling harm', () => {
  const incident = (device: string, minutes: number, said: FactSketch['said'] = {}): FactSketch => ({
    ...{ kind: 'IncidentReported', device, occurredAt: NOON + minutes * MINUTE },
    said: { signal: 'crash', ...said },
  });
  const harmOf = (shard: FleetShard, minutes: number, announced = nothingAnnounced) => {
    const bucket = closeBucket(shard, announced, closing(minutes));
    return bucket === undefined ? [] : rowsOf(bucket).harm;
  };
  const here = { platform: 'ios', model: 'iPhone18,1', base: BASE_BUILD };

  it('tells the first incident of each signal and device since a rollout was noted, with its place and its waves', () => {
    const shard = notedShardOf(incident('d-1', 1));
    shard.note(rolloutNoted('a'));
    add(shard, incident('d-2', 10), incident('d-2', 11), incident('d-2', 12, { signal: 'connectivity' }));
    add(shard, { ...incident('d-3', 20, { osBuild: PATCHED_BUILD }), receivedAt: NOON + 95 * MINUTE });
    expect(harmOf(shard, 100)).toEqual([
      { rolloutId: 'r1', slice: here, signal: 'crash', waves: 6, place: 42_000, minute: 10, received: 10 },
      { rolloutId: 'r1', slice: here, signal: 'connectivity', waves: 6, place: 42_000, minute: 12, received: 12 },
      { rolloutId: 'r1', slice: here, signal: 'crash', waves: 6, place: 43_000, minute: 20, received: 95 },
    ]);
    add(shard, incident('d-2', 200));
    expect(harmOf(shard, 210)).toEqual([]);
  });

  it('leaves out members of rings, other bases, other models, what happened before the start, and signals of no gate', () => {
    const shard = notedShardOf();
    const waves = [{ ring: 'beta' }, { audience: { model: ['iPhone18,1'] } }];
    shard.note(rolloutNoted('a', { waves }));
    add(shard, incident('d-1', 1, { ring: 'beta' }), incident('d-2', 1, { osBuild: '23X1' }), incident('d-3', -5));
    add(shard, incident('d-4', 1, { model: 'iPhone17,1' }), incident('d-5', 1, { signal: 'slow' }));
    expect(harmOf(shard, 10)).toEqual([]);
  });

  // Who has just restarted for the patch may take the full release later, and would be harmed on the base for longer.
  it('counts a device that went on to a full release where it was last on a base of the patch, also after a restart', () => {
    const live = notedShardOf({ ...seen(-5, BASE_BUILD), device: 'd-1' }, { ...seen(-5, NEXT_BUILD), device: 'd-3' });
    live.note(rolloutNoted('a'));
    add(live, { ...seen(1), device: 'd-2' }, { ...seen(2, NEXT_BUILD), device: 'd-1' });
    add(live, { ...seen(2, NEXT_BUILD), device: 'd-2' });
    const bytes = Buffer.concat(packImage(imageOf(live, new RecentReports(7))));
    for (const shard of [restoreShard(readImage(bytes), 7).state, live]) {
      for (const device of ['d-1', 'd-2', 'd-3']) add(shard, incident(device, 10, { osBuild: NEXT_BUILD }));
      expect(harmOf(shard, 20)).toMatchObject([
        { slice: here, place: 41_000, waves: 6 },
        { slice: here, place: 42_000, waves: 6 },
      ]);
    }
  });

  it('leaves out who had the patch before the rollout started', () => {
    const shard = notedShardOf(installed(-30));
    add(shard, { ...installed(-30), device: 'd-2' });
    shard.note(rolloutNoted('a'));
    const patched = { osBuild: PATCHED_BUILD };
    add(shard, incident('d-1', 5, patched), incident('d-2', 5), { ...installed(5), device: 'd-3' });
    add(shard, incident('d-3', 6, patched));
    expect(harmOf(shard, 10)).toMatchObject([{ place: 42_000 }, { place: 43_000 }]);
  });

  it('ends with the rollout, and begins anew for another', () => {
    const shard = notedShardOf();
    shard.note(rolloutNoted('a'));
    add(shard, incident('d-1', 1));
    const { source } = rolloutNoted('a');
    const end = { type: 'ShardNoted', about: 'rollout-end', rolloutId: 'r1', patchId: 'a' } as const;
    shard.note({ ...end, source: { ...source, revision: 9 } });
    add(shard, incident('d-2', 2));
    expect(harmOf(shard, 10)).toEqual([]);
    shard.note(rolloutNoted('a', { rolloutId: 'r2', source: { ...source, stream: 'rollout-r2' } }));
    add(shard, incident('d-1', 20));
    expect(harmOf(shard, 30)).toMatchObject([{ rolloutId: 'r2', minute: 20 }]);
  });
});

describe('telling silence', () => {
  const here = { platform: 'ios', model: 'iPhone18,1', base: BASE_BUILD };
  const daily = (device: string, hours: number, said: FactSketch['said'] = {}): FactSketch => ({
    ...{ kind: 'DeviceObserved', device, occurredAt: NOON + hours * HOUR },
    said,
  });
  const silentIn = (shard: FleetShard, hours: number) => {
    const bucket = closeBucket(shard, nothingAnnounced, closing(hours * 60));
    return bucket === undefined ? [] : rowsOf(bucket).harm;
  };
  const watched = (...facts: FactSketch[]) => {
    const shard = notedShardOf(...facts);
    shard.note(rolloutNoted('a'));
    return shard;
  };

  it('tells a device once that has missed its daily status, with the time at which it was silent', () => {
    const shard = watched(daily('d-1', 0), daily('d-2', 0), daily('d-2', 24));
    expect(silentIn(shard, 35.8)).toEqual([]);
    const row = { rolloutId: 'r1', slice: here, signal: 'silent', waves: 6 };
    expect(silentIn(shard, 36.1)).toEqual([{ ...row, place: 41_000, minute: 36 * 60, received: 36 * 60 }]);
    expect(silentIn(shard, 40)).toEqual([]);
    expect(silentIn(shard, 61)).toEqual([{ ...row, place: 42_000, minute: 60 * 60, received: 60 * 60 }]);
    add(shard, daily('d-1', 70));
    expect(silentIn(shard, 200)).toEqual([]);
  });

  it('counts no device that is silent since before the start, was retired, or says that it reports once a week', () => {
    const shard = watched(daily('d-1', -40), daily('d-2', 0), daily('d-3', 0, { statusEveryHours: 168 }));
    add(shard, { kind: 'DeviceRetired', device: 'd-2', occurredAt: NOON + HOUR });
    expect(silentIn(shard, 100)).toEqual([]);
    expect(silentIn(shard, 253)).toMatchObject([{ place: 43_000 }]);
  });

  it('is not told by other reports that a device goes on, nor by the status that an install brings about', () => {
    const shard = watched(daily('d-1', -24), daily('d-1', 0), daily('d-2', -24), daily('d-2', 0), daily('d-3', 0));
    for (const device of ['d-1', 'd-2'])
      add(shard, { ...started(20 * 60), device }, { ...installed(21 * 60), device }, { ...seen(21 * 60 + 10), device });
    add(shard, { kind: 'IncidentReported', device: 'd-3', occurredAt: NOON + 30 * HOUR, said: { signal: 'crash' } });
    add(shard, { ...seen(24 * 60), device: 'd-2' });
    expect(silentIn(shard, 37).filter(({ signal }) => signal === 'silent')).toMatchObject([
      { place: 41_000, minute: 36 * 60 },
      { place: 43_000, minute: 36 * 60 },
    ]);
  });

  // Counted later, it would be one more among the exposed, while those that are not exposed were counted before.
  it('leaves a device out for good of which an install hides when it would have reported', () => {
    const shard = watched(daily('d-1', 0), daily('d-2', 0));
    add(shard, started(20 * 60), installed(21 * 60), seen(21 * 60 + 10));
    add(shard, seen(48 * 60, BASE_BUILD), seen(72 * 60, BASE_BUILD));
    expect(silentIn(shard, 37).map(({ place }) => place)).toEqual([42_000]);
    expect(silentIn(shard, 200)).toEqual([]);
    const { source } = rolloutNoted('a');
    const startedAt = new Date(NOON + 50 * HOUR).toISOString();
    shard.note(rolloutNoted('a', { rolloutId: 'r2', startedAt, source: { ...source, stream: 'rollout-r2' } }));
    expect(silentIn(shard, 200)).toMatchObject([{ rolloutId: 'r2', place: 41_000 }]);
  });

  it('leaves a device out for good that may have missed its status because it installed then', () => {
    const shard = watched(...['d-1', 'd-2'].flatMap((device) => [daily(device, -24), daily(device, 0)]));
    add(shard, { ...started(22 * 60 + 30), device: 'd-1' }, { ...installed(23 * 60 + 50), device: 'd-1' });
    add(shard, { ...started(20 * 60 + 30), device: 'd-2' }, { ...installed(21 * 60 + 50), device: 'd-2' });
    expect(silentIn(shard, 200).map(({ place }) => place)).toEqual([42_000]);
  });

  it('counts for a rollout that is noted late what fell silent since its start', () => {
    const shard = watched(daily('d-1', 0), daily('d-2', -30));
    expect(silentIn(shard, 37)).toHaveLength(2);
    const { source } = rolloutNoted('a');
    const startedAt = new Date(NOON + 20 * HOUR).toISOString();
    shard.note(rolloutNoted('a', { rolloutId: 'r2', startedAt, source: { ...source, stream: 'rollout-r2' } }));
    expect(silentIn(shard, 38)).toMatchObject([{ rolloutId: 'r2', place: 41_000, minute: 16 * 60 }]);
  });

  it('believes no incident that says so', () => {
    const shard = watched();
    add(shard, { kind: 'IncidentReported', occurredAt: NOON + MINUTE, said: { signal: 'silent' } });
    expect(silentIn(shard, 1)).toEqual([]);
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

  it('counts silence alike, however many buckets there were', () => {
    const steps = fc.array(
      fc.record({
        kind: fc.constantFrom<FactKind>('DeviceObserved', 'DeviceObserved', 'InstallStarted', 'DeviceRetired'),
        device: fc.constantFrom('d-1', 'd-2', 'd-3'),
        hoursAfter: fc.integer({ min: 0, max: 30 }),
        osBuild: fc.constantFrom(BASE_BUILD, PATCHED_BUILD, '23X1'),
        statusEveryHours: fc.constantFrom(undefined, 12),
        closes: fc.boolean(),
      }),
      { maxLength: 25 },
    );
    fc.assert(
      fc.property(steps, (history) => {
        const [live, rebuilt] = [notedShardOf(), notedShardOf()];
        for (const shard of [live, rebuilt]) shard.note(rolloutNoted('a'));
        const last = history.findLastIndex(({ closes }) => closes);
        let hours = 0;
        for (const [index, { kind, device, hoursAfter, osBuild, statusEveryHours, closes }] of history.entries()) {
          hours += hoursAfter;
          const said = { patchId: 'a', osBuild, ...(statusEveryHours !== undefined && { statusEveryHours }) };
          const fact: FactSketch = { kind, device, occurredAt: NOON + hours * HOUR, report: String(index), said };
          for (const shard of [live, rebuilt]) add(shard, fact);
          if (closes) live.drainHealth(deadlinesAt(NOON + hours * HOUR, 0));
          if (index === last) rebuilt.drainHealth(deadlinesAt(NOON + hours * HOUR, 0));
        }
        const end = deadlinesAt(NOON + (hours + 50) * HOUR, 0);
        expect(rebuilt.drainHealth(end).harms).toEqual(live.drainHealth(end).harms);
      }),
    );
  });
});
