import {
  familyOf,
  type HealthBucketClosed,
  type Population,
  populationKey,
  type Slice,
  sliceKey,
  sum,
} from '@sluice/domain-cohorts';
import { type Audience, type CompiledAudience, compileAudience, includes } from '@sluice/domain-cohorts';
import { type Plan, type Wave } from './plan.ts';
import { type PublishedPatch } from './catalog-events.ts';
import { type KnownSlice } from './rollout-messages.ts';

/** How many devices of each kind are known in each shard, by their base build, because a patch is for few of those. */
export interface Census {
  readonly byBase: Map<string, Map<string, Population>>;
}

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
    const counted = census.byBase.get(population.base) ?? new Map<string, Population>();
    census.byBase.set(population.base, counted);
    const key = `${String(shard)} ${populationKey(population)}`;
    if (population.devices === 0) counted.delete(key);
    else counted.set(key, population);
  }
  return census;
}

/** The known devices that the patch is for. */
export function* populationsOf(published: PublishedPatch, { byBase }: Census): Generator<Population> {
  for (const base of new Set(published.variants.map(({ prerequisiteBuild }) => prerequisiteBuild))) {
    for (const each of byBase.get(base)?.values() ?? []) if (appliesTo(published, each)) yield each;
  }
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
function bySlice(populations: Iterable<Population>): Map<string, KnownSlice> {
  const slices = new Map<string, KnownSlice>();
  for (const each of populations) {
    if (each.devices === 0) continue;
    const { platform, model, base, devices } = each;
    const key = sliceKey(each);
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
      ? [...census.byBase.values()].flatMap((counted) => [...counted.values()])
      : [...populationsOf(published, census)];
  const covered = populations.filter((each) => belongs(each, compiled, undefined));
  return sum(covered.map(({ devices }) => devices));
}

/** Counts who would get the patch, per wave and slice. Costs the same for every size of the fleet. */
export function previewRollout(plan: Plan, published: PublishedPatch, census: Census): WavePreview[] {
  const applicable = [...populationsOf(published, census)];
  return plan.waves.map((wave, index) => previewWave(wave, index + 1, applicable, plan.holdBackPercent));
}

function previewWave(
  wave: Wave,
  number: number,
  populations: readonly Population[],
  holdBackPercent: number,
): WavePreview {
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

function appliesTo({ platform, variants }: PublishedPatch, population: Population): boolean {
  return (
    platform === population.platform &&
    variants.some((each) => each.prerequisiteBuild === population.base && each.models.includes(population.model))
  );
}

/** Whether such devices are members of the wanted ring, and in the audience; no ring wanted: of any or none. */
export function belongs(
  { model, base, ring }: Population,
  audience: CompiledAudience,
  wanted: string | undefined,
): boolean {
  if (wanted !== undefined && ring !== wanted) return false;
  return includes(audience, { family: familyOf(model), model, base });
}
