import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bucketOf } from './bucket-of.ts';

interface Vectors {
  readonly vectors: readonly { readonly salt: string; readonly deviceId: string; readonly bucket: number }[];
}

const file = new URL('../../../../../docs/reference/bucket-vectors.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

describe('placing a device', () => {
  it('gives the published buckets', () => {
    expect(vectors.length).toBeGreaterThan(10);
    expect(vectors.map(({ salt, deviceId }) => bucketOf(salt, deviceId))).toEqual(vectors.map(({ bucket }) => bucket));
  });
});
