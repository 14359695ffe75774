import { Injectable } from '@nestjs/common';
import { stubbornHolders } from '@sluice/domain-fleet';
import { Attention, type AttentionSource, type Finding, type Findings, Timers } from '@sluice/platform';
import { Fleet } from './fleet/fleet.ts';
import { type ShardWriter } from './shard/shard-writer.ts';

/** After so many failed removals a device is not directed to try again (design §3.3). */
const STUBBORN_REMOVALS = 3;
/** Devices that are named one by one, of each shard; the list of devices has all. */
const DEVICES_NAMED_MAX = 100;

/** To count them, all entries with trouble of a shard are read (the wall's pace). */
const COUNTED_AGAIN_AFTER_MS = 5_000;

const ofDevices = ['removals-stubborn', 'id-used-twice'] as const;

/** What needs a person in the shards that this instance owns; of the others it cannot say anything. */
@Injectable()
export class TelemetryAttention implements AttentionSource {
  readonly service = 'telemetry';
  private readonly counts = new WeakMap<ShardWriter, StubbornCounts>();

  constructor(
    attention: Attention,
    private readonly fleet: Fleet,
    private readonly timers: Timers,
  ) {
    attention.add(this);
  }

  look(): Findings {
    const owned = this.fleet.owned();
    const usedTwice = owned.map(usedTwiceIn);
    // The kind of few items comes first: what is cut off is of the other one.
    const found = [...this.stubborn(owned), ...usedTwice.flatMap((named) => named.slice(0, DEVICES_NAMED_MAX))];
    return { found, unknown: [...this.elsewhere(owned.length), ...notNamed(usedTwice)] };
  }

  private elsewhere(owned: number): Findings['unknown'] {
    const { shards } = this.fleet;
    if (owned === shards) return [];
    const because = `this instance owns ${String(owned)} of ${String(shards)} shards, and does not know the devices of the others`;
    return [{ kinds: ofDevices, because }];
  }

  private stubborn(owned: readonly ShardWriter[]): Finding[] {
    const counts = new Map<string, number>();
    for (const shard of owned) {
      for (const [patchId, count] of this.stubbornIn(shard)) {
        counts.set(patchId, (counts.get(patchId) ?? 0) + count);
      }
    }
    return [...counts].map(([patchId, count]) => ({
      ...{ id: `removals-stubborn:${patchId}`, kind: 'removals-stubborn', severity: 'warning', about: { patchId } },
      since: undefined,
      words: `${String(count)} devices hold ${patchId} still, and have failed to remove it ${String(STUBBORN_REMOVALS)} times: they are not directed to try again`,
      command: `sluice device list --patch ${patchId} --failed-removals ${String(STUBBORN_REMOVALS)}`,
    }));
  }

  private stubbornIn(shard: ShardWriter): ReadonlyMap<string, number> {
    const nowMs = this.timers.monotonicMs();
    const counted = this.counts.get(shard);
    if (counted !== undefined && nowMs - counted.atMs < COUNTED_AGAIN_AFTER_MS) return counted.byPatch;
    const byPatch = stubbornHolders(shard.state, STUBBORN_REMOVALS);
    this.counts.set(shard, { byPatch, atMs: nowMs });
    return byPatch;
  }
}

interface StubbornCounts {
  readonly byPatch: ReadonlyMap<string, number>;
  /** When they were counted (monotonic ms). */
  readonly atMs: number;
}

function notNamed(usedTwice: readonly (readonly Finding[])[]): Findings['unknown'] {
  if (usedTwice.every(({ length }) => length <= DEVICES_NAMED_MAX)) return [];
  const because = `more than ${String(DEVICES_NAMED_MAX)} devices of a shard have the flag: sluice device list --flag id-used-twice has all`;
  return [{ kinds: ['id-used-twice'], because }];
}

/** One more than are named, where there are more. */
function usedTwiceIn({ state }: ShardWriter): Finding[] {
  const found: Finding[] = [];
  for (const device of state.flags.with('id-used-twice')) {
    if (found.length > DEVICES_NAMED_MAX) break;
    // A device that was retired has been looked at.
    if (!state.isKnown(device)) continue;
    const deviceId = state.devices.idOf(device);
    found.push({
      ...{ id: `id-used-twice:${deviceId}`, kind: 'id-used-twice', severity: 'warning', about: { deviceId } },
      since: undefined,
      words: `${deviceId} once told another model than before, as two machines under one id do: give each an id of its own, then retire this one`,
      command: `sluice device retire ${deviceId}`,
    });
  }
  return found;
}
