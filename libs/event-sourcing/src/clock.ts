/** Which kind of time a store was written with. A store refuses to go on with another kind. */
export type ClockKind = 'wall' | 'accelerated' | 'manual';

export type TickListener = (nowMs: number) => void | Promise<void>;

/**
 * Domain time: ramps, leases, bakes and `at` follow it. Timeouts and disk follow the wall's time instead.
 * Milliseconds since 1970-01-01T00:00:00Z, never going backwards.
 */
export abstract class Clock {
  abstract readonly kind: ClockKind;
  abstract now(): number;
  /** Calls the listener as time passes, one call at a time. Returns how to stop. */
  abstract onTick(listener: TickListener): () => void;

  /** The present as an RFC 3339 string in UTC, as events carry it. */
  nowText(): string {
    return toTimeText(this.now());
  }
}

/** Milliseconds since 1970 as an RFC 3339 string in UTC. */
export function toTimeText(ms: number): string {
  return new Date(ms).toISOString();
}
