import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  FactPacker,
  type FleetShard,
  type NewFact,
  readPackedFacts,
  type Remembered,
  ReportSet,
  type ShardNoted,
} from '@sluice/domain-fleet';
import {
  type Append,
  type Appended,
  type EventStore,
  type Metadata,
  type Position,
  RevisionConflict,
  StoreOverloaded,
  StoreUnavailable,
} from '@sluice/event-sourcing';
import { ProblemError } from '@sluice/platform';
import { type AppendRounds } from './append-rounds.ts';
import { fleetStream } from '../publications.ts';
import { type FoldedCommit, type ShardFold } from './shard-fold.ts';

/** What one commit holds; the facts beyond go into the next. */
const COMMIT_FACTS_MAX = 8192;
/** The same in bytes, not yet compressed: EventStoreDB takes 1 MiB an append, and whom and why takes some of it. */
export const COMMIT_BYTES_MAX = 900 * 1024;
/** What any fact takes at most: its place in the columns, a far time, its platform and track, and what separates texts. */
const FACT_BYTES_MAX = 96;
/** What failure details take at most beside their texts. */
const DETAILS_BYTES_MAX = 64;
/** What may wait for the disk in one shard. Those who send more are asked to come again. */
const WAITING_FACTS_MAX = 32_768;
/** The store may have written what it could not answer for; with the same commit id it says so, and writes nothing twice. */
const APPEND_ATTEMPTS_MAX = 2;
const APPEND_AGAIN_AFTER_MS = 50;
/** Who caused a commit that holds the reports of several requests. */
const MANY_ACTORS = 'devices';

/** Facts, or notes, on their way into one commit, and who waits for it. */
class Batch {
  readonly reports = new ReportSet();
  readonly facts: NewFact[] = [];
  private bytes = 0;
  private readonly outcome = Promise.withResolvers<undefined>();

  constructor(
    public cause: Metadata,
    /** No other facts may join. */
    readonly isClosed: boolean,
    readonly notes: readonly ShardNoted[] = [],
  ) {
    // Whoever waits hears of a failure; when nobody does, it must not end the process.
    this.outcome.promise.catch(() => undefined);
  }

  get done(): Promise<undefined> {
    return this.outcome.promise;
  }

  /** One fact has always room. */
  hasRoomFor(bytes: number): boolean {
    const { length } = this.facts;
    if (this.isClosed || length === COMMIT_FACTS_MAX) return false;
    return length === 0 || this.bytes + bytes <= COMMIT_BYTES_MAX;
  }

  add(fact: NewFact, bytes: number): void {
    this.facts.push(fact);
    this.bytes += bytes;
  }

  succeed(): void {
    this.outcome.resolve(undefined);
  }

  fail(reason: unknown): void {
    this.outcome.reject(reason instanceof Error ? reason : new Error(String(reason)));
  }
}

/** Where a writer writes, and whom it tells that another instance wrote to its shard. */
export interface WriterPlace {
  readonly shard: number;
  readonly store: EventStore;
  readonly rounds: AppendRounds;
  readonly onConflict: (shard: number) => void;
}

/**
 * The one writer of one shard, as long as this instance owns it. Facts that come while an append is on its way to the disk
 * share the next commit; whoever brought them waits until it is durable and applied to the state that queries see. When
 * another instance has written to the shard, this writer is over: what waits is refused, so that it is sent again.
 */
export class ShardWriter {
  readonly shard: number;
  readonly state: FleetShard;
  private readonly packer = new FactPacker();
  /** The first one is being written when `writing`. */
  private readonly batches: Batch[] = [];
  private waitingFacts = 0;
  private writing = false;
  private over: ProblemError | undefined;

  constructor(
    readonly fold: ShardFold,
    private readonly place: WriterPlace,
  ) {
    this.shard = place.shard;
    this.state = fold.state;
  }

  /** The revision of the last commit in the state, −1 before the first. */
  get revision(): number {
    return this.fold.last.revision;
  }

  get position(): Position {
    return this.fold.last.position;
  }

  /** When the first of the facts that are not in the state yet was received, undefined when none waits. */
  get oldestWaitingMs(): number | undefined {
    return this.batches.find(({ facts }) => facts.length > 0)?.facts[0]?.receivedAt;
  }

  /** Throws 'overloaded' when the shard cannot take as many facts now. */
  admit(facts: number): void {
    if (this.over !== undefined) throw this.over;
    if (this.waitingFacts + facts > WAITING_FACTS_MAX) {
      throw new ProblemError('overloaded', `${String(this.waitingFacts)} reports are waiting for the disk`);
    }
  }

  /** Takes a fact into the next commit, unless a report under its id was taken before. Wait for `settled` either way. */
  offer(fact: NewFact, cause: Metadata): Remembered {
    const before = this.remembered(fact);
    if (before !== 'new') return before;
    const bytes = bytesOf(fact);
    this.put(fact, bytes, this.openBatch(cause, bytes));
    return 'new';
  }

  /**
   * Takes a fact into a commit of its own, which keeps who caused it, unless a report under its id was taken before.
   * Resolves when it is durable and visible.
   */
  async offerAlone(fact: NewFact, cause: Metadata): Promise<void> {
    if (this.over !== undefined) throw this.over;
    if (this.remembered(fact) !== 'new') return this.settled();
    const batch = this.addBatch(new Batch(cause, true));
    this.put(fact, bytesOf(fact), batch);
    await batch.done;
  }

  private remembered({ reportHash, content }: NewFact): Remembered {
    const [low, high] = [wordAt(reportHash, 0), wordAt(reportHash, 4)];
    const before = this.fold.recent.find(low, high, content);
    if (before !== 'new') return before;
    for (const { reports } of this.batches) {
      const waiting = reports.find(low, high, content);
      if (waiting !== 'new') return waiting;
    }
    return 'new';
  }

  private put(fact: NewFact, bytes: number, batch: Batch): void {
    const { reportHash, content } = fact;
    batch.reports.add(wordAt(reportHash, 0), wordAt(reportHash, 4), content);
    batch.add(fact, bytes);
    this.waitingFacts += 1;
  }

  /** Takes notes into a commit of their own. Resolves when they are durable and count. */
  async note(notes: readonly ShardNoted[], cause: Metadata): Promise<void> {
    if (this.over !== undefined) throw this.over;
    await this.addBatch(new Batch(cause, true, notes)).done;
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

  /** Takes nothing more. Resolves when what was offered is durable or refused. */
  async close(): Promise<void> {
    this.over ??= ownedNoMore(this.shard);
    await Promise.allSettled(this.batches.map(({ done }) => done));
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
      if (error instanceof RevisionConflict) this.giveUp(batch);
      else batch.fail(error);
    }
  }

  private giveUp(batch: Batch): void {
    const wasOver = this.over !== undefined;
    this.over ??= ownedNoMore(this.shard);
    for (const each of [batch, ...this.batches]) each.fail(this.over);
    this.batches.length = 0;
    this.waitingFacts = 0;
    if (!wasOver) this.place.onConflict(this.shard);
  }

  private openBatch(cause: Metadata, bytes: number): Batch {
    const last = this.batches.at(-1);
    const isBeingWritten = this.writing && this.batches.length === 1;
    if (last !== undefined && !isBeingWritten && last.hasRoomFor(bytes)) {
      if (last.cause.correlationId !== cause.correlationId) last.cause = { actor: MANY_ACTORS, correlationId: '' };
      return last;
    }
    return this.addBatch(new Batch(cause, false));
  }

  private addBatch(batch: Batch): Batch {
    this.batches.push(batch);
    this.place.rounds.add(this);
    return batch;
  }

  private finish(batch: Batch): void {
    this.writing = false;
    this.batches.shift();
    this.waitingFacts -= batch.facts.length;
    if (this.batches.length > 0) this.place.rounds.add(this);
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

  private async append({ facts, notes, cause }: Batch): Promise<void> {
    if (notes.length > 0) {
      const body = { kind: 'events', events: notes } as const;
      this.fold.note(notes, await this.appendBody(body, cause));
      return;
    }
    const { bytes, count } = this.pack(facts);
    const commit = await this.appendBody({ kind: 'packed', bytes, count }, cause);
    this.fold.apply(readPackedFacts(bytes), commit);
  }

  private async appendBody(body: Append['body'], cause: Metadata): Promise<FoldedCommit> {
    const commitId = randomUUID();
    const { revision, position } = await this.appendOrAskAgain({
      stream: fleetStream(this.shard),
      expected: this.revision === -1 ? 'no-stream' : this.revision,
      commitId,
      metadata: cause.correlationId === '' ? { ...cause, correlationId: commitId } : cause,
      body,
    });
    return { revision, position, commitId };
  }

  private async appendOrAskAgain(append: Append): Promise<Appended> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.place.store.append(append);
      } catch (error) {
        const inDoubt = error instanceof StoreUnavailable && !(error instanceof StoreOverloaded);
        if (!inDoubt || attempt === APPEND_ATTEMPTS_MAX) throw error;
        await sleep(APPEND_AGAIN_AFTER_MS);
      }
    }
  }
}

function ownedNoMore(shard: number): ProblemError {
  return new ProblemError('shard-without-owner', `shard ${String(shard)} goes to another instance; send it again`);
}

/** Not less than what the fact takes in a packed commit, where equal profiles and targets are in fact written once. */
function bytesOf({ said, deviceId }: NewFact): number {
  const bytes = deviceId === undefined ? FACT_BYTES_MAX : FACT_BYTES_MAX + deviceId.length;
  if (said === undefined) return bytes;
  const { model, osVersion, osBuild, ring, region, patchId, rolloutId } = said;
  const { signal, failureCode, detail, statusEveryHours } = said;
  // These are ASCII, by their patterns. Lengths by themselves: a list of them would cost more than all the rest.
  const profile = model.length + osVersion.length + osBuild.length + (ring?.length ?? 0) + (region?.length ?? 0);
  const target = (patchId?.length ?? 0) + (rolloutId?.length ?? 0);
  const isPlain =
    signal === undefined && failureCode === undefined && detail === undefined && statusEveryHours === undefined;
  if (isPlain) return bytes + profile + target;
  // Free text, which JSON may write at several times its length.
  const details = Buffer.byteLength(JSON.stringify([signal, failureCode, detail]));
  return bytes + profile + target + DETAILS_BYTES_MAX + details;
}

// In the byte order of typed arrays, in which packed commits give the same bytes; it is little-endian wherever Node runs.
function wordAt(hash: string, index: number): number {
  return (
    (hash.charCodeAt(index) |
      (hash.charCodeAt(index + 1) << 8) |
      (hash.charCodeAt(index + 2) << 16) |
      (hash.charCodeAt(index + 3) << 24)) >>>
    0
  );
}
