import { randomUUID } from 'node:crypto';
import { kafkaTopic } from '@sluice/contracts/events';
import { countSkipped } from '@sluice/contracts/stored-events';
import { type Topic } from '@sluice/contracts/topic-owners';
import {
  EventFeed,
  type FeedEvent,
  type FeedMessage,
  type FeedRequest,
  isAfter,
  SkippedLinks,
  type SourceSigns,
  type StreamRequest,
} from '@sluice/event-feed';
import { comparePositions, type Position } from '@sluice/event-sourcing';
import { type KafkaMessage } from 'kafkajs';
import { type DecodedRecord, fromCloudEvent, type SeenEvent } from './cloud-events.ts';
import { type KafkaClient } from './kafka-client.ts';
import { type KafkaDeadLetters } from './kafka-dead-letters.ts';
import { isAborted, reasonOf } from './patience.ts';
import { type SignsTable } from './signs-table.ts';
import { type RecordBatch, TopicReader } from './topic-reader.ts';

export interface KafkaFeedOptions {
  readonly client: KafkaClient;
  /** Who consumes: part of the names of groups. */
  readonly service: string;
  /** The owners themselves: what is missing in Kafka, or cannot be read there, comes from them. */
  readonly owner: EventFeed;
  readonly deadLetters?: KafkaDeadLetters;
  /** What owners say of themselves; whoever made it stops it. Without, nothing of that is known. */
  readonly signs?: SignsTable;
  readonly topicPrefix?: string | undefined;
}

export interface KafkaFeedStatus {
  /** Records that could not be read, and what came of them. */
  readonly undecodable: number;
  readonly crashes: number;
}

/**
 * An owner that is away is waited for: what comes after the record may rest on it, and meanwhile it shows as silence.
 * But one record must not hold up a topic for ever.
 */
const OWNER_MS_MAX = 600_000;
/** So much may the clocks of an owner and of its consumers differ before what the owner says counts as old. */
const CLOCK_SKEW_MS_MAX = 5_000;
/** Of progress that goes back a consumer hears no more often: its owner is asked each time. */
const SAY_BACK_EVERY_MS = 5_000;

/** The public events of others out of Kafka. Each subscription has a consumer and a group of its own. */
export class KafkaFeed extends EventFeed {
  override readonly deadLetters: KafkaDeadLetters | undefined;
  private readonly instance = randomUUID().slice(0, 8);
  private readonly subscribed = new Set<Reading>();
  private subscriptions = 0;
  private undecodable = 0;

  constructor(private readonly options: KafkaFeedOptions) {
    super();
    this.deadLetters = options.deadLetters;
  }

  /** Why events do not come, undefined when every subscription has its partitions. */
  notReady(): string | undefined {
    for (const { reader, mayLag } of this.subscribed) {
      const reason = mayLag ? undefined : reader.notReady();
      if (reason !== undefined) return reason;
    }
    return undefined;
  }

  status(): KafkaFeedStatus {
    const crashes = [...this.subscribed].reduce((sum, { reader }) => sum + reader.crashCount, 0);
    return { undecodable: this.undecodable, crashes };
  }

  /**
   * Progress comes once all that was there at the beginning was read: what is old news is not taken for the present. What
   * lies before that, and is no refilling, comes from a relay that was replaced or from an owner that was restored.
   */
  override async *subscribe({
    source,
    topics,
    after,
    signal,
    mayLag = false,
  }: FeedRequest): AsyncGenerator<FeedMessage> {
    if (topics.includes('fleet') && topics.length > 1) throw new Error('the fleet topic has a consumer of its own');
    const names = topics.map((topic) => kafkaTopic(topic as Topic, this.options.topicPrefix));
    const reader = new TopicReader({ client: this.options.client, group: this.group(topics), topics: names });
    const reading: Reading = {
      ...{ source, reader, mayLag, after, signal, lastSignAt: -Infinity, saidBackAt: -Infinity },
      progress: new ProgressOfPartitions(reader, after),
      links: new SkippedLinks(),
    };
    this.subscribed.add(reading);
    try {
      for await (const batch of reader.batches(signal)) {
        for (const message of batch.messages) {
          const decoded = fromCloudEvent(message);
          yield* this.eventsOf(decoded, { batch, message }, reading);
          reader.handled(batch, message.offset);
          if ('progress' in decoded) yield* progressOf(decoded, { batch, message }, reading);
        }
      }
    } finally {
      this.subscribed.delete(reading);
    }
  }

  override readStream(request: StreamRequest): AsyncIterable<FeedEvent> {
    return this.options.owner.readStream(request);
  }

  override headOf(request: Parameters<EventFeed['headOf']>[0]): Promise<Position | undefined> {
    return this.options.owner.headOf(request);
  }

  /** Of several subscriptions to one source, that of the one which has not heard for longest. */
  override silentForMs(source: string): number {
    const lastSigns = [...this.subscribed].filter((each) => each.source === source).map(({ lastSignAt }) => lastSignAt);
    return performance.now() - (lastSigns.length === 0 ? -Infinity : Math.min(...lastSigns));
  }

  override signsOf(source: string): SourceSigns | undefined {
    return this.options.signs?.signsOf(source);
  }

  private group(topics: readonly string[]): string {
    this.subscriptions += 1;
    const { service, topicPrefix = '' } = this.options;
    return `${topicPrefix}sluice.${service}.${topics.join('-')}.${this.instance}-${String(this.subscriptions)}`;
  }

  /** The event of a record; more or none where it cannot be read, and none where there is none for this subscription. */
  private async *eventsOf(
    decoded: DecodedRecord,
    record: FetchedRecord,
    reading: Reading,
  ): AsyncGenerator<FeedMessage> {
    const { source, after, signal, links } = reading;
    if ('event' in decoded) {
      const { event } = decoded;
      if (event.source !== source) yield* this.recover(record, { reason: `not of ${source}`, source, signal });
      else if (comparePositions(event.position, after) > 0) yield { kind: 'event', event: links.link(event) };
    } else if ('fault' in decoded) {
      yield* this.recover(record, { reason: decoded.fault, seen: decoded.seen, source, signal });
    } else if ('unknown' in decoded && decoded.seen.source === source) {
      countSkipped(decoded.unknown.type, decoded.unknown.version);
      links.skip(decoded.seen);
    }
  }

  /** A record that cannot be read, but says which event it is: its owner has that event. Any other is kept aside. */
  private async *recover(
    { batch, message }: FetchedRecord,
    { reason, seen, source, signal }: Unreadable,
  ): AsyncGenerator<FeedMessage> {
    this.undecodable += 1;
    const where = { topic: batch.topic, partition: batch.partition, offset: message.offset, reason };
    this.options.client.log('error', 'Kafka: a record that cannot be read', where);
    // Of another's events this feed knows no owner.
    if (seen?.source === source && (yield* this.fromOwner(seen, signal))) return;
    if (!isAborted(signal)) await this.deadLetters?.keep({ ...where, message });
  }

  /** False when the owner does not have that event, or what the record says of it makes no sense to the owner. */
  private async *fromOwner(
    { source, stream, place }: SeenEvent,
    signal: AbortSignal,
  ): AsyncGenerator<FeedMessage, boolean> {
    const both = AbortSignal.any([signal, AbortSignal.timeout(OWNER_MS_MAX)]);
    let isThere = false;
    try {
      for await (const event of this.readStream({ source, stream, fromRevision: place.revision, signal: both })) {
        if (isAfter(event.place, place)) break;
        isThere ||= !isAfter(place, event.place);
        yield { kind: 'event', event };
      }
    } catch (error) {
      this.options.client.log('error', 'Kafka: its owner cannot tell either', { stream, reason: reasonOf(error) });
    }
    return isThere;
  }
}

interface Unreadable {
  readonly reason: string;
  readonly seen?: SeenEvent | undefined;
  /** The owner of what this subscription reads. */
  readonly source: string;
  readonly signal: AbortSignal;
}

/** A record with the batch in which it came. */
interface FetchedRecord {
  readonly batch: RecordBatch;
  readonly message: KafkaMessage;
}

/** What a subscription is of, and how far it has come. */
interface Reading extends Pick<Required<FeedRequest>, 'source' | 'after' | 'signal' | 'mayLag'> {
  readonly reader: TopicReader;
  readonly progress: ProgressOfPartitions;
  readonly links: SkippedLinks;
  /** When the source was last in touch, and when progress that went back was last told (`performance.now()`). */
  lastSignAt: number;
  saidBackAt: number;
}

type DecodedProgress = Extract<DecodedRecord, { readonly progress: Position }>;

/** What a record of progress tells: how far all partitions have come, or that the source has gone back. */
function* progressOf(decoded: DecodedProgress, record: FetchedRecord, reading: Reading): Generator<FeedMessage> {
  const { progress, source } = reading;
  if (decoded.source !== source) return;
  const isPresent = decoded.isBehind !== true;
  const isNew = progress.isNew(decoded.progress);
  const position = progress.note(record.batch, decoded.progress);
  if (!isNew && isPresent && performance.now() - reading.saidBackAt > SAY_BACK_EVERY_MS) {
    reading.saidBackAt = performance.now();
    yield { kind: 'progress', position: decoded.progress };
  }
  if (position === undefined) return;
  // A relay that fills a topic again, or works off what has piled up, says nothing of the present.
  if (isNew && isPresent) hear(reading, record);
  yield { kind: 'progress', position };
}

// A record is as old as it says, whenever it comes: it may have lain somewhere. Its owner's clock may be slow, though.
function hear(reading: Reading, { batch, message: { offset, timestamp } }: FetchedRecord): void {
  const toleranceMs = BigInt(offset) >= batch.liveFrom ? CLOCK_SKEW_MS_MAX : 0;
  const ageMs = Math.max(0, Date.now() - Number(timestamp) - toleranceMs);
  const saidAt = Math.min(batch.readAt, performance.now() - ageMs);
  reading.lastSignAt = Math.max(reading.lastSignAt, saidAt);
}

/** How far all partitions have come: as far as the one that is behind the others. */
class ProgressOfPartitions {
  private readonly positions = new Map<string, Position>();
  private received: Position;
  private hasReachedEnd = false;

  constructor(
    private readonly reader: TopicReader,
    after: Position,
  ) {
    this.received = after;
  }

  /** False for what was told long ago, as when a topic is filled again. */
  isNew(position: Position): boolean {
    return comparePositions(position, this.received) >= 0;
  }

  /** The position that all partitions have reached, undefined while there is none to tell. */
  note({ topic, partition }: RecordBatch, position: Position): Position | undefined {
    const name = `${topic}/${String(partition)}`;
    // A relay that was replaced, but not told yet, may say again what was said before.
    const last = this.positions.get(name);
    if (last === undefined || comparePositions(position, last) > 0) this.positions.set(name, position);
    this.hasReachedEnd ||= this.reader.isAtEnd();
    const least = this.hasReachedEnd ? this.least() : undefined;
    if (least === undefined || comparePositions(least, this.received) < 0) return undefined;
    return (this.received = least);
  }

  private least(): Position | undefined {
    let least: Position | undefined;
    for (const { topic, partition } of this.reader.partitions) {
      const position = this.positions.get(`${topic}/${String(partition)}`);
      if (position === undefined) return undefined;
      if (least === undefined || comparePositions(position, least) < 0) least = position;
    }
    return least;
  }
}
