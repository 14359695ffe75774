import { columnsOf, type HealthBucketClosed, type HealthRows, rowsOf } from '@sluice/domain-cohorts';

/** What only adds up first: the parts are written one after the other, and it must not wait for what can be told again. */
const lists = ['installs', 'unreached', 'harm', 'removals', 'pending', 'holders', 'populations'] as const;
type Lines = Pick<HealthBucketClosed, 'holders' | 'populations'> & HealthRows;

/**
 * The bucket, or what it tells in several parts where it is too large for one event. Whoever counts adds up installs, removals
 * and tries without a package, and takes the last line of all else: it comes to the same.
 */
export function partsOf(bucket: HealthBucketClosed, bytesMax: number): HealthBucketClosed[] {
  if (bytesOf(bucket) <= bytesMax) return [bucket];
  const all: Lines = { ...rowsOf(bucket), holders: bucket.holders, populations: bucket.populations };
  const emptyBytes = bytesOf({ ...bucket, ...columnsOf(nothing()), holders: [], populations: [] });
  const parts: Record<keyof Lines, object[]>[] = [];
  let room = 0;
  for (const list of lists) {
    for (const line of all[list]) {
      // As a line by itself a row takes more than in columns: its part comes out smaller, never larger.
      const bytes = bytesOf(line) + ','.length;
      if (bytes > room) {
        parts.push({ ...nothing(), holders: [], populations: [] });
        room = bytesMax - emptyBytes;
      }
      parts.at(-1)?.[list].push(line);
      room -= bytes;
    }
  }
  return parts.map((part, index) => {
    const { holders, populations, ...rows } = part as unknown as Lines;
    return { ...bucket, part: index + 1, parts: parts.length, ...columnsOf(rows), holders, populations };
  });
}

function nothing() {
  return { installs: [], pending: [], unreached: [], harm: [], removals: [] };
}

function bytesOf(value: object): number {
  return Buffer.byteLength(JSON.stringify(value));
}
