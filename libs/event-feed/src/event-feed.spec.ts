import { type CommitBody, InMemoryEventStore } from '@sluice/event-sourcing';
import { appendOf, StoppedClock } from '@sluice/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { EventFeed, type FeedEvent, type FeedMessage } from './event-feed.ts';
import { followFeed } from './feed-follower.ts';
import { publishAsIs, StoreFeed } from './store-feed.ts';

const publications = [
  publishAsIs('catalog', 'catalog', ['patch-']),
  publishAsIs('orchestrator', 'rollouts', ['rollout-', 'hold-']),
];

function body(...types: string[]): CommitBody {
  return { kind: 'events', events: types.map((type) => ({ type })) };
}

/** A feed that says what it is given, then waits for the end. Its owner may have more. */
class ScriptedFeed extends EventFeed {
  readonly asked: string[] = [];

  constructor(
    private readonly messages: readonly FeedMessage[],
    private readonly owned: readonly FeedMessage[] = messages,
    override readonly deadLetters: DeadLetters | undefined = undefined,
  ) {
    super();
  }

  override async *readStream({ stream, fromRevision }: StreamRequest): AsyncGenerator<FeedEvent> {
    this.asked.push(`${stream} from ${String(fromRevision)}`);
    for (const message of this.owned) {
      if (message.kind !== 'event' || message.event.stream !== stream) continue;
      if (message.event.place.revision >= fromRevision) yield message.event;
    }
  }

  override async *subscribe({ signal }: { signal: AbortSignal }): AsyncGenerator<FeedMessage> {
    yield* this.messages;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }

  override silentForMs(): number {
    return 0;
  }
}

function feedEvent(stream: string, revision: number, index: number): FeedMessage {
  const [actor, correlationId, time] = ['tester', 'r-1', '2026-11-24T10:00:00.000Z'];
  const event = {
    source: 'catalog',
    type: 'Said',
    stream,
    place: { revision, index },
    position: '1',
    time,
    actor,
    correlationId,
  };
  return { kind: 'event', event: { ...event, data: {} } };
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
      { event: { type: 'PatchSuperseded', place: { revision: 0, index: 1 }, source: 'catalog', actor: 'tester' } },
      { kind: 'progress', position: '3' },
    ]);
  });

  it('publishes nothing of packed commits as they are', () => {
    const [catalog] = publications;
    const packed = { kind: 'packed', bytes: new Uint8Array(3), count: 1 } as const;
    const commit = { ...appendOf({ stream: 'patch-1', commitId: 'a' }), revision: 0, position: '1', recordedAt: '' };
    expect(catalog?.publish({ ...commit, body: packed })).toEqual([]);
  });

  it('lets a follower reach the position of an answered command', async () => {
    const heard: FeedEvent[] = [];
    const follower = followFeed(new StoreFeed(store, publications), {
      name: 'test',
      source: 'orchestrator',
      topics: ['rollouts'],
      apply: (event) => void heard.push(event),
    });
    follower.start();
    const { position } = await store.append(appendOf({ stream: 'rollout-1', commitId: 'a', body: body('A', 'B') }));
    await follower.reached(position);
    expect(heard.map(({ type }) => type)).toEqual(['A', 'B']);
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
