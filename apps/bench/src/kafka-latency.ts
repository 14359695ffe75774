import { join } from 'node:path';
import { kafkaTopic } from '@sluice/contracts/events';
import { followFeed, StoreFeed } from '@sluice/event-feed';
import { ensureTopics, type KafkaClient, KafkaFeed, KafkaRelay } from '@sluice/event-feed-kafka';
import { type EventStore } from '@sluice/event-sourcing';
import { SqliteEventStore } from '@sluice/event-store-sqlite';
import { WallClock } from '@sluice/platform';
import { type Message } from 'kafkajs';
import { barePair } from './bare-kafka.ts';
import { clientOf, withBroker } from './broker.ts';
import { appendEvent, publication } from './catalog-events.ts';
import { type Figure, inWords, quantile } from './figure.ts';
import { paced, until } from './paced.ts';

const EVENTS_PER_SECOND = 1_000;
const WARM_UP_SECONDS = 3;
const STREAMS = 1_000;
const PREFIX = 'latency.';

interface Latencies {
  readonly p50: number;
  readonly p99: number;
}

/** From the call of append to the read model that has the event, and from the call of send to the bare consumer that has it. */
export async function measureLatency(folder: string, seconds: number): Promise<Figure[]> {
  const figures = await withBroker(join(folder, 'kafka'), async ({ brokers }) => {
    const store = await SqliteEventStore.open({ path: join(folder, 'store', 'sluice.db'), clock: new WallClock() });
    const client = clientOf(brokers, 'bench');
    try {
      const bare = await bareLatencies(client, seconds);
      const sluice = await sluiceLatencies(client, store, seconds);
      const rate = `${inWords(EVENTS_PER_SECOND)} events a second`;
      return (['p50', 'p99'] as const).map((name): Figure => ({
        what: `from append to applied through Kafka, ${rate}, ${name}`,
        value: sluice[name],
        unit: 'ms',
        beside: `kafkajs alone, from send to received: ${inWords(bare[name])} ms`,
        limitedBy: 'the disk, the relay, and the round trips of a send and a fetch',
      }));
    } finally {
      await store.close();
    }
  });
  return figures ?? [];
}

async function sluiceLatencies(client: KafkaClient, store: EventStore, seconds: number): Promise<Latencies> {
  const topics = { shards: 1, prefix: PREFIX };
  await ensureTopics(client, ['catalog'], topics);
  const owner = new StoreFeed(store, [publication]);
  const feed = new KafkaFeed({ client, service: 'bench', owner, topicPrefix: PREFIX });
  const sample = new Sample();
  const follower = followFeed(feed, {
    name: 'bench-catalog',
    source: 'catalog',
    topics: ['catalog'],
    apply: ({ correlationId }) => sample.end(correlationId),
  });
  const relay = new KafkaRelay({ client, store, publication, topics });
  follower.start();
  relay.start();
  await follower.reached(await store.head());
  const appends: Promise<void>[] = [];
  await paced({ perSecond: EVENTS_PER_SECOND, calls: EVENTS_PER_SECOND * (WARM_UP_SECONDS + seconds) }, (n) => {
    sample.begin(`request-${String(n)}`);
    appends.push(appendEvent(store, n, STREAMS));
  });
  await Promise.all(appends);
  await sample.complete();
  await relay.stop();
  await follower.stop();
  return sample.latencies();
}

async function bareLatencies(client: KafkaClient, seconds: number): Promise<Latencies> {
  await ensureTopics(client, ['catalog'], { shards: 1, prefix: `bare-${PREFIX}` });
  const sample = new Sample();
  const pair = await barePair(client, kafkaTopic('catalog', `bare-${PREFIX}`), (messages) => {
    for (const { key } of messages) sample.end(key?.toString() ?? '');
  });
  let waiting: Message[] = [];
  let sending: Promise<void> | undefined;
  // What comes while a request is on its way goes out together with the next one.
  const sendAll = async () => {
    while (waiting.length > 0) {
      const messages = waiting;
      waiting = [];
      await pair.send(messages);
    }
    sending = undefined;
  };
  const value = JSON.stringify({ type: 'PatchSuperseded', patchId: 'ios-26.3.1-a', by: 'ios-26.3.1-b', at: 'T' });
  await paced({ perSecond: EVENTS_PER_SECOND, calls: EVENTS_PER_SECOND * (WARM_UP_SECONDS + seconds) }, (n) => {
    const key = `request-${String(n)}`;
    sample.begin(key);
    waiting.push({ key, value });
    sending ??= sendAll();
  });
  await sending;
  await sample.complete();
  await pair.disconnect();
  return sample.latencies();
}

/** When things began and ended, by name. */
class Sample {
  private readonly begun = new Map<string, number>();
  private readonly times: number[] = [];

  begin(name: string): void {
    this.begun.set(name, performance.now());
  }

  end(name: string): void {
    const nowMs = this.begun.get(name);
    if (nowMs === undefined) return;
    this.begun.delete(name);
    this.times.push(performance.now() - nowMs);
  }

  complete(): Promise<void> {
    return until('every event has arrived', () => this.begun.size === 0);
  }

  latencies(): Latencies {
    const measured = this.times.slice(WARM_UP_SECONDS * EVENTS_PER_SECOND);
    return { p50: quantile(measured, 0.5), p99: quantile(measured, 0.99) };
  }
}
