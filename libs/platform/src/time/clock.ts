import { Clock, type ClockKind, type ClockSoundness, type TickListener } from '@sluice/event-sourcing';

const WALL_TICK_MS = 1000;
const ACCELERATED_TICK_MS = 100;

/** What a wall clock is made of: the machine's time, and a clock that only ever runs forward; both in milliseconds. */
export interface TimeSources {
  wallMs(): number;
  monotonicMs(): number;
}

const machine: TimeSources = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

/** A difference up to this, in any minute, is drift or a small step of NTP, and is followed. */
const FOLLOWED_MS_MAX = 5_000;
/** A larger one is followed once it was seen for this long, and only where it is plausible. */
const HELD_MS_MIN = 60_000;
/** After a jump: suspend, or NTP at boot. */
const HELD_DIFFERENCE_MS_MAX = 3_600_000;
/** At a start, from the store's last record on: machines stand still for weekends and holidays. */
const AFTER_STORE_MS_MAX = 30 * 24 * 3_600_000;
const COMPARED_EVERY_MS = 1_000;
/** A clock that nobody looked at for longer than that may have been anything in between. */
const UNSEEN_MS_MAX = 5_000;

/** A pair of times that were read together. */
interface Anchor {
  readonly domainMs: number;
  readonly monotonicMs: number;
}

interface Suspicion {
  /** Whether the wall was in doubt from the start, next to the store's last record, or has jumped since. */
  readonly since: 'start' | 'jump';
  readonly differenceMs: number;
  /** From when on the difference was looked at and stayed the same, by the monotonic clock. */
  readonly seenFromMs: number;
}

/**
 * The machine's time as an anchor and the monotonic clock, compared with the wall every second (design §3). No jump of the
 * wall enters it: beyond 5 s the clock is unsound and goes on from its anchor.
 */
export class WallClock extends Clock {
  override readonly kind = 'wall';
  private anchor: Anchor;
  /** The anchor of up to a minute ago: many small steps are one large one. */
  private steady: Anchor;
  /** By how much domain time goes on ahead of a wall that was accepted though it lies far behind. */
  private aheadMs = 0;
  private comparedAtMs: number;
  private suspicion: Suspicion | undefined;
  private last = 0;

  constructor(private readonly sources: TimeSources = machine) {
    super();
    this.anchor = this.steady = { domainMs: sources.wallMs(), monotonicMs: sources.monotonicMs() };
    this.comparedAtMs = this.anchor.monotonicMs;
  }

  /** To be called once, with the time of the store's last record: a wall that is far from it is not believed. */
  startAfter(lastRecordMs: number): void {
    this.last = lastRecordMs;
    const differenceMs = this.sources.wallMs() - lastRecordMs;
    if (isPlausibleAfterStore(differenceMs)) return;
    const monotonicMs = this.sources.monotonicMs();
    this.anchor = this.steady = { domainMs: lastRecordMs, monotonicMs };
    this.suspicion = { since: 'start', differenceMs, seenFromMs: monotonicMs };
  }

  override now(): number {
    const monotonicMs = this.sources.monotonicMs();
    if (monotonicMs - this.comparedAtMs >= COMPARED_EVERY_MS) this.compare(monotonicMs);
    return (this.last = Math.max(this.last, at(this.anchor, monotonicMs)));
  }

  override soundness(): ClockSoundness {
    const nowMs = this.now();
    const wallMs = this.sources.wallMs();
    if (this.suspicion === undefined) return { sound: true, aheadMs: Math.max(0, nowMs - wallMs) };
    const differenceMs = this.differenceMs(this.sources.monotonicMs());
    const because = this.suspicion.since === 'jump' ? 'jumped' : differenceMs < 0 ? 'before-store' : 'long-after-store';
    return { sound: false, because, wallMs, differenceMs };
  }

  /**
   * Believes the wall from now on. False when its difference is no longer what was shown. Domain time waits for a wall that
   * is up to an hour behind, and goes on beside one that is further behind, as long as the process lives.
   */
  accept(differenceMs: number): boolean {
    const monotonicMs = this.sources.monotonicMs();
    const presentMs = this.differenceMs(monotonicMs);
    if (Math.abs(presentMs - differenceMs) > FOLLOWED_MS_MAX) return false;
    this.aheadMs = presentMs <= -HELD_DIFFERENCE_MS_MAX ? -presentMs : 0;
    this.follow(monotonicMs);
    return true;
  }

  override onTick(listener: TickListener): () => void {
    return repeat(WALL_TICK_MS, () => listener(this.now()));
  }

  private compare(monotonicMs: number): void {
    const unseenMs = monotonicMs - this.comparedAtMs;
    this.comparedAtMs = monotonicMs;
    if (Math.abs(this.differenceMs(monotonicMs)) <= FOLLOWED_MS_MAX) this.aheadMs = 0;
    const differenceMs = this.differenceMs(monotonicMs) + this.aheadMs;
    if (Math.abs(differenceMs) <= FOLLOWED_MS_MAX) return this.follow(monotonicMs);
    this.anchor = this.steady;
    const { suspicion } = this;
    const isSame =
      suspicion !== undefined &&
      unseenMs <= UNSEEN_MS_MAX &&
      Math.abs(suspicion.differenceMs - differenceMs) <= FOLLOWED_MS_MAX;
    if (!isSame) {
      this.suspicion = { since: suspicion?.since ?? 'jump', differenceMs, seenFromMs: monotonicMs };
      return;
    }
    if (monotonicMs - suspicion.seenFromMs < HELD_MS_MIN) return;
    const isPlausible =
      suspicion.since === 'start'
        ? isPlausibleAfterStore(differenceMs)
        : Math.abs(differenceMs) < HELD_DIFFERENCE_MS_MAX;
    if (isPlausible) this.follow(monotonicMs);
  }

  private follow(monotonicMs: number): void {
    this.anchor = { domainMs: this.sources.wallMs() + this.aheadMs, monotonicMs };
    if (this.suspicion !== undefined || monotonicMs - this.steady.monotonicMs >= HELD_MS_MIN) this.steady = this.anchor;
    this.suspicion = undefined;
  }

  /** By how much the wall lies after the time that the steady anchor has come to. */
  private differenceMs(monotonicMs: number): number {
    return this.sources.wallMs() - at(this.steady, monotonicMs);
  }
}

function at({ domainMs, monotonicMs }: Anchor, nowMs: number): number {
  return Math.floor(domainMs + nowMs - monotonicMs);
}

function isPlausibleAfterStore(differenceMs: number): boolean {
  return differenceMs >= -FOLLOWED_MS_MAX && differenceMs <= AFTER_STORE_MS_MAX;
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
  private readonly listeners = new Set<TickListener>();

  /** `kind`: as which clock it writes a store, where that is to go on with another one. */
  constructor(
    private current: number,
    override readonly kind: ClockKind = 'manual',
  ) {
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
