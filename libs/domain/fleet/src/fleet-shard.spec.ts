import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  apply,
  BASE_BUILD,
  buildNoted,
  C_BUILD,
  fact,
  type FactSketch,
  hashOf,
  MINUTE,
  NEXT_BUILD,
  NOON,
  notedShardOf,
  pack,
  PATCHED_BUILD,
  recallNoted,
  shardOf,
  view,
} from './facts.fixture.ts';
import { factKinds } from './facts.ts';
import { deviceFlags } from './device-flags.ts';
import { FleetShard } from './fleet-shard.ts';
import { countDevices, countPopulation, type DeviceView, listDevices, summarize } from './fleet-views.ts';
import { readPackedFacts } from './packed-facts.ts';
import { RecentReports } from './report-ids.ts';
import { imageOf } from './shard-image.ts';
import { firstDifference, snapshotOf } from './shard-snapshot.ts';

const later = (minutes: number) => NOON + minutes * MINUTE;

function about(patchId: string, kind: FactSketch['kind'] & string, minutes: number, osBuild = BASE_BUILD): FactSketch {
  return { kind, occurredAt: later(minutes), said: { patchId, osBuild, cause: 'user' } };
}

const started = (minutes: number) => about('a', 'InstallStarted', minutes);
const installed = (minutes: number) => about('a', 'PatchInstalled', minutes, PATCHED_BUILD);
/** As some agents do: the restart is yet to come. */
const beforeRestart = (minutes: number) => about('a', 'PatchInstalled', minutes);
const failed = (minutes: number) => about('a', 'PatchInstallFailed', minutes);
const rolledBack = (minutes: number, patchId = 'a') => about(patchId, 'PatchRolledBack', minutes);
const seen = (minutes: number, osBuild = BASE_BUILD): FactSketch => ({ occurredAt: later(minutes), said: { osBuild } });
const retired = (minutes: number): FactSketch => ({ kind: 'DeviceRetired', occurredAt: later(minutes) });

function stateOf(patchId: string, ...facts: FactSketch[]) {
  return view(notedShardOf(...facts))?.patches[patchId];
}

describe('folding what devices report of a patch', () => {
  it.each([
    ['started', [started(0)], 'started', 0],
    ['failed', [started(0), failed(5)], 'failed', 5],
    ['rolled back', [installed(0), rolledBack(9)], 'rolledBack', 9],
    ['still failed when the device later cleared its patches', [failed(0), rolledBack(9, 'b')], 'failed', 0],
    ['cleared by the removal of another patch', [installed(0), rolledBack(9, 'b')], 'rolledBack', 0],
    ['rolled back without a word', [installed(0), seen(4, PATCHED_BUILD), seen(9)], 'rolledBack', 4],
    ['rolled back when the restart that was told never came', [beforeRestart(0), seen(9)], 'rolledBack', 0],
    ['replaced when the device goes on to a full release', [installed(0), seen(9, NEXT_BUILD)], 'replaced', 0],
    ['replaced when the device goes on to a later letter', [installed(0), seen(9, C_BUILD)], 'replaced', 0],
    ['started again after it fell back', [installed(0), seen(3), started(5)], 'started', 5],
  ] as const)('is %s', (name, facts, state, minutes) => {
    const at = new Date(later(minutes)).toISOString();
    expect(stateOf('a', ...facts)).toEqual({
      ...{ state, at, failureCode: null },
      ...(state === 'failed' && { failedInstalls: 1, lastFailureAt: at }),
      // Only where the device said it of this patch.
      ...(state === 'rolledBack' && { cause: name === 'rolled back' ? 'user' : null }),
    });
  });

  it('lets (c) replace (a) on the same device', () => {
    const facts = [installed(0), about('c', 'PatchInstalled', 30, C_BUILD)];
    expect(view(notedShardOf(...facts))?.patches).toMatchObject({
      a: { state: 'replaced' },
      c: { state: 'installed', by: 'build' },
    });
  });

  it('takes a device at its word on a patch whose builds are not known', () => {
    const shard = shardOf(about('b', 'PatchInstalled', 0, 'unheard-of'), seen(5, 'unheard-of'));
    expect(view(shard)?.patches['b']?.state).toBe('installed');
    expect(view(shard)?.patches['b']).not.toHaveProperty('by');
    apply(shard, rolledBack(9, 'b'));
    expect(view(shard)?.patches['b']?.state).toBe('rolledBack');
  });

  it('keeps how often and with which code it failed', () => {
    const withCode = (minutes: number, failureCode: string) => ({
      ...failed(minutes),
      said: { patchId: 'a', failureCode },
    });
    const removal = {
      ...about('a', 'PatchRemoveFailed', 20, PATCHED_BUILD),
      said: { patchId: 'a', failureCode: 'E9' },
    };
    const shard = notedShardOf(withCode(5, 'E2'), withCode(1, 'E1'), withCode(5, 'E2'));
    expect(view(shard)?.patches['a']).toMatchObject({ state: 'failed', failureCode: 'E2', failedInstalls: 2 });
    apply(shard, removal);
    const lastFailureAt = new Date(later(20)).toISOString();
    const troubles = { failureCode: 'E9', failedInstalls: 2, failedRemovals: 1, lastFailureAt };
    expect(view(shard)?.patches['a']).toMatchObject(troubles);
    expect(view(notedShardOf(removal))?.patches).toEqual({});
  });
});

describe('holding a patch', () => {
  const holds = (...facts: FactSketch[]) => stateOf('a', ...facts)?.by;

  it.each([
    ['it runs the build, and said so', 'build', [installed(0)]],
    ['it came with the build, and said nothing', 'build', [seen(0, PATCHED_BUILD)]],
    ['it told the install before the restart', 'report', [beforeRestart(0)]],
    ['it told it before the restart, and shows the build since', 'build', [beforeRestart(0), seen(5, PATCHED_BUILD)]],
    ['the report of the install was lost', 'build', [started(0), seen(5, PATCHED_BUILD)]],
    [
      'a failed install is reported while the build is there',
      'build',
      [installed(0), about('a', 'PatchInstallFailed', 5, PATCHED_BUILD)],
    ],
    [
      'it says that it went back, and the build is still there',
      'build',
      [installed(0), about('a', 'PatchRolledBack', 5, PATCHED_BUILD)],
    ],
    ['a start comes late', 'build', [installed(5), started(0)]],
    ['a removal failed', 'build', [installed(0), about('a', 'PatchRemoveFailed', 9, PATCHED_BUILD)]],
    ['there was an incident', 'build', [installed(0), about('a', 'IncidentReported', 9, PATCHED_BUILD)]],
    ['it installed the patch again after a removal', 'build', [installed(0), rolledBack(9), installed(20)]],
    ['the late report of an earlier build comes', 'build', [seen(9, PATCHED_BUILD), seen(3)]],
  ] as const)('is so when %s', (_name, by, facts) => {
    expect(stateOf('a', ...facts)).toMatchObject({ state: 'installed', by });
  });

  it.each([
    ['it went back without a word', [installed(0), seen(5)]],
    ['it told the install before the restart, and shows its base since', [beforeRestart(0), seen(5)]],
    ['it says to have it on a build that is not its base', [about('a', 'PatchInstalled', 0, NEXT_BUILD)]],
    ['it says to have it while it runs another patch', [about('a', 'PatchInstalled', 0, C_BUILD)]],
    ['it moved on to a later letter', [installed(0), seen(5, C_BUILD)]],
    ['it moved on to another base', [installed(0), seen(5, NEXT_BUILD)]],
    ['the late report of the patched build comes', [seen(9), seen(3, PATCHED_BUILD)]],
  ] as const)('is not so when %s', (_name, facts) => {
    expect(holds(...facts)).toBeUndefined();
    expect(summarize([notedShardOf(...facts)]).patches['a']?.installed).toBe(0);
  });

  it('is seen in devices that were there before the patch was heard of', () => {
    const shard = shardOf({ ...seen(0, PATCHED_BUILD), device: 'd-1' }, { ...beforeRestart(0), device: 'd-2' });
    shard.note(buildNoted('a'));
    expect(view(shard, 'd-1')?.patches['a']).toMatchObject({ state: 'installed', by: 'build' });
    expect(view(shard, 'd-2')?.patches['a']).toMatchObject({ state: 'installed', by: 'report' });
    expect(view(shard, 'd-1')?.base).toBe(BASE_BUILD);
    expect(summarize([shard]).patches['a']?.installed).toBe(2);
    expect(summarize([shard]).byBase).toEqual({ [BASE_BUILD]: 2 });
  });

  it('is told apart by platform: a build of another platform is another build', () => {
    const shard = notedShardOf({
      occurredAt: NOON,
      said: { platform: 'macos', model: 'Mac16,1', osBuild: PATCHED_BUILD },
    });
    expect(view(shard)?.patches).toEqual({});
  });
});

describe('counting a recall', () => {
  const since = { silent: later(0), started: later(-4320) };
  const nobody = { recall: 0, user: 0, failure: 0, unknown: 0 };
  const of = (device: string, each: FactSketch): FactSketch => ({ ...each, device });
  const removedBy = (cause: 'recall' | 'failure', minutes: number) => ({
    ...rolledBack(minutes),
    said: { patchId: 'a', cause },
  });

  it('puts each device of the set in one place', () => {
    const shard = notedShardOf(
      ...['d-1', 'd-2', 'd-3', 'd-4', 'd-5', 'd-6', 'd-7', 'd-8'].map((device) => of(device, installed(1))),
      of('d-9', installed(-99)),
      of('never', seen(1)),
      of('gone-before', installed(1)),
      of('gone-before', rolledBack(2)),
      of('on-its-way', started(1)),
      of('long-on-its-way', started(-4330)),
    );
    shard.note(recallNoted('a'));
    expect(shard.recallCount(0, since)).toEqual({
      set: 9,
      freed: nobody,
      replaced: 0,
      retired: 0,
      failing: 0,
      offline: 1,
      waiting: 8,
      inFlight: 1,
      reExposed: 0,
    });
    apply(
      shard,
      of('d-1', removedBy('recall', 3)),
      of('d-2', rolledBack(3)),
      of('d-3', removedBy('failure', 3)),
      of('d-4', seen(3)),
      of('d-5', seen(3, C_BUILD)),
      of('d-6', retired(3)),
      of('d-7', about('a', 'PatchRemoveFailed', 3, PATCHED_BUILD)),
      of('on-its-way', installed(3)),
    );
    expect(shard.recallCount(0, since)).toEqual({
      set: 10,
      freed: { recall: 1, user: 1, failure: 1, unknown: 1 },
      replaced: 1,
      retired: 1,
      failing: 1,
      offline: 1,
      waiting: 2,
      inFlight: 0,
      reExposed: 4,
    });
  });

  it('counts those that went back as re-exposed until another build is seen on them, also after a restart', () => {
    const devices = ['d-1', 'd-2', 'd-3', 'd-4'];
    const shard = notedShardOf(...devices.map((device) => of(device, installed(0))));
    shard.note(recallNoted('a'));
    apply(shard, ...devices.map((device) => of(device, removedBy('recall', 3))));
    const steps: [FactSketch, number][] = [
      [of('d-1', { ...about('c', 'PatchInstalled', 4) }), 4],
      [of('d-1', seen(5, C_BUILD)), 3],
      [of('d-2', seen(5, NEXT_BUILD)), 2],
      [of('d-3', retired(5)), 1],
      [of('d-3', seen(6)), 2],
      [of('d-4', seen(6, PATCHED_BUILD)), 1],
      [of('d-1', seen(7)), 2],
    ];
    for (const [step, reExposed] of steps) {
      apply(shard, step);
      expect(shard.recallCount(0, since)).toMatchObject({ reExposed });
      const restored = FleetShard.restore(imageOf(shard, new RecentReports(0)));
      expect(restored.recallCount(0, since)).toEqual(shard.recallCount(0, since));
    }
  });

  it('takes in a device that obeyed before the shard heard of the recall', () => {
    const shard = notedShardOf(installed(0), removedBy('recall', 1), of('d-2', installed(0)), of('d-2', rolledBack(1)));
    shard.note(recallNoted('a'));
    expect(shard.recallCount(0, since)).toMatchObject({ set: 1, freed: { recall: 1, user: 0 } });
  });

  it('takes back what it counted when a device holds the patch after all', () => {
    const shard = notedShardOf(installed(0));
    shard.note(recallNoted('a'));
    apply(shard, removedBy('recall', 3), installed(5));
    expect(shard.recallCount(0, since)).toMatchObject({ set: 1, freed: nobody, waiting: 1 });
    apply(shard, retired(6));
    expect(shard.recallCount(0, since)).toMatchObject({ set: 1, retired: 1, waiting: 0 });
    apply(shard, seen(7));
    expect(shard.recallCount(0, since)).toMatchObject({ set: 1, retired: 0, freed: { unknown: 1 } });
  });

  it('says that a device is freed by what its build shows, not by what it says', () => {
    const shard = notedShardOf(installed(0));
    shard.note(recallNoted('a'));
    apply(shard, { ...removedBy('recall', 3), said: { patchId: 'a', cause: 'recall', osBuild: PATCHED_BUILD } });
    expect(shard.recallCount(0, since)).toMatchObject({ set: 1, freed: nobody, waiting: 1 });
  });

  it('is none of a patch that was withdrawn, and goes on when it is recalled or pulled again', () => {
    const shard = notedShardOf(installed(0));
    shard.note({ ...recallNoted('a', 1), mode: 'withdraw' });
    expect(shard.recallCount(0, since)).toBeUndefined();
    shard.note(recallNoted('a', 2));
    apply(shard, rolledBack(2));
    shard.note(recallNoted('a', 3));
    shard.note(recallNoted('a', 2));
    expect(shard.recallCount(0, since)).toMatchObject({ set: 1, freed: { user: 1 } });
    expect(shard.notes.pullOf('a')?.recallEpoch).toBe(3);
  });
});

describe('ordering what devices report', () => {
  it('orders a device whose clock is ahead by the time of receipt', () => {
    const nextYear = { ...installed(0), occurredAt: later(525_600), receivedAt: later(0), clockAhead: true };
    expect(stateOf('a', nextYear, rolledBack(10))?.state).toBe('rolledBack');
  });

  it('orders a device whose clock begins at 1970 by the time of receipt, and keeps what it says', () => {
    const after = { receivedAt: later(10) };
    const removed = { ...rolledBack(0), ...after, occurredAt: Date.parse('1970-01-01T00:03:00Z') };
    const base = { ...seen(0), ...after, occurredAt: Date.parse('1970-01-01T00:04:00Z') };
    const shard = notedShardOf(installed(0), removed, base);
    expect(view(shard)).toMatchObject({ osBuild: BASE_BUILD, patches: { a: { state: 'rolledBack' } } });
    expect(view(shard)?.flags).toEqual(['clock-behind']);
    shard.apply(readPackedFacts(pack(seen(20))));
    expect(view(shard)?.flags).toBeUndefined();
  });

  it('takes no report of the last day for one of a wrong clock, and the first one as of now', () => {
    const late = { ...installed(-1439), receivedAt: later(0) };
    const shard = notedShardOf(seen(0), late);
    expect([view(shard)?.osBuild, view(shard)?.flags]).toEqual([BASE_BUILD, undefined]);
    const first = view(shardOf({ ...seen(0), occurredAt: 0, receivedAt: later(0) }));
    expect(first?.flags).toEqual(['clock-behind']);
  });

  it('flags a device that tells another model, for good, and counts it once', () => {
    const phone = { ...seen(0) };
    const pad = (minutes: number) => ({ ...seen(minutes), said: { model: 'iPad16,3' } });
    const shard = shardOf(phone, pad(1), seen(2), pad(3), { ...seen(4), clockAhead: true, device: 'd-2' });
    expect(view(shard)?.flags).toEqual(['id-used-twice']);
    expect(view(shard, 'd-2')?.flags).toEqual(['clock-ahead']);
    expect(deviceFlags.map((flag) => shard.flags.count(flag))).toEqual([1, 0, 1]);
    expect(listDevices(shard, { flag: 'id-used-twice' }, { from: 0, limit: 9, looksMax: 99 }).items).toHaveLength(1);
    expect(shard.knownDevices).toBe(2);
  });

  it('lets the outcome win when it is of the same instant as its start', () => {
    expect(stateOf('a', started(0), failed(0))?.state).toBe('failed');
    expect(stateOf('a', failed(0), started(0))?.state).toBe('failed');
  });
});

describe('knowing devices', () => {
  it('forgets a retired device until it reports again', () => {
    const gone = notedShardOf(installed(0), retired(5));
    expect(gone.knownDevices).toBe(0);
    expect(summarize([gone]).patches['a']?.installed).toBe(0);
    expect(view(gone)?.retiredAt).toBe(new Date(later(5)).toISOString());
    const back = notedShardOf(installed(0), retired(5), seen(6, PATCHED_BUILD));
    expect(back.knownDevices).toBe(1);
    expect(view(back)?.retiredAt).toBeUndefined();
    expect(summarize([back]).patches['a']?.installed).toBe(1);
  });

  it('does not know a device of which only the retirement was heard', () => {
    const shard = shardOf(retired(0));
    expect(shard.knownDevices).toBe(0);
    expect(view(shard)).toBeUndefined();
  });

  it('takes the id from whichever report brings it', () => {
    const shard = shardOf({ ...seen(0), withId: false }, seen(1));
    expect(view(shard)?.deviceId).toBe('d-1');
    expect(shard.hasIdOf(hashOf('d-1', 16))).toBe(true);
  });

  it('keeps thousands apart', () => {
    const devices = Array.from({ length: 5000 }, (_, index) => `device-${String(index)}`);
    const shard = new FleetShard();
    shard.apply(readPackedFacts(pack(...devices.map((device) => ({ device })))));
    expect(shard.knownDevices).toBe(5000);
    for (const device of devices) expect(view(shard, device)?.deviceId).toBe(device);
  });
});

describe('listing devices', () => {
  const shard = notedShardOf(
    { ...installed(0), device: 'd-1' },
    { ...seen(0), device: 'd-2' },
    { ...failed(0), device: 'd-3', said: { patchId: 'a', platform: 'macos', model: 'Mac16,1', ring: 'beta' } },
    { ...retired(1), device: 'd-2' },
    { ...seen(7, PATCHED_BUILD), device: 'e-4', said: { osBuild: PATCHED_BUILD, region: 'eu', track: 'manual' } },
  );
  const ids = (filter: Parameters<typeof listDevices>[1]) => {
    const found = listDevices(shard, filter, { from: 0, limit: 10, looksMax: 99 }).items.map(
      ({ deviceId }) => deviceId,
    );
    expect(countDevices(shard, filter, { from: 0, looksMax: 99 })).toEqual({ count: found.length });
    expect(countPopulation(shard, filter) ?? found.length).toBe(found.length);
    return found;
  };

  it('leaves out those not known', () => expect(ids({})).toEqual(['d-1', 'd-3', 'e-4']));
  it('filters by patch and state', () => {
    expect(ids({ patchId: 'a' })).toEqual(['d-1', 'd-3', 'e-4']);
    expect(ids({ patchId: 'a', state: 'installed' })).toEqual(['d-1', 'e-4']);
    expect(ids({ state: 'failed' })).toEqual(['d-3']);
    expect(ids({ patchId: 'unheard-of' })).toEqual([]);
  });
  it('filters by platform and base', () => {
    expect(ids({ platform: 'macos' })).toEqual(['d-3']);
    expect(ids({ base: BASE_BUILD, platform: 'ios' })).toEqual(['d-1', 'e-4']);
  });
  it('filters by model, track, ring, region, silence and the beginning of the id', () => {
    expect(ids({ model: 'Mac16,1' })).toEqual(['d-3']);
    expect(ids({ ring: 'beta' })).toEqual(['d-3']);
    expect(ids({ track: 'manual', region: 'eu' })).toEqual(['e-4']);
    expect(ids({ silentSince: later(5) })).toEqual(['d-1', 'd-3']);
    expect(ids({ idPrefix: 'd-' })).toEqual(['d-1', 'd-3']);
  });
  it('filters by failed removals', () => {
    const stubborn = notedShardOf(installed(0), about('a', 'PatchRemoveFailed', 1), about('a', 'PatchRemoveFailed', 2));
    const count = (failedRemovals: number) =>
      countDevices(stubborn, { failedRemovals, patchId: 'a' }, { from: 0, looksMax: 9 }).count;
    expect([count(1), count(2), count(3)]).toEqual([1, 1, 0]);
  });
  it('goes on where the page before ended', () => {
    const first = listDevices(shard, {}, { from: 0, limit: 1, looksMax: 9 });
    expect(first.items.map(({ deviceId }) => deviceId)).toEqual(['d-1']);
    const second = listDevices(shard, {}, { from: first.next ?? -1, limit: 5, looksMax: 9 });
    expect(second.items.map(({ deviceId }) => deviceId)).toEqual(['d-3', 'e-4']);
    expect(second.next).toBeUndefined();
  });
  it('looks at so many devices only, and says where to go on', () => {
    const filter = { idPrefix: 'e-' };
    expect(listDevices(shard, filter, { from: 0, limit: 5, looksMax: 2 })).toEqual({ items: [], next: 2 });
    expect(listDevices(shard, filter, { from: 2, limit: 5, looksMax: 2 }).items).toHaveLength(1);
    expect(countDevices(shard, filter, { from: 0, looksMax: 3 })).toEqual({ count: 0, next: 3 });
    expect(countDevices(shard, filter, { from: 3, looksMax: 3 })).toEqual({ count: 1 });
  });
});

describe('summarizing', () => {
  it('survives ids and builds that name parts of every object', () => {
    const shard = shardOf({ kind: 'PatchInstalled', said: { patchId: '__proto__', osBuild: '__proto__' } });
    const summary = summarize([shard, shard]);
    expect(Object.keys(summary.patches)).toEqual(['__proto__']);
    expect(Object.entries(summary.byBase)).toEqual([['__proto__', 2]]);
    expect(Object.prototype).not.toHaveProperty('installed');
  });
});

const kindsAndTimes = fc.array(
  fc.record({
    kind: fc.constantFrom(...factKinds),
    device: fc.constantFrom('d-1', 'd-2', 'd-3'),
    patchId: fc.constantFrom('a', 'b', 'c'),
    osBuild: fc.constantFrom(BASE_BUILD, PATCHED_BUILD, C_BUILD, NEXT_BUILD),
    ahead: fc.boolean(),
  }),
  { maxLength: 25 },
);

// The fold orders by occurrence; equal times would be ordered by position, which a permutation changes by intent.
const histories = kindsAndTimes.map((facts) =>
  facts.map(({ kind, device, patchId, osBuild, ahead }, index): FactSketch => {
    const receivedAt = later(index);
    return {
      kind,
      device,
      receivedAt,
      occurredAt: ahead ? receivedAt + 99 * MINUTE : receivedAt - 5 * MINUTE,
      said: { patchId, osBuild, cause: 'user' },
    };
  }),
);

/** Devices with distinct orders of occurrence: those ahead count by receipt, the others five minutes before it. */
function distinct(facts: readonly FactSketch[]): FactSketch[] {
  const taken = new Set<string>();
  return facts.filter(({ device, occurredAt = 0, receivedAt = 0 }) => {
    const order = `${String(device)} ${String(Math.min(occurredAt, receivedAt))}`;
    return !taken.has(order) && taken.add(order);
  });
}

/** A failure that is folded again counts again: that each report is folded once is up to the intake. */
function withoutCounts(device: DeviceView | undefined) {
  const patches = Object.entries(device?.patches ?? {});
  return (
    device && {
      ...device,
      patches: Object.fromEntries(patches.map(([patchId, { state, at, by }]) => [patchId, { state, at, by }])),
    }
  );
}

describe('folding in any order', () => {
  it('comes to the same devices and counts for every permutation and repetition of the facts', () => {
    const permuted = histories
      .map(distinct)
      .chain((facts) =>
        fc.tuple(
          fc.constant(facts),
          fc.shuffledSubarray(facts, { minLength: facts.length, maxLength: facts.length }),
          fc.subarray(facts),
        ),
      );
    fc.assert(
      fc.property(permuted, ([facts, shuffled, again]) => {
        const [left, right] = [notedShardOf(...facts), notedShardOf(...shuffled, ...again)];
        for (const device of ['d-1', 'd-2', 'd-3'])
          expect(withoutCounts(view(right, device))).toEqual(withoutCounts(view(left, device)));
        expect({ ...summarize([right]), facts: 0 }).toEqual({ ...summarize([left]), facts: 0 });
      }),
    );
  });

  it('counts, step by step, what counting all devices anew would give', () => {
    fc.assert(
      fc.property(histories, (facts) => {
        const shard = notedShardOf(...facts);
        const summary = summarize([shard]);
        const { items } = listDevices(shard, {}, { from: 0, limit: 100, looksMax: 999 });
        expect(summary.devices).toBe(items.length);
        for (const patchId of ['a', 'b', 'c']) {
          for (const [state, count] of Object.entries(summary.patches[patchId] ?? {})) {
            expect(items.filter(({ patches }) => patches[patchId]?.state === state)).toHaveLength(count);
          }
        }
      }),
    );
  });
});

describe('comparing snapshots', () => {
  it('finds nothing between two folds of the same commits, however they are cut', () => {
    const facts = [installed(0), { ...seen(1), device: 'd-2' }, rolledBack(4), retired(8)];
    const whole = new FleetShard();
    whole.apply(readPackedFacts(pack(...facts)));
    expect(firstDifference(snapshotOf(shardOf(...facts)), snapshotOf(whole))).toBeUndefined();
  });

  it('names the device, the field and both values', () => {
    const left = snapshotOf(shardOf(installed(0), seen(3, PATCHED_BUILD)));
    const right = snapshotOf(shardOf(installed(0), seen(2, PATCHED_BUILD)));
    expect(firstDifference(left, right)).toEqual({
      where: 'device d-1: profileAt',
      left: new Date(later(3)).toISOString(),
      right: new Date(later(2)).toISOString(),
    });
  });

  it('says so when a fact is missing', () => {
    const difference = firstDifference(snapshotOf(shardOf(installed(0), seen(3))), snapshotOf(shardOf(installed(0))));
    expect(difference).toEqual({ where: 'facts', left: '2', right: '1' });
  });

  it('sends a state that can be cloned', () => {
    const snapshot = snapshotOf(shardOf(installed(0)));
    expect(firstDifference(structuredClone(snapshot), snapshot)).toBeUndefined();
    expect(fact().deviceId).toBe('d-1');
  });
});
