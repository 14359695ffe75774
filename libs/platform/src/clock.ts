import { Clock, type ClockSoundness, type TickListener } from '@sluice/event-sourcing';

const WALL_TICK_MS = 1000;
const ACCELERATED_TICK_MS = 100;

/** What a wall clock is made of: the machine's time, and a clock that only ever runs forward; both in milliseconds. */
export interface TimeSources {
  wallMs(): number;
  monotonicMs(): number;
}

const machine: TimeSources = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

/** A difference up to this is drift or a small step of NTP, and is followed. */
const FOLLOWED_MS_MAX = 5_000;
/** A larger one is followed once it has held for this long, and only below the last limit (suspend, NTP at boot). */
const HELD_MS_MIN = 60_000;
const HELD_DIFFERENCE_MS_MAX = 3_600_000;
const COMPARED_EVERY_MS = 1_000;
/** So much later than the last record of its store, a start is suspicious. */
const AFTER_STORE_MS_MAX = 30 * 24 * 3_600_000;

interface Suspicion {
  readonly because: 'jumped' | 'before-store' | 'long-after-store';
  readonly differenceMs: number;
  /** When the difference was first seen, by the monotonic clock. */
  readonly sinceMs: number;
}

/**
 * The machine's time as an anchor and the monotonic clock, compared with the wall every second (design §3). No jump of the
 * wall enters it: beyond 5 s the clock is unsound and goes on from its anchor.
 */
export class WallClock extends Clock {
  override readonly kind = 'wall';
  private anchor: { readonly domainMs: number; readonly monotonicMs: number };
  private comparedAtMs: number;
  private suspicion: Suspicion | undefined;
  private last = 0;

  constructor(private readonly sources: TimeSources = machine) {
    super();
    this.anchor = { domainMs: sources.wallMs(), monotonicMs: sources.monotonicMs() };
    this.comparedAtMs = this.anchor.monotonicMs;
  }

  /** To be called once, with the time of the store's last record: a wall that is far from it is not believed. */
  startAfter(lastRecordMs: number): void {
    const differenceMs = this.sources.wallMs() - lastRecordMs;
    const because =
      differenceMs < -FOLLOWED_MS_MAX
        ? 'before-store'
        : differenceMs > AFTER_STORE_MS_MAX
          ? 'long-after-store'
          : undefined;
    if (because === undefined) return;
    const monotonicMs = this.sources.monotonicMs();
    this.anchor = { domainMs: lastRecordMs, monotonicMs };
    this.last = lastRecordMs;
    this.suspicion = { because, differenceMs, sinceMs: monotonicMs };
  }

  override now(): number {
    const monotonicMs = this.sources.monotonicMs();
    if (monotonicMs - this.comparedAtMs >= COMPARED_EVERY_MS) this.compare(monotonicMs);
    return (this.last = Math.max(this.last, this.expectedMs(monotonicMs)));
  }

  override soundness(): ClockSoundness {
    this.now();
    if (this.suspicion === undefined) return { sound: true };
    const wallMs = this.sources.wallMs();
    const differenceMs = wallMs - this.expectedMs(this.sources.monotonicMs());
    return { sound: false, because: this.suspicion.because, wallMs, differenceMs };
  }

  /** Believes the wall from now on. False when its difference is no longer what was shown. */
  accept(differenceMs: number): boolean {
    const monotonicMs = this.sources.monotonicMs();
    const present = this.sources.wallMs() - this.expectedMs(monotonicMs);
    if (Math.abs(present - differenceMs) > FOLLOWED_MS_MAX) return false;
    this.follow(monotonicMs);
    return true;
  }

  override onTick(listener: TickListener): () => void {
    return repeat(WALL_TICK_MS, () => listener(this.now()));
  }

  private compare(monotonicMs: number): void {
    this.comparedAtMs = monotonicMs;
    const differenceMs = this.sources.wallMs() - this.expectedMs(monotonicMs);
    if (Math.abs(differenceMs) <= FOLLOWED_MS_MAX) return this.follow(monotonicMs);
    const { suspicion } = this;
    const isSame = suspicion !== undefined && Math.abs(suspicion.differenceMs - differenceMs) <= FOLLOWED_MS_MAX;
    if (!isSame) {
      this.suspicion = { because: suspicion?.because ?? 'jumped', differenceMs, sinceMs: monotonicMs };
      return;
    }
    const hasHeld = monotonicMs - suspicion.sinceMs >= HELD_MS_MIN;
    const mayFollow = suspicion.because === 'jumped' && Math.abs(differenceMs) < HELD_DIFFERENCE_MS_MAX;
    if (hasHeld && mayFollow) this.follow(monotonicMs);
  }

  private follow(monotonicMs: number): void {
    this.anchor = { domainMs: this.sources.wallMs(), monotonicMs };
    this.suspicion = undefined;
  }

  private expectedMs(monotonicMs: number): number {
    return Math.floor(this.anchor.domainMs + monotonicMs - this.anchor.monotonicMs);
  }
}

/** A clock that runs `factor` times as fast as the wall's, from `startMs` on. */
export class AcceleratedClock extends Clock {
  override readonly kind = 'accelerated';
  private readonly startedAt = performance.now();

  constructor(
    private readonly startMs: number,
    private readonly factor: number,
  ) {
    super();
  }

  override now(): number {
    return Math.floor(this.startMs + (performance.now() - this.startedAt) * this.factor);
  }

  override onTick(listener: TickListener): () => void {
    return repeat(ACCELERATED_TICK_MS, () => listener(this.now()));
  }
}

/** A clock that stands still until it is moved: for simulations and tests. */
export class ManualClock extends Clock {
  override readonly kind = 'manual';
  private readonly listeners = new Set<TickListener>();

  constructor(private current: number) {
    super();
  }

  override now(): number {
    return this.current;
  }

  override onTick(listener: TickListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Moves the clock and resolves when every listener is done with the new time, one after the other. */
  async advanceTo(ms: number): Promise<void> {
    if (ms < this.current) throw new RangeError('time does not go backwards');
    this.current = ms;
    for (const listener of this.listeners) await listener(ms);
  }
}

/** Calls again only when the call before has ended, so that a slow tick is not overtaken by the next. */
function repeat(everyMs: number, call: () => void | Promise<void>): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout;
  const schedule = () => {
    timer = setTimeout(() => {
      void (async () => {
        await call();
        if (!stopped) schedule();
      })();
    }, everyMs);
    timer.unref();
  };
  schedule();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
