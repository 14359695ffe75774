import { type Population, type Slice, sliceKey } from './slice.ts';

/** The health of one shard in [from, to), times RFC 3339 in UTC, counted over its commits up to `throughRevision`. */
export interface HealthBucketClosed {
  readonly type: 'HealthBucketClosed';
  readonly shard: number;
  readonly shards: number;
  readonly from: string;
  readonly to: string;
  readonly throughRevision: number;
  readonly cells: readonly HealthCell[];
  readonly holders: readonly HolderCount[];
  readonly populations: readonly Population[];
}

/**
 * Install trials of one patch in one slice that began, that failed and that went well within the bucket. `pending` is
 * absolute: failures at its end that wait for their start or their deadline; there when it changed. Buckets of former
 * versions have neither `fine` nor `pending`.
 */
export interface HealthCell extends Slice {
  readonly patchId: string;
  readonly trials: number;
  readonly failures: number;
  readonly fine?: number;
  readonly pending?: number;
}

/** Known devices of the shard that hold a patch at the end of the bucket, and what happened to it within. */
export interface HolderCount {
  readonly patchId: string;
  /** The recall epoch that the shard had heard of when it counted. */
  readonly recallEpoch: number;
  readonly holders: number;
  /** Of the holders, those not heard of for long. */
  readonly longOffline: number;
  readonly removed: number;
  readonly removalsFailed: number;
}

/** The same for cells of one patch and slice. */
export function cellKey({ patchId, ...slice }: Pick<HealthCell, 'patchId' | keyof Slice>): string {
  return JSON.stringify([patchId, sliceKey(slice)]);
}

/** What the counts of several buckets or shards come to. */
export function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
