import { type Platform } from './gate.ts';

/** The part of telemetry's HealthBucketClosed that rollouts are steered by; times are RFC 3339 in UTC. */
export interface HealthBucketClosed {
  readonly type: 'HealthBucketClosed';
  readonly shard: number;
  readonly shards: number;
  readonly from: string;
  readonly to: string;
  readonly cells: readonly HealthCell[];
  readonly holders: readonly HolderCount[];
  readonly populations: readonly Population[];
}

/**
 * Install trials that began, that failed and that went well within the bucket. `pending` is absolute: failures without a
 * reported start at the end of the bucket; a line is there when it changed. Buckets of former versions have neither.
 */
export interface HealthCell {
  readonly patchId: string;
  readonly platform: Platform;
  readonly model: string;
  readonly base: string;
  readonly trials: number;
  readonly failures: number;
  readonly fine?: number;
  readonly pending?: number;
}

/** Holders of a patch in the shard at the end of the bucket; removals within it. */
export interface HolderCount {
  readonly patchId: string;
  readonly recallEpoch: number;
  readonly holders: number;
  readonly longOffline: number;
  readonly removed: number;
  readonly removalsFailed: number;
}

/** How many known devices of the shard look like this at the end of the bucket. */
export interface Population {
  readonly platform: Platform;
  readonly model: string;
  readonly base: string;
  readonly track: 'automatic' | 'manual';
  readonly ring?: string;
  readonly devices: number;
}

/** What the counts of several buckets or shards come to. */
export function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
