import { listEventTypes } from '@sluice/contracts/event-types';
import { skippedEvents } from '@sluice/contracts/stored-events';
import { publishAsIs, StoreFeed } from '@sluice/event-feed';
import {
  type Decider,
  handle,
  InMemoryEventStore,
  lastReceipt,
  load,
  type Receipted,
  type Seal,
  sealed,
} from '@sluice/event-sourcing';
import {
  appendOf,
  collect,
  eventStoreContract,
  Listener,
  RecordedTraces,
  StoppedClock,
  traceparentOf,
} from '@sluice/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { VersionedStore } from './versioned-store.ts';

eventStoreContract('VersionedStore', async (clock) => new VersionedStore(new InMemoryEventStore(clock)));

interface Pulled {
  readonly type: 'PatchPulled';
  readonly reason: string;
}

/** As if the reason was once stored as `because`. */
const types = listEventTypes({ PatchPulled: [({ because, ...data }) => ({ ...data, reason: because })] });
const reasons: Decider<readonly string[], string, Pulled> = {
  initialState: [],
  decide: (reason) => [{ type: 'PatchPulled', reason }],
  evolve: (state, { reason }) => [...state, reason],
};
const context = { actor: 'tester', correlationId: 'c' };
const eventsOf = (...events: object[]) => ({ kind: 'events' as const, events: events as { type: string }[] });

let stored: InMemoryEventStore;
let store: VersionedStore;
beforeEach(async () => {
  stored = new InMemoryEventStore(new StoppedClock());
  store = new VersionedStore(stored, types);
  const body = eventsOf(
    { type: 'PatchPulled', because: 'old' },
    { type: 'PatchPulled', v: 3, why: 'new' },
    { type: 'PatchBlessed' },
    { type: 'PatchPulled', v: 2, reason: 'now' },
  );
  await stored.append(appendOf({ stream: 'patch-a', commitId: 'a', body }));
  await stored.append(appendOf({ stream: 'patch-a', commitId: 'b', body: eventsOf({ type: 'PatchBlessed' }) }));
});

describe('keeping versions at the door of the store', () => {
  it('decides on what it understands only, at the revision of the stream', async () => {
    expect(await load(store, reasons, 'patch-a')).toMatchObject({ state: ['old', 'now'], revision: 1 });
    const handled = await handle(store, reasons, 'patch-a', 'again', { ...context, commitId: 'c' });
    expect(handled.state).toEqual(['old', 'now', 'again']);
    expect((await load(store, reasons, 'patch-a')).revision).toBe(2);
    expect(skippedEvents().get('PatchPulled.v3')).toBeGreaterThan(0);
  });

  it('appends a command that is traced as a step of its own, which what follows goes by', async () => {
    const traces = new RecordedTraces();
    store = new VersionedStore(stored, types, traces);
    await handle(store, reasons, 'patch-b', 'bad', { ...context, commitId: 'c', traceparent: traceparentOf(99) });
    await handle(store, reasons, 'patch-c', 'bad', { ...context, commitId: 'c' });
    expect(traces.steps).toEqual([
      {
        ...{ name: 'append PatchPulled', parent: traceparentOf(99), traceparent: traceparentOf(1) },
        ...{ details: { 'sluice.stream': 'patch-b' }, failure: null },
      },
    ]);
    const metadataOf = async (stream: string) => (await collect(stored.readStream(stream)))[0]?.metadata;
    expect(await metadataOf('patch-b')).toEqual({ ...context, traceparent: traceparentOf(1) });
    expect(await metadataOf('patch-c')).toEqual(context);
    await stored.close();
    await expect(
      handle(store, reasons, 'patch-e', 'bad', { ...context, commitId: 'e', traceparent: traceparentOf(97) }),
    ).rejects.toThrow('closed');
    expect(traces.steps.at(-1)).toMatchObject({ parent: traceparentOf(97), failure: 'StoreUnavailable' });
  });

  it('stores the version of what it appends', async () => {
    await handle(store, reasons, 'patch-b', 'bad', { ...context, commitId: 'c' });
    const [commit] = await collect(stored.readStream('patch-b'));
    expect(commit?.body).toEqual(eventsOf({ type: 'PatchPulled', reason: 'bad', v: 2 }));
  });

  it.each([
    ['in a commit with others', [[{ type: 'PatchPulled', v: 2, reason: 'x' }, { type: 'PatchBlessed' }]]],
    ['in a commit of its own', [[{ type: 'PatchPulled', v: 2, reason: 'x' }], [{ type: 'PatchBlessed' }]]],
  ])('goes on from the receipt of an event that a later version wrote, %s', async (_where, commits) => {
    const seal: Seal = (stream, events, last) => sealed({ stream, last }, events, (text) => `<${text}>`);
    let last: string | undefined;
    for (const [index, events] of commits.entries()) {
      const written = seal('patch-r', events, last);
      last = lastReceipt(written as readonly Receipted[], last);
      const body = { kind: 'events', events: written } as const;
      await stored.append(appendOf({ stream: 'patch-r', commitId: `r${String(index)}`, body }));
    }
    const loaded = await load(store, reasons, 'patch-r');
    expect(loaded).toMatchObject({ state: ['x'], receipt: last });
    const stamped: Seal = (stream, events, before) =>
      seal(
        stream,
        events.map((event) => ({ ...event, v: 2 })),
        before,
      );
    await handle(store, reasons, 'patch-r', 'again', { ...context, commitId: 'c', seal: stamped });
    const [own] = (await collect(stored.readStream('patch-r')))
      .flatMap(({ body }) => (body.kind === 'events' ? body.events.slice(-1) : []))
      .slice(-1);
    expect(own).toEqual(stamped('patch-r', [{ type: 'PatchPulled', reason: 'again' } as Pulled], last)[0]);
  });

  it('shows the same to those who read, subscribe, or follow the feed, each event at its own place', async () => {
    const events = [
      { type: 'PatchPulled', reason: 'old' },
      { type: 'PatchPulled', reason: 'now' },
    ];
    const listener = new Listener(store);
    await listener.until(() => listener.commits.length === 2);
    await listener.stop();
    for (const commits of [await collect(store.readAll()), listener.commits]) {
      expect(commits.map(({ position, body }) => [position, body])).toEqual([
        ['1', { kind: 'events', events, places: [0, 3] }],
        ['2', { kind: 'events', events: [], places: [] }],
      ]);
    }
    const feed = new StoreFeed(store, [publishAsIs('catalog', 'catalog', ['patch-'])]);
    const published = await collect(feed.readStream({ stream: 'patch-a', fromRevision: 0 }));
    expect(published.map(({ place, previous }) => [place.index, previous?.index])).toEqual([
      [0, undefined],
      [3, 0],
    ]);
  });
});
