import {
  type Append,
  type Appended,
  BEGINNING,
  type Clock,
  type Commit,
  type CommitPage,
  comparePositions,
  EventStore,
  type Position,
  type ReadOptions,
  StoreUnavailable,
  type SubscriptionMessage,
} from '@sluice/event-sourcing';
import { AllStream, type Following } from './all-stream.ts';
import { AppendRounds } from './append-rounds.ts';
import { type Connection, connectionTo } from './connection.ts';
import { encodeBody, toCommit, toEvent } from './event-codec.ts';
import { EventStoreDBCheckpoints } from './eventstoredb-checkpoints.ts';
import { isFinal, Retries, retried, unavailable } from './retries.ts';
import { streamEvents } from './stream-reads.ts';
import { LOOK_BACK_COMMITS_MAX, StreamTails } from './stream-tails.ts';
import { type Limits, StreamWriter } from './stream-writer.ts';

const CALL_MS = 5000;
const GIVE_UP_MS = 15_000;
const PAGE_COMMITS_MAX = 100;

export interface EventStoreDBEventStoreOptions {
  /** `esdb://host:2113?tls=false`, `esdb://user:password@host:2113`, `esdb+discover://…`, with `tlsCAFile` if need be. */
  readonly connectionString: string;
  readonly clock: Pick<Clock, 'nowText'>;
  /** A call without an answer for so long is made again. 5 seconds if not given. */
  readonly callMs?: number;
  /** What fails for so long makes the store unavailable. 15 seconds if not given. */
  readonly giveUpMs?: number;
}

/**
 * The event store on EventStoreDB (KurrentDB), from 23.10 on. One commit is one event: a single domain event as JSON under
 * its own type, several as `Commit`, packed bytes as `PackedCommit`. A position is the commit position in $all.
 *
 * A repeated commit id is answered with the first result when it is among the last LOOK_BACK_COMMITS_MAX commits of its
 * stream, or when it expects the same revision as the first time. What is further back and expects another revision is a
 * conflict, or, where any revision will do, is written again.
 *
 * The recorded time does not decrease within a stream, nor along what one process writes; between processes it is as good
 * as their clocks. StoreUnavailable can also mean that the answer was lost: the commit may have been kept, and appending it
 * again with the same id is safe.
 */
export class EventStoreDBEventStore extends EventStore {
  override readonly checkpoints: EventStoreDBCheckpoints;
  private readonly tails = new StreamTails();
  private readonly all: AllStream;
  private readonly rounds: AppendRounds;
  private readonly closed = new AbortController();
  private readonly accepted = new Set<Promise<unknown>>();
  private closing: Promise<void> | undefined;
  private drawn = '';

  private constructor(
    private readonly connection: Connection,
    clock: Pick<Clock, 'nowText'>,
    private readonly limits: Limits,
  ) {
    super();
    const writer = new StreamWriter(connection, this.tails, limits);
    this.all = new AllStream(connection.client, limits.callMs);
    this.rounds = new AppendRounds(clock, (append, recordedAt) => writer.write(append, recordedAt));
    this.checkpoints = new EventStoreDBCheckpoints(connection, limits, (work) => this.accept(work));
  }

  /** Resolves when the server has answered. Throws ConnectionStringRefused or StoreUnavailable. */
  static async open(options: EventStoreDBEventStoreOptions): Promise<EventStoreDBEventStore> {
    const { callMs = CALL_MS, giveUpMs = GIVE_UP_MS } = options;
    const connection = connectionTo(options.connectionString);
    const store = new EventStoreDBEventStore(connection, options.clock, { callMs, giveUpMs });
    try {
      await store.head();
      store.drawn = await store.checkpoints.lineage();
    } catch (error) {
      await store.close();
      throw new StoreUnavailable(`${connection.hosts}: ${error instanceof Error ? error.message : String(error)}`);
    }
    return store;
  }

  override get lineage(): string {
    return this.drawn;
  }

  /** Also throws AppendTooLarge for more than 1 MiB, before anything is sent. */
  override append(append: Append): Promise<Appended> {
    return this.accept(async () => {
      const body = encodeBody(append.body);
      toEvent(append, body, new Date(0).toISOString());
      return this.rounds.add({ append, body });
    });
  }

  override async *readStream(stream: string, fromRevision = 0): AsyncGenerator<Commit> {
    const retries = this.retries();
    const last: Commit[] = [];
    for (let next = fromRevision; ;) {
      try {
        const options = { fromRevision: BigInt(next), signal: this.closed.signal };
        for await (const resolved of streamEvents(this.connection.client, stream, options)) {
          const commit = toCommit(resolved);
          if (commit === undefined) throw new StoreUnavailable(`${stream} holds an event that is no commit`);
          next = commit.revision + 1;
          retries.succeeded();
          if (last.push(commit) > LOOK_BACK_COMMITS_MAX) last.shift();
          yield commit;
        }
        // Whoever has read all of a stream most often appends to it next.
        if (fromRevision === 0) this.tails.set(stream, last);
        return;
      } catch (error) {
        await this.afterFailure(retries, error);
      }
    }
  }

  override async *readAll({ after = BEGINNING, prefixes }: ReadOptions = {}): AsyncGenerator<Commit> {
    const retries = this.retries();
    const following: Following = { covered: after, prefixes, signal: this.closed.signal };
    for (;;) {
      try {
        for await (const commit of this.all.catchUp(following)) {
          retries.succeeded();
          yield commit;
          following.covered = commit.position;
        }
        return;
      } catch (error) {
        await this.afterFailure(retries, error);
      }
    }
  }

  override async readPage(options: ReadOptions = {}): Promise<CommitPage> {
    const head = await this.head();
    const commits: Commit[] = [];
    for await (const commit of this.readAll(options)) {
      commits.push(commit);
      if (commits.length === PAGE_COMMITS_MAX) return { commits, through: commit.position, more: true };
    }
    const { after = BEGINNING } = options;
    const through = [after, head, commits.at(-1)?.position ?? BEGINNING].sort(comparePositions).at(-1) ?? after;
    return { commits, through, more: false };
  }

  /** After a cut it goes on where it was, as often as need be. */
  override async *subscribe({
    after = BEGINNING,
    prefixes,
    signal,
  }: ReadOptions & { readonly signal: AbortSignal }): AsyncGenerator<SubscriptionMessage> {
    const both = AbortSignal.any([signal, this.closed.signal]);
    const retries = new Retries(Number.POSITIVE_INFINITY, both);
    const following: Following = { covered: after, prefixes, signal: both };
    let received: Position | undefined;
    const aborted = () => signal.aborted;
    while (!aborted()) {
      try {
        for await (const message of this.all.follow(following)) {
          if (aborted()) return;
          retries.succeeded();
          if (message.kind === 'caught-up') {
            if (received !== undefined && comparePositions(message.position, received) <= 0) continue;
            received = message.position;
          } else following.covered = message.commit.position;
          yield message;
        }
      } catch (error) {
        if (aborted()) return;
        if (isFinal(error)) throw unavailable(error);
        await retries.afterFailure(error);
      }
    }
  }

  override head(): Promise<Position> {
    return this.accept(async () => {
      try {
        return await retried(this.retries(), () => this.all.head());
      } catch (error) {
        throw unavailable(error);
      }
    });
  }

  override lastRecordedAt(): Promise<string | undefined> {
    return this.accept(async () => {
      try {
        return await retried(this.retries(), () => this.all.lastRecordedAt());
      } catch (error) {
        throw unavailable(error);
      }
    });
  }

  override proveWritable(): Promise<void> {
    return this.checkpoints.writeMark();
  }

  override close(): Promise<void> {
    this.closing ??= this.finish();
    return this.closing;
  }

  private async finish(): Promise<void> {
    await Promise.allSettled(this.accepted);
    await this.rounds.finished();
    this.closed.abort();
    await this.connection.client.dispose();
  }

  private retries(): Retries {
    return new Retries(this.limits.giveUpMs, this.closed.signal);
  }

  private async afterFailure(retries: Retries, error: unknown): Promise<void> {
    try {
      await retries.afterFailure(error);
    } catch (final) {
      throw unavailable(final);
    }
  }

  /** Refuses work once the store is being closed; close waits for what was accepted before. */
  private accept<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.closing !== undefined) return Promise.reject(new StoreUnavailable('the store is closed'));
    const running = work();
    this.accepted.add(running);
    const done = () => this.accepted.delete(running);
    running.then(done, done);
    return running;
  }
}
