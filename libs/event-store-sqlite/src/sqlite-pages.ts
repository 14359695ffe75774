import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { decodeRecord, type StoredRecord } from './record-codec.ts';

/** A part of the store to be read; each page answers with the query for the next one. */
export type PageQuery =
  | { readonly kind: 'stream'; readonly stream: string; readonly from: number; readonly through?: number }
  | {
      readonly kind: 'all';
      readonly after: number;
      readonly prefixes: readonly string[] | undefined;
      readonly through?: number;
      /** The page is a smaller one, for readers of which there may be many. */
      readonly small?: true;
    };

export interface StoredCommit extends StoredRecord {
  readonly stream: string;
  readonly position: number;
}

export interface Page {
  readonly commits: readonly StoredCommit[];
  /** Absent when all was read that was there when the first page was. */
  readonly next?: PageQuery;
  /** Of all streams: the position up to which the page goes. */
  readonly through?: number;
}

export const RESTORE = 'Put a backup in its place, or name another data folder.';

/** A record that is not what was written, or is not there. Nothing behind it may be trusted. */
export class DamagedRecord extends Error {
  override readonly name = 'DamagedRecord';

  /** `what` names the record by stream, revision and position, and says what is wrong with it. */
  constructor(what: string) {
    super(`${what}. ${RESTORE}`);
  }
}

const PAGE = { commitsMax: 1000, bytesMax: 1024 * 1024 };
const SMALL_PAGE = { commitsMax: 100, bytesMax: 128 * 1024 };
/** A filter that lets little through still ends its page here, so that appends never wait long behind a read. */
const PAGE_POSITIONS_MAX = 10_000;
/** Sorts behind every character that a stream's name can hold. */
const LAST_CHARACTER = '\u{10FFFF}';

interface Row {
  readonly position: number;
  readonly streamId: number;
  readonly stream: string;
  readonly record: unknown;
}

/** Reads bounded pages through one connection, none of which stays open in between: a commit once written never changes. */
export class SqlitePages {
  private readonly last: StatementSync;
  private readonly everything: StatementSync;
  private readonly filtered: StatementSync;
  private readonly oneStream: StatementSync;
  private readonly placeAt: StatementSync;

  constructor(database: DatabaseSync) {
    this.last = database.prepare('SELECT max(position) AS head FROM commits');
    const columns = 'c.position, c.stream AS streamId, s.name AS stream, c.record';
    // CROSS JOIN keeps SQLite from starting at the streams and sorting.
    const log = `SELECT ${columns} FROM commits c CROSS JOIN streams s ON s.id = c.stream WHERE c.position > ? AND c.position <= ?`;
    this.everything = database.prepare(`${log} ORDER BY c.position`);
    this.filtered = database.prepare(
      `${log} AND c.stream IN (SELECT w.id FROM json_each(?) p CROSS JOIN streams w
         ON w.name >= p.value AND w.name < p.value || '${LAST_CHARACTER}') ORDER BY c.position`,
    );
    this.oneStream = database.prepare(
      `SELECT r.position, s.id AS streamId, s.name AS stream, c.record
         FROM streams s CROSS JOIN revisions r ON r.stream = s.id LEFT JOIN commits c ON c.position = r.position
         WHERE s.name = ? AND r.revision >= ? AND r.position <= ? ORDER BY r.revision`,
    );
    // Reads the whole table, once something is damaged.
    this.placeAt = database.prepare(
      'SELECT s.name AS stream, r.revision FROM revisions r JOIN streams s ON s.id = r.stream WHERE r.position = ?',
    );
  }

  /** The position of the last commit, 0 if there is none. */
  head(): number {
    return Number(this.last.get()?.['head'] ?? 0);
  }

  /** Throws DamagedRecord. */
  read(query: PageQuery): Page {
    const through = query.through ?? this.head();
    return query.kind === 'stream' ? this.readStream(query, through) : this.readAll(query, through);
  }

  /** What to throw for the record at a position. */
  damaged(position: number, what: 'is damaged' | 'is missing'): DamagedRecord {
    const { stream, revision } = this.placeAt.get(position) ?? {};
    const place = revision === undefined ? '' : `revision ${String(revision)} of stream ${String(stream)}, `;
    return new DamagedRecord(`${place}record ${position} ${what}`);
  }

  private readStream(query: PageQuery & { kind: 'stream' }, through: number): Page {
    const { commits, full } = this.takePage(this.oneStream.iterate(query.stream, query.from, through));
    for (const [index, { revision, stream }] of commits.entries()) {
      const expected = query.from + index;
      if (revision !== expected) throw new DamagedRecord(`revision ${expected} of stream ${stream} is missing`);
    }
    return full ? { commits, next: { ...query, from: query.from + commits.length, through } } : { commits };
  }

  private readAll(query: PageQuery & { kind: 'all' }, through: number): Page {
    const { after, prefixes } = query;
    const last = Math.max(after, Math.min(through, after + PAGE_POSITIONS_MAX));
    const rows =
      prefixes === undefined
        ? this.everything.iterate(after, last)
        : this.filtered.iterate(after, last, JSON.stringify(prefixes));
    const { commits, full } = this.takePage(rows, query.small ? SMALL_PAGE : PAGE);
    const end = full ? (commits.at(-1)?.position ?? last) : last;
    if (prefixes === undefined) this.expectDense(commits, after, end);
    return { commits, through: end, ...(end < through && { next: { ...query, after: end, through } }) };
  }

  private takePage(
    rows: Iterable<unknown>,
    { commitsMax, bytesMax } = PAGE,
  ): { commits: StoredCommit[]; full: boolean } {
    const commits: StoredCommit[] = [];
    let bytes = 0;
    for (const row of rows as Iterable<Row>) {
      const commit = this.toCommit(row);
      commits.push(commit);
      bytes += commit.body.length;
      if (commits.length === commitsMax || bytes >= bytesMax) return { commits, full: true };
    }
    return { commits, full: false };
  }

  private toCommit({ position, streamId, stream, record }: Row): StoredCommit {
    if (record === null) throw this.damaged(position, 'is missing');
    const decoded = record instanceof Uint8Array ? decodeRecord({ position, streamId }, record) : undefined;
    if (decoded === undefined) throw this.damaged(position, 'is damaged');
    return { ...decoded, stream, position };
  }

  private expectDense(commits: readonly StoredCommit[], after: number, end: number): void {
    const gap = commits.findIndex(({ position }, index) => position !== after + 1 + index);
    if (gap !== -1) throw this.damaged(after + 1 + gap, 'is missing');
    if (commits.length < end - after) throw this.damaged(after + 1 + commits.length, 'is missing');
  }
}
