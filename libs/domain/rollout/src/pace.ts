import { compileAudience, HOUR_MS, type Slice, sum } from '@sluice/domain-cohorts';
import { type PublishedPatch } from './catalog-events.ts';
import { belongs, type Census, populationsOf } from './census.ts';
import { type Exposed, shareOf } from './exposure.ts';
import { MATURITY_HOURS, PACE, type Pace, type Plan } from './plan.ts';
import { type AwakeSlice } from './rollout-messages.ts';
import { type Rollout, type StartedRollout } from './rollout-state.ts';

/** What of the fleet the pace looks at. `isHeld`: slices on hold are exposed no further, and hold nothing up. */
export interface Awake {
  readonly published: PublishedPatch;
  readonly census: Census;
  readonly nowMs: number;
  readonly isHeld?: (slice: Slice) => boolean;
}

/** Devices of a slice of the patch: those that are fine for long enough, and those on the manual track that began at all. */
export interface Well {
  readonly slice: Slice;
  readonly well: number;
  readonly manual: number;
}

/** How far the pace lets a wave go: to `percentMax` of its buckets, so that of the awake devices at most `most` are exposed. */
export interface PaceLimit {
  readonly percentMax: number;
  readonly exposed: number;
  readonly well: number;
  readonly most: number;
}

type RolloutWithPlan = Exclude<Rollout, { status: 'absent' }>;

/** Trials that began before this are old enough to be proof. */
export function matureBefore({ gates }: Plan, throughMs: number): number {
  return throughMs - (gates.maturityHours ?? MATURITY_HOURS) * HOUR_MS;
}

/** How many awake devices may be exposed where so many are fine. */
export function exposedAtMost({ first, factor }: Pace, fine: number): number {
  return fine + Math.max(first, factor * fine);
}

/** Who is awake, as far as is known now, of the devices that a wave may be the first to expose. */
export function awakeOf(rollout: RolloutWithPlan, wave: number, { published, census, nowMs }: Awake): AwakeSlice[] {
  const exposed = exposedOf(rollout);
  const waves = rollout.plan.waves.slice(0, wave).map(({ ring, audience }, index) => ({
    ring,
    audience: compileAudience(audience),
    percent: shareOf(exposed, index + 1, nowMs) * 100,
  }));
  const opened = waves.at(-1);
  const rows = new Map<string, AwakeSlice>();
  for (const each of populationsOf(published, census)) {
    if (opened === undefined || each.track !== 'automatic' || !belongs(each, opened.audience, opened.ring)) continue;
    const before = waves.slice(0, -1).filter(({ audience, ring }) => belongs(each, audience, ring));
    const abovePercent = Math.max(0, ...before.map(({ percent }) => percent));
    const { platform, model, base, awake } = each;
    const key = `${each.key} ${String(abovePercent)}`;
    const devices = awake + (rows.get(key)?.devices ?? 0);
    if (devices > 0) rows.set(key, { platform, model, base, abovePercent, devices });
  }
  return [...rows.values()];
}

/** Awake devices that the open wave was the first to expose: expected, of those at its opening or, if more, of those known now. */
export function awakeFirstExposed(rollout: StartedRollout, awake: Awake): number {
  const percent = shareOf(rollout, rollout.wave, awake.nowMs) * 100;
  return Math.max(...countings(rollout, rollout.wave, awake).map((rowsOf) => within(rowsOf(rollout.wave), percent)));
}

/**
 * How far a wave, the open one or the next, may go now: of the devices that were awake, so many more may be exposed than are
 * fine. Devices that fell silent after they were exposed hold it up, so that a patch that kills makes no room for itself.
 */
export function paceLimit(rollout: RolloutWithPlan, wave: number, well: readonly Well[], awake: Awake): PaceLimit {
  const exposed = exposedOf(rollout);
  const counted = well.filter(({ slice }) => awake.isHeld?.(slice) !== true);
  const fine = sum(counted.map((each) => each.well));
  const manual = sum(counted.map((each) => each.manual));
  const most = exposedAtMost(rollout.plan.pace ?? PACE, fine);
  const limits = countings(rollout, wave, awake).map((rowsOf) => {
    const before = sum(
      Array.from({ length: wave - 1 }, (_, index) =>
        within(rowsOf(index + 1), shareOf(exposed, index + 1, awake.nowMs) * 100),
      ),
    );
    const room = most - manual - before;
    const now = before + manual + within(rowsOf(wave), shareOf(exposed, wave, awake.nowMs) * 100);
    return { percentMax: percentFor(rowsOf(wave), room), exposed: Math.round(now), well: fine, most };
  });
  return limits.reduce((left, right) => (right.percentMax < left.percentMax ? right : left));
}

type RowsOfWave = (wave: number) => readonly AwakeSlice[];

/** The awake devices of each wave as recorded at its opening, and as known now: what was recorded may have been too few. */
function countings(rollout: RolloutWithPlan, upTo: number, awake: Awake): [RowsOfWave, RowsOfWave] {
  const counts = (slice: Slice) => awake.isHeld?.(slice) !== true;
  const now = Array.from({ length: upTo }, (_, index) => awakeOf(rollout, index + 1, awake).filter(counts));
  const then = 'awake' in rollout ? rollout.awake : undefined;
  const asKnownNow: RowsOfWave = (wave) => now[wave - 1] ?? [];
  return [(wave) => then?.get(wave)?.filter(counts) ?? asKnownNow(wave), asKnownNow];
}

/** How many of the devices a wave has exposed at a percentage of the buckets. */
function within(rows: readonly AwakeSlice[], percent: number): number {
  return sum(rows.map(({ abovePercent, devices }) => (devices * Math.max(0, percent - abovePercent)) / 100));
}

/** The largest percentage of the buckets within which no more than so many of the devices are. */
function percentFor(rows: readonly AwakeSlice[], devicesMax: number): number {
  let [percent, exposed, perPercent] = [0, 0, 0];
  const ends = rows.toSorted((left, right) => left.abovePercent - right.abovePercent);
  for (const { abovePercent, devices } of [...ends, { abovePercent: 100, devices: 0 }]) {
    const more = perPercent * (abovePercent - percent);
    if (exposed + more > devicesMax) return Math.max(0, percent + (devicesMax - exposed) / perPercent);
    [percent, exposed, perPercent] = [abovePercent, exposed + more, perPercent + devices / 100];
  }
  return 100;
}

/** What a rollout has exposed; nothing before its start. */
function exposedOf(rollout: RolloutWithPlan): Exposed {
  if ('exposure' in rollout) return rollout;
  const exposure = { by: 'grants', closed: [], grant: undefined, notBeforeMs: 0 } as const;
  return { plan: rollout.plan, wave: 0, exposure };
}
