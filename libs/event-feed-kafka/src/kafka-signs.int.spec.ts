import { OwnSigns, StoreFeed } from '@sluice/event-feed';
import { InMemoryEventStore } from '@sluice/event-sourcing';
import { kafkaForTests, uniqueTopicPrefix } from '@sluice/testing';
import { describe, expect, it } from 'vitest';
import { kafkaClient, KafkaFeed, SignsTable, SignsWriter } from './index.ts';

const shared = await kafkaForTests();
const through = (shard: number, throughMs: number) => ({ shard, shards: 2, throughMs, revision: 0 });

describe.runIf(shared)('saying something of oneself over Kafka', () => {
  it('reaches who listens and who starts later, without store or relay', { timeout: 60_000 }, async () => {
    const client = kafkaClient({ brokers: [shared?.brokers ?? ''], clientId: 'sluice-test' });
    const topics = { prefix: uniqueTopicPrefix() };
    const owner = new StoreFeed(new InMemoryEventStore({ nowText: () => '' }), []);
    const startWriter = (instance: string) => {
      const signs = new OwnSigns();
      const writer = new SignsWriter({ client, source: 'telemetry', instance, signs, topics });
      writer.start();
      return { signs, writer };
    };
    const startFeed = () => {
      const table = new SignsTable({ client, service: 'tester', topics });
      const feed = new KafkaFeed({ client, service: 'tester', owner, signs: table });
      expect(feed.signsOf('telemetry')).toBeUndefined();
      return { table, feed };
    };
    const patience = { timeout: 20_000, interval: 20 };
    const [a, b, early] = [startWriter('a'), startWriter('b'), startFeed()];
    a.signs.setThrough([through(0, 10)]);
    b.signs.setThrough([through(1, 20)]);
    const known = [through(0, 10), through(1, 20)];
    await expect.poll(() => early.feed.signsOf('telemetry')?.through, patience).toEqual(known);
    a.signs.setWritable(false);
    await expect.poll(() => early.feed.signsOf('telemetry')?.writable, patience).toBe(false);
    const late = startFeed();
    await expect
      .poll(() => late.feed.signsOf('telemetry'), patience)
      .toEqual({ writable: false, through: known, stops: [] });
    a.signs.setWritable(true);
    await expect.poll(() => late.feed.signsOf('telemetry')?.writable, patience).toBe(true);
    await Promise.all([a.writer.stop(), b.writer.stop(), early.table.stop(), late.table.stop()]);
  });
});
