import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaTopic } from '@sluice/contracts/events';
import { startKafkaProcess, uniqueTopicPrefix } from '@sluice/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { CatalogOnKafka } from './catalog.fixture.ts';
import { kafkaClient, type KafkaClientOptions, KafkaOwnership, type KafkaSasl } from './index.ts';

const password = 'correct-horse';
const broker = await startKafkaProcess({ secured: ['SSL', 'SASL_SSL'], users: { alice: password } });
const brokers = broker?.brokers ?? '';
const AWAY_MS = 21_000;

afterAll(() => broker?.[Symbol.asyncDispose]());

/** Appends for as long as the work takes, and says how many events. */
async function underLoad(catalog: CatalogOnKafka, work: () => Promise<unknown>): Promise<number> {
  const running = new Set([1]);
  const done = work().finally(() => running.clear());
  let commits = 0;
  while (running.size > 0) {
    await catalog.append(10);
    commits += 10;
    await sleep(20);
  }
  await done;
  return commits * 3;
}

describe.runIf(broker)('losing the broker', () => {
  it(
    'loses no event and applies none twice when it is killed under load, and away for 21 s',
    { timeout: 180_000 },
    async () => {
      await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
      const relay = catalog.relay();
      const feed = catalog.feed();
      const consumer = catalog.follow(feed);
      const shards = await shardsOf(catalog);
      let events = await underLoad(catalog, async () => {
        await until(() => consumer.applied.length > 300);
        await broker?.kill();
        await broker?.restart();
        const before = consumer.applied.length;
        await until(() => consumer.applied.length > before);
      });

      await consumer.reached(catalog.store);
      await broker?.kill();
      events += await underLoad(catalog, () => sleep(AWAY_MS));
      expect(relay.status()).toMatchObject({ state: 'failing' });
      expect([feed.notReady(), shards.moves()]).toEqual([expect.stringContaining('no assignment of'), 2]);
      expect(relay.status().behindMs).toBeGreaterThan(AWAY_MS - 5_000);
      expect(feed.silentForMs('catalog')).toBeGreaterThan(AWAY_MS - 5_000);
      await broker?.restart();
      await consumer.reached(catalog.store);
      const counts = await consumer.compareWith(catalog.store);
      console.log(`broker killed twice, away for ${String(AWAY_MS)} ms: ${JSON.stringify(counts)}`);
      expect(counts).toMatchObject({ sent: events, lost: 0, twice: 0, disordered: 0 });
      expect(feed.status().crashes).toBeGreaterThan(0);
      expect([relay.status().state, feed.notReady()]).toEqual(['running', undefined]);
      expect(shards.notReady()).toBeUndefined();
      await shards.stop();
      // Each of the two was taken over once, and given up at the end.
      expect(shards.moves()).toBe(4);
    },
  );
});

describe.runIf(broker)('stopping while the broker hangs', () => {
  it('takes less than five seconds, each by itself', { timeout: 120_000 }, async () => {
    const catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
    await catalog.append(1);
    const letters = catalog.deadLetters();
    const [relay, consumer] = [catalog.relay(), catalog.follow(catalog.feed())];
    const shards = await shardsOf(catalog);
    await consumer.reached(catalog.store);
    process.kill(broker?.processId ?? 0, 'SIGSTOP');
    try {
      await catalog.append(10);
      const message = { key: null, value: null, headers: {}, timestamp: '0', attributes: 0, offset: '0' };
      const record = { topic: kafkaTopic('catalog', catalog.prefix), partition: 0, offset: '0', reason: '', message };
      const kept = letters.keep(record).catch(() => 'let go');
      await until(() => relay.status().behindMs > 5_000);
      const parts = { relay, letters: { stop: () => letters.close() }, follower: consumer.follower, shards };
      const startedAt = performance.now();
      const took = Object.entries(parts).map(async ([name, part]) => {
        await part.stop();
        return [name, Math.round(performance.now() - startedAt)] as const;
      });
      const times = await Promise.all(took);
      console.log(`stopped while the broker hangs, ms: ${JSON.stringify(Object.fromEntries(times))}`);
      expect(times.filter(([, ms]) => ms >= 5_000)).toEqual([]);
      expect(await kept).toBe('let go');
    } finally {
      process.kill(broker?.processId ?? 0, 'SIGCONT');
    }
  });
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(20);
}

async function shardsOf(catalog: CatalogOnKafka) {
  let moves = 0;
  const { client, prefix } = catalog;
  const ownership = new KafkaOwnership({ client, instance: 'a', address: 'http://a:1', topics: { prefix } });
  const count = () => Promise.resolve(void (moves += 1));
  await ownership.start(2, { gain: count, lose: count });
  await until(() => ownership.notReady() === undefined);
  return { moves: () => moves, notReady: () => ownership.notReady(), stop: () => ownership.stop() };
}

describe.runIf(broker)('connecting with TLS and a password', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-kafka-'));
  const secret = (text: string) => {
    const file = join(folder, text);
    writeFileSync(file, `${text}\n`);
    return { file };
  };
  const secured: Partial<KafkaClientOptions> = {
    brokers: [broker?.addresses.SASL_SSL ?? ''],
    tls: { caFile: broker?.certificateFile },
  };
  const sasl = (mechanism: KafkaSasl['mechanism'], text = password): KafkaSasl => ({
    mechanism,
    username: 'alice',
    password: secret(text),
  });

  it.each([
    ['TLS alone', { ...secured, brokers: [broker?.addresses.SSL ?? ''] }],
    ['SASL PLAIN', { ...secured, sasl: sasl('plain') }],
    ['SASL SCRAM-SHA-256', { ...secured, sasl: sasl('scram-sha-256') }],
  ] as [string, Partial<KafkaClientOptions>][])('carries events with %s', async (_, options) => {
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix(), options);
    await catalog.append(50);
    catalog.relay();
    const consumer = catalog.follow(catalog.feed());
    await consumer.reached(catalog.store);
    expect(await consumer.compareWith(catalog.store)).toMatchObject({ sent: 150, lost: 0, twice: 0 });
  });

  it.each([
    ['a wrong password', { ...secured, sasl: sasl('scram-sha-256', 'guessed-wrong') }, /auth/i],
    ['a broker whose certificate nobody vouches for', { ...secured, tls: true, sasl: sasl('plain') }, /self.signed/i],
    ['no TLS where the broker wants it', { ...secured, tls: false }, /./],
  ] as [string, Partial<KafkaClientOptions>, RegExp][])(
    'says why it does not, and no secret, with %s',
    async (_, options, why) => {
      const said: string[] = [];
      const log = (...line: unknown[]) => void said.push(JSON.stringify(line));
      await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix(), { ...options, log });
      const relay = catalog.relay();
      await until(() => relay.status().state !== 'starting');
      expect(relay.status()).toMatchObject({ state: 'failing', reason: expect.stringMatching(why) });
      expect(said.join('\n')).not.toMatch(/correct-horse|guessed-wrong/);
      expect(said.length).toBeGreaterThan(0);
    },
  );

  it.each([
    ['no broker', { brokers: [] }, 'no broker is named'],
    ['a broker without port', { brokers: ['kafka'] }, '"kafka" is not host:port'],
    ['a missing certificate', { tls: { caFile: '/nowhere' } }, '/nowhere cannot be read'],
    ['a certificate without key', { tls: { certificateFile: '/nowhere' } }, 'needs its key'],
    [
      'no password',
      { sasl: { mechanism: 'plain', username: 'a', password: { variable: 'SLUICE_NO_SUCH' } } },
      '$SLUICE_NO_SUCH',
    ],
  ] as [string, Partial<KafkaClientOptions>, string][])('refuses %s', (_, options, text) => {
    expect(() => kafkaClient({ brokers: ['localhost:9092'], clientId: 'tester', ...options })).toThrow(text);
  });
});
