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
  /** Tries within the bucket that got no package, for want of network or server. */
  readonly unreached?: number;
}

/** Known devices of the shard that hold a patch at the end of the bucket, and what happened to it within. */
export interface HolderCount {
  readonly patchId: string;
  /** The recall epoch that the shard had heard of when it counted. */
  readonly recallEpoch: number;
  readonly holders: number;
  /** Of a recalled patch, those that are offline; 0 of another one. */
  readonly longOffline: number;
  readonly removed: number;
  readonly removalsFailed: number;
  /** Present when the patch is recalled. */
  readonly recall?: RecallCount;
}

/** Why a device of a recall holds the patch no more; `unknown`: its build says so, and it said nothing. */
export const freedCauses = ['recall', 'user', 'failure', 'unknown'] as const;
export type FreedCause = (typeof freedCauses)[number];

/**
 * The devices of a recall: those that held the patch when the recall was heard of, and those that held it later. `set` is
 * all of them, each under one of the next six; `inFlight` are devices outside of it that have begun to install the patch.
 */
export interface RecallCount {
  readonly set: number;
  /** The build of the device showed that it went back to the base. */
  readonly freed: Readonly<Record<FreedCause, number>>;
  /** It went on to another build. */
  readonly replaced: number;
  readonly retired: number;
  /** Of those that still hold it: a removal failed; else not heard of for long; else the rest. */
  readonly failing: number;
  readonly offline: number;
  readonly waiting: number;
  readonly inFlight: number;
}

/** The same for cells of one patch and slice. */
export function cellKey({ patchId, ...slice }: Pick<HealthCell, 'patchId' | keyof Slice>): string {
  return JSON.stringify([patchId, sliceKey(slice)]);
}

/** What the counts of several buckets or shards come to. */
export function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
