import { Broadcast } from './broadcast.ts';
import { type Checkpoint, CheckpointConflict, Checkpoints } from './checkpoints.ts';
import { type Clock } from './clock.ts';
import {
  type Append,
  type Appended,
  BEGINNING,
  type Commit,
  type CommitBody,
  type CommitPage,
  EventStore,
  matchesPrefix,
  type Position,
  type ReadOptions,
  RevisionConflict,
  StoreUnavailable,
  type SubscriptionMessage,
} from './event-store.ts';

const PAGE_COMMITS_MAX = 100;
let storesMade = 0;

/** The event store of tests: everything in arrays, nothing survives the process. */
export class InMemoryEventStore extends EventStore {
  override readonly checkpoints = new InMemoryCheckpoints();
  override readonly lineage = `memory${String((storesMade += 1))}`;
  private readonly commits: Commit[] = [];
  private readonly streams = new Map<string, { commits: Commit[]; byId: Map<string, Commit> }>();
  private readonly broadcast = new Broadcast();
  private closed = false;

  constructor(private readonly clock: Pick<Clock, 'nowText'>) {
    super();
  }

  override async append(append: Append): Promise<Appended> {
    if (this.closed) throw new StoreUnavailable('the store is closed');
    const stream = this.streams.get(append.stream) ?? { commits: [], byId: new Map<string, Commit>() };
    const same = stream.byId.get(append.commitId);
    if (same) return same;
    const { length } = stream.commits;
    const actual = length === 0 ? 'no-stream' : length - 1;
    if (append.expected !== 'any' && append.expected !== actual) {
      throw new RevisionConflict(append.stream, append.expected, actual);
    }
    const { stream: name, commitId, metadata, body } = append;
    const commit: Commit = {
      stream: name,
      commitId,
      metadata,
      body: ownCopy(body),
      revision: length,
      position: String(this.commits.length + 1),
      recordedAt: later(this.clock.nowText(), this.commits.at(-1)?.recordedAt),
    };
    stream.commits.push(commit);
    stream.byId.set(commitId, commit);
    this.streams.set(name, stream);
    this.commits.push(commit);
    this.broadcast.publish([commit]);
    return commit;
  }

  override async *readStream(stream: string, fromRevision = 0): AsyncIterable<Commit> {
    yield* this.streams.get(stream)?.commits.slice(fromRevision) ?? [];
  }

  override async *readAll(options: ReadOptions = {}): AsyncIterable<Commit> {
    for (const commit of this.commits.slice(Number(options.after ?? BEGINNING))) {
      if (matchesPrefix(commit.stream, options.prefixes)) yield commit;
    }
  }

  override async readPage({ after = BEGINNING, prefixes }: ReadOptions = {}): Promise<CommitPage> {
    const from = Number(after);
    const through = Math.max(from, Math.min(this.commits.length, from + PAGE_COMMITS_MAX));
    const commits = this.commits.slice(from, through).filter(({ stream }) => matchesPrefix(stream, prefixes));
    return { commits, through: String(through), more: through < this.commits.length };
  }

  override subscribe(options: ReadOptions & { readonly signal: AbortSignal }): AsyncIterable<SubscriptionMessage> {
    return this.broadcast.subscribe(
      options,
      (read) => this.readAll(read),
      () => this.head(),
    );
  }

  override head(): Promise<Position> {
    return Promise.resolve(this.commits.at(-1)?.position ?? BEGINNING);
  }

  override lastRecordedAt(): Promise<string | undefined> {
    return Promise.resolve(this.commits.at(-1)?.recordedAt);
  }

  override async proveWritable(): Promise<void> {
    if (this.closed) throw new StoreUnavailable('the store is closed');
  }

  override close(): Promise<void> {
    this.closed = true;
    this.checkpoints.close();
    return Promise.resolve();
  }
}

class InMemoryCheckpoints extends Checkpoints {
  private readonly saved = new Map<string, Checkpoint>();
  private closed = false;

  override async load(name: string): Promise<Checkpoint | undefined> {
    this.expectOpen();
    return this.saved.get(name);
  }

  override async save(
    name: string,
    { position, epoch }: Pick<Checkpoint, 'position' | 'epoch'>,
    expectedVersion: number,
  ): Promise<Checkpoint> {
    this.expectOpen();
    if ((this.saved.get(name)?.version ?? 0) !== expectedVersion) throw new CheckpointConflict(name, expectedVersion);
    const checkpoint = { version: expectedVersion + 1, position, epoch };
    this.saved.set(name, checkpoint);
    return checkpoint;
  }

  close(): void {
    this.closed = true;
  }

  private expectOpen(): void {
    if (this.closed) throw new StoreUnavailable('the store is closed');
  }
}

/** The caller may use its buffer again; `slice` of a Buffer would not be a copy. */
function ownCopy(body: CommitBody): CommitBody {
  return body.kind === 'packed' ? { ...body, bytes: new Uint8Array(body.bytes) } : body;
}

function later(now: string, last: string | undefined): string {
  return last !== undefined && last > now ? last : now;
}
