import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bucketBy } from './bucket.ts';

const bucketOf = bucketBy((text) => hash('sha256', text, 'binary'));

interface Vectors {
  readonly vectors: readonly { salt: string; deviceId: string; sha256Prefix: string; bucket: number }[];
}

const file = new URL('../../../../docs/reference/bucket-vectors.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

const DEVICES = 50_000;
const CELLS = 20;

const bucketsOf = (salt: string) =>
  Array.from({ length: DEVICES }, (_, index) => bucketOf(salt, `device-${String(index)}`));

/** Pearson's statistic of counts that should all be equal. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** The value that the statistic exceeds once in 100,000 times, by Wilson and Hilferty's approximation. */
function chiSquareMax(degrees: number): number {
  const part = 2 / (9 * degrees);
  return degrees * (1 - part + 4.265 * Math.sqrt(part)) ** 3;
}

describe('publishing test vectors of buckets', () => {
  it('has at least twenty', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(20);
  });

  it.each(vectors)('agrees on $salt and $deviceId', ({ salt, deviceId, sha256Prefix, bucket }) => {
    expect(hash('sha256', `${salt}\u001f${deviceId}`).slice(0, 16)).toBe(sha256Prefix);
    expect(bucketOf(salt, deviceId)).toBe(bucket);
  });
});

describe('spreading devices over buckets', () => {
  it.each(['salty', 'r1', '', 'another salt'])('is even for the salt "%s"', (salt) => {
    const counts = new Array<number>(CELLS).fill(0);
    for (const bucket of bucketsOf(salt))
      counts[Math.floor(bucket * CELLS)] = (counts[Math.floor(bucket * CELLS)] ?? 0) + 1;
    expect(chiSquare(counts)).toBeLessThan(chiSquareMax(CELLS - 1));
  });

  it.each([
    ['salt-1', 'salt-2'],
    ['r1', 'r2'],
    ['a', 'aa'],
  ])('has nothing to do with one another for the salts %s and %s', (left, right) => {
    const counts = new Array<number>(CELLS * CELLS).fill(0);
    const [lefts, rights] = [bucketsOf(left), bucketsOf(right)];
    lefts.forEach((bucket, index) => {
      const cell = Math.floor(bucket * CELLS) * CELLS + Math.floor((rights[index] ?? 0) * CELLS);
      counts[cell] = (counts[cell] ?? 0) + 1;
    });
    expect(chiSquare(counts)).toBeLessThan(chiSquareMax(CELLS * CELLS - 1));
  });
});
