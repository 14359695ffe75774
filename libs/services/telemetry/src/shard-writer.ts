import { randomUUID } from 'node:crypto';
import {
  FactPacker,
  FleetShard,
  HashSet,
  type NewFact,
  type PackedFacts,
  readPackedFacts,
  RecentReports,
} from '@sluice/domain-fleet';
import {
  BEGINNING,
  type Commit,
  type EventStore,
  type Metadata,
  type Position,
  RevisionConflict,
  StoreUnavailable,
} from '@sluice/event-sourcing';
import { ProblemError } from '@sluice/platform';
import { type AppendRounds } from './append-rounds.ts';
import { fleetStream } from './publications.ts';

/** The same report within this time is accepted once. */
const REPORTS_REMEMBERED_DAYS = 7;
/** What one commit holds; the facts beyond go into the next. */
const COMMIT_FACTS_MAX = 8192;
/** What may wait for the disk in one shard. Those who send more are asked to come again. */
const WAITING_FACTS_MAX = 32_768;
/** Who caused a commit that holds the reports of several requests. */
const MANY_ACTORS = 'devices';

/** Facts on their way into one commit, and who waits for it. */
class Batch {
  readonly reports = new HashSet();
  readonly facts: NewFact[] = [];
  private readonly outcome = Promise.withResolvers<undefined>();

  constructor(
    public cause: Metadata,
    /** No other facts may join. */
    readonly isClosed: boolean,
  ) {
    // Whoever waits hears of a failure; when nobody does, it must not end the process.
    this.outcome.promise.catch(() => undefined);
  }

  get done(): Promise<undefined> {
    return this.outcome.promise;
  }

  succeed(): void {
    this.outcome.resolve(undefined);
  }

  fail(reason: unknown): void {
    this.outcome.reject(reason instanceof Error ? reason : new Error(String(reason)));
  }
}

/**
 * The one writer of one shard. Facts that come while an append is on its way to the disk share the next commit; whoever
 * brought them waits until it is durable and applied to the state that queries see.
 */
export class ShardWriter {
  readonly state = new FleetShard();
  private readonly packer = new FactPacker();
  private readonly recent = new RecentReports(REPORTS_REMEMBERED_DAYS);
  /** The first one is being written when `writing`. */
  private readonly batches: Batch[] = [];
  private waitingFacts = 0;
  private writing = false;
  private lastRevision = -1;
  private lastPosition: Position = BEGINNING;

  constructor(
    readonly shard: number,
    private readonly store: EventStore,
    private readonly rounds: AppendRounds,
  ) {}

  /** The revision of the last commit in the state, −1 before the first. */
  get revision(): number {
    return this.lastRevision;
  }

  get position(): Position {
    return this.lastPosition;
  }

  /** Throws 'overloaded' when the shard cannot take as many facts now. */
  admit(facts: number): void {
    if (this.waitingFacts + facts > WAITING_FACTS_MAX) {
      throw new ProblemError('overloaded', `${String(this.waitingFacts)} reports are waiting for the disk`);
    }
  }

  /** Takes a fact into the next commit. False when its report was taken before. Wait for `settled` either way. */
  offer(fact: NewFact, cause: Metadata): boolean {
    const { reportHash } = fact;
    const low = wordAt(reportHash, 0);
    const high = wordAt(reportHash, 4);
    if (this.recent.has(low, high)) return false;
    for (const batch of this.batches) if (batch.reports.has(low, high)) return false;
    const batch = this.openBatch(cause);
    batch.reports.add(low, high);
    batch.facts.push(fact);
    this.waitingFacts += 1;
    return true;
  }

  /** Takes a fact into a commit of its own, which keeps who caused it. Resolves when it is durable and visible. */
  async offerAlone(fact: NewFact, cause: Metadata): Promise<void> {
    const batch = this.addBatch(new Batch(cause, true));
    batch.facts.push(fact);
    this.waitingFacts += 1;
    await batch.done;
  }

  /** True when the id of a device has to be told with its next fact. */
  isNew(deviceHash: string): boolean {
    return !this.state.hasIdOf(deviceHash);
  }

  /** Resolves when all that was offered so far is durable and visible; rejects when some of it was not kept. */
  async settled(): Promise<void> {
    if (this.batches.length === 1) await this.batches[0]?.done;
    else await Promise.all(this.batches.map(({ done }) => done));
  }

  /** Takes a commit that is in the store already into the state. */
  replay({ body, revision, position }: Commit): void {
    if (body.kind === 'packed') this.apply(readPackedFacts(body.bytes));
    this.lastRevision = revision;
    this.lastPosition = position;
  }

  /** Appends what waits, as far as it fits into one commit, and tells those who wait. Called by the rounds only. */
  async flush(): Promise<void> {
    const [batch] = this.batches;
    if (batch === undefined) return;
    this.writing = true;
    try {
      await this.append(batch);
      this.finish(batch);
      batch.succeed();
    } catch (error) {
      this.finish(batch);
      batch.fail(error instanceof RevisionConflict ? new StoreUnavailable('another process writes this shard') : error);
    }
  }

  private openBatch(cause: Metadata): Batch {
    const last = this.batches.at(-1);
    const isBeingWritten = this.writing && this.batches.length === 1;
    if (last !== undefined && !isBeingWritten && !last.isClosed && last.facts.length < COMMIT_FACTS_MAX) {
      if (last.cause.correlationId !== cause.correlationId) last.cause = { actor: MANY_ACTORS, correlationId: '' };
      return last;
    }
    return this.addBatch(new Batch(cause, false));
  }

  private addBatch(batch: Batch): Batch {
    this.batches.push(batch);
    this.rounds.add(this);
    return batch;
  }

  private finish(batch: Batch): void {
    this.writing = false;
    this.batches.shift();
    this.waitingFacts -= batch.facts.length;
    if (this.batches.length > 0) this.rounds.add(this);
  }

  private pack(facts: readonly NewFact[]): { bytes: Uint8Array; count: number } {
    try {
      for (const fact of facts) this.packer.add(fact);
    } catch (error) {
      // What was packed so far must not go into the next commit: whoever sent it is told that it was not kept.
      this.packer.finish();
      throw error;
    }
    return this.packer.finish();
  }

  private async append({ facts, cause }: Batch): Promise<void> {
    const { bytes, count } = this.pack(facts);
    const commitId = randomUUID();
    const { revision, position } = await this.store.append({
      stream: fleetStream(this.shard),
      expected: this.lastRevision === -1 ? 'no-stream' : this.lastRevision,
      commitId,
      metadata: cause.correlationId === '' ? { ...cause, correlationId: commitId } : cause,
      body: { kind: 'packed', bytes, count },
    });
    this.apply(readPackedFacts(bytes));
    this.lastRevision = revision;
    this.lastPosition = position;
  }

  private apply(facts: PackedFacts): void {
    this.state.apply(facts);
    const { count, reports, receivedAt } = facts;
    for (let at = 0; at < count; at += 1) {
      this.recent.add(reports[at * 2] ?? 0, reports[at * 2 + 1] ?? 0, receivedAt[at] ?? 0);
    }
  }
}

// In the byte order of typed arrays, in which packed commits give the same bytes; it is little-endian wherever Node runs.
function wordAt(hash: string, at: number): number {
  return (
    (hash.charCodeAt(at) |
      (hash.charCodeAt(at + 1) << 8) |
      (hash.charCodeAt(at + 2) << 16) |
      (hash.charCodeAt(at + 3) << 24)) >>>
    0
  );
}
