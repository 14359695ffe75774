import {
  type Appended,
  BEGINNING,
  type Clock,
  comparePositions,
  type EventStore,
  LIVE_BUFFER_COMMITS_MAX,
  Reservations,
  RevisionConflict,
  StoreUnavailable,
} from '@sluice/event-sourcing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { appendOf, collect, eventsBody, Listener, StoppedClock } from './steps.ts';

const RACES = 20;

export type MakeStore = (clock: Pick<Clock, 'kind' | 'nowText'>) => Promise<EventStore>;

/** What every EventStore must do. `makeStore` returns an empty store; the suite closes it. */
export function eventStoreContract(name: string, makeStore: MakeStore): void {
  describe(`the event store contract, by ${name}`, () => {
    const opened: Opened = { clock: new StoppedClock(), store: undefined };

    beforeEach(async () => {
      opened.clock = new StoppedClock();
      opened.store = await makeStore(opened.clock);
    });
    afterEach(async () => {
      await opened.store?.close();
    });

    describe('appending', () => {
      expectingRevisions(() => storeOf(opened));
      repeatingCommits(() => storeOf(opened));
      numbering(() => storeOf(opened), opened);
    });
    describe('reading', () => readingBack(() => storeOf(opened)));
    describe('reading page by page', () => paging(() => storeOf(opened)));
    describe('subscribing', () => subscribing(() => storeOf(opened)));
    describe('reserving', () => reserving(() => storeOf(opened)));
    describe('proving that it can write', () => provingWritable(() => storeOf(opened)));
    describe('remembering time', () => rememberingTime(() => storeOf(opened), opened));
    describe('closing', () => closing(() => storeOf(opened)));
  });
}

interface Opened {
  clock: StoppedClock;
  store: EventStore | undefined;
}

function storeOf({ store }: Opened): EventStore {
  if (store === undefined) throw new Error('the store has not been made');
  return store;
}

function paging(store: () => EventStore): void {
  const MANY = 230;

  it('has a name for its past, which stays as it is', async () => {
    const { lineage } = store();
    expect(lineage).toMatch(/^[A-Za-z0-9]{1,16}$/);
    await store().append(appendOf({ stream: 's-1', commitId: 'a' }));
    expect(store().lineage).toBe(lineage);
    expect(await collect(store().readAll())).toHaveLength(1);
  });

  it('reads all that is wanted in bounded pages, and says how far each goes', async () => {
    const commitIds = Array.from({ length: MANY }, (_, n) => `c${String(n)}`);
    for (const [n, commitId] of commitIds.entries())
      await store().append(appendOf({ stream: `${n % 2 === 0 ? 's' : 't'}-1`, commitId, expected: 'any' }));
    for (const prefixes of [undefined, ['s-']]) {
      const found: string[] = [];
      let after = BEGINNING;
      for (let more = true; more;) {
        const page = await store().readPage({ after, ...(prefixes && { prefixes }) });
        expect(page.commits.length).toBeLessThanOrEqual(100);
        found.push(...page.commits.map(({ commitId }) => commitId));
        ({ more } = page);
        expect(more && comparePositions(page.through, after) <= 0).toBe(false);
        after = page.through;
      }
      expect(found).toEqual(commitIds.filter((_, n) => prefixes === undefined || n % 2 === 0));
      expect(comparePositions(after, await store().head())).toBe(0);
    }
  });

  it('has an empty page at its end, and in a store without commits', async () => {
    expect(await store().readPage()).toEqual({ commits: [], through: BEGINNING, more: false });
    const { position } = await store().append(appendOf({ stream: 's-1', commitId: 'a' }));
    expect(await store().readPage({ after: position })).toEqual({ commits: [], through: position, more: false });
    expect(await store().readPage({ prefixes: [] })).toEqual({ commits: [], through: position, more: false });
  });
}

function rememberingTime(store: () => EventStore, opened: Opened): void {
  it('says when its last commit was recorded, and nothing of a mark', async () => {
    expect(await store().lastRecordedAt()).toBeUndefined();
    await store().append(appendOf({ stream: 's-1', commitId: 'a' }));
    opened.clock.time = '2026-11-24T11:00:00.000Z';
    const { recordedAt } = await store().append(appendOf({ stream: 's-2', commitId: 'b' }));
    await store().proveWritable();
    expect(await store().lastRecordedAt()).toBe(recordedAt);
    expect(recordedAt).toBe('2026-11-24T11:00:00.000Z');
  });
}

function provingWritable(store: () => EventStore): void {
  it('writes a mark as often as it is asked, and readers see nothing of it', async () => {
    const live = new Listener(store());
    await store().proveWritable();
    await store().append(appendOf({ stream: 's-1', commitId: 'a' }));
    await Promise.all([store().proveWritable(), store().proveWritable()]);
    await store().proveWritable();
    const { position } = await store().append(appendOf({ stream: 's-1', commitId: 'b', expected: 0 }));
    await live.until(({ covered = BEGINNING }) => comparePositions(covered, position) >= 0);
    await live.stop();
    expect(live.commits.map(({ commitId }) => commitId)).toEqual(['a', 'b']);
    expect((await collect(store().readAll())).map(({ commitId }) => commitId)).toEqual(['a', 'b']);
    expect(comparePositions(await store().head(), position)).toBe(0);
  });

  it('is unavailable once the store is closed', async () => {
    await store().close();
    await expect(store().proveWritable()).rejects.toThrow(StoreUnavailable);
  });
}

function expectingRevisions(store: () => EventStore): void {
  it('starts a stream when none is expected and none is there', async () => {
    const appended = await store().append(appendOf({ stream: 's-1', commitId: 'a', expected: 'no-stream' }));
    expect(appended).toMatchObject({ revision: 0, position: expect.stringMatching(/^[1-9]\d*$/) });
  });

  it('goes on from the expected revision', async () => {
    await store().append(appendOf({ stream: 's-1', commitId: 'a' }));
    expect(await store().append(appendOf({ stream: 's-1', commitId: 'b', expected: 0 }))).toMatchObject({
      revision: 1,
    });
  });

  it('goes on from any revision when any is expected', async () => {
    await store().append(appendOf({ stream: 's-1', commitId: 'a', expected: 'any' }));
    expect(await store().append(appendOf({ stream: 's-1', commitId: 'b', expected: 'any' }))).toMatchObject({
      revision: 1,
    });
  });

  it.each([
    { expected: 'no-stream', actual: 1 },
    { expected: 0, actual: 1 },
    { expected: 2, actual: 1 },
  ] as const)('conflicts when $expected is expected and $actual is there', async ({ expected, actual }) => {
    await store().append(appendOf({ stream: 's-1', commitId: 'a' }));
    await store().append(appendOf({ stream: 's-1', commitId: 'b' }));
    const error = await store()
      .append(appendOf({ stream: 's-1', commitId: 'c', expected }))
      .catch(asIs);
    expect(error).toBeInstanceOf(RevisionConflict);
    expect(error).toMatchObject({ stream: 's-1', expected, actual });
    expect(await collect(store().readStream('s-1'))).toHaveLength(2);
  });

  it('conflicts when a revision is expected and there is no stream', async () => {
    const error = await store()
      .append(appendOf({ stream: 's-1', commitId: 'a', expected: 0 }))
      .catch(asIs);
    expect(error).toMatchObject({ name: 'RevisionConflict', actual: 'no-stream' });
    expect(await store().head()).toBe(BEGINNING);
  });

  it('lets exactly one of many writers win each revision', async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: 20 }, (_, writer) =>
        store().append(appendOf({ stream: 's-1', commitId: `w${writer}`, expected: 'no-stream' })),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const reasons = outcomes.flatMap((outcome): unknown[] => (outcome.status === 'rejected' ? [outcome.reason] : []));
    for (const reason of reasons) expect(reason).toMatchObject({ name: 'RevisionConflict', actual: 0 });
    expect(await collect(store().readStream('s-1'))).toHaveLength(1);
  });
}

function reserving(store: () => EventStore): void {
  it('gives a key to one of two writers, who each reserve and then act', async () => {
    const writers = ['one', 'two'].map((name) => ({ name, reservations: new Reservations(store(), () => 0) }));
    for (let round = 0; round < RACES; round += 1) {
      const winners = await Promise.all(
        writers.map(({ name, reservations }) =>
          reserveAndAct(store(), reservations, `${name}-${round}`, `key-${round}`),
        ),
      );
      expect(winners.filter(Boolean)).toHaveLength(1);
    }
  });
}

/** True for the writer that got the key. Acting is an event in the owner's own stream. */
export async function reserveAndAct(
  store: EventStore,
  reservations: Reservations,
  owner: string,
  key: string,
): Promise<boolean> {
  const { outcome } = await reservations.reserve({
    stream: 'keys-1',
    keys: [key],
    owner,
    at: '2026-11-24T10:00:00.000Z',
    context: { actor: owner, correlationId: owner, commitId: 'reserve' },
    statusOf: async (other) =>
      (await collect(store.readStream(`owner-${other}`))).length > 0 ? 'in-force' : 'not-yet',
  });
  if (outcome !== 'reserved') return false;
  await store.append(appendOf({ stream: `owner-${owner}`, commitId: 'act', expected: 'no-stream' }));
  return true;
}

function repeatingCommits(store: () => EventStore): void {
  it('answers a repeated commit with the first result and writes nothing, whatever it expects', async () => {
    const first = await store().append(appendOf({ stream: 's-1', commitId: 'a', expected: 'no-stream' }));
    await store().append(appendOf({ stream: 's-1', commitId: 'b' }));
    const { revision, position, recordedAt } = await store().append(
      appendOf({ stream: 's-1', commitId: 'a', expected: 'no-stream' }),
    );
    expect({ revision, position, recordedAt }).toEqual({ ...picked(first) });
    expect(await collect(store().readAll())).toHaveLength(2);
  });

  it('writes once when the same commit is sent twice at the same time', async () => {
    const [first, second] = await Promise.all([
      store().append(appendOf({ stream: 's-1', commitId: 'a' })),
      store().append(appendOf({ stream: 's-1', commitId: 'a' })),
    ]);
    expect(picked(second)).toEqual(picked(first));
    expect(await collect(store().readAll())).toHaveLength(1);
  });

  it('takes the same commit id in another stream as another commit', async () => {
    const first = await store().append(appendOf({ stream: 's-1', commitId: 'a' }));
    const second = await store().append(appendOf({ stream: 's-2', commitId: 'a' }));
    expect(second.revision).toBe(0);
    expect(comparePositions(second.position, first.position)).toBeGreaterThan(0);
  });
}

function numbering(store: () => EventStore, opened: Opened): void {
  it('gives increasing positions across streams, those that the appends were answered', async () => {
    const appended = await Promise.all(
      Array.from({ length: 60 }, (_, n) => store().append(appendOf({ stream: `s-${n % 7}`, commitId: `c${n}` }))),
    );
    const positions = (await collect(store().readAll())).map(({ position }) => position);
    expect(positions).toEqual(appended.map(({ position }) => position).sort(comparePositions));
    expect(new Set(positions).size).toBe(60);
    expect(await store().head()).toBe(positions.at(-1));
  });

  it('leaves no gap in the revisions for what conflicted', async () => {
    const first = await store().append(appendOf({ stream: 's-1', commitId: 'a' }));
    await store()
      .append(appendOf({ stream: 's-1', commitId: 'b', expected: 'no-stream' }))
      .catch(asIs);
    expect(await store().head()).toBe(first.position);
    expect(await store().append(appendOf({ stream: 's-1', commitId: 'c' }))).toMatchObject({ revision: 1 });
  });

  it('never lets the recorded time decrease, though the clock may', async () => {
    const times = ['2026-11-24T10:00:01.000Z', '2026-11-24T09:00:00.000Z', '2026-11-24T10:00:01.001Z'];
    for (const [n, time] of times.entries()) {
      opened.clock.time = time;
      await store().append(appendOf({ stream: `s-${n}`, commitId: `c${n}` }));
    }
    const recorded = (await collect(store().readAll())).map(({ recordedAt }) => recordedAt);
    expect(recorded).toEqual(['2026-11-24T10:00:01.000Z', '2026-11-24T10:00:01.000Z', '2026-11-24T10:00:01.001Z']);
  });
}

function readingBack(store: () => EventStore): void {
  it('returns events, ids and metadata as they were appended', async () => {
    const append = appendOf({
      stream: 's-1',
      commitId: '0b8e9f3c-1111-4222-8333-444455556666',
      metadata: {
        actor: 'zoë@ops',
        correlationId: '0b8e9f3c-1111-4222-8333-444455556666',
        causationId: 'Feed:12',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
      body: eventsBody('größer ≥ 10 ✓'),
    });
    const { revision, position, recordedAt } = await store().append(append);
    const { stream, commitId, metadata, body } = append;
    const [commit] = await collect(store().readStream('s-1'));
    expect(commit).toEqual({ stream, commitId, metadata, body, revision, position, recordedAt });
    expect(commit?.metadata).toStrictEqual(metadata);
  });

  it.each([0, 1, 300, 70_000])(
    'returns %i packed bytes as they were, though the caller uses its buffer again',
    async (size) => {
      const buffer = Buffer.from(Array.from({ length: size + 16 }, (_, n) => (n * 7 + (n >> 3)) % 256));
      const bytes = buffer.subarray(8, 8 + size);
      const expected = [...bytes];
      const appending = store().append(
        appendOf({ stream: 's-1', commitId: 'a', body: { kind: 'packed', bytes, count: 3 } }),
      );
      buffer.fill(0);
      await appending;
      const [commit] = await collect(store().readStream('s-1'));
      if (commit?.body.kind !== 'packed') throw new Error('the body is not packed');
      expect(commit.body.count).toBe(3);
      expect([...commit.body.bytes]).toEqual(expected);
    },
  );

  it('reads a stream from a revision on, and nothing where there is nothing', async () => {
    for (const commitId of ['a', 'b', 'c']) await store().append(appendOf({ stream: 's-1', commitId }));
    await store().append(appendOf({ stream: 's-10', commitId: 'other' }));
    const read = async (stream: string, from?: number) =>
      (await collect(store().readStream(stream, from))).map(({ commitId }) => commitId);
    expect(await read('s-1')).toEqual(['a', 'b', 'c']);
    expect(await read('s-1', 1)).toEqual(['b', 'c']);
    expect(await read('s-1', 3)).toEqual([]);
    expect(await read('s-2')).toEqual([]);
  });

  it('reads all after a position, of the streams with one of the prefixes', async () => {
    const all: string[] = [];
    for (const [n, kind] of ['patch', 'fleet', 'hold', 'patch', 'fleet', 'patchwork'].entries()) {
      all.push((await store().append(appendOf({ stream: `${kind}-1`, commitId: `c${n + 1}` }))).position);
    }
    const [first = '', , third = '', fourth = '', fifth = '', sixth = ''] = all;
    const read = async (options?: { after?: string; prefixes?: string[] }) =>
      (await collect(store().readAll(options))).map(({ position }) => position);
    expect(await read()).toEqual(all);
    expect(await read({ after: fourth })).toEqual([fifth, sixth]);
    expect(await read({ after: first, prefixes: ['patch-'] })).toEqual([fourth]);
    expect(await read({ prefixes: ['patch-', 'hold-'] })).toEqual([first, third, fourth]);
    expect(await read({ prefixes: [] })).toEqual([]);
    expect(await read({ after: sixth })).toEqual([]);
  });

  it('takes a prefix as it is written', async () => {
    await store().append(appendOf({ stream: 'a.b-1', commitId: 'dot' }));
    await store().append(appendOf({ stream: 'axb-1', commitId: 'other' }));
    const read = await collect(store().readAll({ prefixes: ['a.b', '(', 'x|'] }));
    expect(read.map(({ commitId }) => commitId)).toEqual(['dot']);
  });

  it('has its head at the beginning when it is empty', async () => {
    expect(await store().head()).toBe(BEGINNING);
    expect(await collect(store().readAll())).toEqual([]);
  });

  it('reads more than fits into memory at once, in order, and may be left half-way', async () => {
    const bytes = new Uint8Array(20_000).map((_, n) => (n * n) % 251);
    const body = { kind: 'packed', bytes, count: 1 } as const;
    const appended = await Promise.all(
      Array.from({ length: 300 }, (_, n) => store().append(appendOf({ stream: 's-1', commitId: `c${n}`, body }))),
    );
    const positions = appended.map(({ position }) => position).sort(comparePositions);
    expect((await collect(store().readStream('s-1'))).map(({ revision }) => revision)).toEqual([...Array(300).keys()]);
    for await (const commit of store().readAll()) if (commit.position === positions[149]) break;
    expect(await collect(store().readAll({ after: positions[298] ?? '' }))).toHaveLength(1);
  });
}

function subscribing(store: () => EventStore): void {
  const listeners: Listener[] = [];
  const listen = (options?: { after?: string; prefixes?: string[] }, each?: () => Promise<unknown>) => {
    const started = new Listener(store(), options, each);
    listeners.push(started);
    return started;
  };
  afterEach(async () => {
    await Promise.all(listeners.splice(0).map((each) => each.stop()));
  });

  it('delivers what was there, says so, then delivers what comes', async () => {
    const first = await store().append(appendOf({ stream: 's-1', commitId: 'a' }));
    const live = listen();
    await live.until(covers(first));
    const second = await store().append(appendOf({ stream: 's-2', commitId: 'b' }));
    await live.until(covers(second));
    expect(live.messages.map(({ kind }) => kind)).toEqual(['commit', 'caught-up', 'commit', 'caught-up']);
    expect(live.commits).toEqual(await collect(store().readAll()));
  });

  it('says at once that it has caught up when there is nothing', async () => {
    const live = listen();
    await live.until(({ covered }) => covered !== undefined);
    expect(live.messages).toEqual([{ kind: 'caught-up', position: BEGINNING }]);
  });

  it('starts after the position it is given', async () => {
    const appended: Appended[] = [];
    for (const commitId of ['a', 'b', 'c']) appended.push(await store().append(appendOf({ stream: 's-1', commitId })));
    const live = listen({ after: appended[1]?.position ?? '' });
    await live.until(covers(appended[2]));
    expect(live.commits.map(({ commitId }) => commitId)).toEqual(['c']);
  });

  it('covers what the filter leaves out, before and after it has caught up', async () => {
    const before = await store().append(appendOf({ stream: 'other-1', commitId: 'a' }));
    const live = listen({ prefixes: ['wanted-'] });
    await live.until(covers(before));
    await live.until(covers(await store().append(appendOf({ stream: 'other-1', commitId: 'b' }))));
    await live.until(covers(await store().append(appendOf({ stream: 'wanted-1', commitId: 'c' }))));
    expect(live.commits.map(({ commitId }) => commitId)).toEqual(['c']);
  });

  it('loses nothing when the subscriber is slower than the writers', async () => {
    const gate = Promise.withResolvers<undefined>();
    await store().append(appendOf({ stream: 's-0', commitId: 'first' }));
    const live = listen({}, () => gate.promise);
    await live.until(({ commits }) => commits.length === 1);
    const total = LIVE_BUFFER_COMMITS_MAX + 200;
    await Promise.all(
      Array.from({ length: total }, (_, n) => store().append(appendOf({ stream: `s-${n % 9}`, commitId: `c${n}` }))),
    );
    gate.resolve(undefined);
    await live.until(covers({ position: await store().head() }));
    expect(live.commits).toHaveLength(total + 1);
    expect(live.commits).toEqual(await collect(store().readAll()));
  });

  it('ends when the signal aborts, waiting or not, and at once when it was aborted before', async () => {
    const waiting = listen();
    await waiting.until(covers(await store().append(appendOf({ stream: 's-1', commitId: 'a' }))));
    await waiting.stop();
    const before = await collect(store().subscribe({ signal: AbortSignal.abort() }));
    expect(before).toEqual([]);
  });
}

function closing(store: () => EventStore): void {
  it('finishes what it has accepted, then is unavailable', async () => {
    const accepted = store().append(appendOf({ stream: 's-1', commitId: 'a' }));
    await store().close();
    expect(await accepted).toMatchObject({ revision: 0 });
    const error = await store()
      .append(appendOf({ stream: 's-1', commitId: 'b' }))
      .catch(asIs);
    expect(error).toBeInstanceOf(StoreUnavailable);
  });

  it('may be closed twice', async () => {
    await store().close();
    await expect(store().close()).resolves.toBeUndefined();
  });
}

/** True for a listener that was told that everything up to there was seen. */
function covers(place: Pick<Appended, 'position'> | undefined) {
  return ({ covered }: Listener) => covered !== undefined && comparePositions(covered, place?.position ?? '') >= 0;
}

function picked({ revision, position, recordedAt }: { revision: number; position: string; recordedAt: string }) {
  return { revision, position, recordedAt };
}

function asIs(error: unknown): unknown {
  return error;
}
