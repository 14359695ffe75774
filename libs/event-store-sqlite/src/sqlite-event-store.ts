import { dirname, resolve } from 'node:path';
import {
  type Append,
  type Appended,
  BEGINNING,
  Broadcast,
  type Clock,
  type Commit,
  EventStore,
  type Metadata,
  type Position,
  type ReadOptions,
  RevisionConflict,
  StoreUnavailable,
  type SubscriptionMessage,
  toTimeText,
} from '@sluice/event-sourcing';
import { DataFolderLock } from './data-folder-lock.ts';
import { GroupCommit } from './group-commit.ts';
import { SqliteCheckpoints } from './sqlite-checkpoints.ts';
import { type LogAppend } from './sqlite-log.ts';
import { type Page, type PageQuery, type StoredCommit } from './sqlite-pages.ts';
import { StoreThread } from './store-thread.ts';
import { toCommit } from './stored-commit.ts';

export interface SqliteEventStoreOptions {
  /** The file of the store. Its folder is made if need be, and locked: one store a folder. */
  readonly path: string;
  readonly clock: Pick<Clock, 'kind' | 'nowText'>;
  /** The file does not grow beyond that; appends fail then as on a full disk. */
  readonly sizeBytesMax?: number;
}

/**
 * The embedded event store: one file, written and read by one thread. All appends that come while a transaction is on its
 * way to the disk share the next one, so that many writers wait for few fsyncs.
 */
export class SqliteEventStore extends EventStore {
  override readonly checkpoints: SqliteCheckpoints;
  private readonly broadcast = new Broadcast();
  private readonly counts = { transactions: 0, commits: 0 };
  private readonly writes: GroupCommit;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly clock: Pick<Clock, 'nowText'>,
    private readonly thread: StoreThread,
    private readonly lock: DataFolderLock,
    private position: Position,
  ) {
    super();
    this.writes = new GroupCommit(thread, (commits) => this.publish(commits));
    this.checkpoints = new SqliteCheckpoints(thread, this.writes);
  }

  /** Opens the store, or makes it. Throws StoreRefused, which says what to do. */
  static async open({ path, clock, sizeBytesMax }: SqliteEventStoreOptions): Promise<SqliteEventStore> {
    const lock = DataFolderLock.take(dirname(resolve(path)));
    try {
      const { thread, head } = await StoreThread.start({ path, clockKind: clock.kind, sizeBytesMax });
      return new SqliteEventStore(clock, thread, lock, String(head));
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** How many transactions were written since the store was opened, and how many commits they held. */
  stats(): { readonly transactions: number; readonly commits: number } {
    return { ...this.counts };
  }

  override async append(append: Append): Promise<Appended> {
    if (this.closing !== undefined) throw new StoreUnavailable('the store is closed');
    const outcome = await this.writes.append(this.toLogAppend(append));
    if (outcome.kind === 'conflict') throw new RevisionConflict(append.stream, append.expected, outcome.actual);
    const { revision, position, recordedAtMs } = outcome;
    return { revision, position: String(position), recordedAt: toTimeText(recordedAtMs) };
  }

  override async *readStream(stream: string, fromRevision = 0): AsyncGenerator<Commit> {
    yield* this.read({ kind: 'stream', stream, from: fromRevision });
  }

  override async *readAll({ after = BEGINNING, prefixes }: ReadOptions = {}): AsyncGenerator<Commit> {
    yield* this.read({ kind: 'all', after: Number(after), prefixes });
  }

  override subscribe(options: ReadOptions & { readonly signal: AbortSignal }): AsyncIterable<SubscriptionMessage> {
    return this.broadcast.subscribe(
      options,
      (read) => this.readAll(read),
      () => this.head(),
    );
  }

  override head(): Promise<Position> {
    return Promise.resolve(this.position);
  }

  override close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  private async finish(): Promise<void> {
    await this.writes.finished();
    try {
      await this.thread.close();
    } finally {
      this.lock.release();
    }
  }

  private toLogAppend(append: Append): LogAppend {
    const { stream, expected, commitId, metadata, body } = append;
    return {
      stream,
      expected,
      commitId,
      metadata: ownMetadata(metadata),
      packedCount: body.kind === 'packed' ? body.count : undefined,
      body: bytesOf(append),
      nowMs: Date.parse(this.clock.nowText()),
    };
  }

  private publish(written: readonly StoredCommit[]): void {
    if (written.length === 0) return;
    this.counts.transactions += 1;
    this.counts.commits += written.length;
    // Decoded again, so that a subscriber hears live exactly what it would read later.
    const commits = written.map(toCommit);
    this.position = commits.at(-1)?.position ?? this.position;
    this.broadcast.publish(commits);
  }

  /** Page by page, the next one under way while the present one is used. */
  private async *read(query: PageQuery): AsyncGenerator<Commit> {
    let coming: Promise<Page> | undefined = this.thread.call('read', query);
    while (coming !== undefined) {
      const { commits, next }: Page = await coming;
      coming = next && this.thread.call('read', next);
      // The reader may leave before it comes to a page that fails.
      coming?.catch(() => undefined);
      for (const stored of commits) yield toCommit({ ...stored, body: stored.body.slice() });
    }
  }
}

/** The bytes to be stored, apart from the caller's buffer; `slice` of a Buffer would not be a copy. */
function bytesOf({ body }: Append): Uint8Array {
  return body.kind === 'packed' ? new Uint8Array(body.bytes) : new TextEncoder().encode(JSON.stringify(body.events));
}

/** Contexts that commands come with may carry more than is stored. */
function ownMetadata({ actor, correlationId, causationId }: Metadata): Metadata {
  return causationId === undefined ? { actor, correlationId } : { actor, correlationId, causationId };
}
