import { type FleetShard } from '@sluice/domain-fleet';

/**
 * The ids of devices by their keys, for commits that hold the key only. A key is a hash of the id, so that the answer is
 * the same whichever fleet of the process gives it; publications are made before there is a fleet, and find it here.
 */
export class DeviceNames {
  private readonly shards = new Set<FleetShard>();

  add(shard: FleetShard): void {
    this.shards.add(shard);
  }

  remove(shard: FleetShard): void {
    this.shards.delete(shard);
  }

  nameOf(key: Uint32Array): string | undefined {
    for (const shard of this.shards) {
      const name = shard.idOf(key);
      if (name !== undefined) return name;
    }
    return undefined;
  }
}

/** Those of this process. */
export const deviceNames = new DeviceNames();
