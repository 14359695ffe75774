import { describe, expect, it } from 'vitest';
import { ShardSeats } from './shard-seats.ts';

const nothing = () => undefined;

describe('ending attempts to take over', () => {
  it('comes to rest when it is stopped while a shard is refused, though the shard stays assigned', async () => {
    const stopping = new AbortController();
    let attempts = 0;
    const keeper = {
      gain: () => {
        attempts += 1;
        // A loop that goes on would keep everything else from running, this test, too.
        if (attempts > 100) throw new Error('it does not end');
        stopping.abort();
        return Promise.reject(new Error('not now'));
      },
      lose: () => Promise.resolve(),
    };
    let turns = 0;
    const seats = new ShardSeats(1, keeper, {
      get signal() {
        turns += 1;
        if (turns > 1_000) throw new Error('it does not end');
        return stopping.signal;
      },
      ...{ onHeld: nothing, onLost: nothing, onRefused: nothing },
    });
    seats.assign([0]);
    await seats.giveUpAll();
    expect([attempts, seats.isHeld(0)]).toEqual([1, false]);
    seats.assign([0]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(turns).toBeLessThan(20);
  });

  it('says which shards were lost', async () => {
    const said: string[] = [];
    const keeper = { gain: () => Promise.resolve(), lose: () => Promise.resolve(void said.push('lose')) };
    const seats = new ShardSeats(1, keeper, {
      signal: new AbortController().signal,
      onHeld: () => void said.push('held'),
      onLost: () => void said.push('lost'),
      onRefused: nothing,
    });
    seats.assign([0]);
    await new Promise((resolve) => setImmediate(resolve));
    await seats.giveUpAll();
    expect(said).toEqual(['held', 'lose', 'lost']);
  });
});

describe('going from phase to phase', () => {
  /** A keeper whose steps end when they are told to. */
  function seatOf() {
    const said: string[] = [];
    let end = Promise.withResolvers<undefined>();
    const step = (what: string) => {
      said.push(what);
      end = Promise.withResolvers<undefined>();
      return end.promise;
    };
    const seats = new ShardSeats(
      1,
      { gain: () => step('gain'), lose: () => step('lose') },
      {
        signal: new AbortController().signal,
        onHeld: () => void said.push('held'),
        onLost: () => void said.push('lost'),
        onRefused: () => void said.push('refused'),
      },
    );
    const finish = async () => {
      end.resolve(undefined);
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { seats, said, finish };
  }

  it('takes a shard over again that was given back, while it stays assigned', async () => {
    const { seats, said, finish } = seatOf();
    seats.release(0);
    seats.assign([0]);
    seats.release(0);
    await finish();
    seats.release(0);
    seats.release(0);
    await finish();
    await finish();
    expect(said).toEqual(['gain', 'held', 'lose', 'lost', 'gain', 'held']);
    expect([seats.isHeld(0), seats.notReady()]).toEqual([true, undefined]);
  });

  it('gives up what was assigned to another while it was being taken over', async () => {
    const { seats, said, finish } = seatOf();
    seats.assign([0]);
    expect(seats.notReady()).toBe('shard 0 is being taken over');
    seats.assign([]);
    await finish();
    await finish();
    expect(said).toEqual(['gain', 'held', 'lose', 'lost']);
    expect([seats.isHeld(0), seats.assigned]).toEqual([false, []]);
  });

  it('takes over what comes back while it is being given up, after that', async () => {
    const { seats, said, finish } = seatOf();
    seats.assign([0]);
    await finish();
    seats.assign([]);
    seats.assign([0]);
    expect(said).toEqual(['gain', 'held', 'lose']);
    await finish();
    await finish();
    expect(said).toEqual(['gain', 'held', 'lose', 'lost', 'gain', 'held']);
  });
});
