import { randomBytes, randomUUID } from 'node:crypto';
import { type Checkpoint, CheckpointConflict, Checkpoints, type Position } from '@sluice/event-sourcing';
import { ANY, BACKWARDS, END, jsonEvent, NO_STREAM, WrongExpectedVersionError } from '@eventstore/db-client';
import { type Connection } from './connection.ts';
import { CHECKPOINT_STREAMS } from './event-codec.ts';
import { Retries, retried, unavailable } from './retries.ts';
import { streamEvents } from './stream-reads.ts';
import { type Limits } from './stream-writer.ts';

/** Names of checkpoints are encoded, so none has a stream of this name. */
const MARK_STREAM = `${CHECKPOINT_STREAMS}:writable`;
/** Its one event has the name of the past that the server holds. */
const LINEAGE_STREAM = `${CHECKPOINT_STREAMS}:lineage`;
const LINEAGE_BYTES = 6;

/**
 * A stream for each checkpoint, of which the server keeps the last event only. Its revision, counted from 0, is the version
 * less one, so the expected revision keeps out who has not seen the last.
 */
export class EventStoreDBCheckpoints extends Checkpoints {
  private isMarkBounded = false;

  constructor(
    private readonly connection: Connection,
    private readonly limits: Limits,
    /** Runs what was accepted before the store was closed, and rejects it after. */
    private readonly accept: <Result>(work: () => Promise<Result>) => Promise<Result>,
  ) {
    super();
  }

  override load(name: string): Promise<Checkpoint | undefined> {
    return this.accept(() => this.retried(() => this.read(streamOf(name))));
  }

  override save(
    name: string,
    { position, epoch }: { readonly position: Position; readonly epoch: number },
    expectedVersion: number,
  ): Promise<Checkpoint> {
    const saved = { version: expectedVersion + 1, position, epoch };
    return this.accept(async () => {
      if (expectedVersion === 0) await this.keepLastOnly(streamOf(name));
      try {
        await this.write(streamOf(name), saved);
      } catch (error) {
        if (error instanceof WrongExpectedVersionError) throw new CheckpointConflict(name, expectedVersion);
        throw error;
      }
      return saved;
    });
  }

  /** Proves that the server keeps what is written. Any number of processes may do so. */
  writeMark(): Promise<void> {
    return this.accept(async () => {
      if (!this.isMarkBounded) await this.keepLastOnly(MARK_STREAM);
      this.isMarkBounded = true;
      const event = jsonEvent({ id: randomUUID(), type: 'Mark', data: {} });
      const options = { expectedRevision: ANY, ...this.callOptions() } as const;
      await this.retried(() => this.connection.client.appendToStream(MARK_STREAM, event, options));
    });
  }

  /** The name of the past that the server holds, drawn by the first who asks. */
  lineage(): Promise<string> {
    return this.accept(async () => {
      const drawn = await this.retried(() => this.readLineage());
      if (drawn !== undefined) return drawn;
      const lineage = randomBytes(LINEAGE_BYTES).toString('hex');
      const event = jsonEvent({ id: randomUUID(), type: 'LineageDrawn', data: { lineage } });
      const options = { expectedRevision: NO_STREAM, ...this.callOptions() } as const;
      try {
        await this.retried(() => this.connection.client.appendToStream(LINEAGE_STREAM, event, options));
      } catch (error) {
        if (!(error instanceof WrongExpectedVersionError)) throw error;
      }
      // Of two that drew at once, the one that came first counts.
      return (await this.retried(() => this.readLineage())) ?? lineage;
    });
  }

  private async readLineage(): Promise<string | undefined> {
    const signal = AbortSignal.timeout(this.limits.callMs);
    for await (const { event } of streamEvents(this.connection.client, LINEAGE_STREAM, { maxCount: 1, signal })) {
      if (event !== undefined) return String((event.data as { readonly lineage: unknown }).lineage);
    }
    return undefined;
  }

  private async write(stream: string, saved: Checkpoint): Promise<void> {
    // The id stays the same when the answer was lost and the event is sent again.
    const event = jsonEvent({ id: randomUUID(), type: 'CheckpointSaved', data: { ...saved } });
    const expectedRevision = saved.version === 1 ? NO_STREAM : BigInt(saved.version) - 2n;
    await this.retried(() =>
      this.connection.client.appendToStream(stream, event, { expectedRevision, ...this.callOptions() }),
    );
  }

  private async keepLastOnly(stream: string): Promise<void> {
    const options = { expectedRevision: ANY, ...this.callOptions() } as const;
    await this.retried(() => this.connection.client.setStreamMetadata(stream, { maxCount: 1 }, options));
  }

  private async read(stream: string): Promise<Checkpoint | undefined> {
    const signal = AbortSignal.timeout(this.limits.callMs);
    const newest = { direction: BACKWARDS, fromRevision: END, maxCount: 1, signal } as const;
    for await (const { event } of streamEvents(this.connection.client, stream, newest)) {
      if (event === undefined) continue;
      const { position, epoch } = event.data as unknown as Checkpoint;
      return { version: Number(event.revision) + 1, position, epoch };
    }
    return undefined;
  }

  private callOptions() {
    return { credentials: this.connection.credentials, requiresLeader: true, deadline: this.limits.callMs };
  }

  private async retried<Result>(attempt: () => Promise<Result>): Promise<Result> {
    try {
      return await retried(new Retries(this.limits.giveUpMs, new AbortController().signal), attempt);
    } catch (error) {
      throw error instanceof WrongExpectedVersionError ? error : unavailable(error);
    }
  }
}

function streamOf(name: string): string {
  return CHECKPOINT_STREAMS + encodeURIComponent(name);
}
