import { toTimeText } from '@sluice/event-sourcing';
import { FIRST_PATCH, type PatchState, patchStates } from './entry-table.ts';
import { type DeviceFlag } from './device-flags.ts';
import { type Profile } from './facts.ts';
import { type FleetShard } from './fleet-shard.ts';
import { type StateCounts } from './patch-counts.ts';

/** A device as its reports have it. Times are RFC 3339 in UTC. */
export interface DeviceView extends Profile {
  readonly deviceId: string;
  /** When the device was last heard of. */
  readonly lastReportAt: string;
  /** Present when the device was retired and has not reported since. */
  readonly retiredAt?: string;
  /** What is odd about it; absent when nothing is. */
  readonly flags?: readonly DeviceFlag[];
  readonly patches: Readonly<Record<string, { readonly state: PatchState; readonly at: string }>>;
}

/** Which devices a list is about; an absent field means all. `base` is what `baseOf` makes of a build. */
export interface DeviceFilter {
  readonly patchId?: string | undefined;
  readonly state?: PatchState | undefined;
  readonly platform?: string | undefined;
  readonly base?: string | undefined;
  readonly flag?: DeviceFlag | undefined;
}

/** The base of a device that reports a build: the prerequisite of the patch with that build, else the build itself. */
export type BaseOf = (build: string) => string;

/** What a shard, or several together, come to. */
export interface FleetSummary {
  /** Facts ever accepted. */
  facts: number;
  /** Known devices. */
  devices: number;
  readonly byPlatform: Record<string, number>;
  readonly byBase: Record<string, number>;
  readonly patches: Record<string, StateCounts>;
}

/** Devices that one page of a filtered list looks at; after that the page is handed over, even when it is not full. */
const DEVICES_LOOKED_AT_MAX = 50_000;

/** The device with this number, undefined when it never reported. */
export function viewDevice(shard: FleetShard, device: number): DeviceView | undefined {
  const profile = shard.profileOfDevice(device);
  if (profile === undefined) return undefined;
  const patches = emptyRecord<{ state: PatchState; at: string }>();
  for (const { patch, state, at } of shard.shownEntries(device)) {
    patches[shard.patches.idOf(patch)] = { state, at: toTimeText(at) };
  }
  const flags = shard.flags.of(device);
  return {
    deviceId: shard.devices.idOf(device),
    ...profile,
    lastReportAt: toTimeText(shard.lastReportAt(device)),
    ...(!shard.isKnown(device) && { retiredAt: toTimeText(shard.retiredAt(device)) }),
    ...(flags.length > 0 && { flags }),
    patches,
  };
}

/** Known devices from number `from` on that match; `next` is where to go on, absent at the end. */
export function listDevices(
  shard: FleetShard,
  filter: DeviceFilter,
  baseOf: BaseOf,
  page: { readonly from: number; readonly limit: number },
): { items: DeviceView[]; next?: number } {
  const items: DeviceView[] = [];
  const end = Math.min(shard.devices.count, page.from + DEVICES_LOOKED_AT_MAX);
  let device = page.from;
  for (; device < end && items.length < page.limit; device += 1) {
    const view = matches(shard, device, filter, baseOf) ? viewDevice(shard, device) : undefined;
    if (view !== undefined) items.push(view);
  }
  return device < shard.devices.count ? { items, next: device } : { items };
}

/** Adds up shards, which must not share devices. */
export function summarize(shards: readonly FleetShard[], baseOf: BaseOf): FleetSummary {
  const summary = {
    facts: 0,
    devices: 0,
    byPlatform: emptyRecord<number>(),
    byBase: emptyRecord<number>(),
    patches: emptyRecord<StateCounts>(),
  };
  for (const shard of shards) {
    summary.facts += shard.facts;
    summary.devices += shard.knownDevices;
    for (const { profile, devices } of shard.populations()) {
      increase(summary.byPlatform, profile.platform, devices);
      increase(summary.byBase, baseOf(profile.osBuild), devices);
    }
    for (let patch = FIRST_PATCH; patch < shard.patches.size; patch += 1) {
      const total = (summary.patches[shard.patches.idOf(patch)] ??= emptyCounts());
      for (const state of patchStates) total[state] += shard.patches.shown(patch, state);
    }
  }
  return summary;
}

function matches(shard: FleetShard, device: number, filter: DeviceFilter, baseOf: BaseOf): boolean {
  if (!shard.isKnown(device)) return false;
  const { patchId, state, platform, base, flag } = filter;
  if (flag !== undefined && !shard.flags.of(device).includes(flag)) return false;
  const profile = shard.profileOfDevice(device);
  if (platform !== undefined && profile?.platform !== platform) return false;
  if (base !== undefined && (profile === undefined || baseOf(profile.osBuild) !== base)) return false;
  if (patchId === undefined && state === undefined) return true;
  for (const shown of shard.shownEntries(device)) {
    if (
      (patchId === undefined || shard.patches.idOf(shown.patch) === patchId) &&
      (state === undefined || shown.state === state)
    ) {
      return true;
    }
  }
  return false;
}

function emptyCounts(): StateCounts {
  return { started: 0, installed: 0, failed: 0, rolledBack: 0, replaced: 0 };
}

// Without a prototype, for `__proto__` is an id that a device may send.
function emptyRecord<Value>(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>;
}

function increase(counts: Record<string, number>, key: string, by: number): void {
  if (by !== 0) counts[key] = (counts[key] ?? 0) + by;
}
