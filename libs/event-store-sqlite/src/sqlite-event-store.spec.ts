import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Append, type Appended, StoreOverloaded } from '@sluice/event-sourcing';
import { appendOf, checkpointsContract, collect, eventStoreContract, Listener, StoppedClock } from '@sluice/testing';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SqliteEventStore } from './sqlite-event-store.ts';
import { SqliteReader } from './sqlite-reader.ts';

const folders: string[] = [];

async function newPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-store-'));
  folders.push(folder);
  return join(folder, 'data', 'events.db');
}

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

eventStoreContract('SqliteEventStore', async (clock) => SqliteEventStore.open({ path: await newPath(), clock }));
checkpointsContract('SqliteEventStore', async (clock) => SqliteEventStore.open({ path: await newPath(), clock }));

let path: string;
let store: SqliteEventStore;
const clock = new StoppedClock();

beforeEach(async () => {
  path = await newPath();
  store = await SqliteEventStore.open({ path, clock });
});
afterEach(() => store.close());

async function reopen(more: { sizeBytesMax?: number } = {}): Promise<void> {
  await store.close();
  store = await SqliteEventStore.open({ path, clock, ...more });
}

function packed(commitId: string, bytes: Uint8Array): Append {
  return appendOf({ stream: 's-1', commitId, body: { kind: 'packed', bytes, count: 125 } });
}

function appendMany(count: number, name = 'c'): Promise<Appended[]> {
  const ids = Array.from({ length: count }, (_, n) => `${name}${n}`);
  return Promise.all(ids.map((commitId, n) => store.append(appendOf({ stream: `s-${n % 3}`, commitId }))));
}

describe('numbering positions', () => {
  it('counts the commits across streams, without a gap for what conflicted', async () => {
    const refused = appendOf({ stream: 's-0', commitId: 'refused', expected: 7 });
    await Promise.all([appendMany(60), expect(store.append(refused)).rejects.toThrow(), appendMany(60, 'd')]);
    const positions = (await collect(store.readAll())).map(({ position }) => position);
    expect(positions).toEqual(Array.from({ length: 120 }, (_, n) => String(n + 1)));
    expect(await store.head()).toBe('120');
  });
});

describe('keeping what was appended', () => {
  it('has everything after it was closed and opened again, and goes on where it was', async () => {
    clock.time = '2026-11-24T12:00:00.000Z';
    const before = await appendMany(5);
    const read = await collect(store.readAll());
    clock.time = '2026-11-24T11:00:00.000Z';
    await reopen();
    expect(await store.head()).toBe('5');
    expect(await collect(store.readAll())).toEqual(read);
    expect(await store.append(appendOf({ stream: 's-0', commitId: 'c0' }))).toEqual(before[0]);
    expect(await store.append(appendOf({ stream: 's-0', commitId: 'new', expected: 1 }))).toEqual({
      revision: 2,
      position: '6',
      recordedAt: '2026-11-24T12:00:00.000Z',
    });
  });

  it('is one file beside the lock once it is closed', async () => {
    await appendMany(5);
    await store.close();
    const files = await readdir(join(path, '..'));
    expect(files.filter((name) => name.startsWith('events'))).toEqual(['events.db']);
  });

  it('writes appends that come together in one transaction', async () => {
    await appendMany(500);
    expect(store.stats()).toEqual({ transactions: 1, commits: 500 });
    await Promise.all(Array.from({ length: 4 }, (_, n) => appendMany(50, `more-${n}-`)));
    expect(store.stats()).toEqual({ transactions: 2, commits: 700 });
  });

  it('lets each append of a transaction conflict by itself', async () => {
    const outcomes = await Promise.allSettled([
      store.append(appendOf({ stream: 's-1', commitId: 'a', expected: 'no-stream' })),
      store.append(appendOf({ stream: 's-1', commitId: 'b', expected: 'no-stream' })),
      store.append(appendOf({ stream: 's-1', commitId: 'c', expected: 0 })),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(store.stats()).toEqual({ transactions: 1, commits: 2 });
  });

  it('tells a subscriber live what a reader reads later', async () => {
    const listener = new Listener(store);
    await listener.until(({ covered }) => covered === '0');
    await store.append(packed('a', randomBytes(20)));
    await store.append(
      appendOf({
        stream: 's-1',
        commitId: 'b',
        body: { kind: 'events', events: [{ type: 'Said', of: undefined } as never] },
      }),
    );
    await listener.until(({ covered }) => covered === '2');
    await listener.stop();
    expect(listener.commits).toStrictEqual(await collect(store.readAll()));
  });

  it('spends less than 60 bytes a fact on packed fleet facts of 40 bytes', async () => {
    const [commits, facts] = [400, 125];
    const before = (await stat(path)).size;
    await Promise.all(
      Array.from({ length: commits }, (_, n) => store.append(packed(`c${n}`, randomBytes(facts * 40)))),
    );
    await store.close();
    expect(((await stat(path)).size - before) / (commits * facts)).toBeLessThan(60);
  });

  it('spends less than 150 bytes on a small commit beyond its body', async () => {
    const commits = await appendMany(5000);
    const body = JSON.stringify([{ type: 'Said', words: 'c1000' }]).length;
    await store.close();
    expect((await stat(path)).size / commits.length - body).toBeLessThan(150);
  });
});

describe('keeping checkpoints', () => {
  const moved = { position: '1', epoch: 1 };

  it('has them after it was closed and opened again', async () => {
    await store.checkpoints.save('relay', moved, 0);
    await reopen();
    expect(await store.checkpoints.load('relay')).toEqual({ ...moved, version: 1 });
  });

  it('saves them in the transaction of the appends, and takes no position for them', async () => {
    const [first, , second] = await Promise.all([
      store.append(packed('a', randomBytes(10))),
      store.checkpoints.save('relay', moved, 0),
      store.append(packed('b', randomBytes(10))),
    ]);
    expect([first.position, second.position]).toEqual(['1', '2']);
    expect(store.stats()).toEqual({ transactions: 1, commits: 2 });
    await store.checkpoints.save('relay', moved, 1);
    expect(await store.head()).toBe('2');
  });

  it('does not grow by them', async () => {
    await store.checkpoints.save('relay', moved, 0);
    await reopen();
    const before = (await stat(path)).size;
    for (let version = 1; version < 200; version += 1) await store.checkpoints.save('relay', moved, version);
    await store.close();
    expect((await stat(path)).size).toBe(before);
  });

  it('finds room for them in a file that was written before there were any', async () => {
    await appendMany(5);
    await store.close();
    const database = new DatabaseSync(path);
    database.exec('DROP TABLE checkpoints');
    database.close();
    store = await SqliteEventStore.open({ path, clock });
    expect(await store.head()).toBe('5');
    expect(await store.checkpoints.load('relay')).toBeUndefined();
    await store.checkpoints.save('relay', moved, 0);
  });
});

describe('running out of room', () => {
  it('is unavailable, keeps nothing of the append, and stays readable when the disk is full', async () => {
    await reopen({ sizeBytesMax: 1024 * 1024 });
    let accepted = 0;
    let failure: unknown;
    while (failure === undefined) {
      await store.append(packed(`c${accepted}`, randomBytes(50_000))).then(
        () => (accepted += 1),
        (reason: unknown) => (failure = reason),
      );
    }
    expect(failure).toMatchObject({ name: 'StoreUnavailable', message: expect.stringContaining('full') });
    expect(accepted).toBeGreaterThan(10);
    expect(await collect(store.readAll())).toHaveLength(accepted);
    expect(await store.head()).toBe(String(accepted));

    await reopen();
    expect(await store.append(packed(`c${accepted}`, randomBytes(50_000)))).toMatchObject({ revision: accepted });
    expect(await collect(store.readAll())).toHaveLength(accepted + 1);
  });

  it('cannot prove that it writes when the disk is full, and can once there is room again', async () => {
    await reopen({ sizeBytesMax: 1024 * 1024 });
    await store.proveWritable();
    const fill = async () => {
      for (let count = 0; ; count += 1) await store.append(packed(`c${count}`, randomBytes(10_000)));
    };
    await expect(fill()).rejects.toThrow('full');
    await expect(store.proveWritable()).rejects.toMatchObject({ name: 'StoreUnavailable' });
    const commits = await collect(store.readAll());
    await reopen();
    await store.proveWritable();
    expect(await collect(store.readAll())).toEqual(commits);
  });

  it('keeps one mark, however often it proves that it writes', async () => {
    for (let count = 0; count < 200; count += 1) await store.proveWritable();
    await store.close();
    expect((await stat(path)).size).toBeLessThan(512 * 1024);
  });

  it('refuses what is too much to wait for the disk, and does the rest', async () => {
    const megabyte = new Uint8Array(1024 * 1024);
    const appends = Array.from({ length: 70 }, (_, n) => store.append(packed(`c${n}`, megabyte)));
    const outcomes = await Promise.allSettled(appends);
    const refused = outcomes.flatMap((outcome): unknown[] => (outcome.status === 'rejected' ? [outcome.reason] : []));
    expect(refused).toHaveLength(6);
    for (const reason of refused) expect(reason).toBeInstanceOf(StoreOverloaded);
    expect(await store.head()).toBe('64');
  });

  it('is unavailable for readers too once it is closed', async () => {
    await store.close();
    await expect(collect(store.readAll())).rejects.toMatchObject({ name: 'StoreUnavailable' });
  });
});

describe('reading beside the writer', () => {
  it('sees what was there when it began, though the writer goes on', async () => {
    await appendMany(2500);
    const reader = SqliteReader.open(path);
    const reading = reader.readAll();
    const first = await reading.next();
    await appendMany(100, 'later');
    const rest = await collect(reading);
    expect(first.value).toMatchObject({ position: '1' });
    expect(rest.map(({ position }) => position)).toEqual(Array.from({ length: 2499 }, (_, n) => String(n + 2)));
    expect([...reader.iterateAll({ after: '2500' })]).toHaveLength(100);
    reader.close();
  });

  it('knows when the last commit was recorded', async () => {
    const reader = SqliteReader.open(path);
    expect(reader.lastRecordedAt()).toBeUndefined();
    const { recordedAt } = await store.append(packed('a', randomBytes(10)));
    await appendMany(3);
    expect(reader.lastRecordedAt()).toBe(recordedAt);
    reader.close();
  });

  it('reads the same as the store', async () => {
    await appendMany(50);
    await store.append(packed('packed', randomBytes(3000)));
    const reader = SqliteReader.open(path);
    expect([...reader.iterateAll()]).toEqual(await collect(store.readAll()));
    expect([...reader.iterateStream('s-1', 3)]).toEqual(await collect(store.readStream('s-1', 3)));
    const some = { after: '10', prefixes: ['s-0', 's-2'] };
    expect(await collect(reader.readAll(some))).toEqual(await collect(store.readAll(some)));
    expect(await collect(reader.readStream('s-2'))).toEqual(await collect(store.readStream('s-2')));
    reader.close();
  });
});
