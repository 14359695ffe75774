import { randomBytes } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import type { ClockKind } from '@sluice/event-sourcing';
import { RESTORE } from './sqlite-pages.ts';
import { StoreRefused } from './store-refused.ts';

/** Which file, and how it is to be used. */
export interface StoreFile {
  readonly path: string;
  readonly clockKind: ClockKind;
  /** The file does not grow beyond that; appends fail then as on a full disk. */
  readonly sizeBytesMax: number | undefined;
  /** Other processes write to it, too. */
  readonly shared: boolean;
}

const FORMAT = '1';
/** 'Slui', so that `file` and SQLite can tell a store from another database. */
const APPLICATION_ID = 0x536c7569;
/** Packed commits are some 3 kB: pages of 4 kB would stay a third empty. Larger pages cost little time beside the fsync. */
const PAGE_SIZE_BYTES = 16_384;
/** Readers in other threads hold the file for a page at most, other processes that share it for a transaction each. */
export const BUSY_TIMEOUT_MS = 5000;
/** What is left of the write-ahead log after a checkpoint, however large it once was. */
const WAL_BYTES_KEPT_MAX = 16 * 1024 * 1024;

/**
 * One table is the log. The other two find a commit by its stream and revision, and by its id; for the latter 47 bits of
 * a hash do (6 bytes in SQLite), because the id itself is in the record to compare with.
 */
const SCHEMA = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
  CREATE TABLE streams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  CREATE TABLE commits (position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, record BLOB NOT NULL);
  CREATE TABLE revisions (stream INTEGER, revision INTEGER, position INTEGER NOT NULL, PRIMARY KEY (stream, revision)) WITHOUT ROWID;
  CREATE TABLE commit_ids (key INTEGER, position INTEGER, PRIMARY KEY (key, position)) WITHOUT ROWID;
`;

/** Added to files that were written before there were checkpoints; earlier versions do not mind the table. */
const CHECKPOINTS = `
  CREATE TABLE IF NOT EXISTS checkpoints
    (name TEXT PRIMARY KEY, version INTEGER NOT NULL, position TEXT NOT NULL, epoch INTEGER NOT NULL) WITHOUT ROWID;
`;

/** Where marks are written as proof that the disk still takes something; earlier versions do not mind this table either. */
const MARKS = 'CREATE TABLE IF NOT EXISTS marks (id INTEGER PRIMARY KEY, room BLOB NOT NULL)';

/** A file that was written before stores had a name for their past is given one; earlier versions do not mind. */
const LINEAGE = `INSERT OR IGNORE INTO meta VALUES ('lineage', ?)`;
const LINEAGE_BYTES = 6;

/** The name of the past that the file holds. */
export function lineageOf(database: DatabaseSync): string {
  return String(database.prepare(`SELECT value FROM meta WHERE name = 'lineage'`).get()?.['value']);
}

/** Opens or makes the file, for writing. Throws StoreRefused. */
export function openFile({ path, clockKind, sizeBytesMax }: StoreFile): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    const isNew = database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get()?.['tables'] === 0;
    if (!isNew) checkFile(database, path, clockKind);
    // The page size counts only before the first write. FULL makes each commit wait for the disk.
    database.exec(`PRAGMA page_size = ${PAGE_SIZE_BYTES}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
      PRAGMA journal_size_limit = ${WAL_BYTES_KEPT_MAX};`);
    if (isNew) create(database, clockKind);
    database.exec(CHECKPOINTS);
    database.exec(MARKS);
    database.prepare(LINEAGE).run(randomBytes(LINEAGE_BYTES).toString('hex'));
    if (sizeBytesMax !== undefined) {
      database.exec(`PRAGMA max_page_count = ${Math.ceil(sizeBytesMax / PAGE_SIZE_BYTES)}`);
    }
    return database;
  } catch (error) {
    database?.close();
    throw refusalOf(error, path);
  }
}

/** One transaction: after a crash the file is either empty or complete. */
function create(database: DatabaseSync, clockKind: ClockKind): void {
  database.exec(`BEGIN IMMEDIATE; PRAGMA application_id = ${APPLICATION_ID}; ${SCHEMA}`);
  const add = database.prepare('INSERT INTO meta VALUES (?, ?)');
  add.run('format', FORMAT);
  add.run('clock', clockKind);
  database.exec('COMMIT');
}

/** Throws StoreRefused unless the file is a store of this format, written (where a clock is given) with the same clock. */
export function checkFile(database: DatabaseSync, path: string, clockKind?: ClockKind): void {
  if (database.prepare('PRAGMA application_id').get()?.['application_id'] !== APPLICATION_ID) {
    throw new StoreRefused('not-a-store', `${path} is a database, but not of Sluice. Name another data folder.`);
  }
  const rows = database.prepare('SELECT name, value FROM meta').all();
  const meta = new Map(rows.map((row) => [row['name'], row['value']]));
  const format = String(meta.get('format'));
  if (format !== FORMAT) {
    throw new StoreRefused(
      'other-format',
      `${path} has format ${format}, and this version of Sluice writes format ${FORMAT}. Use the version that wrote it.`,
    );
  }
  const clock = String(meta.get('clock'));
  if (clockKind !== undefined && clock !== clockKind) {
    throw new StoreRefused(
      'other-clock',
      `${path} was written with the ${clock} clock and cannot go on with the ${clockKind} clock. Use that clock, or another data folder.`,
    );
  }
}

const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** What went wrong with opening, in terms of what a person can do. */
export function refusalOf(error: unknown, path: string): StoreRefused {
  if (error instanceof StoreRefused) return error;
  const { name, message } = error as Error;
  const code = sqliteCode(error);
  if (code === SQLITE_NOTADB) return new StoreRefused('not-a-store', `${path} is not a store of Sluice. ${RESTORE}`);
  if (name === 'DamagedRecord') return new StoreRefused('damaged', `${path} is damaged: ${message}`);
  if (code === SQLITE_CORRUPT) return new StoreRefused('damaged', `${path} is damaged: ${message}. ${RESTORE}`);
  return new StoreRefused(
    'cannot-open',
    `${path} cannot be opened: ${message}. Check the folder, its rights and the disk.`,
  );
}

/** Another has the lock. */
export function isBusy(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_BUSY;
}

/** The kind of SQLite's error without its details, which are in the higher bits; undefined for another error. */
function sqliteCode(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: number };
  return errcode === undefined ? undefined : errcode & 0xff;
}
