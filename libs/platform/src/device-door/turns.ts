/** How long requests of devices may keep a turn of the event loop from everything else (ms). A pull takes about ten turns. */
const TURN_MS = 4;
/** As many requests may wait, and as many refusals; each holds some kilobytes beside its body. */
const WAITING_MAX = 10_000;
/** A process that stood still for want of a processor has late requests, but is not overloaded: then they waited for few turns. */
const LATE_TURNS_MIN = 10;
/** What those who are turned away get of a turn. */
const REFUSALS_SHARE = 0.5;

/** A request of a device whose body is there, and that waits to be answered. */
export interface Waiting {
  /** When it came, by the clock of the turns (ms). */
  readonly cameAtMs: number;
  work(): void;
}

/**
 * Gives device requests a bounded part of each turn of the event loop. The rest waits for the next turn, so that a pull, which
 * does not wait here, is reached after a few milliseconds however many devices ask.
 */
export class Turns {
  private waiting: { readonly request: Waiting; readonly cameInTurn: number }[] = [];
  private first = 0;
  private refusals: (() => void)[] = [];
  private turn = 0;
  /** When the present turn began; undefined when no device was answered in it yet. */
  private beganAtMs: number | undefined;

  constructor(
    private readonly nowMs: () => number,
    private readonly atNextTurn: (call: () => void) => void = setImmediate,
  ) {}

  /**
   * For how long the oldest waiting request has been here (ms): 0 after a few turns only, Infinity when no more may wait.
   * This is how overload is noticed.
   */
  delayMs(nowMs: number): number {
    if (this.waiting.length - this.first >= WAITING_MAX) return Infinity;
    const next = this.waiting[this.first];
    if (next === undefined || this.turn - next.cameInTurn < LATE_TURNS_MIN) return 0;
    return nowMs - next.request.cameAtMs;
  }

  /** Whether requests wait for a next turn. */
  get isBehind(): boolean {
    return this.waiting.length > this.first || this.refusals.length > 0;
  }

  /** Answers in this turn when there is room and no request waits, else after the waiting ones. */
  add(request: Waiting): void {
    if (this.first === this.waiting.length && this.hasRoom()) request.work();
    else this.waiting.push({ request, cameInTurn: this.turn });
  }

  /**
   * To turn a request away takes nearly as long as to answer it, so that waits for its turn, too, but not behind those that
   * are answered. False when too many wait even for that: then nothing is left but to close the connection.
   */
  refuse(refusal: () => void): boolean {
    if (this.refusals.length >= WAITING_MAX) return false;
    if (this.refusals.length === 0 && this.hasRoom()) refusal();
    else this.refusals.push(refusal);
    return true;
  }

  private hasRoom(share = 1): boolean {
    const nowMs = this.nowMs();
    if (this.beganAtMs === undefined) {
      this.beganAtMs = nowMs;
      this.atNextTurn(this.begin);
    }
    return nowMs - this.beganAtMs < TURN_MS * share;
  }

  private readonly begin = (): void => {
    this.beganAtMs = undefined;
    this.turn += 1;
    let refused = 0;
    while (refused < this.refusals.length && this.hasRoom(REFUSALS_SHARE)) {
      this.refusals[refused]?.();
      refused += 1;
    }
    if (refused > 0) this.refusals = this.refusals.slice(refused);
    while (this.first < this.waiting.length && this.hasRoom()) {
      const next = this.waiting[this.first];
      this.first += 1;
      next?.request.work();
    }
    if (this.first === this.waiting.length) this.waiting = [];
    else this.waiting = this.waiting.slice(this.first);
    this.first = 0;
  };
}
