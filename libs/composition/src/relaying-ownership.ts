import { type KnownOwner, type ShardKeeper, ShardOwnership } from '@sluice/event-feed';

/** What publishes the facts of a shard. */
export interface ShardRelays {
  start(shard: number): void;
  stop(shard: number): Promise<void>;
}

/** Ownership of shards, and with it of their relays: only the owner knows the names of all devices of a shard. */
export class RelayingOwnership extends ShardOwnership {
  constructor(
    private readonly shares: ShardOwnership,
    private readonly relays: ShardRelays,
  ) {
    super();
  }

  override start(shards: number, keeper: ShardKeeper): Promise<void> {
    return this.shares.start(shards, {
      gain: async (shard, isWanted) => {
        await keeper.gain(shard, isWanted);
        this.relays.start(shard);
      },
      // At the same time, and the relay first: it reads nothing more, and a broker that hangs must not keep the shard open.
      lose: async (shard) => {
        await Promise.all([this.relays.stop(shard), keeper.lose(shard)]);
      },
    });
  }

  override release(shard: number): void {
    this.shares.release(shard);
  }

  override ownerOf(shard: number): KnownOwner | undefined {
    return this.shares.ownerOf(shard);
  }

  override notReady(): string | undefined {
    return this.shares.notReady();
  }

  override stop(): Promise<void> {
    return this.shares.stop();
  }
}
