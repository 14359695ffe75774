import { describe, expect, it } from 'vitest';
import { BASE_BUILD, C_BUILD, type FactSketch, MINUTE, NOON, notedShardOf, PATCHED_BUILD } from './facts.fixture.ts';
import { type FleetShard } from './fleet-shard.ts';
import { HolderTally } from './holder-kinds.ts';

const DAY = 24 * 60 * MINUTE;

function holder(device: string, receivedAt: number, said: FactSketch['said'] = {}): FactSketch {
  return { device, occurredAt: receivedAt, receivedAt, said: { osBuild: PATCHED_BUILD, ...said } };
}

function tallyOf(shards: readonly FleetShard[], patchId = 'a', looksMax = 2): HolderTally {
  const tally = new HolderTally(patchId, NOON);
  for (const shard of shards)
    for (let from: number | undefined = 0; from !== undefined;) from = tally.look(shard, from, looksMax);
  return tally;
}

describe('counting the holders of a patch', () => {
  const first = notedShardOf(
    holder('d-1', NOON),
    holder('d-2', NOON - DAY),
    holder('d-3', NOON - DAY - 1),
    holder('d-4', NOON - 7 * DAY - 1),
    holder('d-5', NOON, { track: 'manual' }),
    holder('d-6', NOON, { ring: 'beta' }),
    holder('on-c', NOON, { osBuild: C_BUILD }),
    holder('on-base', NOON, { osBuild: BASE_BUILD }),
    holder('gone', NOON - 1),
    { kind: 'DeviceRetired', device: 'gone', occurredAt: NOON },
    { kind: 'InstallStarted', device: 'begun', occurredAt: NOON - MINUTE, said: { patchId: 'a' } },
    { kind: 'InstallStarted', device: 'long-begun', occurredAt: NOON - 4 * DAY, said: { patchId: 'a' } },
  );
  const second = notedShardOf(holder('d-7', NOON), holder('d-8', NOON, { model: 'iPad16,3' }));

  it('tells them by what they look like, and by when they were last heard of', () => {
    const phone = { platform: 'ios', model: 'iPhone18,1', base: BASE_BUILD, track: 'automatic' };
    const tally = tallyOf([first, second]);
    expect(tally.holders()).toEqual([
      { ...phone, withinDay: 3, withinWeek: 1, longer: 1 },
      { ...phone, track: 'manual', withinDay: 1, withinWeek: 0, longer: 0 },
      { ...phone, ring: 'beta', withinDay: 1, withinWeek: 0, longer: 0 },
      { ...phone, model: 'iPad16,3', withinDay: 1, withinWeek: 0, longer: 0 },
    ]);
    expect(tally.inFlight).toBe(1);
  });

  it('comes to the same however many devices are looked at in one go', () => {
    expect(tallyOf([first, second], 'a', 1000).holders()).toEqual(tallyOf([first, second], 'a', 1).holders());
  });

  it('finds nobody of a patch that nobody holds, without looking at any device', () => {
    const tally = new HolderTally('unknown', NOON);
    expect(tally.look(first, 0, 1)).toBeUndefined();
    expect([tally.holders(), tally.inFlight]).toEqual([[], 0]);
  });
});
