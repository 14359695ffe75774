import { afterAll, describe, expect, it } from 'vitest';
import { leaveOut } from './docker.ts';
import { startKafkaContainer } from './kafka-container.ts';
import { client, consume, newTopic, produce } from './kafka-records.ts';

const RESTART_MS_MAX = 240_000;

// Started here, and not in a hook, because an image may have to be pulled or built first.
const container = await startKafkaContainer();
if (container === undefined) leaveOut('Kafka in a container', 'no Docker engine with an image of Kafka answers');
afterAll(() => container?.stop(), RESTART_MS_MAX);

describe.runIf(container)('running Kafka in a container', { timeout: RESTART_MS_MAX }, () => {
  const { brokers = '', containerId = '', image = '' } = container ?? {};

  it('has its records and its address still when it is restarted', async () => {
    console.info(`Kafka ${image} runs in container ${containerId} at ${brokers}`);
    const kafka = client({ brokers: [brokers] });
    const topic = await newTopic(kafka);
    await produce(kafka, topic, ['one', 'two']);
    expect(await consume(kafka, topic, 2)).toEqual(['one', 'two']);
    await container?.restart();
    await produce(kafka, topic, ['three']);
    expect(await consume(kafka, topic, 3)).toEqual(['one', 'two', 'three']);
  });
});
