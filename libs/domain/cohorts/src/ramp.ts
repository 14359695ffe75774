export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;

/** Exposure grows from one percentage to the other, evenly over so many minutes of running time. */
export interface Ramp {
  readonly fromPercent: number;
  readonly toPercent: number;
  readonly minutes: number;
}

/**
 * The share of buckets inside a ramp, in percent, after so much running time (design §3.3).
 * Grows and never shrinks with the running time, because a ramp does not go down.
 */
export function rampPercent({ fromPercent, toPercent, minutes }: Ramp, ranMs: number): number {
  const durationMs = Math.round(minutes * MINUTE_MS);
  if (ranMs >= durationMs) return toPercent;
  return fromPercent + ((toPercent - fromPercent) * ranMs) / durationMs;
}

/** The running time after which the ramp is at a percentage: 0 at or below its beginning, Infinity beyond its end. */
export function msUntilPercent({ fromPercent, toPercent, minutes }: Ramp, percent: number): number {
  if (percent <= fromPercent) return 0;
  if (percent > toPercent) return Infinity;
  return ((percent - fromPercent) / (toPercent - fromPercent)) * minutes * MINUTE_MS;
}

/** The running time after which a bucket in [0, 1) is inside the ramp; Infinity when it never is. */
export function msUntilInside(ramp: Ramp, bucket: number): number {
  const percent = bucket * 100;
  return percent < ramp.fromPercent ? 0 : percent >= ramp.toPercent ? Infinity : msUntilPercent(ramp, percent);
}

/** How long the ramp takes, and how long ramp and bake take together, in milliseconds of running time. */
export function durationsOf({ ramp, bakeMinutes }: { readonly ramp: Ramp; readonly bakeMinutes: number }): {
  readonly rampMs: number;
  readonly endMs: number;
} {
  const rampMs = Math.round(ramp.minutes * MINUTE_MS);
  return { rampMs, endMs: rampMs + Math.round(bakeMinutes * MINUTE_MS) };
}
