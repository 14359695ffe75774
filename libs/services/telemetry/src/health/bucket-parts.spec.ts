import { columnsOf, type HealthBucketClosed, type InstallRow, nothingCounted, rowsOf } from '@sluice/domain-cohorts';
import { describe, expect, it } from 'vitest';
import { partsOf } from './bucket-parts.ts';

const BYTES_MAX = 2000;
const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

function bucket(lines: number): HealthBucketClosed {
  const slice = (index: number) => ({ platform: 'ios', model: `iPhone18,${String(index)}`, base: '23D8133' }) as const;
  const count = { recallEpoch: 0, holders: 1, longOffline: 0, removed: 0, removalsFailed: 0 };
  return {
    type: 'HealthBucketClosed',
    shard: 3,
    shards: 8,
    from: '2026-03-17T12:00:00.000Z',
    to: '2026-03-17T12:01:00.000Z',
    throughRevision: 41,
    part: 1,
    parts: 1,
    reportingDeadlineMinutes: 240,
    ...columnsOf({
      installs: numbers(lines).map((index): InstallRow => ({
        ...nothingCounted,
        ...{ patchId: 'a', slice: slice(index), cohort: 492_465, band: 0, started: index + 1 },
      })),
      pending: numbers(lines).map((index) => ({ patchId: 'b', slice: slice(index), count: index })),
      unreached: [],
      harm: [],
    }),
    holders: numbers(lines).map((index) => ({ patchId: String(index), ...count })),
    populations: numbers(lines).map((index) => ({ ...slice(index), track: 'automatic', devices: index })),
  };
}

describe('splitting a health bucket', () => {
  it('leaves one that fits as it is', () => {
    const small = bucket(2);
    expect(partsOf(small, BYTES_MAX)).toEqual([small]);
  });

  it('tells every line once, what only adds up first, in numbered parts that fit', () => {
    const large = bucket(40);
    const parts = partsOf(large, BYTES_MAX);
    expect(parts.length).toBeGreaterThan(5);
    for (const [index, part] of parts.entries()) {
      expect(JSON.stringify(part).length).toBeLessThanOrEqual(BYTES_MAX);
      expect(part).toMatchObject({ shard: 3, from: large.from, to: large.to, throughRevision: 41 });
      expect(part).toMatchObject({ part: index + 1, parts: parts.length });
    }
    for (const list of ['holders', 'populations'] as const)
      expect(parts.flatMap((part) => part[list] as object[])).toEqual(large[list]);
    for (const list of ['installs', 'pending'] as const)
      expect(parts.flatMap((part) => rowsOf(part)[list] as object[])).toEqual(rowsOf(large)[list]);
    const firstWithout = parts.findIndex((part) => rowsOf(part).installs.length === 0);
    expect(parts.slice(firstWithout).every((part) => rowsOf(part).installs.length === 0)).toBe(true);
  });
});
