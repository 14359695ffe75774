import { type Timers } from '../timers.ts';

/** A body comes whole within this time after its head, or not at all (design §4). */
const BODY_WITHIN_MS = 10_000;

/** A request whose body is on its way. */
export interface Coming {
  readonly cameAtMs: number;
  /** Its time is over. */
  expire(): void;
}

/** The bodies that are on their way, the oldest first. One timer serves all, because each is given the same time. */
export class BodyDeadlines {
  private readonly coming = new Set<Coming>();
  private isArmed = false;

  constructor(private readonly timers: Timers) {}

  add(request: Coming): void {
    this.coming.add(request);
    if (!this.isArmed) this.arm(BODY_WITHIN_MS);
  }

  remove(request: Coming): void {
    this.coming.delete(request);
  }

  private arm(ms: number): void {
    this.isArmed = true;
    this.timers.after(ms, this.sweep);
  }

  private readonly sweep = (): void => {
    this.isArmed = false;
    const nowMs = this.timers.monotonicMs();
    for (const request of this.coming) {
      const leftMs = request.cameAtMs + BODY_WITHIN_MS - nowMs;
      if (leftMs > 0) {
        this.arm(leftMs);
        return;
      }
      this.coming.delete(request);
      request.expire();
    }
  };
}
