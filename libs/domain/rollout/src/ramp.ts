import { MINUTE_MS, type Ramp } from './plan.ts';
import { type Rollout, type StartedRollout } from './rollout.ts';

/** The running time of the open wave, in milliseconds; it stands still while the rollout is paused or halted. */
export function ranMsOf(rollout: StartedRollout, nowMs: number): number {
  if (rollout.status !== 'running') return rollout.ranMs;
  return rollout.ranMs + Math.max(0, nowMs - rollout.runningSinceMs);
}

/** When ramp and bake of the open wave are over, if nothing stops the rollout until then; Infinity while it is stopped. */
export function waveOverAtMs(rollout: StartedRollout): number {
  const wave = rollout.plan.waves[rollout.wave - 1];
  if (rollout.status !== 'running' || wave === undefined) return Infinity;
  return rollout.runningSinceMs + (wave.ramp.minutes + wave.bakeMinutes) * MINUTE_MS - rollout.ranMs;
}

/** True when ramp and bake of the open wave are over and the rollout runs. */
export function isWaveOver(rollout: StartedRollout, nowMs: number): boolean {
  return nowMs >= waveOverAtMs(rollout);
}

/**
 * The share of buckets inside a ramp, in percent, after so much running time (design §3.3).
 * Grows and never shrinks with the running time, because a ramp does not go down.
 */
export function rampPercent({ fromPercent, toPercent, minutes }: Ramp, ranMs: number): number {
  const durationMs = minutes * MINUTE_MS;
  if (ranMs >= durationMs) return toPercent;
  return fromPercent + ((toPercent - fromPercent) * ranMs) / durationMs;
}

/** The share of buckets inside the ramp of one wave (counted from 1), in percent; a wave that was closed is at its end. */
export function wavePercent(rollout: Rollout, wave: number, nowMs: number): number {
  if (rollout.status === 'absent' || rollout.status === 'planned' || rollout.status === 'aborted') return 0;
  if (rollout.status === 'completed') return 100;
  const ramp = rollout.plan.waves[wave - 1]?.ramp;
  if (ramp === undefined || wave > rollout.wave) return 0;
  return wave < rollout.wave ? ramp.toPercent : rampPercent(ramp, ranMsOf(rollout, nowMs));
}

/**
 * How far the rollout has come, in percent of buckets: the widest of the waves opened so far, without the hold-back.
 * Rings do not count, for their members are in whatever their buckets.
 */
export function exposurePercent(rollout: Rollout, nowMs: number): number {
  if (rollout.status === 'absent') return 0;
  if (rollout.status === 'completed') return 100;
  const { waves, holdBackPercent } = rollout.plan;
  const percents = waves.map(({ ring }, index) => (ring === undefined ? wavePercent(rollout, index + 1, nowMs) : 0));
  return Math.min(100 - holdBackPercent, Math.max(0, ...percents));
}

/** The running time after which a bucket in [0, 1) is inside the ramp; Infinity when it never is. */
export function msUntilInside({ fromPercent, toPercent, minutes }: Ramp, bucket: number): number {
  const percent = bucket * 100;
  if (percent < fromPercent) return 0;
  if (percent >= toPercent) return Infinity;
  return ((percent - fromPercent) / (toPercent - fromPercent)) * minutes * MINUTE_MS;
}
