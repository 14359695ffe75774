/** Which kind of time a store was written with. A store refuses to go on with another kind. */
export type ClockKind = 'wall' | 'accelerated' | 'manual';

/** Whether domain time can be trusted. An unsound clock grants nothing, starts nothing, and lets no hold expire. */
export type ClockSoundness =
  /** `aheadMs`: by how much domain time is ahead of a wall that was set back, and is believed. */
  | { readonly sound: true; readonly aheadMs: number }
  | {
      readonly sound: false;
      readonly because: 'jumped' | 'before-store' | 'long-after-store';
      readonly wallMs: number;
      readonly differenceMs: number;
    };

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

  /** Clocks that follow no wall are always sound. */
  soundness(): ClockSoundness {
    return { sound: true, aheadMs: 0 };
  }

  /** The present as an RFC 3339 string in UTC, as events carry it. */
  nowText(): string {
    return toTimeText(this.now());
  }
}

/** Milliseconds since 1970 as an RFC 3339 string in UTC. */
export function toTimeText(ms: number): string {
  return new Date(ms).toISOString();
}
