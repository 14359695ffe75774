import { type KnownOwner, type ShardKeeper, ShardOwnership } from '@sluice/event-feed';
import { type Consumer } from 'kafkajs';
import { liveOnce, startConsumer } from './consumer-life.ts';
import { clientRetry, type KafkaClient } from './kafka-client.ts';
import { ensureTopics, KafkaTopicMismatch, type KafkaTopicSettings } from './kafka-topics.ts';
import { fleetTopic, OwnerTable } from './owner-table.ts';
import { Backoff, isAborted, pause, reasonOf, unlessAborted } from './patience.ts';
import { ShardSeats } from './shard-seats.ts';
import { stickyAssigner } from './sticky-assigner.ts';

export interface KafkaOwnershipOptions {
  readonly client: KafkaClient;
  /** Name and address of this instance, as the others know it. */
  readonly instance: string;
  readonly address: string;
  readonly topics?: Omit<KafkaTopicSettings, 'shards'>;
  /** An instance that was not heard of for so long loses its shards (default 10 s). */
  readonly sessionMs?: number;
  /** How often an instance is heard of, and hears of others that come and go (default 3 s). */
  readonly heartbeatMs?: number;
}

const SESSION_MS = 10_000;
const HEARTBEAT_MS = 3_000;
/** An owner that reads another's name at its own shard says again who it is, after so long. */
const SAY_AGAIN_AFTER_MS = 1_000;

interface Parts {
  readonly table: OwnerTable;
  readonly seats: ShardSeats;
}

/**
 * Where an instance is: `new` → `joining` (no assignment yet) → `reading` (it has one, and does not know the other owners
 * yet) → `member`. A broker that is away changes nothing.
 */
type Membership =
  | { readonly status: 'new' }
  | { readonly status: 'joining' | 'reading' | 'member'; readonly parts: Parts; readonly running: Promise<void> };

/**
 * Shards by the assignment of a consumer group on the fleet's topic; the records are not read. While the broker is away
 * the last assignment stays in force.
 */
export class KafkaOwnership extends ShardOwnership {
  private readonly stopping = new AbortController();
  private readonly leaving = new AbortController();
  private membership: Membership = { status: 'new' };
  private readonly unannounced = new Set<number>();
  /** While something is being announced. */
  private announcing: Promise<void> | undefined;

  constructor(private readonly options: KafkaOwnershipOptions) {
    super();
  }

  private get parts(): Parts | undefined {
    return this.membership.status === 'new' ? undefined : this.membership.parts;
  }

  /** Throws KafkaTopicMismatch when the fleet's topic has another number of partitions; a broker that is away is waited for. */
  override async start(shards: number, keeper: ShardKeeper): Promise<void> {
    const { client, topics } = this.options;
    const settings = { ...topics, shards };
    const table = new OwnerTable(client, settings, (shard, owner) => {
      if (owner?.instance !== this.options.instance) void this.sayAgain(shard);
    });
    const seats = new ShardSeats(shards, keeper, {
      signal: this.stopping.signal,
      onHeld: (shard) => this.announce(shard),
      onLost: (shard) => this.announce(shard),
      onRefused: (shard, reason) => client.log('warn', 'a shard was not taken over, trying again', { shard, reason }),
    });
    await unlessAborted(ensureTopics(client, ['fleet'], settings), this.stopping.signal).catch((error: unknown) => {
      if (error instanceof KafkaTopicMismatch) throw error;
    });
    if (isAborted(this.stopping.signal)) return;
    table.start();
    this.membership = { status: 'joining', parts: { table, seats }, running: this.takePart(settings, seats) };
  }

  override release(shard: number): void {
    this.parts?.seats.release(shard);
  }

  override ownerOf(shard: number): KnownOwner | undefined {
    const { instance, address } = this.options;
    if (this.parts?.seats.isHeld(shard) === true) return { instance, address, isSelf: true };
    const known = this.parts?.table.ownerOf(shard);
    // What the table says of this very instance was true before.
    return known === undefined || known.instance === instance ? undefined : { ...known, isSelf: false };
  }

  override notReady(): string | undefined {
    const { membership } = this;
    switch (membership.status) {
      case 'new':
      case 'joining':
        return 'no shards were assigned yet';
      case 'reading': {
        const reason = membership.parts.table.notReady();
        if (reason !== undefined) return reason;
        this.membership = { ...membership, status: 'member' };
        return membership.parts.seats.notReady();
      }
      case 'member':
        return membership.parts.seats.notReady();
    }
  }

  override async stop(): Promise<void> {
    this.stopping.abort();
    const { membership } = this;
    if (membership.status === 'new') return;
    const { parts, running } = membership;
    await parts.seats.giveUpAll();
    this.leaving.abort();
    await Promise.all([running, parts.table.stop(this.announcing)]);
    await this.announcing;
  }

  private async takePart(settings: KafkaTopicSettings, seats: ShardSeats): Promise<void> {
    const { signal } = this.leaving;
    const backoff = new Backoff();
    while (!isAborted(signal)) {
      const reason = await this.takePartOnce(settings, seats, () => backoff.reset());
      if (isAborted(signal)) return;
      this.options.client.log('warn', 'Kafka: the shards stay as they are until the broker answers', {
        reason: reasonOf(reason),
      });
      await backoff.pause(signal);
    }
  }

  private takePartOnce(settings: KafkaTopicSettings, seats: ShardSeats, onJoined: () => void): Promise<unknown> {
    const topic = fleetTopic(settings);
    const consumer = this.createConsumer(settings, seats);
    return liveOnce(consumer, {
      signal: this.leaving.signal,
      start: (signal) =>
        ensureTopics(this.options.client, ['fleet'], settings).then(() =>
          startConsumer(consumer, [topic], { eachBatch: () => Promise.resolve(), signal }),
        ),
      onJoined: (assignment) => {
        onJoined();
        consumer.pause([{ topic }]);
        if (isAborted(this.stopping.signal)) return;
        seats.assign(assignment[topic] ?? []);
        if (this.membership.status === 'joining') this.membership = { ...this.membership, status: 'reading' };
      },
    });
  }

  private createConsumer({ prefix = '' }: KafkaTopicSettings, seats: ShardSeats): Consumer {
    const { client, sessionMs = SESSION_MS, heartbeatMs = HEARTBEAT_MS } = this.options;
    return client.kafka.consumer({
      groupId: `${prefix}sluice.telemetry.shards`,
      sessionTimeout: sessionMs,
      rebalanceTimeout: sessionMs,
      heartbeatInterval: heartbeatMs,
      // With all partitions paused the driver sleeps so long between heartbeats.
      maxWaitTimeInMs: Math.ceil(heartbeatMs / 4),
      allowAutoTopicCreation: false,
      partitionAssigners: [stickyAssigner(() => seats.assigned)],
      retry: { ...clientRetry, restartOnFailure: () => Promise.resolve(false) },
    });
  }

  private async sayAgain(shard: number): Promise<void> {
    const { parts } = this;
    if (parts?.seats.isHeld(shard) !== true) return;
    await pause(SAY_AGAIN_AFTER_MS, this.stopping.signal);
    const isStillOther = parts.table.ownerOf(shard)?.instance !== this.options.instance;
    if (isStillOther && parts.seats.isHeld(shard)) this.announce(shard);
  }

  private announce(shard: number): void {
    this.unannounced.add(shard);
    this.announcing ??= this.announceAll();
  }

  // One write at a time, and of each shard only the last: a broker that is away must not pile them up.
  private async announceAll(): Promise<void> {
    // First it is noted that it is under way; it may have nothing to wait for.
    await Promise.resolve();
    const { parts } = this;
    for (const shard of this.unannounced) {
      this.unannounced.delete(shard);
      if (parts !== undefined) await this.write(shard, parts);
    }
    this.announcing = undefined;
  }

  private async write(shard: number, { seats, table }: Parts): Promise<void> {
    const isHeld = seats.isHeld(shard);
    // Whoever has gained it may have said so already.
    if (!isHeld && table.ownerOf(shard)?.instance !== this.options.instance) return;
    await table.write(shard, isHeld ? this.options : undefined).catch(() => undefined);
  }
}
