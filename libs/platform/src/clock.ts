import { Clock, type TickListener } from '@sluice/event-sourcing';

const WALL_TICK_MS = 1000;
const ACCELERATED_TICK_MS = 100;

/** The machine's time, kept from going backwards when the machine's clock is set. */
export class WallClock extends Clock {
  override readonly kind = 'wall';
  private last = 0;

  override now(): number {
    return (this.last = Math.max(this.last, Date.now()));
  }

  override onTick(listener: TickListener): () => void {
    return repeat(WALL_TICK_MS, () => listener(this.now()));
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
