import { kafkaForTests, uniqueTopicPrefix } from '@sluice/testing';
import { describe, expect, it } from 'vitest';
import { CatalogOnKafka } from './catalog.fixture.ts';

const shared = await kafkaForTests();
const brokers = shared?.brokers ?? '';

describe.runIf(shared)('carrying events over Kafka', () => {
  it('brings each event once, in the order of its stream, to a consumer that starts late and stays', async () => {
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
    await catalog.append(500);
    const relay = catalog.relay();
    const consumer = catalog.follow(catalog.feed());
    await consumer.reached(catalog.store);
    await catalog.append(200);
    await consumer.reached(catalog.store);
    expect(await consumer.compareWith(catalog.store)).toEqual({
      sent: 2100,
      received: 2100,
      lost: 0,
      twice: 0,
      disordered: 0,
    });
    expect(consumer.filled).toBe(0);
    expect(relay.status()).toMatchObject({ state: 'running', position: '700', sentEvents: 2100 });
  });
});
