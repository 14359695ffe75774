import { InMemoryEventStore } from '@sluice/event-sourcing';
import { StoppedClock } from '@sluice/testing';
import { describe, expect, it } from 'vitest';
import { mergeSigns, OwnSigns, sendChanges, type SourceSigns } from './source-signs.ts';
import { StoreFeed } from './store-feed.ts';

const at = '2026-03-17T00:00:00.000Z';
const stop = { patchId: 'p', mode: 'recall', reason: 'bad', at } as const;
const through = (shard: number, revision: number, throughMs: number) => ({ shard, shards: 4, revision, throughMs });

describe('saying something of oneself', () => {
  it('is heard through the store at once, and not at all where nobody says anything', () => {
    const [store, own] = [new InMemoryEventStore(new StoppedClock()), new OwnSigns()];
    const feed = new StoreFeed(store, [], own);
    expect(new StoreFeed(store, []).signsOf()).toBeUndefined();
    expect(feed.signsOf()).toEqual({ writable: true, through: [], stops: [] });
    own.setWritable(false);
    own.setStops([stop]);
    own.setThrough([through(1, 0, 10), through(0, -1, 5)]);
    expect(feed.signsOf()).toEqual({
      writable: false,
      through: [through(0, -1, 5), through(1, 0, 10)],
      stops: [stop],
    });
    own.setStops([]);
    own.setWritable(true);
    expect(feed.signsOf()).toMatchObject({ writable: true, stops: [] });
  });

  it.each([
    ['a higher revision, though it is earlier', through(0, 8, 50), through(0, 8, 50)],
    ['a later instant of the same revision', through(0, 7, 101), through(0, 7, 101)],
    ['not an earlier instant', through(0, 7, 99), through(0, 7, 100)],
    ['not a lower revision, though it is later', through(0, 6, 900), through(0, 7, 100)],
  ])('takes for a shard %s', (_, said, known) => {
    const own = new OwnSigns();
    own.setThrough([through(0, 7, 100), through(2, 0, 3)]);
    own.setThrough([said]);
    expect(own.current().through).toEqual([known, through(2, 0, 3)]);
  });

  it('is the last word of a source, and the later of each shard', () => {
    const before: SourceSigns = { writable: false, through: [through(0, 7, 100), through(1, 1, 1)], stops: [stop] };
    const said: SourceSigns = { writable: true, through: [through(0, 6, 900), through(3, 0, 4)], stops: [] };
    expect(mergeSigns(undefined, said)).toEqual(said);
    expect(mergeSigns(before, said)).toEqual({
      writable: true,
      through: [through(0, 7, 100), through(1, 1, 1), through(3, 0, 4)],
      stops: [],
    });
  });
});

describe('sending changes', () => {
  it('sends the first at once, what changes in the pause together, and nothing that did not change', async () => {
    const [own, abort] = [new OwnSigns(), new AbortController()];
    const [sent, pauses]: [SourceSigns[], (() => void)[]] = [[], []];
    const pass = () => new Promise((resolve) => setImmediate(resolve));
    const done = sendChanges(own, {
      send: () => void sent.push(own.current()),
      pause: () => new Promise((resolve) => pauses.push(resolve)),
      signal: abort.signal,
    });
    await pass();
    expect(sent).toEqual([]);
    own.setWritable(false);
    await pass();
    expect(sent).toHaveLength(1);
    own.setThrough([through(0, 0, 1)]);
    own.setThrough([through(0, 0, 2)]);
    await pass();
    expect(sent).toHaveLength(1);
    pauses.shift()?.();
    await pass();
    expect(sent.at(-1)?.through).toEqual([through(0, 0, 2)]);
    own.setThrough([through(0, 0, 2)]);
    own.setWritable(false);
    pauses.shift()?.();
    await pass();
    expect(sent).toHaveLength(2);
    abort.abort();
    await done;
    own.setWritable(true);
    await pass();
    expect(sent).toHaveLength(2);
  });
});
