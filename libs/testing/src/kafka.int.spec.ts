import { describe, expect, it } from 'vitest';
import { client, newTopic } from './kafka-records.ts';
import { kafkaForTests } from './kafka.ts';

const shared = await kafkaForTests();

describe.runIf(shared)('sharing a broker between tests', () => {
  it('gives each test topics of its own', async () => {
    const kafka = client({ brokers: [shared?.brokers ?? ''] });
    const topics = [await newTopic(kafka), await newTopic(kafka)];
    const admin = kafka.admin();
    await admin.connect();
    expect(await admin.listTopics()).toEqual(expect.arrayContaining(topics));
    expect(new Set(topics).size).toBe(2);
    await admin.disconnect();
  });

  it('is the same broker however often it is asked for', async () => {
    expect(await kafkaForTests()).toEqual(shared);
  });
});
