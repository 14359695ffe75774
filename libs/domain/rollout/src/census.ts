import {
  familyOf,
  type HealthBucketClosed,
  type Population,
  populationKey,
  type Slice,
  sliceKey,
  sum,
  type Track,
} from '@sluice/domain-cohorts';
import { type Audience, type CompiledAudience, compileAudience, includes } from '@sluice/domain-cohorts';
import { type Plan, type Wave } from './plan.ts';
import { type PublishedPatch } from './catalog-events.ts';
import { type KnownSlice } from './rollout-messages.ts';

/** How many devices of each kind are known in each shard, by their base build, because a patch is for few of those. */
export interface Census {
  readonly byBase: Map<string, BaseCensus>;
}

interface BaseCensus {
  readonly kinds: Map<string, Kind>;
  /** By the number of the kind and the shard. */
  readonly cells: Map<number, Cell>;
  /** Of all shards together; undefined when they have to be added up anew. */
  alike: ReadonlyMap<Kind, Alike> | undefined;
}

/** What devices are, whichever shard they are in; `key` names their slice. */
interface Kind extends Slice {
  readonly number: number;
  readonly key: string;
  readonly family: string;
  readonly track: Track;
  readonly ring: string | undefined;
}

interface Cell {
  readonly kind: Kind;
  readonly devices: number;
  readonly awake: number;
}

/** The known devices of one kind. */
export interface Alike extends Kind {
  devices: number;
  awake: number;
}

/** There are fewer shards than this. */
const SHARDS_MAX = 2 ** 16;

/**
 * Who would get a patch in one wave. `eligible` devices match it, `expected` is how many the end of its ramp reaches; the
 * slices add up to it. A wave that is expected to reach no known device proves nothing, and so is passed by a person only.
 */
export interface WavePreview {
  readonly wave: number;
  readonly name: string;
  readonly ring?: string;
  readonly eligible: number;
  readonly expected: number;
  readonly note?: 'proves-nothing';
  readonly slices: readonly (Slice & { readonly eligible: number; readonly expected: number })[];
}

export function emptyCensus(): Census {
  return { byBase: new Map() };
}

/** Takes the populations of the bucket into the census, in place: a shard tells what has changed. */
export function foldCensus(census: Census, { shard, populations }: HealthBucketClosed): Census {
  for (const population of populations) {
    const base = census.byBase.get(population.base) ?? { kinds: new Map(), cells: new Map(), alike: undefined };
    census.byBase.set(population.base, base);
    const kind = kindOf(base, population);
    const { devices, awake = devices } = population;
    change(base, kind.number * SHARDS_MAX + shard, { kind, devices, awake });
  }
  return census;
}

function change(base: BaseCensus, key: number, cell: Cell): void {
  const before = base.cells.get(key);
  const total = base.alike?.get(cell.kind);
  if (cell.devices === 0) base.cells.delete(key);
  else base.cells.set(key, cell);
  // The order of the kinds is that of their cells with awake devices.
  const keepsOrder = before !== undefined && before.awake > 0 && cell.awake > 0 && cell.devices > 0;
  if (total === undefined || !keepsOrder) {
    base.alike = undefined;
    return;
  }
  total.devices += cell.devices - before.devices;
  total.awake += cell.awake - before.awake;
}

/** The known devices that the patch is for. */
export function* populationsOf(published: PublishedPatch, { byBase }: Census): Generator<Alike> {
  for (const name of new Set(published.variants.map(({ prerequisiteBuild }) => prerequisiteBuild))) {
    const base = byBase.get(name);
    if (base === undefined) continue;
    for (const each of alikeIn(base)) if (appliesTo(published, each)) yield each;
  }
}

function kindOf({ kinds }: BaseCensus, population: Population): Kind {
  const name = populationKey(population);
  const { platform, model, base, track, ring } = population;
  const known = kinds.get(name) ?? {
    ...{ number: kinds.size, key: sliceKey(population), family: familyOf(model) },
    ...{ platform, model, base, track, ring },
  };
  kinds.set(name, known);
  return known;
}

function alikeIn(base: BaseCensus): Iterable<Alike> {
  base.alike ??= addedUp(base);
  return base.alike.values();
}

/** The cells of all shards by kind, in the order in which they were met; kinds that are awake in that of their awake cells. */
function addedUp({ cells }: BaseCensus): Map<Kind, Alike> {
  const totals = new Map<Kind, Alike>();
  for (const { kind, devices, awake } of cells.values()) {
    const total = totals.get(kind) ?? { ...kind, devices: 0, awake: 0 };
    if (total.awake === 0 && awake > 0) totals.delete(kind);
    totals.set(kind, total);
    total.devices += devices;
    total.awake += awake;
  }
  return totals;
}

/** The slices of a patch that some wave of the plan is for: what its gates test, each a hypothesis. */
export function slicesOf(plan: Plan, published: PublishedPatch): Slice[] {
  const audiences = plan.waves.map(({ audience }) => compileAudience(audience));
  const slices = new Map<string, Slice>();
  for (const { prerequisiteBuild: base, models } of published.variants) {
    for (const model of models) {
      const subject = { family: familyOf(model), model, base };
      if (!audiences.some((audience) => includes(audience, subject))) continue;
      const slice = { platform: published.platform, model, base };
      slices.set(sliceKey(slice), slice);
    }
  }
  return [...slices.values()];
}

/** The slices of a patch that some wave of the plan is for, with their known devices, those without left out. */
export function knownSlices(plan: Plan, published: PublishedPatch, census: Census): KnownSlice[] {
  const known = bySlice(populationsOf(published, census));
  return slicesOf(plan, published).flatMap((slice) => known.get(sliceKey(slice)) ?? []);
}

/** Devices of all tracks and rings together; slices without any are left out. */
function bySlice(populations: Iterable<Alike>): Map<string, KnownSlice> {
  const slices = new Map<string, KnownSlice>();
  for (const each of populations) {
    const { platform, model, base, devices, key } = each;
    slices.set(key, { platform, model, base, devices: (slices.get(key)?.devices ?? 0) + devices });
  }
  return slices;
}

/** True when a slice covers every device that some wave of the plan is for. */
export function coversAll(slice: Audience, plan: Plan, published: PublishedPatch): boolean {
  const compiled = compileAudience(slice);
  return slicesOf(plan, published).every(({ model, base }) =>
    includes(compiled, { family: familyOf(model), model, base }),
  );
}

/** Known devices that a slice covers: of a patch, those that it is for. */
export function coveredDevices(slice: Audience, published: PublishedPatch | undefined, census: Census): number {
  const compiled = compileAudience(slice);
  const populations =
    published === undefined
      ? [...census.byBase.values()].flatMap((base) => [...alikeIn(base)])
      : [...populationsOf(published, census)];
  const covered = populations.filter((each) => belongs(each, compiled, undefined));
  return sum(covered.map(({ devices }) => devices));
}

/** Counts who would get the patch, per wave and slice. Costs the same for every size of the fleet. */
export function previewRollout(plan: Plan, published: PublishedPatch, census: Census): WavePreview[] {
  const applicable = [...populationsOf(published, census)];
  return plan.waves.map((wave, index) => previewWave(wave, index + 1, applicable, plan.holdBackPercent));
}

function previewWave(wave: Wave, number: number, populations: readonly Alike[], holdBackPercent: number): WavePreview {
  const { name, ring, ramp } = wave;
  const audience = compileAudience(wave.audience);
  // Of a ring nobody is held back; of the others the hold-back stays out.
  const share = (ring === undefined ? Math.min(ramp.toPercent, 100 - holdBackPercent) : ramp.toPercent) / 100;
  const present = [...bySlice(populations.filter((each) => belongs(each, audience, ring))).values()]
    .map(({ devices, ...slice }) => ({ ...slice, eligible: devices }))
    .sort((left, right) => right.eligible - left.eligible || (left.model < right.model ? -1 : 1));
  const eligible = sum(present.map((slice) => slice.eligible));
  const expected = Math.round(eligible * share);
  const slices = apportioned(present, expected, share);
  const note = expected === 0 && { note: 'proves-nothing' as const };
  return { wave: number, name, ...(ring !== undefined && { ring }), eligible, expected, ...note, slices };
}

/** Whole devices for each slice that add up to the total: the largest remainders are rounded up. */
function apportioned<Part extends { readonly eligible: number }>(parts: readonly Part[], total: number, share: number) {
  const exact = parts.map(({ eligible }) => eligible * share);
  const whole = exact.map(Math.floor);
  const byRemainder = exact
    .map((value, index) => ({ index, remainder: value - Math.floor(value) }))
    .sort((left, right) => right.remainder - left.remainder);
  for (const { index } of byRemainder.slice(0, Math.max(0, total - sum(whole)))) whole[index] = (whole[index] ?? 0) + 1;
  return parts.map((part, index) => ({ ...part, expected: whole[index] ?? 0 }));
}

function appliesTo({ platform, variants }: PublishedPatch, population: Alike): boolean {
  return (
    platform === population.platform &&
    variants.some((each) => each.prerequisiteBuild === population.base && each.models.includes(population.model))
  );
}

/** Whether such devices are members of the wanted ring, and in the audience; no ring wanted: of any or none. */
export function belongs(
  { model, base, ring, family }: Alike,
  audience: CompiledAudience,
  wanted: string | undefined,
): boolean {
  if (wanted !== undefined && ring !== wanted) return false;
  return includes(audience, { family, model, base });
}
