import { type HeldBy } from '@sluice/domain-cohorts';
import { toTimeText } from '@sluice/event-sourcing';
import { type PatchState, patchStates } from './entry-table.ts';
import { type DeviceFlag } from './device-flags.ts';
import { type Profile, type RemovalCause } from './facts.ts';
import { type FleetShard } from './fleet-shard.ts';
import { type StateCounts } from './patch-counts.ts';
import { HOLDING } from './recall-sets.ts';

/** A device as its reports have it. Times are RFC 3339 in UTC. */
export interface DeviceView extends Profile {
  readonly deviceId: string;
  /** The prerequisite of the patch whose build the device shows, else that build. */
  readonly base: string;
  /** When the device was last heard of. */
  readonly lastReportAt: string;
  /** Present when the device was retired and has not reported since. */
  readonly retiredAt?: string;
  /** What is odd about it; absent when nothing is. */
  readonly flags?: readonly DeviceFlag[];
  readonly patches: Readonly<Record<string, DevicePatch>>;
}

/** How it is with a patch on a device. */
export interface DevicePatch {
  readonly state: PatchState;
  /** Of a holder, when it last showed its build; else when it last said so, or was last seen to run the patch. */
  readonly at: string;
  /** Why it counts as a holder: it runs the build, or says so and has yet to restart. Absent when it is none. */
  readonly by?: HeldBy;
  /** What the device called its last failure to install or to remove; null when it gave no code, or did not fail. */
  readonly failureCode: string | null;
  /** Of one that is rolled back: why, as the device said; null when it did not say. */
  readonly cause?: RemovalCause | null;
  /** Present when there were any. */
  readonly failedInstalls?: number;
  readonly failedRemovals?: number;
  /** When the device last failed to install or to remove it. */
  readonly lastFailureAt?: string;
}

/** Which devices a list is about; an absent field means all. */
export interface DeviceFilter {
  readonly patchId?: string | undefined;
  readonly state?: PatchState | undefined;
  readonly platform?: string | undefined;
  readonly base?: string | undefined;
  readonly model?: string | undefined;
  readonly track?: string | undefined;
  readonly ring?: string | undefined;
  readonly region?: string | undefined;
  readonly flag?: DeviceFlag | undefined;
  /** Those not heard of since then, ms since 1970. */
  readonly silentSince?: number | undefined;
  /** Those whose id begins so. */
  readonly idPrefix?: string | undefined;
  /** Those that failed at least so often to remove a patch, or the patch. */
  readonly failedRemovals?: number | undefined;
}

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

/** The device with this number, undefined when it never reported. */
export function viewDevice(shard: FleetShard, device: number): DeviceView | undefined {
  const profile = shard.profileOfDevice(device);
  if (profile === undefined) return undefined;
  const patches = emptyRecord<DevicePatch>();
  for (const shown of shard.shownPatches(device)) {
    const { patch, state, at, by, cause, failureCode, failedInstalls, failedRemovals, lastFailureAt } = shown;
    patches[shard.patches.idOf(patch)] = {
      state,
      at: toTimeText(at),
      ...(by !== undefined && { by }),
      failureCode: failureCode ?? null,
      ...(state === 'rolledBack' && { cause: cause ?? null }),
      ...(failedInstalls > 0 && { failedInstalls }),
      ...(failedRemovals > 0 && { failedRemovals }),
      ...(lastFailureAt !== undefined && { lastFailureAt: toTimeText(lastFailureAt) }),
    };
  }
  const flags = shard.flags.of(device);
  return {
    deviceId: shard.devices.idOf(device),
    ...profile,
    base: shard.baseOf(profile),
    lastReportAt: toTimeText(shard.lastReportAt(device)),
    ...(!shard.isKnown(device) && { retiredAt: toTimeText(shard.retiredAt(device)) }),
    ...(flags.length > 0 && { flags }),
    patches,
  };
}

/** A part of a shard to be looked at: at most so many devices from number `from` on. */
export interface Looks {
  readonly from: number;
  readonly looksMax: number;
}

/** Known devices that match; `next` is where to go on, absent at the end of the shard. */
export function listDevices(
  shard: FleetShard,
  filter: DeviceFilter,
  { from, looksMax, limit }: Looks & { readonly limit: number },
): { items: DeviceView[]; next?: number } {
  const items: DeviceView[] = [];
  const end = Math.min(shard.devices.count, from + looksMax);
  let device = from;
  for (; device < end && items.length < limit; device += 1) {
    const view = matches(shard, device, filter) ? viewDevice(shard, device) : undefined;
    if (view !== undefined) items.push(view);
  }
  return device < shard.devices.count ? { items, next: device } : { items };
}

/** How many known devices match, where counters tell; undefined when devices have to be looked at. */
export function countPopulation(shard: FleetShard, filter: DeviceFilter): number | undefined {
  const { patchId, state, flag, silentSince, idPrefix, failedRemovals } = filter;
  const others = [patchId, state, flag, silentSince, idPrefix, failedRemovals];
  if (others.some((field) => field !== undefined)) return undefined;
  const fitting = shard.profiles.populations().filter(({ profile }) => fits(shard, profile, filter));
  return fitting.reduce((sum, { devices }) => sum + devices, 0);
}

/** How many known devices of a part of the shard match; `next` is where to go on, absent at the end of the shard. */
export function countDevices(
  shard: FleetShard,
  filter: DeviceFilter,
  { from, looksMax }: Looks,
): { count: number; next?: number } {
  const end = Math.min(shard.devices.count, from + looksMax);
  let count = 0;
  for (let device = from; device < end; device += 1) if (matches(shard, device, filter)) count += 1;
  return end < shard.devices.count ? { count, next: end } : { count };
}

/** Adds up shards, which must not share devices. */
export function summarize(shards: readonly FleetShard[]): FleetSummary {
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
    for (const { profile, devices } of shard.profiles.populations()) {
      increase(summary.byPlatform, profile.platform, devices);
      increase(summary.byBase, shard.baseOf(profile), devices);
    }
    for (let patch = 0; patch < shard.patches.size; patch += 1) {
      const total = (summary.patches[shard.patches.idOf(patch)] ??= emptyCounts());
      for (const state of patchStates) total[state] += shard.patches.shown(patch, state);
    }
  }
  return summary;
}

function matches(shard: FleetShard, device: number, filter: DeviceFilter): boolean {
  const { patchId, state, flag, silentSince, idPrefix, failedRemovals = 0 } = filter;
  if (!shard.isKnown(device)) return false;
  if (silentSince !== undefined && shard.lastReportAt(device) >= silentSince) return false;
  if (flag !== undefined && !shard.flags.of(device).includes(flag)) return false;
  const profile = shard.profileOfDevice(device);
  if (profile === undefined || !fits(shard, profile, filter)) return false;
  if (idPrefix !== undefined && !shard.devices.idOf(device).startsWith(idPrefix)) return false;
  if (patchId === undefined && state === undefined && failedRemovals === 0) return true;
  for (const shown of shard.shownPatches(device)) {
    if (
      (patchId === undefined || shard.patches.idOf(shown.patch) === patchId) &&
      (state === undefined || shown.state === state) &&
      shown.failedRemovals >= failedRemovals
    ) {
      return true;
    }
  }
  return false;
}

function fits(shard: FleetShard, profile: Profile, filter: DeviceFilter): boolean {
  const { platform, base, model, track, ring, region } = filter;
  return (
    (platform === undefined || profile.platform === platform) &&
    (base === undefined || shard.baseOf(profile) === base) &&
    (model === undefined || profile.model === model) &&
    (track === undefined || profile.track === track) &&
    (ring === undefined || profile.ring === ring) &&
    (region === undefined || profile.region === region)
  );
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

/** By recalled patch: how many of its holders have failed to remove it so often, or more often. */
export function stubbornHolders(shard: FleetShard, failedRemovals: number): Map<string, number> {
  const { entries, patches, troubles } = shard;
  const holding = [...troubles.withFailedRemovals(failedRemovals)].filter((each) => entries.recalled(each) === HOLDING);
  const byPatch = Map.groupBy(holding, (entry) => patches.idOf(entries.patch(entry)));
  return new Map([...byPatch].map(([patchId, { length }]) => [patchId, length]));
}
