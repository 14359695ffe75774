import { kafkaTopic } from '@sluice/contracts/events';
import { type Topic } from '@sluice/contracts/topic-owners';
import { type Publication } from '@sluice/event-feed';
import {
  BEGINNING,
  CheckpointConflict,
  type Checkpoints,
  type EventStore,
  Lease,
  type Position,
  type Traces,
} from '@sluice/event-sourcing';
import { type KafkaClient } from './kafka-client.ts';
import { closeProducer, connectProducer } from './kafka-producer.ts';
import { ensureTopics, type KafkaTopicSettings, offsetsOf } from './kafka-topics.ts';
import { Backoff, isAborted, reasonOf, unlessAborted } from './patience.ts';
import { whenAbandoned } from './relay-lease.ts';
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
  /** Who collects traces; nobody if not given. */
  readonly traces?: Traces;
}

/**
 * Where a relay is. `starting` → `running` once it has the lease and a producer; → `failing` when the broker or the store
 * fails, and → `running` again after an attempt that works, on the lease that it kept; → `standby` when another relay has
 * the lease, and from there like one that starts; → `stopped` from anywhere, for good. The lease is kept through failures, so
 * that it is not renewed by one that cannot send: to those that stand by it would look alive for ever.
 */
type Phase =
  | { readonly state: 'starting' }
  | { readonly state: 'running'; readonly lease: Lease }
  | { readonly state: 'failing'; readonly lease: Lease | undefined; readonly reason: string }
  | { readonly state: 'standby' }
  | { readonly state: 'stopped' };

export type RelayState = Phase['state'];

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
  private phase: Phase = { state: 'starting' };
  private since = performance.now();
  /** Since when something waits to be relayed, or it is not known whether; undefined when nothing does. */
  private waitingSince: number | undefined = performance.now();
  private acked: Position = '0';
  private sentEvents = 0;

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
    this.enter({ state: 'stopped' });
  }

  status(): RelayStatus {
    const now = performance.now();
    const { phase, acked: position, sentEvents } = this;
    const behindMs = this.waitingSince === undefined ? 0 : now - this.waitingSince;
    const status = { state: phase.state, forMs: now - this.since, position, behindMs, sentEvents };
    return phase.state === 'failing' ? { ...status, reason: phase.reason } : status;
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
    this.enter({ state: 'standby' });
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
      const lease = await this.leaseFor(partitions.areUnwritten);
      await new RelaySession(this.options, { producer, lease, topic: this.topic, partitions: partitions.all }).run({
        signal,
        onRunning: () => {
          this.acked = lease.position;
          this.enter({ state: 'running', lease });
        },
        onSent: (position, events, isCaughtUp) => {
          this.acked = position;
          this.sentEvents += events;
          this.waitingSince = isCaughtUp ? undefined : (this.waitingSince ?? performance.now());
        },
      });
    } finally {
      this.waitingSince ??= performance.now();
      await closeProducer(producer);
    }
  }

  private get lease(): Lease | undefined {
    const { phase } = this;
    return phase.state === 'running' || phase.state === 'failing' ? phase.lease : undefined;
  }

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
    const reason = reasonOf(error);
    const isKnown = this.phase.state === 'failing' && this.phase.reason === reason;
    this.enter({ state: 'failing', lease: this.lease, reason });
    if (!isKnown) this.options.client.log('warn', `${this.name}: stopped, trying again`, { reason });
  }

  private enter(phase: Phase): void {
    if (phase.state === 'running') {
      this.options.client.log('info', `${this.name}: running`, { position: this.acked });
    }
    if (phase.state !== this.phase.state) this.since = performance.now();
    this.phase = phase;
  }
}
