/**
 * A recorded permission to widen: the bucket share goes evenly from one percentage to the other between two instants
 * (milliseconds since 1970). `ranMs` is the running time of its wave when it begins. `paced`: the pace kept it from what its
 * ramp begins with, and its time is no running time.
 */
export interface Grant {
  readonly fromPercent: number;
  readonly toPercent: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly ranMs: number;
  readonly paced?: true;
}

/** The percentage that a grant has reached at an instant: its ends before and after it. */
export function evenly({ fromPercent, toPercent, fromMs, toMs }: Grant, nowMs: number): number {
  if (nowMs >= toMs) return toPercent;
  if (nowMs <= fromMs) return fromPercent;
  return fromPercent + ((toPercent - fromPercent) * (nowMs - fromMs)) / (toMs - fromMs);
}

/** What is left of a grant that is cut at an instant, with what was reached then (percent). */
export function cutGrant(grant: Grant, reached: number, nowMs: number): Grant {
  if (nowMs >= grant.toMs) return grant;
  const fromMs = Math.min(grant.fromMs, nowMs);
  return { ...grant, fromPercent: Math.min(grant.fromPercent, reached), toPercent: reached, fromMs, toMs: nowMs };
}
