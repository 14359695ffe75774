import { randomUUID } from 'node:crypto';
import { mergeThrough, type ShardThrough, type SourceSigns, type UnstoredStop } from '@sluice/event-feed';
import { type KafkaMessage } from 'kafkajs';
import { fromSignsRecord } from './signs-record.ts';
import { type KafkaClient } from './kafka-client.ts';
import { isAborted, persist, reasonOf } from './patience.ts';
import { ensureSignsTopic, signsTopic, type SignsTopicSettings } from './signs-topic.ts';
import { type RecordBatch, TopicReader } from './topic-reader.ts';

/** Three records missed: the instance is gone, and does not speak for its service any more. */
const GONE_AFTER_MS = 15_000;
/** So much may the clocks of a writer and of its readers differ before what it says counts as old. */
const CLOCK_SKEW_MS_MAX = 5_000;

export interface SignsTableOptions {
  readonly client: KafkaClient;
  /** Who reads: part of the name of the group. */
  readonly service: string;
  readonly topics: SignsTopicSettings;
  readonly now?: (() => number) | undefined;
}

interface LastWord {
  readonly signs: SourceSigns;
  /** By `performance.now()` of this process; before its start for a record that is older. */
  readonly saidAt: number;
}

interface Source {
  through: readonly ShardThrough[];
  readonly instances: Map<string, LastWord>;
}

/**
 * What the instances of all services say of themselves, out of a compacted topic, put together for each service. It is read
 * from the first question on: most services ask nothing.
 */
export class SignsTable {
  private readonly sources = new Map<string, Source>();
  private readonly reader: TopicReader;
  private readonly stopping = new AbortController();
  private reading: Promise<void> | undefined;
  private unreadable = 0;

  constructor(private readonly options: SignsTableOptions) {
    const { client, service, topics } = options;
    const group = `${topics.prefix ?? ''}sluice.${service}.signs.${randomUUID().slice(0, 8)}`;
    this.reader = new TopicReader({ client, group, topics: [signsTopic(topics)] });
  }

  get unreadableCount(): number {
    return this.unreadable;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.reading;
  }

  /**
   * Of each shard the latest that any instance has said. The rest is that of the instances that live: the source cannot
   * write while one of them cannot, and stops add up. When none lives, the last that spoke has the last word.
   */
  signsOf(source: string): SourceSigns | undefined {
    if (!isAborted(this.stopping.signal)) this.reading ??= this.read();
    const known = this.sources.get(source);
    if (known === undefined) return undefined;
    const words = this.livingOf(known);
    const stops = new Map<string, UnstoredStop>();
    for (const { signs } of words) for (const each of signs.stops) stops.set(`${each.patchId} ${each.mode}`, each);
    return {
      writable: words.every(({ signs }) => signs.writable),
      through: known.through,
      stops: [...stops.values()],
    };
  }

  private livingOf({ instances }: Source): readonly LastWord[] {
    const words = [...instances.values()].sort((one, other) => other.saidAt - one.saidAt);
    const since = this.now() - GONE_AFTER_MS;
    const living = words.filter(({ saidAt }) => saidAt >= since);
    return living.length > 0 ? living : words.slice(0, 1);
  }

  private async read(): Promise<void> {
    const { signal } = this.stopping;
    const { client, topics } = this.options;
    await persist(
      () => ensureSignsTopic(client, topics),
      signal,
      (reason) => client.log('warn', 'signs: no topic yet, trying again', { reason: reasonOf(reason) }),
    ).catch(() => undefined);
    if (isAborted(signal)) return;
    for await (const batch of this.reader.batches(signal)) {
      for (const message of batch.messages) {
        this.note(batch, message);
        this.reader.handled(batch, message.offset);
      }
    }
  }

  private note(batch: RecordBatch, message: KafkaMessage): void {
    const decoded = fromSignsRecord(message);
    if ('skipped' in decoded) return;
    if ('fault' in decoded) {
      this.unreadable += 1;
      this.options.client.log('warn', 'signs: a record that cannot be read', { reason: decoded.fault });
      return;
    }
    const { source, instance, signs } = decoded;
    const known = this.sources.get(source) ?? { through: [], instances: new Map<string, LastWord>() };
    this.sources.set(source, known);
    known.through = mergeThrough(known.through, signs.through);
    const saidAt = this.saidAt(batch, message);
    if (saidAt < (known.instances.get(instance)?.saidAt ?? -Infinity)) return;
    known.instances.set(instance, { signs, saidAt });
    const living = new Set(this.livingOf(known));
    for (const [name, word] of known.instances) if (!living.has(word)) known.instances.delete(name);
  }

  // A record is as old as it says, whenever it comes. Its writer's clock may be slow, though.
  private saidAt({ readAt }: RecordBatch, { timestamp }: KafkaMessage): number {
    const ageMs = Math.max(0, Date.now() - Number(timestamp) - CLOCK_SKEW_MS_MAX);
    return Math.min(readAt, this.now() - ageMs);
  }

  private now(): number {
    return this.options.now?.() ?? performance.now();
  }
}
