/** An instance of the service that owns shards, and where it answers. */
export interface ShardOwner {
  readonly instance: string;
  /** As an http address without a slash at its end. */
  readonly address: string;
}

/** An owner as an instance sees it. */
export interface KnownOwner extends ShardOwner {
  readonly isSelf: boolean;
}

/** What the service hands in: how it takes over a shard, and how it gives one up. */
export interface ShardKeeper {
  /**
   * Take over a shard: resolves when its state is what its stream says. Rejects if it could not; it is then asked again.
   * How many are taken over at once is the keeper's choice; one that had to wait rejects when it is no longer wanted.
   */
  gain(shard: number, isWanted: () => boolean): Promise<void>;
  /** Give a shard up: no new facts; resolves when what was accepted is durable or refused. Does not reject. */
  lose(shard: number): Promise<void>;
}

/**
 * The port that says which instance of a service owns which shard. Ownership is a hint that keeps two instances out of
 * each other's way; what keeps them from both writing is the expected revision of an append.
 */
export abstract class ShardOwnership {
  /** Begins to take part; `keeper` is told of gains and losses one at a time per shard, for the rest of the life. */
  abstract start(shards: number, keeper: ShardKeeper): Promise<void>;
  /** This instance gives the shard back because another one wrote to it (fence): lose, then gain again if it is still ours. */
  abstract release(shard: number): void;
  /**
   * Who owns a shard as far as known; undefined: nobody. While `gain` runs, it still names the former owner where that one
   * is known: a snapshot is asked of it.
   */
  abstract ownerOf(shard: number): KnownOwner | undefined;
  /** Why this instance is not ready, undefined when it is (it has its assignment and has taken over what it owns). */
  abstract notReady(): string | undefined;
  /** Takes part no more; shards that others can take over are given up first. */
  abstract stop(): Promise<void>;
}

/** A shard that could not be taken over is tried again after this time, for as long as the process lives. */
const GAIN_AGAIN_AFTER_MS = 1000;

/** One process is enough: this instance owns all shards, and nobody else is asked. */
export class SoleOwnership extends ShardOwnership {
  private readonly self: KnownOwner = { instance: 'sole', address: '', isSelf: true };
  private readonly regaining = new Map<number, Promise<void>>();
  private shards = 0;
  private keeper: ShardKeeper | undefined;

  /** `pause` resolves after some milliseconds. */
  constructor(private readonly pause: (ms: number) => Promise<unknown>) {
    super();
  }

  /** Resolves when all shards are taken over; rejects when one could not be, for nobody else could take it. */
  override async start(shards: number, keeper: ShardKeeper): Promise<void> {
    this.shards = shards;
    this.keeper = keeper;
    // One after the other: all at once would take no less time, and more memory.
    for (let shard = 0; shard < shards; shard += 1) await keeper.gain(shard, () => true);
  }

  override release(shard: number): void {
    if (this.keeper === undefined || this.regaining.has(shard)) return;
    const done = this.regain(shard, this.keeper).finally(() => this.regaining.delete(shard));
    this.regaining.set(shard, done);
  }

  override ownerOf(shard: number): KnownOwner | undefined {
    return shard >= 0 && shard < this.shards ? this.self : undefined;
  }

  override notReady(): string | undefined {
    const [shard] = this.regaining.keys();
    return shard === undefined ? undefined : `shard ${String(shard)} is being taken over again`;
  }

  /** The shards stay taken over: nobody waits for them, and requests that are under way are still answered. */
  override async stop(): Promise<void> {
    this.keeper = undefined;
    await Promise.all(this.regaining.values());
  }

  private async regain(shard: number, keeper: ShardKeeper): Promise<void> {
    await keeper.lose(shard);
    while (this.keeper !== undefined) {
      try {
        await keeper.gain(shard, () => true);
        return;
      } catch {
        await this.pause(GAIN_AGAIN_AFTER_MS);
      }
    }
  }
}
