import { type HolderKind } from '@sluice/domain-cohorts';
import { DEVICE } from './device-table.ts';
import { TRIAL_MS, type FleetShard } from './fleet-shard.ts';
import { SHOWN } from './patch-counts.ts';
import { NOWHERE } from './records.ts';

const DAY_MS = 24 * 3_600_000;
const WEEK_MS = 7 * DAY_MS;

/** What is counted of the holders of a patch, of as many shards as it was handed. Known devices only. */
export class HolderTally {
  /** By the number of the profile: within a day, within a week, longer. Few devices have a profile of their own. */
  private readonly byShard = new Map<FleetShard, Map<number, [number, number, number]>>();
  /** Devices that have begun to install it within the time of a trial. */
  inFlight = 0;

  constructor(
    private readonly patchId: string,
    private readonly nowMs: number,
  ) {}

  /** Looks at so many devices of the shard from number `from` on. Answers where to go on, undefined at the end. */
  look(shard: FleetShard, from: number, looksMax: number): number | undefined {
    const patch = shard.patches.allIds.indexOf(this.patchId);
    if (patch === -1) return undefined;
    if (shard.patches.shown(patch, 'installed') + shard.patches.shown(patch, 'started') === 0) return undefined;
    const counts = this.byShard.get(shard) ?? new Map<number, [number, number, number]>();
    this.byShard.set(shard, counts);
    const end = Math.min(shard.devices.count, from + looksMax);
    for (let device = from; device < end; device += 1) {
      const entry = shard.entries.find(shard.devices.records.word(device, DEVICE.firstEntry), patch);
      if (entry === NOWHERE) continue;
      const shown = shard.entries.shown(entry);
      if (shown === SHOWN.installed) this.add(counts, shard.devices.profile(device), shard.lastReportAt(device));
      if (shown === SHOWN.started && shard.entries.at(entry) >= this.nowMs - TRIAL_MS) this.inFlight += 1;
    }
    return end < shard.devices.count ? end : undefined;
  }

  holders(): HolderKind[] {
    const kinds = new Map<string, Mutable<HolderKind>>();
    for (const [shard, counts] of this.byShard) {
      for (const [number, [withinDay, withinWeek, longer]] of counts) {
        const profile = shard.profiles.at(number);
        if (profile === undefined) continue;
        const { platform, model, track, ring } = profile;
        const alike = { platform, model, base: shard.baseOf(profile), track, ...(ring !== undefined && { ring }) };
        const key = JSON.stringify(alike);
        const kind = kinds.get(key) ?? { ...alike, withinDay: 0, withinWeek: 0, longer: 0 };
        kinds.set(key, kind);
        kind.withinDay += withinDay;
        kind.withinWeek += withinWeek;
        kind.longer += longer;
      }
    }
    return [...kinds.values()];
  }

  private add(counts: Map<number, [number, number, number]>, profile: number, lastReportAtMs: number): void {
    const kind = counts.get(profile) ?? [0, 0, 0];
    counts.set(profile, kind);
    const silentMs = this.nowMs - lastReportAtMs;
    kind[silentMs <= DAY_MS ? 0 : silentMs <= WEEK_MS ? 1 : 2] += 1;
  }
}

type Mutable<Value> = { -readonly [Key in keyof Value]: Value[Key] };
