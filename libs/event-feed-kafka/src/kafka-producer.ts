import kafkajs, { type Message, type Producer } from 'kafkajs';
import { clientRetry, type KafkaClient } from './kafka-client.ts';
import { isAborted, endWithin, persist, reasonOf, unlessAborted, whenAborted } from './patience.ts';

/** All replicas in sync have a record before it counts as sent. */
const ALL_IN_SYNC = -1;
/** A broker that works answers within this time; one that hangs must not hold up who stops. */
const LAST_SEND_MS_MAX = 500;
const CLOSE_MS_MAX = 500;

/**
 * A producer that numbers its records, so that the broker drops what is sent twice. The caller disconnects it. Rejects
 * when the broker does not answer, or the signal aborts.
 */
export async function connectProducer({ kafka }: KafkaClient, signal: AbortSignal): Promise<Producer> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    retry: clientRetry,
  });
  const done = new AbortController();
  const connected = producer.connect();
  try {
    await Promise.race([connected, whenAborted(AbortSignal.any([signal, done.signal]))]);
    signal.throwIfAborted();
    return producer;
  } catch (error) {
    // One that is disconnected while it connects would stay connected.
    await endWithin(() => connected.catch(() => undefined).then(() => producer.disconnect()), CLOSE_MS_MAX);
    throw error;
  } finally {
    done.abort();
  }
}

/**
 * Resolves when the records are durable. Rejects after some tries, or soon after the signal aborts; what was sent may then
 * be there or not.
 */
export async function send(
  producer: Producer,
  { topic, messages }: { readonly topic: string; readonly messages: Message[] },
  signal: AbortSignal,
): Promise<void> {
  const sent = producer.send({ topic, messages, acks: ALL_IN_SYNC, compression: kafkajs.CompressionTypes.ZSTD });
  await unlessAborted(sent, signal, LAST_SEND_MS_MAX);
}

/** What it still waits for is not waited for. */
export async function closeProducer(producer: Producer): Promise<void> {
  await endWithin(() => producer.disconnect(), CLOSE_MS_MAX);
}

/** Sends single records now and then, and waits for a broker that is away. */
export class PatientProducer {
  private producer: Producer | undefined;
  private last: Promise<unknown> = Promise.resolve();
  private readonly closing = new AbortController();

  constructor(
    private readonly client: KafkaClient,
    private readonly purpose: string,
  ) {}

  /** Durable when it resolves; one after the other. Rejects only after `close`. `prepare` runs before each attempt. */
  async send(topic: string, message: Message, prepare: () => Promise<void>): Promise<void> {
    const mine = this.last.then(() => this.sendNow(topic, message, prepare));
    this.last = mine.catch(() => undefined);
    await mine;
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.last;
    await this.drop();
  }

  private async sendNow(topic: string, message: Message, prepare: () => Promise<void>): Promise<void> {
    const { signal } = this.closing;
    if (isAborted(signal)) throw new Error(`${this.purpose}: closed`);
    const attempt = async () => {
      try {
        await unlessAborted(prepare(), signal);
        this.producer ??= await connectProducer(this.client, signal);
        await send(this.producer, { topic, messages: [message] }, signal);
      } catch (error) {
        await this.drop();
        throw error;
      }
    };
    await persist(attempt, signal, (reason) => {
      this.client.log('warn', `${this.purpose}: not sent, trying again`, { topic, reason: reasonOf(reason) });
    });
  }

  private async drop(): Promise<void> {
    const { producer } = this;
    this.producer = undefined;
    if (producer !== undefined) await closeProducer(producer);
  }
}
