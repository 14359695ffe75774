import { describe, expect, it } from 'vitest';
import { type ShardAsOf, unread } from './shard-fold.ts';
import { packSnapshot, readSnapshot, SnapshotFault } from './shard-snapshot.ts';

const holder = { patchId: 'a', recallEpoch: 1, holders: 3, longOffline: 1, removed: 0, removalsFailed: 0 };
const population = { platform: 'ios', model: 'iPhone18,1', base: '23D8133', track: 'automatic', devices: 4 } as const;

function announced(): ShardAsOf {
  const shard = unread();
  shard.fold.last = { revision: 41, position: '99', commitId: 'c-41' };
  const holders = new Map([['a', holder]]);
  const populations = new Map([['ä key', population]]);
  const slice = { platform: 'ios', model: 'iPhone18,1', base: '23D8133' } as const;
  const pending = new Map([['a key', { patchId: 'a', slice, count: 2 }]]);
  return {
    ...shard,
    announced: { buckets: 3, throughRevision: 40, to: 1_700_000_000_000, holders, populations, pending },
  };
}

function pack(shard: number, state: ShardAsOf): Buffer {
  const { bytes, pieces } = packSnapshot(shard, state);
  const packed = Buffer.concat([...pieces]);
  expect(packed.length).toBe(bytes);
  return packed;
}

describe('reading a snapshot', () => {
  it.each([
    ['that was told of', announced()],
    ['of which nothing was read', unread()],
  ])('gives back a shard %s', (_name, state) => {
    const read = readSnapshot(5, pack(5, state));
    expect(read.announced).toEqual(state.announced);
    expect(read.fold.last).toEqual(state.fold.last);
  });

  it('throws when any byte is another', () => {
    const whole = pack(5, announced());
    for (let index = 0; index < whole.length; index += 1) {
      const damaged = Buffer.from(whole);
      damaged[index] = (damaged[index] ?? 0) ^ 1;
      expect(() => readSnapshot(5, damaged)).toThrow(SnapshotFault);
    }
  });

  it('throws when it is cut off, or of another shard', () => {
    const whole = pack(5, announced());
    for (const length of [0, 1, 31, 32, 33, whole.length - 1]) {
      expect(() => readSnapshot(5, whole.subarray(0, length))).toThrow();
    }
    expect(() => readSnapshot(6, whole)).toThrow('shard 5');
  });
});
