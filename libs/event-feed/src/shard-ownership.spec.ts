import { describe, expect, it } from 'vitest';
import { SoleOwnership } from './shard-ownership.ts';

/** A keeper that writes down what it is told, and refuses to gain as often as it is told. */
function keeperOf(refusals = 0) {
  const received: string[] = [];
  let left = refusals;
  return {
    received,
    refuse: (times: number) => (left = times),
    gain: async (shard: number) => {
      if (left-- > 0) throw new Error('the store is not there');
      received.push(`gain ${String(shard)}`);
    },
    lose: async (shard: number) => {
      received.push(`lose ${String(shard)}`);
    },
  };
}

describe('owning all shards', () => {
  it('takes over each of them before it is ready, and nobody else has any', async () => {
    const [ownership, keeper] = [new SoleOwnership(() => Promise.resolve()), keeperOf()];
    expect(ownership.ownerOf(0)).toBeUndefined();
    await ownership.start(3, keeper);
    expect(keeper.received).toEqual(['gain 0', 'gain 1', 'gain 2']);
    expect([0, 2, 3, -1].map((shard) => ownership.ownerOf(shard)?.isSelf)).toEqual([true, true, undefined, undefined]);
    await ownership.stop();
    expect(keeper.received).toHaveLength(3);
  });

  it('does not start when a shard cannot be taken over', async () => {
    const ownership = new SoleOwnership(() => Promise.resolve());
    await expect(ownership.start(3, keeperOf(1))).rejects.toThrow('the store is not there');
  });

  it('takes a shard over again that is given back, once for all who give it, and as often as it fails', async () => {
    const waits: number[] = [];
    const ownership = new SoleOwnership((ms) => Promise.resolve(waits.push(ms)));
    const keeper = keeperOf();
    await ownership.start(2, keeper);
    keeper.refuse(3);
    ownership.release(1);
    ownership.release(1);
    expect(ownership.notReady()).toContain('shard 1');
    await expect.poll(() => ownership.notReady()).toBeUndefined();
    expect(keeper.received.slice(2)).toEqual(['lose 1', 'gain 1']);
    expect(waits).toHaveLength(3);
  });

  it('stops in the middle of trying', async () => {
    const [ownership, keeper] = [new SoleOwnership(() => Promise.resolve()), keeperOf()];
    await ownership.start(1, keeper);
    keeper.refuse(Infinity);
    ownership.release(0);
    await ownership.stop();
    ownership.release(0);
    expect(keeper.received).toEqual(['gain 0', 'lose 0']);
  });
});
