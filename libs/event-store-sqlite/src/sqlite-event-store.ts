import { dirname, resolve } from 'node:path';
import {
  type Append,
  type Appended,
  BEGINNING,
  Broadcast,
  type Clock,
  type Commit,
  type CommitPage,
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
import { toCommit, toCommitPage } from './stored-commit.ts';

export interface SqliteEventStoreOptions {
  /** The file of the store. Its folder is made if need be, and locked: one store a folder. */
  readonly path: string;
  readonly clock: Pick<Clock, 'kind' | 'nowText'>;
  /** The file does not grow beyond that; appends fail then as on a full disk. */
  readonly sizeBytesMax?: number;
  /** Whether other processes of this machine may have the store open as well; all of them must say so. */
  readonly shared?: boolean;
}

/**
 * The embedded event store: one file, written and read by one thread. All appends that come while a transaction is on its
 * way to the disk share the next one, so that many writers wait for few fsyncs. In shared mode several processes do so with
 * the same file, one transaction at a time.
 */
export class SqliteEventStore extends EventStore {
  override readonly checkpoints: SqliteCheckpoints;
  private readonly broadcast = new Broadcast();
  private readonly counts = { transactions: 0, commits: 0 };
  private readonly writes: GroupCommit;
  private readonly clock: Pick<Clock, 'nowText'>;
  private readonly shared: boolean;
  private readonly thread: StoreThread;
  private readonly lock: DataFolderLock;
  private watchers = 0;
  private closing: Promise<void> | undefined;

  private constructor(
    { clock, shared = false }: SqliteEventStoreOptions,
    { thread, lock }: { readonly thread: StoreThread; readonly lock: DataFolderLock },
    private position: Position,
    override readonly lineage: string,
  ) {
    super();
    this.clock = clock;
    this.shared = shared;
    this.thread = thread;
    this.lock = lock;
    thread.onNotice((head) => this.hearOf(head));
    this.writes = new GroupCommit(thread, (commits) => this.publish(commits));
    this.checkpoints = new SqliteCheckpoints(thread, this.writes);
  }

  /** Opens the store, or makes it. Throws StoreRefused, which says what to do. */
  static async open(options: SqliteEventStoreOptions): Promise<SqliteEventStore> {
    const { path, clock, sizeBytesMax, shared = false } = options;
    const lock = DataFolderLock.acquire(dirname(resolve(path)), shared);
    try {
      const file = { path, clockKind: clock.kind, sizeBytesMax, shared };
      const { thread, head, lineage } = await StoreThread.start(file);
      return new SqliteEventStore(options, { thread, lock }, String(head), lineage);
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

  override async readPage({ after = BEGINNING, prefixes }: ReadOptions = {}): Promise<CommitPage> {
    return toCommitPage(await this.thread.call('read', { kind: 'all', after: Number(after), prefixes, small: true }));
  }

  override subscribe(options: ReadOptions & { readonly signal: AbortSignal }): AsyncIterable<SubscriptionMessage> {
    const subscription = this.broadcast.subscribe(
      options,
      (read) => this.readAll(read),
      () => this.head(),
    );
    return this.shared ? this.watching(subscription) : subscription;
  }

  override async head(): Promise<Position> {
    return this.shared ? String(await this.thread.call('head', undefined)) : this.position;
  }

  override async lastRecordedAt(): Promise<string | undefined> {
    const head = Number(await this.head());
    if (head === 0) return undefined;
    for await (const { recordedAt } of this.read({ kind: 'all', after: head - 1, prefixes: undefined }))
      return recordedAt;
    return undefined;
  }

  override async proveWritable(): Promise<void> {
    if (this.closing !== undefined) throw new StoreUnavailable('the store is closed');
    await this.thread.call('prove-writable', undefined);
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
    const othersBefore = written[0]?.position !== Number(this.position) + 1;
    this.position = commits.at(-1)?.position ?? this.position;
    if (othersBefore) this.broadcast.invalidate();
    else this.broadcast.publish(commits);
  }

  /** Of a commit of another process, unless it came to notice before. */
  private hearOf(head: number): void {
    if (head <= Number(this.position)) return;
    this.position = String(head);
    this.broadcast.invalidate();
  }

  /** The thread looks out for other processes' commits while anyone subscribes, from before the first read. */
  private async *watching(subscription: AsyncIterable<SubscriptionMessage>): AsyncGenerator<SubscriptionMessage> {
    this.watchers += 1;
    if (this.watchers === 1) this.watch(true);
    try {
      yield* subscription;
    } finally {
      this.watchers -= 1;
      if (this.watchers === 0) this.watch(false);
    }
  }

  /** A store that has stopped says so to those who read. */
  private watch(on: boolean): void {
    this.thread.call('watch', on).catch(() => undefined);
  }

  /** Page by page, the next one under way while the present one is used. */
  private async *read(query: PageQuery): AsyncGenerator<Commit> {
    let coming: Promise<Page> | undefined = this.thread.call('read', query);
    while (coming !== undefined) {
      const { commits, next }: Page = await coming;
      coming = next && this.thread.call('read', next);
      // The reader may leave before it comes to a page that fails.
      coming?.catch(() => undefined);
      for (const stored of commits) yield toCommit(stored.packedCount === undefined ? stored : ownBytes(stored));
    }
  }
}

/** Packed bytes are handed out as they are, so that they must not share the memory of a whole page. */
function ownBytes(stored: StoredCommit): StoredCommit {
  return { ...stored, body: stored.body.slice() };
}

/** The bytes to be stored, apart from the caller's buffer; `slice` of a Buffer would not be a copy. */
function bytesOf({ body }: Append): Uint8Array {
  return body.kind === 'packed' ? new Uint8Array(body.bytes) : new TextEncoder().encode(JSON.stringify(body.events));
}

/** Contexts that commands come with may carry more than is stored. */
function ownMetadata({ actor, correlationId, causationId, traceparent }: Metadata): Metadata {
  return {
    actor,
    correlationId,
    ...(causationId !== undefined && { causationId }),
    ...(traceparent !== undefined && { traceparent }),
  };
}
