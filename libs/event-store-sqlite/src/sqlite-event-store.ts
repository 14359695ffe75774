import { dirname, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
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
  StoreOverloaded,
  StoreUnavailable,
  type SubscriptionMessage,
  toTimeText,
} from '@sluice/event-sourcing';
import { DataFolderLock } from './data-folder-lock.ts';
import { type LogAppend, type LogOutcome } from './sqlite-log.ts';
import { type Page, type PageQuery, type StoredCommit } from './sqlite-pages.ts';
import { withSharedBuffer } from './store-calls.ts';
import { StoreThread } from './store-thread.ts';
import { toCommit } from './stored-commit.ts';

/** What waits for the disk, beyond what is being written. */
const WAITING_COMMITS_MAX = 20_000;
const WAITING_BYTES_MAX = 64 * 1024 * 1024;
/** What one transaction takes. */
const TRANSACTION_COMMITS_MAX = 2000;
const TRANSACTION_BYTES_MAX = 8 * 1024 * 1024;

export interface SqliteEventStoreOptions {
  /** The file of the store. Its folder is made if need be, and locked: one store a folder. */
  readonly path: string;
  readonly clock: Pick<Clock, 'kind' | 'nowText'>;
  /** The file does not grow beyond that; appends fail then as on a full disk. */
  readonly sizeBytesMax?: number;
}

interface WaitingAppend {
  readonly append: LogAppend;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (reason: Error) => void;
}

/**
 * The embedded event store: one file, written and read by one thread. All appends that come while a transaction is on its
 * way to the disk share the next one, so that many writers wait for few fsyncs.
 */
export class SqliteEventStore extends EventStore {
  private readonly broadcast = new Broadcast();
  private readonly counts = { transactions: 0, commits: 0 };
  private waiting: WaitingAppend[] = [];
  private waitingBytes = 0;
  private writing: Promise<void> | undefined;
  private closing: Promise<void> | undefined;

  private constructor(
    private readonly clock: Pick<Clock, 'nowText'>,
    private readonly thread: StoreThread,
    private readonly lock: DataFolderLock,
    private position: Position,
  ) {
    super();
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

  override append(append: Append): Promise<Appended> {
    if (this.closing !== undefined) return Promise.reject(new StoreUnavailable('the store is closed'));
    const body = bytesOf(append);
    if (this.waiting.length >= WAITING_COMMITS_MAX || this.waitingBytes + body.length > WAITING_BYTES_MAX) {
      return Promise.reject(new StoreOverloaded(`${this.waiting.length} appends are waiting for the disk`));
    }
    this.waitingBytes += body.length;
    return new Promise((resolve, reject) => {
      this.waiting.push({ append: this.toLogAppend(append, body), resolve, reject });
      this.writing ??= this.write();
    });
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
    await this.writing;
    try {
      await this.thread.close();
    } finally {
      this.lock.release();
    }
  }

  private toLogAppend({ stream, expected, commitId, metadata, body }: Append, bytes: Uint8Array): LogAppend {
    return {
      stream,
      expected,
      commitId,
      metadata: ownMetadata(metadata),
      packedCount: body.kind === 'packed' ? body.count : undefined,
      body: bytes,
      nowMs: Date.parse(this.clock.nowText()),
    };
  }

  private async write(): Promise<void> {
    // Requests that arrived together are handed on together.
    await setImmediate();
    while (this.waiting.length > 0) await this.writeTogether(this.takeWaiting());
    this.writing = undefined;
  }

  private takeWaiting(): WaitingAppend[] {
    let [count, bytes] = [0, 0];
    for (const { append } of this.waiting) {
      if (count === TRANSACTION_COMMITS_MAX || (count > 0 && bytes + append.body.length > TRANSACTION_BYTES_MAX)) break;
      count += 1;
      bytes += append.body.length;
    }
    this.waitingBytes -= bytes;
    return this.waiting.splice(0, count);
  }

  private async writeTogether(batch: readonly WaitingAppend[]): Promise<void> {
    const { items, buffer } = withSharedBuffer(batch.map(({ append }) => append));
    try {
      const outcomes = await this.thread.call('append', items, [buffer]);
      this.publish(batch, outcomes);
      for (const [index, outcome] of outcomes.entries()) settle(batch[index], outcome);
    } catch (error) {
      const reason = error instanceof Error ? error : new StoreUnavailable(String(error));
      for (const { reject } of batch) reject(reason);
    }
  }

  private publish(batch: readonly WaitingAppend[], outcomes: readonly LogOutcome[]): void {
    const written = batch.flatMap(({ append }, index): StoredCommit[] => {
      const outcome = outcomes[index];
      return outcome?.kind === 'written' ? [{ ...append, ...outcome }] : [];
    });
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

function settle(waiting: WaitingAppend | undefined, outcome: LogOutcome): void {
  if (waiting === undefined) return;
  if (outcome.kind === 'conflict') {
    const { stream, expected } = waiting.append;
    return waiting.reject(new RevisionConflict(stream, expected, outcome.actual));
  }
  const { revision, position, recordedAtMs } = outcome;
  waiting.resolve({ revision, position: String(position), recordedAt: toTimeText(recordedAtMs) });
}
