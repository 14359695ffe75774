import { DatabaseSync } from 'node:sqlite';
import {
  BEGINNING,
  type Commit,
  type CommitPage,
  type EventStore,
  type ReadOptions,
  StoreUnavailable,
} from '@sluice/event-sourcing';
import { checkFile, refusalOf } from './sqlite-file.ts';
import { type Page, type PageQuery, SqlitePages } from './sqlite-pages.ts';
import { toCommit, toCommitPage } from './stored-commit.ts';

/** A checkpoint that is just under way is waited for. */
const BUSY_TIMEOUT_MS = 5000;

/**
 * Reads a store by itself, in any thread, while its writer goes on: what a read returns is what was there when it began.
 * It takes no lock of the folder, and blocks its thread a page at a time.
 */
export class SqliteReader implements Pick<EventStore, 'readStream' | 'readAll' | 'readPage'> {
  private readonly pages: SqlitePages;

  private constructor(
    private readonly path: string,
    private readonly database: DatabaseSync,
  ) {
    this.pages = new SqlitePages(database);
  }

  /** Throws StoreRefused when there is no store at the path, or none that this version knows. */
  static open(path: string): SqliteReader {
    let database: DatabaseSync | undefined;
    try {
      database = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
      checkFile(database, path);
      return new SqliteReader(path, database);
    } catch (error) {
      database?.close();
      throw refusalOf(error, path);
    }
  }

  async *readStream(stream: string, fromRevision = 0): AsyncGenerator<Commit> {
    yield* this.iterateStream(stream, fromRevision);
  }

  async *readAll(options: ReadOptions = {}): AsyncGenerator<Commit> {
    yield* this.iterateAll(options);
  }

  async readPage({ after = BEGINNING, prefixes }: ReadOptions = {}): Promise<CommitPage> {
    return toCommitPage(this.readRaw({ kind: 'all', after: Number(after), prefixes, small: true }));
  }

  /** As `readStream`, without the cost of a promise a commit. Throws StoreUnavailable when the file is damaged. */
  iterateStream(stream: string, fromRevision = 0): Generator<Commit> {
    return this.iterate({ kind: 'stream', stream, from: fromRevision });
  }

  /** As `readAll`, without the cost of a promise a commit. Throws StoreUnavailable when the file is damaged. */
  iterateAll({ after = BEGINNING, prefixes }: ReadOptions = {}): Generator<Commit> {
    return this.iterate({ kind: 'all', after: Number(after), prefixes });
  }

  /** When the last commit was recorded (RFC 3339), undefined when there is none: where an accelerated clock goes on. */
  lastRecordedAt(): string | undefined {
    const [last] = this.iterateAll({ after: String(Math.max(0, this.pages.head() - 1)) });
    return last?.recordedAt;
  }

  close(): void {
    this.database.close();
  }

  private *iterate(query: PageQuery): Generator<Commit> {
    for (let next: PageQuery | undefined = query; next !== undefined;) {
      const page: Page = this.readRaw(next);
      for (const stored of page.commits) yield toCommit(stored);
      next = page.next;
    }
  }

  private readRaw(query: PageQuery): Page {
    try {
      return this.pages.read(query);
    } catch (error) {
      throw new StoreUnavailable(`${this.path}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
