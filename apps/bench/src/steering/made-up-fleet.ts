import {
  columnsOf,
  type HarmRow,
  harmSignals,
  type HealthBucketClosed,
  type HealthRows,
  type HolderCount,
  type InstallRow,
  MINUTE_MS,
  nothingCounted,
  PLACES,
  type Population,
  type Slice,
} from '@sluice/domain-cohorts';
import { type CatalogEvent, type PlanDraft } from '@sluice/domain-rollout';
import { toTimeText } from '@sluice/event-sourcing';
import { type Random } from '@sluice/simulation';

/** How much there is: each rollout is of a patch of its own, with a base of its own, for all models. */
export interface FleetSize {
  readonly rollouts: number;
  readonly slices: number;
  readonly shards: number;
  /** Completed recalls of other patches. */
  readonly recalls: number;
}

export const START_MS = Date.parse('2026-03-02T00:00:00Z');
export const HOUR_MS = 3_600_000;
const MINUTES_PER_HOUR = 60;
/** Of each slice in each shard: with 500 rollouts, 40 slices and 64 shards 10.2 million in all. */
export const DEVICES_PER_CELL = 8;
/** A slice has trials in every second hour, so many that all of its devices install within 30 days. */
const HOURS_PER_TURN = 2;
const MORE_THAN_ONE = 0.42;
/** A trial is told with its outcome, when that is due. */
const COUNTED_AFTER_HOURS = 5;
const FAILURE_RATE = 0.003;
/** Devices with a first incident, for each rollout and hour: of 20,480 devices three in ten within 30 days. */
const HARMED_PER_HOUR = 8;
const KEPT_SHARE = 0.1;
const KEPT_MINUTES_MAX = 300;
/** The phones have the family's wave as well as the last one, the other devices only the last one. */
const PHONE_WAVES = 0b110;
const OTHER_WAVES = 0b100;

/** Three waves; the last one is open for most of 30 days, and still widens after them. */
export const plan: Omit<PlanDraft, 'patchId'> = {
  waves: [
    { name: 'beta', ring: 'beta', ramp: { fromPercent: 100, toPercent: 100, minutes: 0 }, bakeMinutes: 1440 },
    {
      name: 'phones',
      audience: { family: ['iPhone'] },
      ramp: { fromPercent: 0, toPercent: 10, minutes: 1440 },
      bakeMinutes: 1440,
    },
    { name: 'all', ramp: { fromPercent: 0, toPercent: 100, minutes: 60 * 1440 }, bakeMinutes: 1440 },
  ],
  holdBackPercent: 2,
  gates: { installFailureRateMax: 0.01 },
  startAt: toTimeText(START_MS),
};

export function patchOf(index: number): string {
  return `p-${String(index)}`;
}

/** A patch whose recall is over. */
export function recalledOf(index: number): string {
  return `old-${String(index)}`;
}

export function sliceOf(rollout: number, model: number): Slice {
  return { platform: 'ios', model: modelOf(model), base: `23B${String(rollout)}` };
}

/** Four of five are phones, of few generations. */
function modelOf(index: number): string {
  return `${index % 5 === 4 ? 'iPad' : 'iPhone'}${String(10 + Math.floor(index / 10))},${String(index % 10)}`;
}

export function publicationOf(patchId: string, base: string, slices: number): CatalogEvent {
  const models = Array.from({ length: slices }, (_, index) => modelOf(index));
  const artifact = { url: `https://patches.example/${patchId}`, sha256: 'a'.repeat(64), sizeBytes: 1 };
  const variants = [{ build: `${base}a`, prerequisiteBuild: base, models, artifact }];
  const at = toTimeText(START_MS - HOUR_MS);
  return { type: 'PatchPublished', patchId, platform: 'ios', baseVersion: '26.3.1', letter: 'a', variants, at };
}

/** What one shard tells of an interval. */
export interface BucketLines extends Partial<HealthRows> {
  readonly holders?: readonly HolderCount[];
  readonly populations?: readonly Population[];
}

export function bucketOf(
  { shard, shards }: { readonly shard: number; readonly shards: number },
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  { installs = [], harm = [], removals = [], holders = [], populations = [] }: BucketLines,
): HealthBucketClosed {
  return {
    type: 'HealthBucketClosed',
    ...{ shard, shards, from: toTimeText(fromMs), to: toTimeText(toMs), throughRevision: 0, part: 1, parts: 1 },
    reportingDeadlineMinutes: 240,
    ...columnsOf({ installs, pending: [], unreached: [], harm, removals }),
    ...{ holders, populations },
  };
}

/** Who is known in a shard; the devices of the first shard are the members of the ring. */
export function populationOf(shard: number, slice: Slice, awake = DEVICES_PER_CELL): Population {
  const ring = shard === 0 && { ring: 'beta' };
  return { ...slice, track: 'automatic', ...ring, devices: DEVICES_PER_CELL, awake };
}

export function holdersOf(patchId: string, holders: number): HolderCount {
  return { patchId, recallEpoch: 0, holders, longOffline: 0, removed: 0, removalsFailed: 0 };
}

/** A shard's part of a recall that is over. */
export function recalledFrom(patchId: string): HolderCount {
  const freed = { recall: DEVICES_PER_CELL, user: 0, failure: 0, unknown: 0 };
  const others = { replaced: 0, retired: 0, failing: 0, offline: 0, waiting: 0, inFlight: 0 };
  return { ...holdersOf(patchId, 0), recallEpoch: 1, recall: { set: DEVICES_PER_CELL, freed, ...others } };
}

/** The trials of a rollout whose outcome is due in an hour, since 1970: in every second slice, and few of them fail. */
export function trialsOf(rollout: number, slices: number, hour: number, random: Random): InstallRow[] {
  return Array.from({ length: slices }, (_, model) => model)
    .filter((model) => (hour + model + rollout) % HOURS_PER_TURN === 0)
    .map((model) => trialOf(rollout, model, hour, random));
}

export function trialOf(rollout: number, model: number, hour: number, random: Random): InstallRow {
  const failed = random.chance(FAILURE_RATE) ? 1 : 0;
  const started = random.chance(MORE_THAN_ONE) ? 2 : 1;
  const counts = { ...nothingCounted, started, failed, fine: started - failed, due: started };
  const its = { patchId: patchOf(rollout), slice: sliceOf(rollout, model) };
  return { ...its, cohort: hour - COUNTED_AFTER_HOURS, band: 1, ...counts };
}

/** First incidents of an hour, which the patch has nothing to do with. */
export function harmsOf(rollout: number, slices: number, fromMs: number, random: Random): HarmRow[] {
  const anyMs = () => fromMs + random.between(0, MINUTES_PER_HOUR - 1) * MINUTE_MS;
  return Array.from({ length: HARMED_PER_HOUR }, () => harmOf(rollout, slices, anyMs(), random));
}

/** An incident that is received at an instant; one in ten was kept for up to five hours. */
export function harmOf(rollout: number, slices: number, atMs: number, random: Random): HarmRow {
  const model = random.between(0, slices - 1);
  const slice = sliceOf(rollout, model);
  const received = Math.floor((atMs - START_MS) / MINUTE_MS);
  const keptMinutes = random.chance(KEPT_SHARE) ? random.between(0, KEPT_MINUTES_MAX) : 0;
  const minute = Math.max(0, received - keptMinutes);
  const signal = harmSignals[random.between(0, harmSignals.length - 1)] ?? 'crash';
  const waves = slice.model.startsWith('iPhone') ? PHONE_WAVES : OTHER_WAVES;
  const place = random.between(0, PLACES - 1);
  return { rolloutId: rolloutOf(rollout), slice, signal, waves, place, minute, received };
}

export function rolloutOf(index: number): string {
  return `r-${String(index)}`;
}
