import kafkajs, { type Kafka } from 'kafkajs';
import { afterAll, describe, expect, it } from 'vitest';
import { leaveOut } from './docker.ts';
import { startKafkaContainer } from './kafka-container.ts';
import { uniqueTopicPrefix } from './kafka.ts';

const RESTART_MS_MAX = 60_000;

// Started here, and not in a hook, because an image may have to be pulled or built first.
const container = await startKafkaContainer();
if (container === undefined) leaveOut('Kafka in a container', 'no Docker engine with an image of Kafka answers');
afterAll(() => container?.stop(), RESTART_MS_MAX);

describe.runIf(container)('running Kafka in a container', () => {
  const { brokers = '', containerId = '', image = '' } = container ?? {};
  const kafka = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING });
  const topic = `${uniqueTopicPrefix()}greetings`;

  it('hands out what was produced', async () => {
    console.info(`Kafka ${image} runs in container ${containerId} at ${brokers}`);
    await produce(kafka, topic, ['one', 'two']);
    expect(await consume(kafka, topic, 2)).toEqual(['one', 'two']);
  });

  it(
    'keeps its records and its address when it is restarted',
    async () => {
      await container?.restart();
      await produce(kafka, topic, ['three']);
      expect(await consume(kafka, topic, 3)).toEqual(['one', 'two', 'three']);
    },
    RESTART_MS_MAX,
  );
});

async function produce(kafka: Kafka, topic: string, values: readonly string[]): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, messages: values.map((value) => ({ value })) });
  await producer.disconnect();
}

/** The first `count` records of the topic. */
async function consume(kafka: Kafka, topic: string, count: number): Promise<string[]> {
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
