/** Time at the wall's pace, for timeouts and for trying again. Domain time is `Clock`, and never in here. */
export abstract class Timers {
  /** Milliseconds since some instant; they only ever grow. */
  abstract monotonicMs(): number;
  /** Calls once, after the time. Returns how to call it off. */
  abstract after(ms: number, call: () => void): () => void;
}

export class WallTimers extends Timers {
  override monotonicMs(): number {
    return performance.now();
  }

  /** A timer keeps no process alive. */
  override after(ms: number, call: () => void): () => void {
    const timer = setTimeout(call, ms).unref();
    return () => clearTimeout(timer);
  }
}

/** Time that passes when a test says so. */
export class ManualTimers extends Timers {
  private nowMs = 0;
  private waiting: { readonly dueMs: number; readonly call: () => void }[] = [];

  override monotonicMs(): number {
    return this.nowMs;
  }

  override after(ms: number, call: () => void): () => void {
    const timer = { dueMs: this.nowMs + ms, call };
    this.waiting.push(timer);
    return () => {
      this.waiting = this.waiting.filter((each) => each !== timer);
    };
  }

  /** Calls what is due, in order. What the calls begin goes on in later turns. */
  advance(ms: number): void {
    const untilMs = this.nowMs + ms;
    for (;;) {
      const [next] = this.waiting.filter(({ dueMs }) => dueMs <= untilMs).sort((one, other) => one.dueMs - other.dueMs);
      if (next === undefined) break;
      this.waiting = this.waiting.filter((each) => each !== next);
      this.nowMs = next.dueMs;
      next.call();
    }
    this.nowMs = untilMs;
  }
}
