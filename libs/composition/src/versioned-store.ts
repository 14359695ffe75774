import { type EventTypes, eventTypes } from '@sluice/contracts/event-types';
import { stamp, understand } from '@sluice/contracts/stored-events';
import {
  type Append,
  type Appended,
  type Checkpoints,
  type Commit,
  type CommitPage,
  EventStore,
  lastReceipt,
  type Position,
  type ReadOptions,
  type Receipted,
  type SubscriptionMessage,
  type Traces,
  untraced,
} from '@sluice/event-sourcing';
import { type FeedStore } from '@sluice/platform';

/** A store for reading in which every commit holds only what this version understands, in the current version of its type. */
export class VersionedReader implements FeedStore {
  constructor(
    private readonly store: FeedStore & { close(): unknown },
    private readonly types: EventTypes = eventTypes,
  ) {}

  get asStored(): FeedStore {
    return this.store;
  }

  readStream(stream: string, fromRevision?: number): AsyncIterable<Commit> {
    return understoodCommits(this.store.readStream(stream, fromRevision), this.types);
  }

  readAll(options?: ReadOptions): AsyncIterable<Commit> {
    return understoodCommits(this.store.readAll(options), this.types);
  }

  async readPage(options?: ReadOptions): Promise<CommitPage> {
    const page = await this.store.readPage(options);
    return { ...page, commits: page.commits.map((each) => understoodCommit(each, this.types)) };
  }

  close(): unknown {
    return this.store.close();
  }
}

/** The only way to the store: what goes in is stamped with its version, what comes out is as `VersionedReader` has it. */
export class VersionedStore extends EventStore {
  private readonly reader: VersionedReader;

  constructor(
    private readonly store: EventStore,
    private readonly types: EventTypes = eventTypes,
    private readonly traces: Traces = untraced,
  ) {
    super();
    this.reader = new VersionedReader(store, types);
  }

  override get checkpoints(): Checkpoints {
    return this.store.checkpoints;
  }

  override get lineage(): string {
    return this.store.lineage;
  }

  get asStored(): FeedStore {
    return this.store;
  }

  override append(append: Append): Promise<Appended> {
    const { body } = append;
    if (body.kind === 'packed') return this.store.append(append);
    const events = body.events.map((event) => stamp(event, this.types));
    return this.appendTraced({ ...append, body: { kind: 'events', events } }, events[0]?.type);
  }

  /** What follows from the events follows from this step. */
  private appendTraced(append: Append, type = 'nothing'): Promise<Appended> {
    const { stream, metadata } = append;
    const step = { parent: metadata.traceparent, details: { 'sluice.stream': stream } };
    return this.traces.during(`append ${type}`, step, (traceparent) =>
      this.store.append(traceparent === undefined ? append : { ...append, metadata: { ...metadata, traceparent } }),
    );
  }

  override readStream(stream: string, fromRevision?: number): AsyncIterable<Commit> {
    return this.reader.readStream(stream, fromRevision);
  }

  override readAll(options?: ReadOptions): AsyncIterable<Commit> {
    return this.reader.readAll(options);
  }

  override readPage(options?: ReadOptions): Promise<CommitPage> {
    return this.reader.readPage(options);
  }

  override async *subscribe(
    options: ReadOptions & { readonly signal: AbortSignal },
  ): AsyncGenerator<SubscriptionMessage> {
    for await (const message of this.store.subscribe(options)) {
      if (message.kind === 'caught-up') {
        yield message;
        continue;
      }
      const commit = understoodCommit(message.commit, this.types);
      yield commit === message.commit ? message : { kind: 'commit', commit };
    }
  }

  override lastRecordedAt(): Promise<string | undefined> {
    return this.store.lastRecordedAt();
  }

  override head(): Promise<Position> {
    return this.store.head();
  }

  override proveWritable(): Promise<void> {
    return this.store.proveWritable();
  }

  override close(): Promise<void> {
    return this.store.close();
  }
}

async function* understoodCommits(commits: AsyncIterable<Commit>, types: EventTypes): AsyncGenerator<Commit> {
  for await (const commit of commits) yield understoodCommit(commit, types);
}

function understoodCommit(commit: Commit, types: EventTypes): Commit {
  if (commit.body.kind === 'packed') return commit;
  const understood = understand(commit.stream, commit.body.events, types);
  if (understood === undefined) return commit;
  const receipt = understood.places && lastReceipt(commit.body.events as readonly Receipted[], undefined);
  return { ...commit, body: { kind: 'events', ...understood, ...(receipt !== undefined && { receipt }) } };
}
