import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type CommitBody, comparePositions, StoreUnavailable } from '@sluice/event-sourcing';
import {
  appendOf,
  collect,
  eventsBody,
  type EventStoreDBDouble,
  Listener,
  startEventStoreDBDouble,
  StoppedClock,
} from '@sluice/testing';
import { EventStoreDBClient } from '@eventstore/db-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectionTo } from './connection.ts';
import { AppendTooLarge } from './event-codec.ts';
import { EventStoreDBEventStore } from './eventstoredb-event-store.ts';

const CALL_MS = 400;
const GIVE_UP_MS = 3000;

let double: EventStoreDBDouble;
let store: EventStoreDBEventStore;
const opened: EventStoreDBEventStore[] = [];

beforeEach(async () => {
  double = await startEventStoreDBDouble();
  store = await open();
  forgetOpening(double);
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  await double.stop();
});

async function open(connectionString = double.leader.connectionString, clock = new StoppedClock()) {
  const another = await EventStoreDBEventStore.open({ connectionString, clock, callMs: CALL_MS, giveUpMs: GIVE_UP_MS });
  opened.push(another);
  return another;
}

/** The first who opens a store writes the name of its past. */
function forgetOpening({ leader }: Pick<EventStoreDBDouble, 'leader'>): void {
  Object.assign(leader.counts, { appends: 0, writes: 0 });
}

async function appendMany(count: number, body: CommitBody): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, n) => store.append(appendOf({ stream: 's-1', commitId: `c${n}`, body }))),
  );
}

function commitIdsOf(commits: readonly { commitId: string }[]): string[] {
  return commits.map(({ commitId }) => commitId);
}

describe('appending while something fails', () => {
  it.each(['cut', 'silent'] as const)('writes once when the answer is lost (%s)', async (how) => {
    await store.append(appendOf({ stream: 's-1', commitId: 'before', expected: 'no-stream' }));
    double.leader.loseAnswers(2, how);
    const appended = await store.append(appendOf({ stream: 's-1', commitId: 'a', expected: 0 }));
    expect(appended.revision).toBe(1);
    expect(double.leader.counts.writes).toBe(2);
    const commits = await collect(store.readStream('s-1'));
    expect(commitIdsOf(commits)).toEqual(['before', 'a']);
    expect(commits[1]).toMatchObject(appended);
  });

  it('writes once when the answer is lost and any revision is expected', async () => {
    double.leader.loseAnswers(1, 'cut');
    expect(await store.append(appendOf({ stream: 's-1', commitId: 'a' }))).toMatchObject({ revision: 0 });
    expect(await collect(store.readAll())).toHaveLength(1);
  });

  it.each(['too-busy', 'timed-out'] as const)('tries again when the server is %s for a while', async (why) => {
    double.leader.refuseAppends(3, why);
    expect(await store.append(appendOf({ stream: 's-1', commitId: 'a' }))).toMatchObject({ revision: 0 });
    expect(double.leader.counts).toMatchObject({ appends: 4, writes: 1 });
  });

  it('is unavailable after a bounded time when the server is, and comes back with it', async () => {
    double.leader.setUnreachable(true);
    const began = performance.now();
    await expect(store.append(appendOf({ stream: 's-1', commitId: 'a' }))).rejects.toThrow(StoreUnavailable);
    expect(performance.now() - began).toBeLessThan(GIVE_UP_MS + CALL_MS * 2);
    double.leader.setUnreachable(false);
    expect(await store.append(appendOf({ stream: 's-1', commitId: 'a' }))).toMatchObject({ revision: 0 });
  });

  it('is unavailable at once when access is denied', async () => {
    double.leader.refuseAppends(1, 'access-denied');
    await expect(store.append(appendOf({ stream: 's-1', commitId: 'a' }))).rejects.toThrow(/Access Denied/);
    expect(double.leader.counts.appends).toBe(1);
  });

  it('goes to the leader when another node answers', async () => {
    const follower = await double.startFollower();
    const there = await open(follower.connectionString);
    expect(await there.append(appendOf({ stream: 's-1', commitId: 'a' }))).toMatchObject({ revision: 0 });
    expect(double.leader.counts.writes).toBe(1);
    expect(await collect(there.readStream('s-1'))).toHaveLength(1);
  });

  it('is refused before it is sent when it has more than 1 MiB, and the next is not', async () => {
    const bytes = randomBytes(1024).toString('base64').repeat(800);
    const error: unknown = await store
      .append(appendOf({ stream: 's-1', commitId: 'a', body: eventsBody(bytes) }))
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(AppendTooLarge);
    expect(String(error)).toMatch(/s-1 has \d+ bytes, EventStoreDB takes 1048576/);
    expect(double.leader.counts.appends).toBe(0);
    const fitting = eventsBody(bytes.slice(0, 1024 * 1024 - 1000));
    await store.append(appendOf({ stream: 's-1', commitId: 'a', body: fitting }));
    expect((await collect(store.readAll()))[0]?.body).toEqual(fitting);
  });

  it('does not fail because another client of this process does', async () => {
    await using other = await startEventStoreDBDouble();
    const there = await open(other.leader.connectionString);
    forgetOpening(other);
    double.leader.delay(100);
    const here = store.append(appendOf({ stream: 's-1', commitId: 'a' }));
    other.leader.loseAnswers(1, 'cut');
    await there.append(appendOf({ stream: 's-1', commitId: 'a' }));
    await here;
    expect([double.leader.counts.appends, other.leader.counts.appends]).toEqual([1, 2]);
  });
});

describe('appending the same commit again', () => {
  it('answers the first result to another process, in its time', async () => {
    const clock = new StoppedClock();
    const first = await store.append(appendOf({ stream: 's-1', commitId: 'a', expected: 'no-stream' }));
    const other = await open(undefined, clock);
    clock.time = '2026-11-25T00:00:00.000Z';
    for (const expected of ['no-stream', 'any', 0, 5] as const) {
      expect(await other.append(appendOf({ stream: 's-1', commitId: 'a', expected }))).toEqual(first);
    }
    expect(double.leader.counts.writes).toBe(1);
  });

  it('answers one result to two processes at once', async () => {
    const clock = new StoppedClock();
    clock.time = '2026-11-25T00:00:00.000Z';
    const other = await open(undefined, clock);
    for (let n = 0; n < 50; n += 1) {
      const append = appendOf({ stream: `s-${n}`, commitId: 'a', expected: 'no-stream' });
      const [here, there] = await Promise.all([store.append(append), other.append(append)]);
      expect(here).toEqual(there);
    }
    expect(double.leader.counts.writes).toBe(50);
  });

  it('answers the first result when the server has forgotten its ids, and when many others have followed', async () => {
    const first = await store.append(appendOf({ stream: 's-1', commitId: 'a', expected: 'no-stream' }));
    for (let n = 0; n < 100; n += 1) await store.append(appendOf({ stream: 's-1', commitId: `b${n}` }));
    double.log.forgetIds();
    expect(await (await open()).append(appendOf({ stream: 's-1', commitId: 'a', expected: 'any' }))).toEqual(first);
    for (let n = 100; n < 200; n += 1) await store.append(appendOf({ stream: 's-1', commitId: `b${n}` }));
    expect(await (await open()).append(appendOf({ stream: 's-1', commitId: 'a', expected: 'no-stream' }))).toEqual(
      first,
    );
    await expect(store.append(appendOf({ stream: 's-1', commitId: 'a', expected: 5 }))).rejects.toThrow('is at 200');
  });

  it('needs no read for each append of the only writer', async () => {
    await store.append(appendOf({ stream: 's-1', commitId: 'a', expected: 'no-stream' }));
    const { reads } = double.leader.counts;
    for (let n = 0; n < 20; n += 1) await store.append(appendOf({ stream: 's-1', commitId: `b${n}`, expected: n }));
    expect(double.leader.counts.reads).toBe(reads);
  });
});

describe('two writers racing on one stream', () => {
  it('loses nothing and doubles nothing', async () => {
    const other = await open();
    const write = (writer: EventStoreDBEventStore, name: string) =>
      Promise.all(
        Array.from({ length: 40 }, (_, n) => writer.append(appendOf({ stream: 's-1', commitId: `${name}${n}` }))),
      );
    const answered = (await Promise.all([write(store, 'a'), write(other, 'b')])).flat();
    const commits = await collect(store.readStream('s-1'));
    expect(commits.map(({ revision }) => revision)).toEqual([...Array(80).keys()]);
    expect(new Set(commitIdsOf(commits)).size).toBe(80);
    expect(answered.map(({ revision }) => revision).sort((one, two) => one - two)).toEqual([...Array(80).keys()]);
  });

  it('lets one win each revision when both expect it', async () => {
    const other = await open();
    for (let revision = 0; revision < 20; revision += 1) {
      const expected = revision === 0 ? 'no-stream' : revision - 1;
      const outcomes = await Promise.allSettled(
        [store, other].map((each, n) =>
          each.append(appendOf({ stream: 's-1', commitId: `${revision}-${n}`, expected })),
        ),
      );
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: { name: 'RevisionConflict', expected, actual: revision },
      });
    }
  });
});

describe('subscribing while connections are cut', () => {
  it.each(['connections', 'subscriptions'])(
    'loses nothing and doubles nothing when %s are dropped under writes',
    async (what) => {
      const live = new Listener(store, { prefixes: ['wanted-'] });
      const total = 200;
      const { counts } = double.leader;
      let last = '';
      for (let n = 0; n < total; n += 1) {
        const kind = n % 2 === 0 ? 'wanted' : 'other';
        ({ position: last } = await store.append(appendOf({ stream: `${kind}-${n % 5}`, commitId: `c${n}` })));
        if (n % 20 !== 10) continue;
        // What follows is dropped while it does follow.
        await vi.waitFor(() => expect(counts.subscriptions).toBeGreaterThan(0));
        const { subscriptions } = counts;
        if (what === 'connections') double.leader.dropConnections();
        else double.leader.dropSubscriptions();
        await vi.waitFor(() => expect(counts.subscriptions).toBeGreaterThan(subscriptions), { timeout: 5_000 });
      }
      await live.until(({ covered = '' }) => comparePositions(covered, last) >= 0);
      await live.stop();
      const wanted = Array.from({ length: total / 2 }, (_, n) => `c${n * 2}`);
      expect(commitIdsOf(live.commits)).toEqual(wanted);
      expect(commitIdsOf(await collect(store.readAll({ prefixes: ['wanted-'] })))).toEqual(wanted);
      const received = live.messages.flatMap((message) => (message.kind === 'caught-up' ? [message.position] : []));
      expect(received).toEqual([...new Set(received)].sort(comparePositions));
    },
  );

  it('goes on after the server was away for a while', async () => {
    const live = new Listener(store);
    const first = await store.append(appendOf({ stream: 's-1', commitId: 'a' }));
    await live.until(({ covered = '' }) => comparePositions(covered, first.position) >= 0);
    double.leader.setUnreachable(true);
    await vi.waitFor(() => expect(double.leader.counts.turnedAway).toBeGreaterThan(1), { timeout: 5_000 });
    double.leader.setUnreachable(false);
    const second = await store.append(appendOf({ stream: 's-1', commitId: 'b' }));
    await live.until(({ covered = '' }) => comparePositions(covered, second.position) >= 0);
    await live.stop();
    expect(commitIdsOf(live.commits)).toEqual(['a', 'b']);
  });

  it('reads all and streams to the end though connections are cut', async () => {
    const body = { kind: 'packed', bytes: crypto.getRandomValues(new Uint8Array(30_000)), count: 1 } as const;
    await appendMany(200, body);
    const expected = Array.from({ length: 200 }, (_, n) => `c${n}`);
    for (const commits of [store.readAll(), store.readStream('s-1')]) {
      const seen: string[] = [];
      for await (const { commitId } of commits) {
        seen.push(commitId);
        if (seen.length % 50 === 20) double.leader.dropConnections();
      }
      expect(seen).toEqual(expected);
    }
  });
});

describe('following what is not a commit', () => {
  it('is not moved by checkpoints or by the events of the server, so that who saves for each caught-up comes to rest', async () => {
    const live = new Listener(store, { prefixes: ['wanted-'] });
    const { position } = await store.append(appendOf({ stream: 'other-1', commitId: 'a' }));
    await live.until(({ covered = '' }) => comparePositions(covered, position) >= 0);
    const before = live.messages.length;
    for (let version = 0; version < 5; version += 1) {
      await store.checkpoints.save('relay', { position, epoch: 1 }, version);
      double.log.note('$stats-127.0.0.1');
    }
    expect(await store.head()).toBe(position);
    const wanted = await store.append(appendOf({ stream: 'wanted-1', commitId: 'b' }));
    await live.until(({ covered = '' }) => comparePositions(covered, wanted.position) >= 0);
    expect(live.messages.slice(before)).toMatchObject([
      { kind: 'commit', commit: { commitId: 'b' } },
      { kind: 'caught-up', position: wanted.position },
    ]);
    await live.stop();
  });

  it('finds the head behind many events of the server', async () => {
    const { position } = await store.append(appendOf({ stream: 's-1', commitId: 'a' }));
    for (let n = 0; n < 3000; n += 1) double.log.note('$stats');
    expect(await (await open()).head()).toBe(position);
  });

  it('passes over events of others', async () => {
    const client = EventStoreDBClient.connectionString(double.leader.connectionString);
    const event = { id: crypto.randomUUID(), type: 'Foreign', contentType: 'application/json', data: {}, metadata: {} };
    await client.appendToStream('theirs-1', event as never, { credentials: { username: '', password: '' } });
    await store.append(appendOf({ stream: 's-1', commitId: 'a' }));
    expect(commitIdsOf(await collect(store.readAll()))).toEqual(['a']);
  });
});

/** Until a number that grows has been the same for a while. */
async function comesToRest(read: () => number): Promise<void> {
  for (let [before, same] = [read(), 0]; same < 20; same += 1) {
    await sleep(5);
    if (read() !== before) [before, same] = [read(), 0];
  }
}

describe('reading slowly', () => {
  it.each(['reading', 'subscribing'])(
    'lets the server wait when %s, instead of holding what is not wanted yet',
    async (how) => {
      const body = { kind: 'packed', bytes: crypto.getRandomValues(new Uint8Array(50_000)), count: 1 } as const;
      const total = 600;
      await appendMany(total, body);
      const { sent } = double.leader.counts;
      const abort = new AbortController();
      const items: AsyncIterable<unknown> =
        how === 'reading' ? store.readAll() : store.subscribe({ signal: abort.signal });
      let seen = 0;
      for await (const item of items) {
        seen += item === undefined ? 0 : 1;
        if (seen === 1) {
          await comesToRest(() => double.leader.counts.sent);
          expect(double.leader.counts.sent - sent).toBeLessThan(200);
        }
        if (seen === total) break;
      }
      abort.abort();
      expect(seen).toBe(total);
    },
  );
});

describe('closing while reading', () => {
  it('ends reads and subscriptions with an error, and closes', async () => {
    const body = { kind: 'packed', bytes: crypto.getRandomValues(new Uint8Array(50_000)), count: 1 } as const;
    await appendMany(300, body);
    const abandoned = store.readAll()[Symbol.asyncIterator]();
    await abandoned.next();
    const [hasRead, mayGoOn] = [Promise.withResolvers<number>(), Promise.withResolvers<undefined>()];
    const slow = (async () => {
      for await (const { revision } of store.readStream('s-1')) {
        hasRead.resolve(revision);
        await mayGoOn.promise;
      }
    })().catch((reason: unknown) => reason);
    const waiting = collect(store.subscribe({ signal: new AbortController().signal })).catch(
      (reason: unknown) => reason,
    );
    expect(await hasRead.promise).toBe(0);
    await vi.waitFor(() => expect(double.leader.counts.subscriptions).toBe(1));
    const closed = store.close();
    mayGoOn.resolve(undefined);
    await closed;
    expect(await slow).toBeInstanceOf(StoreUnavailable);
    expect(await waiting).toBeInstanceOf(StoreUnavailable);
    await expect(store.head()).rejects.toThrow(StoreUnavailable);
  });
});

describe('connecting', () => {
  it.each([
    ['http://user:secret@host', /does not read like/],
    ['esdb://host:2113', /TLS needs a user/],
    ['esdb://user:sec:ret@host:2113', /%3A/],
    ['esdb://user:secret@host:2113?tls=perhaps', /neither true nor false/],
    ['esdb://user:secret@host:2113?throwOnAppendFailure=false', /option throwOnAppendFailure/],
    ['esdb://user:secret@host:port?tls=false', /does not understand/],
    ['esdb://user:secret@host:2113?tlsCAFile=/nowhere/secret.pem', /tlsCAFile was not found/],
  ])('refuses %s without telling its secrets', (connectionString, message) => {
    expect(() => connectionTo(connectionString)).toThrow(message);
    expect(() => connectionTo(connectionString)).not.toThrow(/secret|sec:ret/);
  });

  it('says in time that nobody is there', async () => {
    double.leader.setUnreachable(true);
    await expect(open()).rejects.toThrow(StoreUnavailable);
  });

  it('finds the leader by gossip, also again after nobody was there', async () => {
    const there = await open(double.leader.connectionString.replace('esdb:', 'esdb+discover:'));
    const live = new Listener(there);
    await there.append(appendOf({ stream: 's-1', commitId: 'a' }));
    double.leader.setUnreachable(true);
    await expect(there.append(appendOf({ stream: 's-1', commitId: 'b' }))).rejects.toThrow(StoreUnavailable);
    double.leader.setUnreachable(false);
    const { position } = await there.append(appendOf({ stream: 's-1', commitId: 'b' }));
    await live.until(({ covered = '' }) => comparePositions(covered, position) >= 0);
    await live.stop();
    expect(commitIdsOf(live.commits)).toEqual(['a', 'b']);
  });
});
