import { mkdtemp, open as openFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { appendOf, collect, StoppedClock } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SqliteEventStore } from './sqlite-event-store.ts';
import { SqliteReader } from './sqlite-reader.ts';
import { StoreRefused } from './store-refused.ts';

const COMMITS = 200;

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-refused-'));
  path = join(folder, 'events.db');
});
afterEach(() => rm(folder, { recursive: true }));

/** A closed store of many commits in two streams, changed behind its back. */
async function storeChangedBy(...statements: string[]): Promise<void> {
  const store = await SqliteEventStore.open({ path, clock: new StoppedClock() });
  const ids = Array.from({ length: COMMITS }, (_, n) => `c${n + 1}`);
  await Promise.all(ids.map((commitId, n) => store.append(appendOf({ stream: `s-${n % 2}`, commitId }))));
  await store.close();
  const database = new DatabaseSync(path);
  for (const statement of statements) database.exec(statement);
  database.close();
}

function open(more: { path?: string; kind?: 'wall' | 'manual'; shared?: boolean } = {}): Promise<SqliteEventStore> {
  const { kind = 'manual' } = more;
  return SqliteEventStore.open({ path, ...more, clock: { kind, nowText: () => '2026-11-24T10:00:00.000Z' } });
}

async function refusal(opening: Promise<SqliteEventStore> = open()): Promise<StoreRefused> {
  const error: unknown = await opening.then(
    () => new Error('it was opened'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof StoreRefused)) throw error;
  return error;
}

describe('refusing to open a store', () => {
  it('names the folder when this process has the store already, and opens it once that is closed', async () => {
    const store = await open();
    const { code, message } = await refusal(open({ path: join(folder, 'other.db') }));
    expect(code).toBe('folder-in-use');
    expect(message).toContain(folder);
    await store.close();
    await (await open()).close();
  });

  it('says so when others share the folder and this one would not', async () => {
    const sharing = await Promise.all([open({ shared: true }), open({ shared: true })]);
    expect(await refusal()).toMatchObject({
      code: 'folder-in-use',
      message:
        `The data folder ${folder} is shared by other Sluice processes, and this one would have it for itself. ` +
        'Stop those first, start this one in shared mode, or name another folder.',
    });
    await Promise.all(sharing.map((store) => store.close()));
    await (await open()).close();
  });

  it('says so when another has the folder for itself and this one would share it', async () => {
    const alone = await open();
    expect(await refusal(open({ shared: true }))).toMatchObject({
      code: 'folder-in-use',
      message:
        `The data folder ${folder} is in use by another Sluice process, which does not share it. ` +
        'Stop that one first and start it in shared mode, or name another folder.',
    });
    await alone.close();
    await (await open({ shared: true })).close();
  });

  it('names both clocks when another one wrote it', async () => {
    await storeChangedBy();
    const { code, message } = await refusal(open({ kind: 'wall' }));
    expect(code).toBe('other-clock');
    expect(message).toContain('written with the manual clock and cannot go on with the wall clock');
  });

  it('names both formats when another version wrote it', async () => {
    await storeChangedBy(`UPDATE meta SET value = '2' WHERE name = 'format'`);
    const { code, message } = await refusal();
    expect(code).toBe('other-format');
    expect(message).toMatch(/has format 2, and .* writes format 1/);
    expect(() => SqliteReader.open(path)).toThrow(StoreRefused);
  });

  it('leaves alone what is not a store', async () => {
    await writeFile(path, 'Dear diary, '.repeat(1000));
    expect((await refusal()).code).toBe('not-a-store');
    await rm(path);
    const database = new DatabaseSync(path);
    database.exec('CREATE TABLE diary (entry TEXT)');
    database.close();
    expect((await refusal()).code).toBe('not-a-store');
  });

  it('notices a file that was written in part', async () => {
    await storeChangedBy();
    const { size } = await stat(path);
    await truncate(path, size / 2);
    const { code, message } = await refusal();
    expect(code).toBe('damaged');
    expect(message).toContain(path);
  });

  it('notices that the last record is damaged', async () => {
    await storeChangedBy(`UPDATE commits SET record = zeroblob(40) WHERE position = ${COMMITS}`);
    expect(await refusal()).toMatchObject({ code: 'damaged', message: expect.stringContaining(`record ${COMMITS} `) });
  });

  it('says that it cannot be opened where no folder can be made, and where there is nothing to read', async () => {
    await writeFile(join(folder, 'file'), '');
    expect((await refusal(open({ path: join(folder, 'file', 'events.db') }))).code).toBe('cannot-open');
    expect(() => SqliteReader.open(join(folder, 'nothing.db'))).toThrow(
      expect.objectContaining({ code: 'cannot-open' }),
    );
  });

  it('frees the folder again after a refusal', async () => {
    await storeChangedBy();
    await refusal(open({ kind: 'wall' }));
    await (await open()).close();
  });
});

describe('reading a damaged store', () => {
  it.each([
    [
      'has a changed byte',
      'UPDATE commits SET record = CAST(zeroblob(30) || substr(record, 31) AS BLOB) WHERE position = 7',
      'revision 3 of stream s-0, record 7 is damaged. Put a backup',
    ],
    [
      'was put in the place of another',
      'UPDATE commits SET record = (SELECT record FROM commits WHERE position = 9) WHERE position = 7',
      'revision 3 of stream s-0, record 7 is damaged. Put a backup',
    ],
    [
      'was given to another stream',
      'UPDATE commits SET stream = 2 WHERE position = 7',
      'revision 3 of stream s-0, record 7 is damaged',
    ],
    ['is missing', 'DELETE FROM commits WHERE position = 7', 'revision 3 of stream s-0, record 7 is missing'],
  ])('names the record that %s, and trusts what lies before it only', async (_, statement, words) => {
    await storeChangedBy(statement);
    const store = await open();
    await expect(collect(store.readAll())).rejects.toMatchObject({
      name: 'StoreUnavailable',
      message: expect.stringContaining(words),
    });
    expect(await collect(store.readAll({ after: '7' }))).toHaveLength(COMMITS - 7);
    await store.close();

    const reader = SqliteReader.open(path);
    expect(() => [...reader.iterateAll()]).toThrow(words);
    reader.close();
  });

  it('names the damaged record of a stream, and serves the other streams', async () => {
    await storeChangedBy("UPDATE commits SET record = 'text' WHERE position = 7");
    const reader = SqliteReader.open(path);
    expect(() => [...reader.iterateStream('s-0')]).toThrow(`${path}: revision 3 of stream s-0, record 7 is damaged`);
    expect([...reader.iterateAll({ prefixes: ['s-1'] })]).toHaveLength(COMMITS / 2);
    reader.close();
  });

  it('names the revision that is missing in a stream', async () => {
    await storeChangedBy('DELETE FROM revisions WHERE stream = 1 AND revision = 3');
    const store = await open();
    await expect(collect(store.readStream('s-0'))).rejects.toThrow('revision 3 of stream s-0 is missing');
    expect(await collect(store.readStream('s-1'))).toHaveLength(COMMITS / 2);
    await store.close();
  });

  it('is unavailable where pages of the file are damaged', async () => {
    await storeChangedBy();
    const file = await openFile(path, 'r+');
    const { size } = await file.stat();
    const page = 16_384;
    await file.write(Buffer.alloc(size - 2 * page, 0xa5), 0, size - 2 * page, page);
    await file.close();
    const reading = open().then((store) => collect(store.readAll()).finally(() => store.close()));
    await expect(reading).rejects.toMatchObject({ name: expect.stringMatching(/^Store(Refused|Unavailable)$/) });
  });
});
