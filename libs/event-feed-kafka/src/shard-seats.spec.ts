import { setImmediate } from 'node:timers/promises';
import { type ShardKeeper } from '@sluice/event-feed';
import { describe, expect, it } from 'vitest';
import { ShardSeats } from './shard-seats.ts';

/** Takes shards over one at a time, as it is told to. */
class SlowKeeper implements ShardKeeper {
  readonly asked: number[] = [];
  readonly lost: number[] = [];
  private readonly turns: (() => void)[] = [];

  async gain(shard: number, isWanted: () => boolean): Promise<void> {
    this.asked.push(shard);
    await new Promise<void>((resolve) => this.turns.push(resolve));
    if (!isWanted()) throw new Error('no longer wanted');
  }

  async lose(shard: number): Promise<void> {
    this.lost.push(shard);
  }

  async goOn(): Promise<void> {
    this.turns.shift()?.();
    await setImmediate();
  }
}

describe('holding what is assigned', () => {
  const start = () => {
    const told = { held: [] as number[], refused: [] as string[] };
    const keeper = new SlowKeeper();
    const stopping = new AbortController();
    const seats = new ShardSeats(4, keeper, {
      signal: stopping.signal,
      onHeld: (shard) => told.held.push(shard),
      onRefused: (_shard, reason) => told.refused.push(reason),
    });
    return { told, keeper, seats, stopping };
  };

  it('asks for all shards at once: how many are taken over together is up to the keeper', async () => {
    const { told, keeper, seats } = start();
    seats.assign([0, 1, 2, 3]);
    expect(keeper.asked).toEqual([0, 1, 2, 3]);
    for (let turn = 0; turn < 4; turn += 1) await keeper.goOn();
    expect(told).toEqual({ held: [0, 1, 2, 3], refused: [] });
  });

  it('neither holds nor loses a shard that was taken away while it waited for its turn', async () => {
    const { told, keeper, seats } = start();
    seats.assign([0, 1]);
    await keeper.goOn();
    seats.assign([0]);
    await keeper.goOn();
    expect(told).toEqual({ held: [0], refused: [] });
    expect(keeper.lost).toEqual([]);
  });

  it('gives up without taking over what still waits', async () => {
    const { told, keeper, seats, stopping } = start();
    seats.assign([0, 1, 2]);
    await keeper.goOn();
    stopping.abort();
    const done = seats.giveUpAll();
    for (let turn = 0; turn < 2; turn += 1) await keeper.goOn();
    await done;
    expect(told).toEqual({ held: [0], refused: [] });
    expect(keeper.lost).toEqual([0]);
  });
});
