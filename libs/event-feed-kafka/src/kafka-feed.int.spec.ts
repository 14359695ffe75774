import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaTopic } from '@sluice/contracts/events';
import { type FeedMessage, followFeed, type Publication, StoreFeed } from '@sluice/event-feed';
import { BEGINNING, InMemoryEventStore } from '@sluice/event-sourcing';
import { kafkaForTests, RecordedTraces, traceparentOf, uniqueTopicPrefix } from '@sluice/testing';
import { describe, expect, it, vi } from 'vitest';
import { CatalogOnKafka, idOf } from './catalog.fixture.ts';
import { ensureTopics, kafkaClient, KafkaDeadLetters, KafkaFeed, KafkaRelay } from './index.ts';
import { partitionsOf, withAdmin } from './kafka-topics.ts';

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
    const counts = await consumer.compareWith(catalog.store);
    expect(counts).toEqual({ sent: 2100, received: 2100, lost: 0, twice: 0, disordered: 0 });
    expect(consumer.filled).toBe(0);
    // The broker's word that it has them comes back after them.
    const status = { state: 'running', position: '700', sentEvents: 2100, behindMs: 0 };
    await vi.waitFor(() => expect(relay.status()).toMatchObject(status), { timeout: 5_000 });
  });

  it('carries the trace of an event on, and makes a step of relaying and of applying it', async () => {
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
    const traces = new RecordedTraces();
    const relay = catalog.relay({ traces });
    const consumer = catalog.follow(catalog.feed());
    consumer.follower.traces = traces;
    const append = async (number: number, traceparent?: string) => {
      const [patchId, at] = [`p${String(number)}`, '2026-11-24T10:00:00.000Z'];
      await catalog.store.append({
        stream: `patch-${patchId}`,
        expected: 'no-stream',
        commitId: 'c',
        metadata: { actor: 'tester', correlationId: 'r', ...(traceparent !== undefined && { traceparent }) },
        body: { kind: 'events', events: [{ type: 'PatchSuperseded', patchId, by: 'b', at } as { type: string }] },
      });
      await consumer.reached(catalog.store);
    };
    await append(1, traceparentOf(101));
    await append(2);
    while (relay.status().position !== '2') await sleep(5);
    // What was there before all was read is no news, and is not traced again.
    traces.steps.length = 0;
    await append(3, traceparentOf(103));
    // The follower may apply it before the relay is done with it.
    while (traces.steps.some(({ failure }) => failure === undefined)) await sleep(5);
    const steps = traces.steps.map(({ name, parent, failure, details }) => [
      name,
      parent,
      failure,
      details['sluice.stream'],
    ]);
    expect(steps.toSorted()).toEqual([
      ['apply PatchSuperseded', traceparentOf(103), null, 'patch-p3'],
      ['relay PatchSuperseded', traceparentOf(103), null, 'patch-p3'],
    ]);
  });

  it('tells of no progress, and of no life of its source, before all that was there is read', async () => {
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
    const relay = catalog.relay();
    for (let times = 1; times <= 10; times += 1) {
      await catalog.append(100);
      while (relay.status().position !== String(times * 100)) await sleep(5);
    }
    await relay.stop();
    const [feed, ended] = [catalog.feed(), new AbortController()];
    const delivered: FeedMessage[] = [];
    expect(feed.silentForMs('catalog')).toBe(Infinity);
    const request = { source: 'catalog', topics: ['catalog'], after: BEGINNING, signal: ended.signal };
    for await (const message of feed.subscribe(request)) {
      delivered.push(message);
      if (message.kind === 'progress') break;
      expect(feed.silentForMs('catalog')).toBe(Infinity);
    }
    expect(delivered.length).toBe(3001);
    expect(delivered.at(-1)).toEqual({ kind: 'progress', position: '1000' });
  });

  it('goes on after a position, and skips what is not for it', async () => {
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
    await catalog.append(10);
    catalog.relay();
    const signal = AbortSignal.timeout(15_000);
    const delivered: string[] = [];
    for await (const message of catalog
      .feed()
      .subscribe({ source: 'catalog', topics: ['catalog'], after: '8', signal })) {
      if (message.kind === 'progress') break;
      delivered.push(message.event.position);
    }
    expect(delivered.toSorted()).toEqual(['10', '10', '10', '9', '9', '9']);
    const mixed = catalog.feed().subscribe({ source: 'telemetry', topics: ['fleet', 'health'], after: '0', signal });
    await expect(mixed.next()).rejects.toThrow('a consumer of its own');
  });

  it('waits quietly for a topic that its owner makes later', async () => {
    const received: unknown[] = [];
    const log = (level: string, text: string) => {
      if (level !== 'debug') received.push([level, text]);
    };
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix(), { log });
    const { kafka } = catalog.client;
    let looks = 0;
    const admin: typeof kafka.admin = (options) => {
      looks += 1;
      return kafka.admin(options);
    };
    const watched = { ...catalog.client, kafka: Object.create(kafka, { admin: { value: admin } }) as typeof kafka };
    const feed = catalog.feed({ client: watched });
    const consumer = catalog.follow(feed);
    await expect.poll(() => looks, { timeout: 15_000 }).toBeGreaterThan(5);
    expect(received).toEqual([['info', 'Kafka: waiting for a topic that nobody has made yet']]);
    expect(feed.status().crashes).toBe(0);
    await catalog.append(10);
    catalog.relay();
    await consumer.reached(catalog.store);
    expect(consumer.applied.length).toBe(30);
  });

  it('names the groups of dead letters as the topics, with the prefix', async () => {
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
    const asked: string[] = [];
    const { kafka } = catalog.client;
    const consumer: typeof kafka.consumer = (options) => {
      asked.push(options.groupId);
      return kafka.consumer(options);
    };
    const client = {
      ...catalog.client,
      kafka: Object.create(kafka, { consumer: { value: consumer } }) as typeof kafka,
    };
    const letters = new KafkaDeadLetters({ client, service: 'tester', topics: { prefix: catalog.prefix } });
    const message = { key: null, value: null, headers: {}, timestamp: '0', attributes: 0, offset: '0' };
    const topic = kafkaTopic('catalog', catalog.prefix);
    await letters.keep({ topic, partition: 0, offset: '0', reason: 'rubbish', message });
    await letters.close();
    const other = new KafkaDeadLetters({ client, service: 'tester', topics: { prefix: catalog.prefix } });
    await other.keep({ topic, partition: 0, offset: '0', reason: 'rubbish', message });
    await other.close();
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((group) => !group.startsWith(`${catalog.prefix}sluice.tester.letters.`))).toEqual([]);
  });

  it('leaves no group behind when it is stopped', async () => {
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
    catalog.relay();
    const consumer = catalog.follow(catalog.feed());
    await catalog.append(1);
    await consumer.reached(catalog.store);
    const mine = () =>
      withAdmin(catalog.client, async (admin) => {
        const { groups } = await admin.listGroups();
        return groups.filter(({ groupId }) => groupId.startsWith(catalog.prefix)).length;
      });
    expect(await mine()).toBe(1);
    await consumer.follower.stop();
    expect(await mine()).toBe(0);
  });
});

describe.runIf(shared)('carrying facts of the fleet', () => {
  const at = '2026-11-24T10:00:00.000Z';
  const publication: Publication = {
    source: 'telemetry',
    topic: 'fleet',
    streams: ['fleet-'],
    publish: ({ body, stream }) =>
      Array.from({ length: body.kind === 'packed' ? body.count : 0 }, (_, index) => ({
        index,
        data: { type: 'DeviceRetired', deviceId: `${stream}-${String(index % 50)}`, occurredAt: at, receivedAt: at },
      })),
  };

  it('warns of a topic that somebody else has made, and that forgets', async () => {
    const [prefix, received] = [uniqueTopicPrefix(), [] as unknown[]];
    const log = (_: string, __: string, details: object) => void received.push(details);
    const client = kafkaClient({ brokers: [brokers], clientId: 'sluice-test', log });
    const topic = kafkaTopic('catalog', prefix);
    await withAdmin(client, (admin) => admin.createTopics({ topics: [{ topic, numPartitions: 1 }] }));
    await ensureTopics(client, ['catalog'], { shards: 1, prefix });
    expect(received).toContainEqual({ topic, setting: 'retention.ms', is: '604800000', shouldBe: '-1' });
  });

  it('has a partition a shard, and a relay for each', async () => {
    const [prefix, shards] = [uniqueTopicPrefix(), 12];
    const client = kafkaClient({ brokers: [brokers], clientId: 'sluice-test' });
    const store = new InMemoryEventStore({ nowText: () => at });
    const topics = { shards, prefix };
    expect(await ensureTopics(client, ['fleet', 'health'], topics)).toEqual([
      `${prefix}sluice.fleet.v1`,
      `${prefix}sluice.health.v1`,
    ]);
    expect(await ensureTopics(client, ['fleet', 'health'], topics)).toEqual([]);
    await expect(ensureTopics(client, ['fleet'], { shards: 8, prefix })).rejects.toThrow('the fleet has 8 shards');
    expect(await partitionsOf(client, kafkaTopic('fleet', prefix))).toBe(shards);
    for (let commit = 0; commit < 60; commit += 1) {
      const body = { kind: 'packed', bytes: new Uint8Array(1), count: 100 } as const;
      const metadata = { actor: 'tester', correlationId: 'r1' };
      const stream = `fleet-${String(commit % shards)}`;
      await store.append({ stream, expected: 'any', commitId: String(commit), metadata, body });
    }
    const relays = Array.from(
      { length: shards },
      (_, shard) => new KafkaRelay({ client, store, publication, topics, shard }),
    );
    for (const relay of relays) relay.start();
    const feed = new KafkaFeed({
      client,
      service: 'tester',
      owner: new StoreFeed(store, [publication]),
      topicPrefix: prefix,
    });
    const applied = new Map<string, string[]>();
    const follower = followFeed(feed, {
      ...{ name: 'facts', source: 'telemetry', topics: ['fleet'] },
      apply: (event) => void applied.set(event.stream, [...(applied.get(event.stream) ?? []), idOf(event)]),
    });
    follower.start();
    await follower.reached(await store.head());
    expect([...applied.values()].map((ids) => [ids.length, new Set(ids).size])).toEqual(Array(shards).fill([500, 500]));
    const offsets = await withAdmin(client, (admin) => admin.fetchTopicOffsets(kafkaTopic('fleet', prefix)));
    expect(offsets.every(({ high }) => Number(high) > 500 && Number(high) < 550)).toBe(true);
    await Promise.all([follower.stop(), ...relays.map((relay) => relay.stop())]);
  });
});
