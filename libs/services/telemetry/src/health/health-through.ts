import { Injectable } from '@nestjs/common';
import { type AnnouncedHealth } from '@sluice/domain-fleet';
import { OwnSigns, type ShardThrough } from '@sluice/event-feed';
import { FleetCreation } from '../fleet/fleet-creation.ts';
import { type ShardWriter } from '../shard/shard-writer.ts';

/** Says up to when the health of each shard is counted, where it is owned here (design §3.4). */
@Injectable()
export class HealthThrough {
  constructor(
    private readonly signs: OwnSigns,
    private readonly creation: FleetCreation,
  ) {}

  /** Up to when the buckets of a shard have counted, as the store has them: a shard without a bucket, up to its creation. */
  startOf({ buckets, to }: AnnouncedHealth): number {
    return buckets === 0 ? this.creation.createdMs : to;
  }

  /** After a start or a take-over the stored buckets say it. */
  opened(shard: number, shards: number, announced: AnnouncedHealth): void {
    this.signs.setThrough([throughOf(shard, shards, announced, this.startOf(announced))]);
  }

  /** In one call, so that a consumer does not wait for the shard whose sign leaves last. */
  counted(through: readonly ShardThrough[]): void {
    this.signs.setThrough(through);
  }
}

export function throughOf(
  shard: number,
  shards: number,
  { buckets }: AnnouncedHealth,
  throughMs: number,
): ShardThrough {
  return { shard, shards, throughMs, revision: buckets - 1 };
}

/** The end of the count that `toMs` closes: facts that wait for the disk were received before it, and are not in it. */
export function endOfCount({ oldestWaitingMs }: ShardWriter, toMs: number): number {
  return Math.min(toMs, oldestWaitingMs ?? toMs);
}
