import { appendOf, collect, Listener, StoppedClock } from '@sluice/testing';
import { describe, expect, it } from 'vitest';
import { Broadcast, LIVE_BUFFER_COMMITS_MAX } from './broadcast.ts';
import { type Commit, type ReadOptions } from './event-store.ts';
import { InMemoryEventStore } from './in-memory-event-store.ts';

/** A store as an adapter sees it: its commits, how often they were read, and a broadcast that is told of each. */
class CountingStore extends InMemoryEventStore {
  readonly live = new Broadcast();
  reads = 0;

  override subscribe(options: ReadOptions & { readonly signal: AbortSignal }) {
    const read = (wanted: ReadOptions) => {
      this.reads += 1;
      return this.readAll(wanted);
    };
    return this.live.subscribe(options, read, () => this.head());
  }

  async add(commitId: string): Promise<Commit> {
    await this.append(appendOf({ stream: 's-1', commitId }));
    const commit = (await collect(this.readAll())).at(-1);
    if (commit === undefined) throw new Error('nothing was appended');
    return commit;
  }
}

describe('broadcasting', () => {
  it('delivers once what was read and published at the same time', async () => {
    const store = new CountingStore(new StoppedClock());
    const first = await store.add('a');
    const listener = new Listener(store);
    store.live.publish([first]);
    await listener.until(({ covered }) => covered === '1');
    store.live.publish([first, await store.add('b')]);
    await listener.until(({ covered }) => covered === '2');
    await listener.stop();
    expect(listener.commits.map(({ commitId }) => commitId)).toEqual(['a', 'b']);
  });

  it('reads the store once to catch up and not again while the subscriber keeps pace', async () => {
    const store = new CountingStore(new StoppedClock());
    const listener = new Listener(store);
    await listener.until(({ covered }) => covered === '0');
    for (let n = 1; n <= 50; n += 1) {
      store.live.publish([await store.add(`c${n}`)]);
      await listener.until(({ covered }) => covered === String(n));
    }
    await listener.stop();
    expect(store.reads).toBe(1);
  });

  it('reads the store again when the subscriber has fallen further behind than the buffer holds', async () => {
    const store = new CountingStore(new StoppedClock());
    const gate = Promise.withResolvers<undefined>();
    await store.add('first');
    const listener = new Listener(store, {}, () => gate.promise);
    await listener.until(({ commits }) => commits.length === 1);
    for (let n = 0; n <= LIVE_BUFFER_COMMITS_MAX; n += 1) {
      await store.append(appendOf({ stream: 's-1', commitId: `c${n}` }));
    }
    store.live.publish((await collect(store.readAll())).slice(1));
    gate.resolve(undefined);
    const total = LIVE_BUFFER_COMMITS_MAX + 2;
    await listener.until(({ covered }) => covered === String(total));
    await listener.stop();
    expect(store.reads).toBe(2);
    expect(listener.commits.map(({ revision }) => revision)).toEqual([...Array(total).keys()]);
  });

  it('reads the store again from where the subscriber is when others may have appended, also in the middle of what is live', async () => {
    const store = new CountingStore(new StoppedClock());
    const gate = Promise.withResolvers<undefined>();
    const listener = new Listener(store, {}, () => gate.promise);
    await listener.until(({ covered }) => covered === '0');
    store.live.publish([await store.add('a'), await store.add('b')]);
    await store.add('not published');
    store.live.invalidate();
    store.live.publish([await store.add('c')]);
    gate.resolve(undefined);
    await listener.until(({ covered }) => covered === '4');
    await listener.stop();
    expect(listener.commits.map(({ commitId }) => commitId)).toEqual(['a', 'b', 'not published', 'c']);
    expect(store.reads).toBe(2);
  });

  it('forgets a subscriber that has left', async () => {
    const store = new CountingStore(new StoppedClock());
    const commit = await store.add('a');
    for await (const message of store.subscribe({ signal: new AbortController().signal })) {
      expect(message.kind).toBe('commit');
      break;
    }
    expect(() => store.live.publish([commit])).not.toThrow();
    expect(store.reads).toBe(1);
  });
});
