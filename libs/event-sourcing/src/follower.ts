import { BEGINNING, comparePositions, type Position } from './event-store.ts';

/** A subscription's message as a follower needs it: something to apply, or the news that all so far was seen. */
export type Followed<Item> =
  | { readonly kind: 'item'; readonly item: Item; readonly position: Position }
  | { readonly kind: 'caught-up'; readonly position: Position };

/**
 * Applies one subscription to one read model (or process manager), item by item, and tells how far it got.
 * An apply that throws stops the follower: a read model with a hole must not go on answering.
 */
export class Follower<Item> {
  private applied: Position = BEGINNING;
  private failure: unknown;
  private waiting: { position: Position; resolve: () => void; fail: (reason: unknown) => void }[] = [];
  private running: Promise<void> | undefined;
  private hasCaughtUp = false;
  private readonly abort = new AbortController();

  constructor(
    readonly name: string,
    private readonly subscribe: (after: Position, signal: AbortSignal) => AsyncIterable<Followed<Item>>,
    private readonly apply: (item: Item, signal: AbortSignal) => void | Promise<void>,
  ) {}

  get position(): Position {
    return this.applied;
  }

  /** True from the first time that everything there was had been applied. */
  get caughtUp(): boolean {
    return this.hasCaughtUp;
  }

  /** What stopped the follower, undefined while it runs. */
  get failedBecause(): unknown {
    return this.failure;
  }

  start(): void {
    this.running ??= this.run();
  }

  /**
   * Resolves when everything up to the position is applied; rejects with what stopped the follower. When the signal
   * aborts, it resolves too, and nobody waits any more.
   */
  reached(position: Position, signal?: AbortSignal): Promise<void> {
    if (this.failure !== undefined) return Promise.reject(asError(this.failure));
    if (this.hasCaughtUp && comparePositions(this.applied, position) >= 0) return Promise.resolve();
    return new Promise((resolve, fail) => {
      const waiter = { position, resolve, fail };
      this.waiting.push(waiter);
      signal?.addEventListener('abort', () => {
        this.waiting = this.waiting.filter((each) => each !== waiter);
        resolve();
      });
    });
  }

  /** Ends the follower. Who still waits for it is told so: a process manager that waits for a read model must end too. */
  async stop(): Promise<void> {
    this.abort.abort();
    await this.running;
    if (this.failure === undefined) this.fail(new Error(`the follower ${this.name} was stopped`));
  }

  private async run(): Promise<void> {
    try {
      for await (const message of this.subscribe(this.applied, this.abort.signal)) {
        if (message.kind === 'item') await this.apply(message.item, this.abort.signal);
        else this.hasCaughtUp = true;
        this.advance(message.position);
      }
      // A subscription ends only when it is told to. If not, waiting for it would never end.
      if (!this.abort.signal.aborted) this.fail(new Error(`the subscription of the follower ${this.name} has ended`));
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(reason: unknown): void {
    this.failure = reason;
    for (const waiter of this.waiting.splice(0)) waiter.fail(reason);
  }

  private advance(position: Position): void {
    if (comparePositions(position, this.applied) > 0) this.applied = position;
    if (!this.hasCaughtUp || this.waiting.length === 0) return;
    const [done, rest] = [this.waiting, [] as typeof this.waiting];
    this.waiting = rest;
    for (const waiter of done) {
      if (comparePositions(this.applied, waiter.position) >= 0) waiter.resolve();
      else rest.push(waiter);
    }
  }
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
