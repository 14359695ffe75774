import { randomUUID } from 'node:crypto';
import { kafkaTopic, topics } from '@sluice/contracts/events';
import { type ShardOwner } from '@sluice/event-feed';
import { type KafkaMessage } from 'kafkajs';
import { type KafkaClient } from './kafka-client.ts';
import { PatientProducer } from './kafka-producer.ts';
import { ensureSideTopic, type KafkaTopicSettings } from './kafka-topics.ts';
import { endWithin, persist, reasonOf } from './patience.ts';
import { TopicReader } from './topic-reader.ts';

const ADDRESS = /^https?:\/\/[^\s/]+$/;
const SHARD = /^\d{1,6}$/;
const LAST_WRITES_MS_MAX = 1_000;

/** Who owns which shard, in a compacted topic: every instance writes what it has taken over, and reads all of it. */
export class OwnerTable {
  private readonly owners = new Map<number, ShardOwner>();
  private readonly producer: PatientProducer;
  private readonly reader: TopicReader;
  private readonly topic: string;
  private readonly stopping = new AbortController();
  private reading: Promise<void> | undefined;

  constructor(
    private readonly client: KafkaClient,
    private readonly settings: KafkaTopicSettings,
    private readonly onOwner: (shard: number, owner: ShardOwner | undefined) => void,
  ) {
    const { service } = topics.fleet;
    this.topic = `${settings.prefix ?? ''}sluice.${service}-owners.v1`;
    this.producer = new PatientProducer(client, 'owner table');
    const group = `${settings.prefix ?? ''}sluice.${service}.owners.${randomUUID()}`;
    this.reader = new TopicReader({ client, group, topics: [this.topic] });
  }

  start(): void {
    this.reading ??= this.read();
  }

  ownerOf(shard: number): ShardOwner | undefined {
    return this.owners.get(shard);
  }

  /** Why other owners are not known, undefined when they are. */
  notReady(): string | undefined {
    return this.reader.notReady() ?? (this.reader.isAtEnd() ? undefined : 'the owner table is being read');
  }

  /** Resolves when the others can read it; waits for a broker that is away. Without owner: nobody has it now. */
  async write(shard: number, owner: ShardOwner | undefined): Promise<void> {
    const value = owner === undefined ? null : textOf(owner);
    await this.producer.send(this.topic, { key: String(shard), value }, () => this.ensure());
  }

  /** `lastWrites`: what is being written; a broker that does not take it is not waited for. */
  async stop(lastWrites: Promise<void> | undefined): Promise<void> {
    this.stopping.abort();
    const close = async () => {
      await endWithin(() => Promise.resolve(lastWrites), LAST_WRITES_MS_MAX);
      await this.producer.close();
    };
    await Promise.all([close(), this.reading]);
  }

  private async read(): Promise<void> {
    const { signal } = this.stopping;
    try {
      await persist(
        () => this.ensure(),
        signal,
        (reason) => {
          this.client.log('warn', 'owner table: not there yet, trying again', { reason: reasonOf(reason) });
        },
      );
    } catch {
      return;
    }
    for await (const batch of this.reader.batches(signal)) {
      for (const message of batch.messages) {
        this.note(message);
        this.reader.handled(batch, message.offset);
      }
    }
  }

  private note({ key, value }: KafkaMessage): void {
    const shard = key?.toString() ?? '';
    const owner = parseOwner(value);
    if (!SHARD.test(shard) || (owner === undefined && value !== null)) {
      this.client.log('warn', 'owner table: a record that cannot be read', { key: shard.slice(0, 64) });
      return;
    }
    if (owner === undefined) this.owners.delete(Number(shard));
    else this.owners.set(Number(shard), owner);
    this.onOwner(Number(shard), owner);
  }

  private ensure(): Promise<void> {
    return ensureSideTopic(this.client, this.topic, { ...this.settings, isCompacted: true });
  }
}

/** The fleet's topic, whose assignment says who is to own which shard. */
export function fleetTopic({ prefix }: KafkaTopicSettings): string {
  return kafkaTopic('fleet', prefix);
}

function textOf({ instance, address }: ShardOwner): string {
  return JSON.stringify({ instance, address, at: new Date().toISOString() });
}

function parseOwner(value: Buffer | null): ShardOwner | undefined {
  try {
    const { instance, address } = JSON.parse(value?.toString('utf8') ?? '') as Partial<ShardOwner>;
    if (typeof instance !== 'string' || typeof address !== 'string' || !ADDRESS.test(address)) return undefined;
    return { instance, address };
  } catch {
    return undefined;
  }
}
