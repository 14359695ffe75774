import { type HealthBucketClosed } from '@sluice/domain-cohorts';

/** Cells first: the parts are written one after the other, and what only adds up must not wait for what can be told again. */
const lists = ['cells', 'holders', 'populations'] as const;

/**
 * The bucket, or what it tells in several buckets of the same time where it is too large for one append. Whoever counts
 * adds up cells, and takes the last line of holders and populations: it comes to the same.
 */
export function partsOf(bucket: HealthBucketClosed, bytesMax: number): HealthBucketClosed[] {
  if (bytesOf(bucket) <= bytesMax) return [bucket];
  const empty: HealthBucketClosed = { ...bucket, cells: [], holders: [], populations: [] };
  const emptyBytes = bytesOf(empty);
  const parts: HealthBucketClosed[] = [];
  let room = 0;
  for (const list of lists) {
    for (const line of bucket[list]) {
      const bytes = bytesOf(line) + ','.length;
      if (bytes > room) {
        parts.push({ ...empty, cells: [], holders: [], populations: [] });
        room = bytesMax - emptyBytes;
      }
      (parts.at(-1)?.[list] as object[] | undefined)?.push(line);
      room -= bytes;
    }
  }
  return parts;
}

function bytesOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
}
