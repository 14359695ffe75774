import kafkajs, { type Kafka, type KafkaConfig } from 'kafkajs';
import { uniqueTopicPrefix } from './kafka.ts';

/** A machine that runs every test at once may need several seconds until a new topic has its leader. */
const RETRIES_MAX = 8;
const CONNECT_MS_MAX = 5_000;

/** A plain client, without a line of log. */
export function client(config: KafkaConfig): Kafka {
  const settings = { logLevel: kafkajs.logLevel.NOTHING, connectionTimeout: CONNECT_MS_MAX };
  return new kafkajs.Kafka({ ...settings, retry: { retries: RETRIES_MAX }, ...config });
}

/** Makes a topic of one partition and answers its name. */
export async function newTopic(kafka: Kafka): Promise<string> {
  const topic = `${uniqueTopicPrefix()}facts`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
  await admin.disconnect();
  return topic;
}

export async function produce(kafka: Kafka, topic: string, values: readonly string[]): Promise<void> {
  const producer = kafka.producer();
  try {
    await producer.connect();
    await producer.send({ topic, messages: values.map((value) => ({ value })) });
  } finally {
    await producer.disconnect();
  }
}

/** The first `count` records of the topic. */
export async function consume(kafka: Kafka, topic: string, count: number): Promise<string[]> {
  const consumer = kafka.consumer({ groupId: uniqueTopicPrefix() });
  const values: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve) => {
    void consumer.run({
      eachMessage: async ({ message }) => {
        values.push(String(message.value));
        if (values.length === count) resolve();
      },
    });
  });
  await consumer.disconnect();
  return values;
}
