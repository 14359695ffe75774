import { type KafkaClient } from '@sluice/event-feed-kafka';
import kafkajs, { type KafkaMessage, type Message, type Producer } from 'kafkajs';

/** As the relay sends: all replicas in sync, compressed, numbered, one request at a time. */
const ALL_IN_SYNC = -1;
/** As the feed fetches. */
const fetching = { maxWaitTimeInMs: 1_000, maxBytes: 2 * 1024 * 1024, maxBytesPerPartition: 1024 * 1024 };

export interface BarePair {
  send(messages: Message[]): Promise<void>;
  disconnect(): Promise<void>;
}

/** A producer and a consumer of kafkajs on one topic, with nothing around them; both are connected when it resolves. */
export async function barePair(
  { kafka }: KafkaClient,
  topic: string,
  onMessages: (messages: readonly KafkaMessage[]) => void,
): Promise<BarePair> {
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  const consumer = kafka.consumer({ groupId: `${topic}.bare`, ...fetching });
  const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()));
  await Promise.all([producer.connect(), consumer.connect()]);
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => onMessages(batch.messages),
  });
  await joined;
  return {
    send: (messages) => send(producer, topic, messages),
    disconnect: async () => {
      await Promise.all([producer.disconnect(), consumer.disconnect()]);
    },
  };
}

async function send(producer: Producer, topic: string, messages: Message[]): Promise<void> {
  await producer.send({ topic, messages, acks: ALL_IN_SYNC, compression: kafkajs.CompressionTypes.ZSTD });
}
