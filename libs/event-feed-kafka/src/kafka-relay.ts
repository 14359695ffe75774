import { kafkaTopic, type Topic } from '@sluice/contracts/events';
import { type Publication } from '@sluice/event-feed';
import {
  BEGINNING,
  CheckpointConflict,
  type Checkpoints,
  type EventStore,
  type Position,
} from '@sluice/event-sourcing';
import { type KafkaClient } from './kafka-client.ts';
import { closeProducer, connectProducer } from './kafka-producer.ts';
import { ensureTopics, type KafkaTopicSettings, offsetsOf } from './kafka-topics.ts';
import { Backoff, isAborted, reasonOf, unlessAborted } from './patience.ts';
import { Lease, whenAbandoned } from './relay-lease.ts';
import { HEARTBEAT_MS } from './relay-outbox.ts';
import { RelaySession } from './relay-session.ts';

export interface KafkaRelayOptions {
  readonly client: KafkaClient;
  /** What is relayed: the own store, and its public events of one topic. */
  readonly store: EventStore;
  readonly publication: Publication;
  /** Where the relay keeps how far it got; those of the store, if not given. */
  readonly checkpoints?: Checkpoints;
  readonly topics: KafkaTopicSettings;
  /** For the fleet's topic: the one shard, whose owner this process is. */
  readonly shard?: number;
  /** A standby takes over when the checkpoint has not moved for so long (default 15 s). */
  readonly abandonedAfterMs?: number;
}

export type RelayState = 'starting' | 'running' | 'standby' | 'failing' | 'stopped';

export interface RelayStatus {
  readonly state: RelayState;
  /** When the state began, milliseconds of wall time ago. */
  readonly forMs: number;
  /** All up to here is in Kafka. */
  readonly position: Position;
  /** For how long something has been waiting to be relayed; 0 when nothing is. */
  readonly behindMs: number;
  readonly sentEvents: number;
  /** What ended the last attempt, while none works. */
  readonly reason?: string;
}

const ABANDONED_AFTER_MS = 15_000;

/**
 * Brings the public events of the own store into one topic, each at least once, in order, and keeps at it for as long as
 * the process lives. Of several relays of one topic one runs, the others stand by.
 */
export class KafkaRelay {
  private readonly name: string;
  private readonly topic: string;
  private readonly checkpoints: Checkpoints;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private state: RelayState = 'starting';
  private since = performance.now();
  private caughtUpAt: number | undefined = performance.now();
  private acked: Position = '0';
  private sentEvents = 0;
  private reason: string | undefined;
  /** Kept from one session to the next, so that it is not renewed by one that cannot send. */
  private lease: Lease | undefined;

  constructor(private readonly options: KafkaRelayOptions) {
    const { publication, shard, store, topics } = options;
    this.name = shard === undefined ? `relay-${publication.topic}` : `relay-${publication.topic}-${String(shard)}`;
    this.topic = kafkaTopic(publication.topic as Topic, topics.prefix);
    this.checkpoints = options.checkpoints ?? store.checkpoints;
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Resolves when the last send was answered, or waited for in vain, and its checkpoint is saved. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.enter('stopped');
  }

  status(): RelayStatus {
    const now = performance.now();
    const { state, acked: position, sentEvents, reason } = this;
    const behindMs = this.caughtUpAt === undefined ? 0 : now - this.caughtUpAt;
    return { state, forMs: now - this.since, position, behindMs, sentEvents, ...(reason !== undefined && { reason }) };
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const backoff = new Backoff();
    while (!isAborted(signal)) {
      const startedAt = performance.now();
      try {
        await this.relay();
      } catch (error) {
        if (isAborted(signal)) return;
        if (error instanceof CheckpointConflict) await this.standBy();
        else {
          this.fail(error);
          if (performance.now() - startedAt > HEARTBEAT_MS) backoff.reset();
          await backoff.pause(signal);
        }
      }
    }
  }

  private async standBy(): Promise<void> {
    this.enter('standby');
    this.lease = undefined;
    this.options.client.log('info', `${this.name}: another relay has taken over, standing by`, {});
    const { signal } = this.stopping;
    const afterMs = this.options.abandonedAfterMs ?? ABANDONED_AFTER_MS;
    try {
      await whenAbandoned(this.checkpoints, this.name, { afterMs, signal });
    } catch (error) {
      this.fail(error);
    }
  }

  // One life of a producer: it ends when the broker or the store fails, another relay takes over, or this one is stopped.
  private async relay(): Promise<void> {
    const { client, publication, topics } = this.options;
    const { signal } = this.stopping;
    const producer = await connectProducer(client, signal);
    try {
      await unlessAborted(ensureTopics(client, [publication.topic as Topic], topics), signal);
      const partitions = await unlessAborted(this.partitions(), signal);
      const lease = (this.lease = await this.leaseFor(partitions.areUnwritten));
      await new RelaySession(this.options, { producer, lease, topic: this.topic, partitions: partitions.all }).run({
        signal,
        onRunning: () => {
          this.acked = lease.position;
          this.enter('running');
        },
        onSent: (position, events, isCaughtUp) => {
          this.acked = position;
          this.sentEvents += events;
          this.caughtUpAt = isCaughtUp ? undefined : (this.caughtUpAt ?? performance.now());
        },
      });
    } finally {
      this.caughtUpAt ??= performance.now();
      await closeProducer(producer);
    }
  }

  // Taken again after each failed attempt, it would look alive to those that stand by, for ever.
  private async leaseFor(areUnwritten: boolean): Promise<Lease> {
    const { lease } = this;
    const isAnew = areUnwritten && lease?.position !== BEGINNING;
    if (lease === undefined || isAnew) return Lease.acquire(this.checkpoints, this.name, areUnwritten);
    await lease.check();
    return lease;
  }

  /** A topic that nothing was ever written to belongs to a new broker, or to one that lost its data: it is filled anew. */
  private async partitions(): Promise<{ all: readonly number[]; areUnwritten: boolean }> {
    const { shard, client } = this.options;
    const offsets = (await offsetsOf(client, this.topic)) ?? [];
    const mine = shard === undefined ? offsets : offsets.filter(({ partition }) => partition === shard);
    if (mine.length === 0) throw new Error(`${this.topic} has no partition for ${this.name}`);
    return { all: mine.map(({ partition }) => partition), areUnwritten: mine.every(({ high }) => high === 0n) };
  }

  private fail(error: unknown): void {
    this.enter('failing');
    const reason = reasonOf(error);
    if (reason !== this.reason) this.options.client.log('warn', `${this.name}: stopped, trying again`, { reason });
    this.reason = reason;
  }

  private enter(state: RelayState): void {
    if (state === 'running') {
      this.options.client.log('info', `${this.name}: running`, { position: this.acked });
      this.reason = undefined;
    }
    if (state !== this.state) this.since = performance.now();
    this.state = state;
  }
}
