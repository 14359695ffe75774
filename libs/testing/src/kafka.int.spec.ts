import kafkajs from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { kafkaForTests, uniqueTopicPrefix } from './kafka.ts';

const shared = await kafkaForTests();

describe.runIf(shared)('sharing a broker between tests', () => {
  const admin = new kafkajs.Kafka({ brokers: [shared?.brokers ?? ''], logLevel: kafkajs.logLevel.NOTHING }).admin();

  it('gives each test topics of its own', async () => {
    const topics = [uniqueTopicPrefix(), uniqueTopicPrefix()].map((prefix) => `${prefix}facts`);
    await admin.connect();
    await admin.createTopics({ topics: topics.map((topic) => ({ topic, numPartitions: 1 })) });
    expect(await admin.listTopics()).toEqual(expect.arrayContaining(topics));
    await admin.disconnect();
  });

  it('is the same broker however often it is asked for', async () => {
    expect(await kafkaForTests()).toEqual(shared);
  });
});
