import { BODY_WITHIN_MS } from '../http/bodies.ts';
import { type Timers } from '../time/timers.ts';

/** A request whose body is on its way. */
export interface Coming {
  /** Its time is over. */
  expire(): void;
}

/** The bodies on their way, in the order of their deadlines. One timer is enough, because each has the same time. */
export class BodyDeadlines {
  private readonly dueMs = new Map<Coming, number>();
  private isArmed = false;

  constructor(private readonly timers: Timers) {}

  add(request: Coming, nowMs: number): void {
    this.dueMs.set(request, nowMs + BODY_WITHIN_MS);
    if (!this.isArmed) this.arm(BODY_WITHIN_MS);
  }

  remove(request: Coming): void {
    this.dueMs.delete(request);
  }

  private arm(ms: number): void {
    this.isArmed = true;
    this.timers.after(ms, this.sweep);
  }

  private readonly sweep = (): void => {
    this.isArmed = false;
    const nowMs = this.timers.monotonicMs();
    for (const [request, dueMs] of this.dueMs) {
      if (dueMs > nowMs) {
        this.arm(dueMs - nowMs);
        return;
      }
      this.dueMs.delete(request);
      request.expire();
    }
  };
}
