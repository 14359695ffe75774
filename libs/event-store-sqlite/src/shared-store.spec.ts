import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CheckpointConflict, LIVE_BUFFER_COMMITS_MAX, Reservations, RevisionConflict } from '@sluice/event-sourcing';
import {
  appendOf,
  checkpointsContract,
  collect,
  eventStoreContract,
  Listener,
  reserveAndAct,
  StoppedClock,
} from '@sluice/testing';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openTurnLock } from './data-folder-lock.ts';
import { SqliteEventStore } from './sqlite-event-store.ts';

/** What the log holds when it is moved into the file, and what both may add before that has happened. */
const WAL_BYTES_MAX = 24 * 1024 * 1024;

const folders: string[] = [];

async function newPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-shared-'));
  folders.push(folder);
  return join(folder, 'data', 'events.db');
}

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

eventStoreContract('SqliteEventStore in shared mode', async (clock) =>
  SqliteEventStore.open({ path: await newPath(), clock, shared: true }),
);
checkpointsContract('SqliteEventStore in shared mode', async (clock) =>
  SqliteEventStore.open({ path: await newPath(), clock, shared: true }),
);

// Two stores in one process have a thread and a connection each, and know of each other no more than two processes do.
let path: string;
let stores: [SqliteEventStore, SqliteEventStore];
let clocks: [StoppedClock, StoppedClock];
const listeners: Listener[] = [];

function open(clock = new StoppedClock(), shared = true): Promise<SqliteEventStore> {
  return SqliteEventStore.open({ path, clock, shared });
}

function withTwoStores(): void {
  beforeEach(async () => {
    path = await newPath();
    clocks = [new StoppedClock(), new StoppedClock()];
    // At the same time: both find no file.
    stores = await Promise.all([open(clocks[0]), open(clocks[1])]);
  });
  afterEach(async () => {
    await Promise.all(listeners.splice(0).map((each) => each.stop()));
    await Promise.all(stores.map((store) => store.close()));
  });
}

function listen(store: SqliteEventStore, each?: () => Promise<unknown>): Listener {
  const listener = new Listener(store, {}, each);
  listeners.push(listener);
  return listener;
}

/** Each store appends so many commits to the same five streams, all at once. */
async function appendByBoth(count: number, name = 'c'): Promise<void> {
  const numbers = [...Array(count).keys()];
  await Promise.all(
    stores.flatMap((store, who) =>
      numbers.map((n) => store.append(appendOf({ stream: `s-${n % 5}`, commitId: `${name}-${who}-${n}` }))),
    ),
  );
}

function upTo(count: number): string[] {
  return Array.from({ length: count }, (_, n) => String(n + 1));
}

describe('appending to a shared store', () => {
  withTwoStores();

  it('keeps every commit, in dense positions and revisions, and both read the same', async () => {
    for (let round = 0; round < 20; round += 1) await appendByBoth(25, `c${round}`);
    const commits = await collect(stores[0].readAll());
    expect(commits.map(({ position }) => position)).toEqual(upTo(1000));
    expect(new Set(commits.map(({ commitId }) => commitId)).size).toBe(1000);
    const revisions = (await collect(stores[1].readStream('s-3'))).map(({ revision }) => revision);
    expect(revisions).toEqual([...Array(200).keys()]);
    expect(await collect(stores[1].readAll())).toEqual(commits);
    expect(await Promise.all(stores.map((store) => store.head()))).toEqual(['1000', '1000']);
  });

  it('lets exactly one win when both expect the same revision', async () => {
    for (let revision = 0; revision < 50; revision += 1) {
      const expected = revision === 0 ? 'no-stream' : revision - 1;
      const outcomes = await Promise.allSettled(
        stores.map((store, who) =>
          store.append(appendOf({ stream: 's-1', commitId: `c-${revision}-${who}`, expected })),
        ),
      );
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const [lost] = outcomes.flatMap((outcome): unknown[] => (outcome.status === 'rejected' ? [outcome.reason] : []));
      expect(lost).toEqual(new RevisionConflict('s-1', expected, revision));
    }
    expect(await stores[0].head()).toBe('50');
  });

  it('answers a commit that the other has appended with the first result', async () => {
    const first = await stores[0].append(appendOf({ stream: 's-1', commitId: 'a', expected: 'no-stream' }));
    const again = appendOf({ stream: 's-1', commitId: 'a', expected: 'no-stream' });
    expect(await stores[1].append(again)).toEqual(first);
    const [left, right] = await Promise.all(
      stores.map((store) => store.append(appendOf({ stream: 's-1', commitId: 'both' }))),
    );
    expect(left).toEqual(right);
    expect(await collect(stores[0].readAll())).toHaveLength(2);
  });

  it('never lets the recorded time decrease, though the clocks differ', async () => {
    clocks[0].time = '2026-11-24T12:00:00.000Z';
    for (const [n, who] of ([0, 1, 1, 0, 1] as const).entries()) {
      await stores[who].append(appendOf({ stream: `s-${who}`, commitId: `c${n}` }));
    }
    const recorded = (await collect(stores[1].readAll())).map(({ recordedAt }) => recordedAt);
    expect(recorded).toEqual(Array(5).fill('2026-11-24T12:00:00.000Z'));
  });

  it('lets both have their turn, and keeps the write-ahead log short, however much each has to write', async () => {
    const body = { kind: 'packed', bytes: crypto.getRandomValues(new Uint8Array(20_000)), count: 1 } as const;
    const endMs = performance.now() + 2000;
    const counts = [0, 0];
    let walBytes = 0;
    const write = async (who: 0 | 1) => {
      while (performance.now() < endMs) {
        const commitId = `c-${who}-${(counts[who] = (counts[who] ?? 0) + 1)}`;
        await stores[who].append(appendOf({ stream: `s-${who}`, commitId, body }));
        walBytes = Math.max(walBytes, (await stat(`${path}-wal`)).size);
      }
    };
    await Promise.all(Array.from({ length: 64 }, (_, n) => write(n % 2 === 0 ? 0 : 1)));
    expect(Math.min(...counts) / Math.max(...counts)).toBeGreaterThan(0.5);
    expect(walBytes).toBeLessThan(WAL_BYTES_MAX);
  });

  it('lets nobody overtake one that waits for its turn', async () => {
    const writer = new DatabaseSync(path);
    writer.exec('BEGIN IMMEDIATE');
    const turn = openTurnLock(join(path, '..'));
    const appending = stores[0].append(appendOf({ stream: 's-1', commitId: 'a' }));
    const acquire = () => {
      turn.exec('BEGIN IMMEDIATE');
      turn.exec('ROLLBACK');
    };
    await vi.waitFor(() => expect(acquire).toThrow('locked'));
    writer.close();
    await appending;
    acquire();
    turn.close();
  });

  it('keeps one line of checkpoints', async () => {
    await stores[0].checkpoints.save('relay', { position: '1', epoch: 1 }, 0);
    expect(await stores[1].checkpoints.load('relay')).toEqual({ version: 1, position: '1', epoch: 1 });
    await stores[1].checkpoints.save('relay', { position: '1', epoch: 2 }, 1);
    await expect(stores[0].checkpoints.save('relay', { position: '2', epoch: 1 }, 1)).rejects.toThrow(
      CheckpointConflict,
    );
  });
});

describe('subscribing to a shared store', () => {
  withTwoStores();

  it('delivers all commits of both, each once, in the order that both see', async () => {
    const live = stores.map((store) => listen(store));
    for (let round = 0; round < 30; round += 1) await appendByBoth(20, `c${round}`);
    await Promise.all(live.map((listener) => listener.until(({ covered }) => covered === '1200')));
    const commits = await collect(stores[0].readAll());
    for (const listener of live) expect(listener.commits).toEqual(commits);
    expect(commits.map(({ position }) => position)).toEqual(upTo(1200));
  });

  it('hears what only the other appends, soon, and also to a later subscriber', async () => {
    const live = listen(stores[0]);
    await live.until(({ covered }) => covered === '0');
    const startMs = performance.now();
    await stores[1].append(appendOf({ stream: 's-1', commitId: 'a' }));
    await live.until(({ covered }) => covered === '1');
    expect(performance.now() - startMs).toBeLessThan(1000);
    await live.stop();

    await stores[1].append(appendOf({ stream: 's-1', commitId: 'b' }));
    const later = listen(stores[0]);
    await later.until(({ covered }) => covered === '2');
    await stores[1].append(appendOf({ stream: 's-1', commitId: 'c' }));
    await later.until(({ covered }) => covered === '3');
    expect(later.commits.map(({ commitId }) => commitId)).toEqual(['a', 'b', 'c']);
  });

  it('leaves out nothing between the own commits, nor what came with a conflict', async () => {
    const live = listen(stores[0]);
    await live.until(({ covered }) => covered === '0');
    await stores[1].append(appendOf({ stream: 's-1', commitId: 'a' }));
    await stores[0].append(appendOf({ stream: 's-2', commitId: 'b' }));
    await stores[1].append(appendOf({ stream: 's-1', commitId: 'c' }));
    const conflicting = appendOf({ stream: 's-1', commitId: 'd', expected: 'no-stream' });
    await expect(stores[0].append(conflicting)).rejects.toThrow(RevisionConflict);
    await live.until(({ covered }) => covered === '3');
    expect(live.commits.map(({ commitId }) => commitId)).toEqual(['a', 'b', 'c']);
  });

  it('loses nothing when the subscriber is slower than both', async () => {
    const gate = Promise.withResolvers<undefined>();
    await appendByBoth(1, 'first');
    const live = listen(stores[0], () => gate.promise);
    await live.until(({ commits }) => commits.length === 1);
    await appendByBoth(LIVE_BUFFER_COMMITS_MAX);
    gate.resolve(undefined);
    const total = 2 + 2 * LIVE_BUFFER_COMMITS_MAX;
    await live.until(({ covered }) => covered === String(total));
    expect(live.commits.map(({ position }) => position)).toEqual(upTo(total));
  });
});

describe('closing a shared store', () => {
  withTwoStores();

  it('leaves the other working, and one file once both have closed', async () => {
    await appendByBoth(10);
    await stores[0].close();
    await stores[1].append(appendOf({ stream: 's-1', commitId: 'later' }));
    expect(await stores[1].head()).toBe('21');
    await stores[1].close();
    const files = await readdir(join(path, '..'));
    expect(files.filter((name) => name.startsWith('events'))).toEqual(['events.db']);
    const alone = await open(clocks[0], false);
    expect(await collect(alone.readAll())).toHaveLength(21);
    await alone.close();
  });

  it('does not wait for the other, which goes on writing', async () => {
    const writing = appendByBoth(3000).catch(() => undefined);
    await stores[0].close();
    await writing;
    expect(await stores[1].append(appendOf({ stream: 's-1', commitId: 'later' }))).toMatchObject({ position: '6001' });
  });

  it('may be opened and closed by many while one writes', async () => {
    await stores[1].close();
    for (let n = 0; n < 10; n += 1) {
      const [passing] = await Promise.all([open(), appendByOne(20, `c${n}`)]);
      await Promise.all([passing.close(), appendByOne(20, `d${n}`)]);
    }
    expect(await stores[0].head()).toBe('400');
  });
});

describe('waiting for a shared file', () => {
  withTwoStores();

  it('is unavailable, and not for ever, when another holds the file for seconds', { timeout: 20_000 }, async () => {
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    await expect(stores[0].append(appendOf({ stream: 's-1', commitId: 'a' }))).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: expect.stringContaining('locked'),
    });
    other.close();
    await stores[0].append(appendOf({ stream: 's-1', commitId: 'a' }));
    expect(await stores[1].head()).toBe('1');
  });
});

function appendByOne(count: number, name: string): Promise<unknown> {
  const numbers = [...Array(count).keys()];
  return Promise.all(numbers.map((n) => stores[0].append(appendOf({ stream: 's-1', commitId: `${name}-${n}` }))));
}

describe('reserving by two processes on one file', () => {
  withTwoStores();

  it('has one winner in each of 200 rounds', async () => {
    const writers = stores.map((store) => ({ store, reservations: new Reservations(store, () => performance.now()) }));
    const wins = [0, 0];
    for (let round = 0; round < 200; round += 1) {
      const won = await Promise.all(
        writers.map(({ store, reservations }, who) =>
          reserveAndAct(store, reservations, `${who}-${round}`, `key-${round}`),
        ),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      const winner = won.indexOf(true);
      wins[winner] = (wins[winner] ?? 0) + 1;
    }
    expect((wins[0] ?? 0) + (wins[1] ?? 0)).toBe(200);
  }, 60_000);
});
