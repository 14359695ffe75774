import { eventTypes } from '@sluice/contracts/event-types';
import { kafkaTopic } from '@sluice/contracts/events';
import { type Topic } from '@sluice/contracts/topic-owners';
import { type DeadLetter, DeadLetters, letterId, type LetterState } from '@sluice/event-feed';
import { randomUUID } from 'node:crypto';
import { type KafkaMessage, type Message } from 'kafkajs';
import { toCloudEvent } from './cloud-events.ts';
import { type KafkaClient } from './kafka-client.ts';
import { PatientProducer } from './kafka-producer.ts';
import { ensureSideTopic, type KafkaTopicSettings, offsetsOf } from './kafka-topics.ts';
import { isAborted, pause, persist, reasonOf } from './patience.ts';
import { TopicReader } from './topic-reader.ts';

export interface KafkaDeadLettersOptions {
  readonly client: KafkaClient;
  readonly service: string;
  readonly topics?: Pick<KafkaTopicSettings, 'prefix' | 'replicationFactor'>;
}

/** A record that nobody can read, and where it was. */
export interface UnreadableRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly reason: string;
  readonly message: KafkaMessage;
}

/** After the first attempt, each of these waits is followed by another one. */
const RETRY_AFTER_MS = [50, 200, 800];
const HEADER_CHARACTERS_MAX = 500;
const STATES: readonly string[] = ['parked', 'applied', 'discarded'];

/** Dead letters in topics of their own, `<topic>.<consumer>.dlt`: the event as it was, and what became of it. */
export class KafkaDeadLetters extends DeadLetters {
  private readonly producer: PatientProducer;
  private readonly closing = new AbortController();
  private readonly ensured = new Set<string>();
  private readonly unreadable = new Map<string, Promise<Set<string>>>();

  constructor(private readonly options: KafkaDeadLettersOptions) {
    super();
    this.producer = new PatientProducer(options.client, 'dead letters');
  }

  override async load(consumer: string, topics: readonly string[]): Promise<ReadonlyMap<string, LetterState>> {
    const states = new Map<string, LetterState>();
    for (const topic of topics) {
      await this.readAll(this.topicOf(topic, consumer), ({ headers }) => {
        const [id, state] = [headers?.['ce_id']?.toString(), headers?.['dlt_state']?.toString()];
        if (id !== undefined && isState(state)) states.set(`${consumer}/${id}`, state);
      });
    }
    return states;
  }

  override async mayRetry(attempt: number): Promise<boolean> {
    const delayMs = RETRY_AFTER_MS[attempt - 1];
    if (delayMs === undefined || isAborted(this.closing.signal)) return false;
    await pause(delayMs, this.closing.signal);
    return true;
  }

  override async park(letter: DeadLetter): Promise<void> {
    const reason = letter.reason ?? 'waits behind another of its stream';
    this.options.client.log('error', 'Kafka: an event was parked', { letter: letterId(letter), reason });
    await this.write(letter, { dlt_state: 'parked', dlt_reason: reason });
  }

  override async settle(letter: DeadLetter, state: 'applied' | 'discarded', actor: string): Promise<void> {
    await this.write(letter, { dlt_state: state, dlt_actor: actor });
  }

  /** Keeps a record that is no event, in `<topic>.<service>.unreadable.dlt`; the same one only once. */
  async keep({ topic, partition, offset, reason, message }: UnreadableRecord): Promise<void> {
    const name = `${topic}.${inName(this.options.service)}.unreadable.dlt`;
    const place = `${String(partition)}/${offset}`;
    const known = await this.knownPlaces(name);
    if (known.has(place)) return;
    const { key, value, headers } = message;
    const received = inHeaders({
      dlt_topic: topic,
      dlt_place: place,
      dlt_reason: reason,
      dlt_at: new Date().toISOString(),
    });
    await this.send(name, { key, value, headers: { ...headers, ...received } });
    known.add(place);
  }

  /** Who still waits for the broker is let go, with an error. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.producer.close();
  }

  private async write({ consumer, event }: DeadLetter, what: Readonly<Record<string, string>>): Promise<void> {
    const { headers, value } = toCloudEvent(event);
    const received = inHeaders({ dlt_consumer: consumer, ...what, dlt_at: new Date().toISOString() });
    const topic = eventTypes.current.get(event.type)?.topic ?? event.source;
    await this.send(this.topicOf(topic, consumer), { key: event.stream, value, headers: { ...headers, ...received } });
  }

  private async send(topic: string, message: Message): Promise<void> {
    await this.producer.send(topic, message, async () => {
      if (this.ensured.has(topic)) return;
      await ensureSideTopic(this.options.client, topic, this.options.topics ?? {});
      this.ensured.add(topic);
    });
  }

  private topicOf(topic: string, consumer: string): string {
    return `${kafkaTopic(topic as Topic, this.options.topics?.prefix)}.${inName(consumer)}.dlt`;
  }

  private knownPlaces(name: string): Promise<Set<string>> {
    const known = this.unreadable.get(name) ?? this.readPlaces(name);
    this.unreadable.set(name, known);
    return known;
  }

  private async readPlaces(name: string): Promise<Set<string>> {
    const places = new Set<string>();
    await this.readAll(name, ({ headers }) => places.add(headers?.['dlt_place']?.toString() ?? ''));
    return places;
  }

  /** All records that are in a topic now; none when there is no such topic. Waits for a broker that is away. */
  private async readAll(topic: string, onMessage: (message: KafkaMessage) => void): Promise<void> {
    const { client, service } = this.options;
    const { signal } = this.closing;
    const offsets = await persist(
      () => offsetsOf(client, topic),
      signal,
      (reason) => {
        client.log('warn', 'dead letters: not read, trying again', { topic, reason: reasonOf(reason) });
      },
    );
    const ends = new Map(
      offsets?.filter(({ low, high }) => high > low).map(({ partition, high }) => [partition, high]),
    );
    if (ends.size === 0) return;
    const group = `${this.options.topics?.prefix ?? ''}sluice.${service}.letters.${randomUUID()}`;
    const reader = new TopicReader({ client, group, topics: [topic] });
    for await (const { partition, messages } of reader.batches(signal)) {
      messages.forEach(onMessage);
      const end = ends.get(partition);
      if (end !== undefined && BigInt(messages.at(-1)?.offset ?? 0) + 1n >= end) ends.delete(partition);
      if (ends.size === 0) return;
    }
    if (isAborted(signal)) throw new Error(`${topic} was not read to its end: closed`);
  }
}

function isState(state: string | undefined): state is LetterState {
  return state !== undefined && STATES.includes(state);
}

/** As it may stand in the name of a topic. */
function inName(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._-]/g, '-');
}

/** Texts that somebody else wrote: short, and in one line. */
function inHeaders(texts: Readonly<Record<string, string>>): Record<string, string> {
  const short = (text: string) => text.slice(0, HEADER_CHARACTERS_MAX).replaceAll(/\p{Cc}/gu, ' ');
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, short(text)]));
}
