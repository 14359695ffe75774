import { type CommitBody, InMemoryEventStore } from '@sluice/event-sourcing';
import { appendOf, collect, StoppedClock } from '@sluice/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type FeedEvent, type FeedMessage } from './event-feed.ts';
import { followFeed } from './feed-follower.ts';
import { feedEvent, ScriptedFeed } from './scripted-feed.fixture.ts';
import { publishAsIs, StoreFeed } from './store-feed.ts';

const publications = [
  publishAsIs('catalog', 'catalog', ['patch-']),
  publishAsIs('orchestrator', 'rollouts', ['rollout-', 'hold-']),
];

function body(...types: string[]): CommitBody {
  return { kind: 'events', events: types.map((type) => ({ type })) };
}

describe('hearing of events through the store', () => {
  let store: InMemoryEventStore;

  beforeEach(() => {
    store = new InMemoryEventStore(new StoppedClock());
  });

  it('delivers the public events of the wanted topics, and the progress beyond them', async () => {
    await store.append(appendOf({ stream: 'patch-1', commitId: 'a', body: body('PatchPublished', 'PatchSuperseded') }));
    await store.append(appendOf({ stream: 'hold-1', commitId: 'b', body: body('HoldPlaced') }));
    await store.append(appendOf({ stream: 'unpublished-1', commitId: 'c' }));
    const abort = new AbortController();
    const messages: FeedMessage[] = [];
    const request = { source: 'catalog', topics: ['catalog'], after: '0', signal: abort.signal };
    for await (const message of new StoreFeed(store, publications).subscribe(request)) {
      messages.push(message);
      if (message.kind === 'progress') abort.abort();
    }
    expect(messages).toMatchObject([
      { event: { type: 'PatchPublished', stream: 'patch-1', place: { revision: 0, index: 0 }, position: '1' } },
      {
        event: {
          type: 'PatchSuperseded',
          place: { revision: 0, index: 1 },
          previous: { revision: 0, index: 0 },
          source: 'catalog',
          actor: 'tester',
        },
      },
      { kind: 'progress', position: '3' },
    ]);
  });

  it('finds the public event before in a few reads, however many commits between have none', async () => {
    const packed = { kind: 'packed', bytes: new Uint8Array(3), count: 1 } as const;
    await store.append(appendOf({ stream: 'patch-1', commitId: 'first', body: body('PatchPublished') }));
    for (let n = 0; n < 300; n += 1)
      await store.append(appendOf({ stream: 'patch-1', commitId: `c${String(n)}`, expected: 'any', body: packed }));
    await store.append(appendOf({ stream: 'patch-1', commitId: 'last', expected: 'any', body: body('PatchPulled') }));
    let reads = 0;
    const counting = new StoreFeed(
      Object.assign(Object.create(store) as InMemoryEventStore, {
        readStream: (stream: string, from?: number) => ((reads += 1), store.readStream(stream, from)),
      }),
      publications,
    );
    const [event] = await collect(counting.readStream({ stream: 'patch-1', fromRevision: 301 }));
    expect(event?.previous).toEqual({ revision: 0, index: 0 });
    expect(reads).toBeLessThan(8);
    reads = 0;
    const all = await collect(counting.readStream({ stream: 'patch-1', fromRevision: 0 }));
    expect([all.length, all[1]?.previous, reads]).toEqual([2, { revision: 0, index: 0 }, 1]);
  });

  it('names the public event before each, also of a stream that it meets in its middle', async () => {
    await store.append(appendOf({ stream: 'patch-1', commitId: 'a', body: body('PatchPublished', 'PatchAmended') }));
    const packed = { kind: 'packed', bytes: new Uint8Array(3), count: 1 } as const;
    await store.append(appendOf({ stream: 'patch-1', commitId: 'b', body: packed }));
    const { position } = await store.append(
      appendOf({ stream: 'patch-2', commitId: 'c', body: body('PatchPublished') }),
    );
    await store.append(appendOf({ stream: 'patch-1', commitId: 'd', body: body('PatchPulled') }));
    const feed = new StoreFeed(store, publications);
    const abort = new AbortController();
    const live: FeedEvent[] = [];
    const request = {
      topics: ['catalog'],
      after: position,
      signal: abort.signal,
      isWanted: (stream: string) => stream === 'patch-1',
    };
    for await (const message of feed.subscribe(request)) {
      if (message.kind === 'progress') abort.abort();
      else live.push(message.event);
    }
    expect(live).toMatchObject([{ type: 'PatchPulled', place: { revision: 2 }, previous: { revision: 0, index: 1 } }]);
    const read = await collect(feed.readStream({ stream: 'patch-1', fromRevision: 0 }));
    expect(read.map(({ place, previous }) => [place.revision, place.index, previous?.index])).toEqual([
      [0, 0, undefined],
      [0, 1, 0],
      [2, 0, 1],
    ]);
    expect(await collect(feed.readStream({ stream: 'unpublished-1', fromRevision: 0 }))).toEqual([]);
  });

  it('publishes nothing of packed commits as they are', () => {
    const [catalog] = publications;
    const packed = { kind: 'packed', bytes: new Uint8Array(3), count: 1 } as const;
    const commit = { ...appendOf({ stream: 'patch-1', commitId: 'a' }), revision: 0, position: '1', recordedAt: '' };
    expect(catalog?.publish({ ...commit, body: packed })).toEqual([]);
  });

  it('lets a follower reach the position of an answered command', async () => {
    const delivered: FeedEvent[] = [];
    const follower = followFeed(new StoreFeed(store, publications), {
      name: 'test',
      source: 'orchestrator',
      topics: ['rollouts'],
      apply: (event) => void delivered.push(event),
    });
    follower.start();
    const { position } = await store.append(appendOf({ stream: 'rollout-1', commitId: 'a', body: body('A', 'B') }));
    await follower.reached(position);
    expect(delivered.map(({ type }) => type)).toEqual(['A', 'B']);
    await follower.stop();
  });
});

describe('following a feed', () => {
  it('applies an event once, however often and late it comes again', async () => {
    const feed = new ScriptedFeed([
      feedEvent('patch-1', 0, 0),
      feedEvent('patch-1', 0, 1),
      feedEvent('patch-2', 0, 0),
      feedEvent('patch-1', 0, 1),
      feedEvent('patch-1', 0, 0),
      feedEvent('patch-1', 2, 0),
      feedEvent('patch-1', 1, 5),
      { kind: 'progress', position: '9' },
    ]);
    const applied: string[] = [];
    const consumer = {
      name: 'test',
      source: 'catalog',
      topics: ['catalog'],
      apply: ({ stream, place }: FeedEvent) => void applied.push(`${stream} ${place.revision}.${place.index}`),
    };
    const follower = followFeed(feed, consumer);
    follower.start();
    await follower.reached('9');
    expect(applied).toEqual(['patch-1 0.0', 'patch-1 0.1', 'patch-2 0.0', 'patch-1 2.0']);
    await follower.stop();
  });

  it('stops when an event cannot be applied', async () => {
    const follower = followFeed(new ScriptedFeed([feedEvent('patch-1', 0, 0)]), {
      name: 'test',
      source: 'catalog',
      topics: ['catalog'],
      apply: () => Promise.reject(new Error('no')),
    });
    follower.start();
    await expect(follower.reached('1')).rejects.toThrow('no');
  });
});
