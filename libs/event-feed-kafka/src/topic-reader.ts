import { type Consumer, type EachBatchPayload, type KafkaMessage } from 'kafkajs';
import { type Assignment, liveOnce, startConsumer } from './consumer-life.ts';
import { clientRetry, type KafkaClient } from './kafka-client.ts';
import { partitionsOf, withAdmin } from './kafka-topics.ts';
import { Backoff, Bell, isAborted, endWithin, pause, reasonOf, unlessAborted } from './patience.ts';
import { RECORD_OVERHEAD_BYTES } from './relay-outbox.ts';

export interface TopicReaderOptions {
  readonly client: KafkaClient;
  /** Begins the name of a group of this reader alone: it reads all partitions, from the beginning. */
  readonly group: string;
  readonly topics: readonly string[];
}

/** Records of one partition, in order. */
export interface RecordBatch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly KafkaMessage[];
  /** Records from here on were written after the reader had joined. */
  readonly liveFrom: bigint;
  /** When the batch came, as `performance.now()`. */
  readonly readAt: number;
}

/** So much waits to be handled; then no more is fetched. */
const QUEUE_BYTES_MAX = 8 * 1024 * 1024;
/** Compressed; in memory it is ten times as much and more. */
const FETCH_BYTES_MAX = 1024 * 1024;
const FETCH_WAIT_MS_MAX = 1_000;
const SESSION_MS = 30_000;
const HEARTBEAT_MS = 3_000;
/** While the queue is full, the broker is told at least so often that the reader lives. */
const FULL_QUEUE_POLL_MS = 1_000;
const COMMIT_EVERY_MS = 1_000;
/** How often it is looked whether a topic has been made. */
const TOPIC_POLL_MS = 250;
/** Fetches that stop coming back, with nothing to wait for: the connection is dead, though the driver may not know. */
const STUCK_AFTER_MS = 45_000;
const DELETE_GROUPS_MS_MAX = 1_000;
/** Groups of earlier lives, to be deleted at the end. */
const GROUPS_REMEMBERED_MAX = 10;
/** The header that tells one event from another. */
const ID_HEADER = 'ce_id';

interface Place {
  readonly topic: string;
  readonly partition: number;
  /** The last record that was queued, undefined before the first. */
  last: { readonly offset: bigint; readonly id: string } | undefined;
  /** The offset after the last record that was handled, and what the broker was told of it. */
  handled: bigint;
  committed: bigint;
  /** The end of the partition when the reader joined. */
  end: bigint | undefined;
}

/** A reader has no partitions until a consumer of it has joined, and again from that consumer's end on: `apart` ⇄ `joined`. */
type Membership =
  | { readonly status: 'apart' }
  | { readonly status: 'joined'; readonly consumer: Consumer; readonly assigned: readonly Place[] };

const apart = { status: 'apart' } as const;

/**
 * Reads whole topics for as long as it is let, through crashes of the driver and absences of the broker. It keeps in
 * mind itself how far it got; the offsets that it commits are for those who watch it.
 */
export class TopicReader {
  private readonly places = new Map<string, Place>();
  private readonly queue: RecordBatch[] = [];
  private queuedBytes = 0;
  private readonly arrived = new Bell();
  private readonly room = new Bell();
  private membership: Membership = apart;
  private lastFetchAt = performance.now();
  private crashes = 0;
  private readonly groups: string[] = [];

  constructor(private readonly options: TopicReaderOptions) {}

  /** Why nothing is read, undefined while the reader has its partitions. */
  notReady(): string | undefined {
    return this.assigned.length > 0 ? undefined : `no assignment of ${this.options.topics.join(', ')}`;
  }

  /** The partitions that are read. */
  get partitions(): readonly { readonly topic: string; readonly partition: number }[] {
    return this.assigned;
  }

  /** True when all that was in the topics when the reader joined was handled. */
  isAtEnd(): boolean {
    const hasReached = ({ end, handled }: Place) => end === undefined || handled >= end;
    return this.assigned.length > 0 && this.assigned.every(hasReached);
  }

  private get assigned(): readonly Place[] {
    return this.membership.status === 'joined' ? this.membership.assigned : [];
  }

  get crashCount(): number {
    return this.crashes;
  }

  /** Ends when the signal aborts. The next batch is asked for when the last one was handled. */
  async *batches(signal: AbortSignal): AsyncGenerator<RecordBatch> {
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    const wake = () => {
      this.arrived.ring();
      this.room.ring();
    };
    either.addEventListener('abort', wake);
    const parts = Promise.all([this.supervise(either), this.commit(either)]);
    try {
      while (!isAborted(either)) {
        const batch = this.queue.shift();
        if (batch === undefined) await this.arrived.wait(Infinity);
        else {
          this.queuedBytes -= bytesOf(batch);
          this.room.ring();
          yield batch;
        }
      }
    } finally {
      ended.abort();
      await parts;
      await this.deleteGroups();
    }
  }

  /** This record was applied, or needs no more to be done about. */
  handled({ topic, partition }: RecordBatch, offset: string): void {
    const place = this.places.get(placeName(topic, partition));
    if (place !== undefined) place.handled = BigInt(offset) + 1n;
  }

  private async supervise(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff();
    const topics = this.options.topics.join(',');
    let lastReason: string | undefined;
    await this.untilThere(signal);
    while (!isAborted(signal)) {
      const reason = reasonOf(await this.consume(signal, () => backoff.reset()));
      if (isAborted(signal)) return;
      this.crashes += 1;
      const level = reason === lastReason ? 'debug' : 'warn';
      this.options.client.log(level, 'Kafka: reading was interrupted, trying again', { topics, reason });
      lastReason = reason;
      await backoff.pause(signal);
    }
  }

  // Whoever owns a topic makes it, and may start later.
  private async untilThere(signal: AbortSignal): Promise<void> {
    const { client, topics } = this.options;
    let isLogged = false;
    for (const topic of topics) {
      while (!isAborted(signal)) {
        const partitions = await unlessAborted(partitionsOf(client, topic), signal).catch(() => 'unknown' as const);
        // What else is wrong shows, and is told, when it is read.
        if (partitions !== undefined) break;
        if (!isLogged) client.log('info', 'Kafka: waiting for a topic that nobody has made yet', { topic });
        isLogged = true;
        await pause(TOPIC_POLL_MS, signal);
      }
    }
  }

  /** One life of the driver's consumer; resolves with what ended it. */
  private consume(signal: AbortSignal, onJoined: () => void): Promise<unknown> {
    const consumer = this.createConsumer();
    consumer.on(consumer.events.FETCH, () => (this.lastFetchAt = performance.now()));
    this.lastFetchAt = performance.now();
    return liveOnce(consumer, {
      signal,
      start: (life) =>
        startConsumer(consumer, this.options.topics, {
          eachBatch: (payload) => this.enqueue(payload, life),
          signal: life,
        }),
      onJoined: (assignment) => {
        onJoined();
        this.join(consumer, assignment);
      },
      watch: (life) => this.whenStuck(life),
      onEnded: () => {
        this.membership = apart;
        this.room.ring();
      },
    });
  }

  // A new group for each life: in the old one, the broker would wait for the dead member until its session is over.
  private createConsumer(): Consumer {
    const { client, group } = this.options;
    const groupId = `${group}.${String(this.crashes + 1)}`;
    this.groups.push(groupId);
    if (this.groups.length > GROUPS_REMEMBERED_MAX) this.groups.shift();
    for (const place of this.places.values()) place.committed = 0n;
    return client.kafka.consumer({
      groupId,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: FETCH_WAIT_MS_MAX,
      maxBytes: FETCH_BYTES_MAX,
      maxBytesPerPartition: FETCH_BYTES_MAX / 4,
      allowAutoTopicCreation: false,
      retry: { ...clientRetry, restartOnFailure: () => Promise.resolve(false) },
    });
  }

  /**
   * Goes on from the last record that was queued. That one is read again: when another stands in its place, the topic is
   * not the one that was read before, and all of it is read.
   */
  private join(consumer: Consumer, assignment: Assignment): void {
    const assigned = Object.entries(assignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => this.placeOf(topic, partition)),
    );
    this.membership = { status: 'joined', consumer, assigned };
    for (const place of assigned) {
      place.end = undefined;
      const { topic, partition, last } = place;
      if (last !== undefined) consumer.seek({ topic, partition, offset: String(last.offset) });
    }
    this.arrived.ring();
  }

  private placeOf(topic: string, partition: number): Place {
    const name = placeName(topic, partition);
    const place = this.places.get(name) ?? {
      ...{ topic, partition, last: undefined, end: undefined },
      ...{ handled: 0n, committed: 0n },
    };
    this.places.set(name, place);
    return place;
  }

  private async enqueue(payload: EachBatchPayload, signal: AbortSignal): Promise<void> {
    const { batch } = payload;
    while (this.queuedBytes >= QUEUE_BYTES_MAX) {
      if (isAborted(signal) || !payload.isRunning()) return;
      await this.room.wait(FULL_QUEUE_POLL_MS);
      this.lastFetchAt = performance.now();
      await payload.heartbeat();
    }
    if (isAborted(signal) || !payload.isRunning() || payload.isStale()) return;
    const { topic, partition } = batch;
    const place = this.placeOf(topic, partition);
    place.end ??= BigInt(batch.highWatermark);
    const messages = this.unseen(place, batch.messages);
    const last = batch.messages.at(-1);
    if (last === undefined) return;
    if (messages === 'another topic') {
      this.options.client.log('warn', 'Kafka: the topic is another than before, reading all of it', {
        topic,
        partition,
      });
      [place.handled, place.last] = [0n, undefined];
      if (this.membership.status === 'joined') this.membership.consumer.seek({ topic, partition, offset: '0' });
      return;
    }
    place.last = { offset: BigInt(last.offset), id: idOf(last) };
    payload.resolveOffset(last.offset);
    if (messages.length === 0) return;
    const queued = { topic, partition, messages, liveFrom: place.end, readAt: performance.now() };
    this.queue.push(queued);
    this.queuedBytes += bytesOf(queued);
    this.arrived.ring();
  }

  private unseen(place: Place, messages: readonly KafkaMessage[]): readonly KafkaMessage[] | 'another topic' {
    const [first] = messages;
    if (first === undefined || BigInt(first.offset) !== place.last?.offset) return messages;
    return idOf(first) === place.last.id ? messages.slice(1) : 'another topic';
  }

  // For those who watch: nothing here depends on what was committed.
  private async commit(signal: AbortSignal): Promise<void> {
    while (!isAborted(signal)) {
      await pause(COMMIT_EVERY_MS, signal);
      const { membership } = this;
      if (membership.status === 'apart' || isAborted(signal)) continue;
      const moved = membership.assigned.filter(({ handled, committed }) => handled > committed);
      if (moved.length === 0) continue;
      const offsets = moved.map(({ topic, partition, handled }) => ({ topic, partition, offset: String(handled) }));
      await endWithin(async () => {
        await membership.consumer.commitOffsets(offsets);
        for (const [index, place] of moved.entries()) place.committed = BigInt(offsets[index]?.offset ?? 0);
      });
    }
  }

  private async whenStuck(signal: AbortSignal): Promise<unknown> {
    while (!isAborted(signal)) {
      await pause(STUCK_AFTER_MS / 8, signal);
      const silentMs = performance.now() - this.lastFetchAt;
      if (silentMs > STUCK_AFTER_MS) return new Error(`nothing was fetched for ${String(Math.round(silentMs))} ms`);
    }
    return undefined;
  }

  private async deleteGroups(): Promise<void> {
    const late = new AbortController();
    const work = withAdmin(this.options.client, async (admin) => {
      // One by one: a group whose dead member is still waited for cannot go, and goes by itself after some days.
      for (const group of this.groups) await admin.deleteGroups([group]).catch(() => undefined);
    }).catch(() => undefined);
    await Promise.race([work, pause(DELETE_GROUPS_MS_MAX, late.signal)]);
    late.abort();
  }
}

function placeName(topic: string, partition: number): string {
  return `${topic}/${String(partition)}`;
}

function bytesOf({ messages }: RecordBatch): number {
  let bytes = messages.length * RECORD_OVERHEAD_BYTES;
  for (const { value } of messages) bytes += value?.length ?? 0;
  return bytes;
}

function idOf({ headers, timestamp }: KafkaMessage): string {
  return `${String(headers?.[ID_HEADER])} ${timestamp}`;
}
