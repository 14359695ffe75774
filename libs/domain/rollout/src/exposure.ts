import {
  cutGrant,
  durationsOf,
  evenly,
  type Grant,
  MINUTE_MS,
  msUntilPercent,
  type Ramp,
  rampPercent,
} from '@sluice/domain-cohorts';
import { type Plan, type Wave } from './plan.ts';
import { type Permission } from './rollout-messages.ts';

/**
 * What has widened so far. `grants`: nothing but what was granted; `closed` has, for each wave before the open one, the
 * percentage at which it stays, and no grant may begin before `notBeforeMs`. `ramp`: a stream from before there were grants,
 * whose ramp ran by itself; `runningSinceMs` is undefined while it is stopped.
 */
export type Exposure =
  | {
      readonly by: 'grants';
      readonly closed: readonly number[];
      readonly grant: Grant | undefined;
      readonly notBeforeMs: number;
    }
  | { readonly by: 'ramp'; readonly ranMs: number; readonly runningSinceMs: number | undefined };

/** What exposure is asked of: a rollout that has started, with the wave that was opened last (counted from 1). */
export interface Exposed {
  readonly plan: Plan;
  readonly wave: number;
  readonly exposure: Exposure;
  /** The grant that lets the buckets of the hold-back in, once the watch is over. */
  readonly released?: Grant;
}

/** Length of a grant while the ramp moves, and while the wave bakes. */
const RAMP_GRANT_MS = MINUTE_MS;
const BAKE_GRANT_MS = 5 * MINUTE_MS;
const PASSES_PER_GRANT = 2;
/** No other grant is given while the last has more than this part of its length to run. */
const RENEWAL_PART = 1 / 6;
/** A grant that comes this late still begins at the end of the last one. */
const LATE_MS = 5_000;

/** The running time of the open wave, in milliseconds: the part of the grants' time that has passed. */
export function ranMsOf({ exposure }: Exposed, nowMs: number): number {
  if (exposure.by === 'ramp') {
    const { ranMs, runningSinceMs } = exposure;
    return runningSinceMs === undefined ? ranMs : ranMs + Math.max(0, nowMs - runningSinceMs);
  }
  const { grant } = exposure;
  // Before its beginning the grant before it runs, and ends where this one begins.
  if (grant === undefined) return 0;
  return grant.paced === true ? grant.ranMs : Math.max(0, grant.ranMs + Math.min(nowMs, grant.toMs) - grant.fromMs);
}

/** The share of buckets inside one wave (counted from 1), in percent, without regard to the hold-back. */
export function wavePercent(exposed: Exposed, wave: number, nowMs: number): number {
  const { plan, exposure } = exposed;
  const ramp = plan.waves[wave - 1]?.ramp;
  if (ramp === undefined || wave > exposed.wave) return 0;
  if (exposure.by === 'ramp') {
    return wave < exposed.wave ? ramp.toPercent : rampPercent(ramp, ranMsOf(exposed, nowMs));
  }
  const closed = exposure.closed[wave - 1];
  if (closed !== undefined) return closed;
  return exposure.grant === undefined ? 0 : grantPercent(exposure.grant, ramp, nowMs);
}

/** The bucket from which on the hold-back keeps devices out, in [0, 1]. */
export function holdBackFrom({ plan, released }: Exposed, nowMs: number): number {
  const keptFrom = 100 - plan.holdBackPercent;
  return (released === undefined ? keptFrom : evenly(released, nowMs)) / 100;
}

/** From when on no bucket is held back (ms since 1970): −∞ where none ever was, ∞ while no grant lets all of them in. */
export function letInMs({ plan, released }: Exposed): number {
  if (plan.holdBackPercent === 0) return -Infinity;
  return released !== undefined && released.toPercent >= 100 ? released.toMs : Infinity;
}

/** The share of the buckets inside a wave, without those that are held back. */
export function shareOf(rollout: Exposed, wave: number, nowMs: number): number {
  const share = wavePercent(rollout, wave, nowMs) / 100;
  // The members of a ring are no part of the control group, so no bucket of theirs is held back.
  return rollout.plan.waves[wave - 1]?.ring === undefined ? Math.min(share, holdBackFrom(rollout, nowMs)) : share;
}

/**
 * How far the rollout has come as planned, in percent of buckets: the widest of the waves opened so far, without the
 * hold-back and without rings, which are for their members only.
 */
export function plannedPercent(exposed: Exposed, nowMs: number): number {
  const { waves } = exposed.plan;
  const percents = waves.map(({ ring }, index) => (ring === undefined ? wavePercent(exposed, index + 1, nowMs) : 0));
  return Math.min(holdBackFrom(exposed, nowMs) * 100, Math.max(0, ...percents));
}

/** True when ramp and bake of the open wave are over: all of them was granted, and has passed. */
export function isWaveOver(exposed: Exposed, nowMs: number): boolean {
  const wave = waveOf(exposed);
  if (wave === undefined) return false;
  const hasBegun = exposed.exposure.by === 'ramp' || beginsWith(exposed.exposure.grant) <= nowMs;
  return hasBegun && ranMsOf(exposed, nowMs) >= durationsOf(wave).endMs;
}

/** When ramp and bake of the open wave end, if grants follow each other without a gap from now on. */
export function waveOverAtMs(exposed: Exposed, nowMs: number): number {
  const wave = waveOf(exposed);
  return wave === undefined ? Infinity : nowMs + Math.max(0, durationsOf(wave).endMs - ranMsOf(exposed, nowMs));
}

/**
 * The next piece of the ramp or bake; undefined when none is due: the last one runs for long enough, all was granted, or the
 * pace allows no more than what is exposed.
 */
export function nextGrant(
  exposed: Exposed,
  nowMs: number,
  { passMs, percentMax = 100 }: Permission,
): Grant | undefined {
  const wave = waveOf(exposed);
  const { exposure } = exposed;
  if (wave === undefined || exposure.by === 'ramp') return undefined;
  const last = exposure.grant;
  const { rampMs, endMs } = durationsOf(wave);
  const ranMs = last === undefined ? 0 : ranMsOf(exposed, last.toMs);
  if (last !== undefined && ((ranMs >= endMs && last.paced !== true) || !isDue(last, nowMs))) return undefined;
  const isRamp = ranMs < rampMs;
  const wantedMs = Math.max(isRamp ? RAMP_GRANT_MS : BAKE_GRANT_MS, PASSES_PER_GRANT * passMs);
  const fromMs = beginningOf(exposure.notBeforeMs, last, { nowMs, passMs });
  const reached = last?.toPercent ?? 0;
  const begins = rampPercent(wave.ramp, ranMs);
  // What the ramp begins with is exposed as far as the pace allows, and the ramp goes on from there when all of it is.
  if (begins > Math.max(reached, percentMax)) {
    const [percent, paced] = [percentMax, true] as const;
    if (percentMax <= reached) return undefined;
    return { fromPercent: percent, toPercent: percent, fromMs, toMs: fromMs + wantedMs, ranMs, paced };
  }
  const lengthMs = Math.min(
    wantedMs,
    (isRamp ? rampMs : endMs) - ranMs,
    isRamp ? msUntil(wave, percentMax) - ranMs : Infinity,
  );
  if (isRamp && lengthMs < Math.min(wantedMs * RENEWAL_PART, rampMs - ranMs)) return undefined;
  const fromPercent = Math.max(reached, begins);
  const toPercent = Math.max(fromPercent, rampPercent(wave.ramp, ranMs + lengthMs));
  return { fromPercent, toPercent, fromMs, toMs: fromMs + lengthMs, ranMs };
}

/** The grant that lets the hold-back in, or the rest of it after one that was cut short; undefined when nothing is left. */
export function holdBackGrant(exposed: Exposed, nowMs: number, passMs: number): Grant | undefined {
  const { plan, released } = exposed;
  const fromPercent = released?.toPercent ?? 100 - plan.holdBackPercent;
  if (fromPercent >= 100 || (released !== undefined && nowMs < released.toMs)) return undefined;
  const lengthMs = Math.max(RAMP_GRANT_MS, PASSES_PER_GRANT * passMs);
  return { fromPercent, toPercent: 100, fromMs: nowMs, toMs: nowMs + lengthMs, ranMs: 0 };
}

/** The same exposure with the open wave's grant cut short at the instant, and with the hold-back's. */
export function cutShort<Kind extends Exposed>(exposed: Kind, nowMs: number): Kind {
  const { released } = exposed;
  const exposure = stopped(exposed, nowMs);
  return { ...exposed, exposure, ...(released && { released: cutGrant(released, evenly(released, nowMs), nowMs) }) };
}

function stopped(exposed: Exposed, nowMs: number): Exposure {
  const { exposure } = exposed;
  const ranMs = ranMsOf(exposed, nowMs);
  if (exposure.by === 'ramp') return { by: 'ramp', ranMs, runningSinceMs: undefined };
  const { grant } = exposure;
  if (grant === undefined || nowMs >= grant.toMs) return exposure;
  const percent = wavePercent(exposed, exposed.wave, nowMs);
  return {
    ...exposure,
    grant: { ...cutGrant(grant, percent, nowMs), ranMs: nowMs < grant.fromMs ? ranMs : grant.ranMs },
  };
}

/** What the exposure becomes when another wave opens: those before it stay where they are. */
export function openWave(exposed: Exposed, wave: number, nowMs: number): Exposure {
  const { exposure, plan } = exposed;
  if (exposure.by === 'ramp') return { by: 'ramp', ranMs: 0, runningSinceMs: nowMs };
  const closed = plan.waves.slice(0, Math.max(0, wave - 1)).map((_, index) => wavePercent(exposed, index + 1, nowMs));
  return { by: 'grants', closed, grant: undefined, notBeforeMs: nowMs };
}

/** What the exposure becomes when the last wave is closed. */
export function closeLastWave(exposed: Exposed, nowMs: number): Exposure {
  const { exposure, plan } = exposed;
  if (exposure.by === 'ramp')
    return { by: 'grants', closed: plan.waves.map(({ ramp }) => ramp.toPercent), grant: undefined, notBeforeMs: nowMs };
  return openWave(exposed, plan.waves.length + 1, nowMs);
}

/** The exposure with one more grant for the open wave; it ends the time in which the ramp ran by itself. */
export function withGrant({ exposure, plan, wave }: Exposed, grant: Grant): Exposure {
  if (exposure.by === 'grants') return { ...exposure, grant };
  const closed = plan.waves.slice(0, wave - 1).map(({ ramp }) => ramp.toPercent);
  return { by: 'grants', closed, grant, notBeforeMs: grant.fromMs };
}

/** What has run of the open wave under another plan: at the same percentage of its ramp, or as far into its bake. */
export function underPlan(exposed: Exposed, plan: Plan, nowMs: number): Exposure {
  const { exposure } = cutShort(exposed, nowMs);
  const [before, after] = [waveOf(exposed), plan.waves[exposed.wave - 1]];
  if (exposure.by === 'ramp' || exposure.grant === undefined || before === undefined || after === undefined)
    return exposure;
  const reached = wavePercent(exposed, exposed.wave, nowMs);
  const bakedMs = Math.max(0, ranMsOf(exposed, nowMs) - durationsOf(before).rampMs);
  const { rampMs } = durationsOf(after);
  const isRampOver = reached >= after.ramp.toPercent;
  const ranMs = isRampOver ? rampMs + bakedMs : Math.min(rampMs, Math.ceil(msUntilPercent(after.ramp, reached)));
  const paced = reached < rampPercent(after.ramp, ranMs) && { paced: true as const };
  const grant = { fromPercent: reached, toPercent: reached, fromMs: nowMs, toMs: nowMs, ranMs, ...paced };
  return { ...exposure, grant, notBeforeMs: nowMs };
}

function waveOf({ plan, wave }: Exposed): Wave | undefined {
  return plan.waves[wave - 1];
}

/** The running time after which the ramp is at a percentage, in whole milliseconds; what it ends with takes all of it. */
function msUntil({ ramp }: Wave, percent: number): number {
  return percent >= ramp.toPercent ? Infinity : Math.floor(msUntilPercent(ramp, percent));
}

/** A grant that the pace cut short has not begun what it is for. */
function beginsWith(grant: Grant | undefined): number {
  return grant === undefined || grant.paced === true ? Infinity : grant.fromMs;
}

function isDue({ fromMs, toMs }: Grant, nowMs: number): boolean {
  return toMs - nowMs <= (toMs - fromMs) * RENEWAL_PART;
}

function beginningOf(
  notBeforeMs: number,
  last: Grant | undefined,
  { nowMs, passMs }: { readonly nowMs: number; readonly passMs: number },
): number {
  const isLate = last === undefined || nowMs - last.toMs > Math.max(LATE_MS, passMs);
  return Math.max(notBeforeMs, isLate ? nowMs : last.toMs);
}

function grantPercent(grant: Grant, ramp: Ramp, nowMs: number): number {
  if (nowMs >= grant.fromMs) return evenly(grant, nowMs);
  // The grant before this one runs still, on the same ramp.
  return Math.min(grant.fromPercent, rampPercent(ramp, Math.max(0, grant.ranMs + nowMs - grant.fromMs)));
}
