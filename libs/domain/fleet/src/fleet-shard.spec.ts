import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BASE_BUILD,
  fact,
  type FactSketch,
  hashOf,
  MINUTE,
  NOON,
  pack,
  PATCHED_BUILD,
  shardOf,
  view,
} from './facts.fixture.ts';
import { factKinds } from './facts.ts';
import { deviceFlags } from './device-flags.ts';
import { FleetShard } from './fleet-shard.ts';
import { listDevices, summarize } from './fleet-views.ts';
import { readPackedFacts } from './packed-facts.ts';
import { firstDifference, snapshotOf } from './shard-snapshot.ts';

const asReported = (build: string) => build;
const later = (minutes: number) => NOON + minutes * MINUTE;

function about(patchId: string, kind: FactSketch['kind'] & string, minutes: number, osBuild = BASE_BUILD): FactSketch {
  return { kind, occurredAt: later(minutes), said: { patchId, osBuild, cause: 'user' } };
}

const started = (minutes: number) => about('a', 'InstallStarted', minutes);
const installed = (minutes: number) => about('a', 'PatchInstalled', minutes, PATCHED_BUILD);
const failed = (minutes: number) => about('a', 'PatchInstallFailed', minutes);
const rolledBack = (minutes: number, patchId = 'a') => about(patchId, 'PatchRolledBack', minutes);
const seen = (minutes: number, osBuild = BASE_BUILD): FactSketch => ({ occurredAt: later(minutes), said: { osBuild } });
const retired = (minutes: number): FactSketch => ({ kind: 'DeviceRetired', occurredAt: later(minutes) });

function stateOf(patchId: string, ...facts: FactSketch[]) {
  return view(shardOf(...facts))?.patches[patchId];
}

describe('folding what devices report of a patch', () => {
  it.each([
    ['started', [started(0)], 'started', 0],
    ['installed', [started(0), installed(5)], 'installed', 5],
    ['failed', [started(0), failed(5)], 'failed', 5],
    ['rolled back', [installed(0), rolledBack(9)], 'rolledBack', 9],
    ['installed again after a removal', [installed(0), rolledBack(9), installed(20)], 'installed', 20],
    ['still failed when the device later cleared its patches', [failed(0), rolledBack(9, 'b')], 'failed', 0],
    ['unchanged by a start that comes late', [installed(5), started(0)], 'installed', 5],
    [
      'unchanged by a failed removal',
      [installed(0), about('a', 'PatchRemoveFailed', 9, PATCHED_BUILD)],
      'installed',
      0,
    ],
    ['unchanged by an incident', [installed(0), about('a', 'IncidentReported', 9, PATCHED_BUILD)], 'installed', 0],
    ['cleared by the removal of another patch', [installed(0), rolledBack(9, 'b')], 'rolledBack', 9],
    ['replaced when the device reports another build', [installed(0), seen(9, '23E200')], 'replaced', 0],
  ] as const)('is %s', (_name, facts, state, minutes) => {
    expect(stateOf('a', ...facts)).toEqual({ state, at: new Date(later(minutes)).toISOString() });
  });

  it('lets (c) replace (a) on the same device', () => {
    const facts = [installed(0), about('c', 'PatchInstalled', 30, '23D771332c')];
    expect(view(shardOf(...facts))?.patches).toMatchObject({ a: { state: 'replaced' }, c: { state: 'installed' } });
  });

  it('orders a device whose clock is ahead by the time of receipt', () => {
    const nextYear = { ...installed(0), occurredAt: later(525_600), receivedAt: later(0), clockAhead: true };
    expect(stateOf('a', nextYear, rolledBack(10))?.state).toBe('rolledBack');
  });

  it('orders a device whose clock begins at 1970 by the time of receipt, and keeps what it says', () => {
    const after = { receivedAt: later(10) };
    const removed = { ...rolledBack(0), ...after, occurredAt: Date.parse('1970-01-01T00:03:00Z') };
    const base = { ...seen(0), ...after, occurredAt: Date.parse('1970-01-01T00:04:00Z') };
    const shard = shardOf(installed(0), removed, base);
    expect(view(shard)).toMatchObject({ osBuild: BASE_BUILD, patches: { a: { state: 'rolledBack' } } });
    expect(view(shard)?.flags).toEqual(['clock-behind']);
    shard.apply(readPackedFacts(pack(seen(20))));
    expect(view(shard)?.flags).toBeUndefined();
  });

  it('takes no report of the last day for one of a wrong clock, and the first one as of now', () => {
    const late = { ...installed(-1439), receivedAt: later(0) };
    const shard = shardOf(seen(0), late);
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
    expect(listDevices(shard, { flag: 'id-used-twice' }, asReported, { from: 0, limit: 9 }).items).toHaveLength(1);
    expect(shard.knownDevices).toBe(2);
  });

  it('lets the later position win when two reports are of the same instant', () => {
    expect(stateOf('a', started(0), failed(0))?.state).toBe('failed');
    expect(stateOf('a', failed(0), started(0))?.state).toBe('started');
  });
});

describe('knowing devices', () => {
  it('forgets a retired device until it reports again', () => {
    const gone = shardOf(installed(0), retired(5));
    expect(gone.knownDevices).toBe(0);
    expect(summarize([gone], asReported).patches['a']?.installed).toBe(0);
    expect(view(gone)?.retiredAt).toBe(new Date(later(5)).toISOString());
    const back = shardOf(installed(0), retired(5), seen(6, PATCHED_BUILD));
    expect(back.knownDevices).toBe(1);
    expect(view(back)?.retiredAt).toBeUndefined();
    expect(summarize([back], asReported).patches['a']?.installed).toBe(1);
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
  const shard = shardOf(
    { ...installed(0), device: 'd-1' },
    { ...seen(0), device: 'd-2' },
    { ...failed(0), device: 'd-3', said: { patchId: 'a', platform: 'macos' } },
    { ...retired(1), device: 'd-2' },
  );
  const ids = (filter: Parameters<typeof listDevices>[1]) =>
    listDevices(shard, filter, (build) => (build === PATCHED_BUILD ? BASE_BUILD : build), {
      from: 0,
      limit: 10,
    }).items.map(({ deviceId }) => deviceId);

  it('leaves out those not known', () => expect(ids({})).toEqual(['d-1', 'd-3']));
  it('filters by patch and state', () => {
    expect(ids({ patchId: 'a' })).toEqual(['d-1', 'd-3']);
    expect(ids({ patchId: 'a', state: 'installed' })).toEqual(['d-1']);
    expect(ids({ state: 'failed' })).toEqual(['d-3']);
    expect(ids({ patchId: 'unheard-of' })).toEqual([]);
  });
  it('filters by platform and base', () => {
    expect(ids({ platform: 'macos' })).toEqual(['d-3']);
    expect(ids({ base: BASE_BUILD, platform: 'ios' })).toEqual(['d-1']);
  });
  it('goes on where the page before ended', () => {
    const first = listDevices(shard, {}, asReported, { from: 0, limit: 1 });
    expect(first.items.map(({ deviceId }) => deviceId)).toEqual(['d-1']);
    const second = listDevices(shard, {}, asReported, { from: first.next ?? -1, limit: 5 });
    expect(second.items.map(({ deviceId }) => deviceId)).toEqual(['d-3']);
    expect(second.next).toBeUndefined();
  });
});

describe('summarizing', () => {
  it('survives ids and builds that name parts of every object', () => {
    const shard = shardOf({ kind: 'PatchInstalled', said: { patchId: '__proto__', osBuild: '__proto__' } });
    const summary = summarize([shard, shard], asReported);
    expect(Object.keys(summary.patches)).toEqual(['__proto__']);
    expect(Object.entries(summary.byBase)).toEqual([['__proto__', 2]]);
    expect(Object.prototype).not.toHaveProperty('installed');
  });
});

const kindsAndTimes = fc.array(
  fc.record({
    kind: fc.constantFrom(...factKinds),
    device: fc.constantFrom('d-1', 'd-2', 'd-3'),
    patchId: fc.constantFrom('a', 'b'),
    osBuild: fc.constantFrom(BASE_BUILD, PATCHED_BUILD, '23E200'),
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
        const [left, right] = [shardOf(...facts), shardOf(...shuffled, ...again)];
        for (const device of ['d-1', 'd-2', 'd-3']) expect(view(right, device)).toEqual(view(left, device));
        expect({ ...summarize([right], asReported), facts: 0 }).toEqual({ ...summarize([left], asReported), facts: 0 });
      }),
    );
  });

  it('counts, step by step, what counting all devices anew would give', () => {
    fc.assert(
      fc.property(histories, (facts) => {
        const shard = shardOf(...facts);
        const summary = summarize([shard], asReported);
        const { items } = listDevices(shard, {}, asReported, { from: 0, limit: 100 });
        expect(summary.devices).toBe(items.length);
        for (const patchId of ['a', 'b']) {
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
