import { join } from 'node:path';
import { kafkaTopic } from '@sluice/contracts/events';
import { followFeed, StoreFeed } from '@sluice/event-feed';
import {
  ensureTopics,
  type KafkaClient,
  KafkaFeed,
  KafkaRelay,
  toCloudEvent,
  toProgressRecord,
} from '@sluice/event-feed-kafka';
import { type EventStore } from '@sluice/event-sourcing';
import { SqliteEventStore } from '@sluice/event-store-sqlite';
import { WallClock } from '@sluice/platform';
import { type Message } from 'kafkajs';
import { barePair } from './bare-kafka.ts';
import { clientOf, withBroker } from './broker.ts';
import { fillStore, publication } from './catalog-events.ts';
import { type Figure, inWords, median } from './figure.ts';
import { until } from './paced.ts';

const ROUNDS = 3;
const STREAMS = 1_000;
/** As many events as a relay sends at once, and with each lot a record that tells of its progress. */
const BATCH_EVENTS = 500;
const TARGET_OF_BARE = 0.6;
const POLL = { everyMs: 1 };

interface Round {
  readonly perSecond: number;
  /** Processor time of this process, all threads, an event (microseconds). */
  readonly micros: number;
}

/** Events a second from the store through Kafka into a read model, beside kafkajs with the very same records. */
export async function measureThroughput(folder: string, events: number): Promise<Figure[]> {
  const figures = await withBroker(join(folder, 'kafka'), async ({ brokers }) => {
    const store = await SqliteEventStore.open({ path: join(folder, 'store', 'sluice.db'), clock: new WallClock() });
    const client = clientOf(brokers, 'bench');
    try {
      await fillStore(store, events, STREAMS);
      const batches = await recordsOf(store);
      const rounds = { sluice: [] as Round[], bare: [] as Round[] };
      for (let round = 0; round < ROUNDS; round += 1) {
        rounds.bare.push(await measureBare(client, `bare${String(round)}.`, { batches, events }));
        rounds.sluice.push(await measureSluice(client, `sluice${String(round)}.`, { store, events }));
        process.stderr.write(
          `  round ${String(round + 1)}: ${describe(rounds.sluice)}, bare ${describe(rounds.bare)}\n`,
        );
      }
      return [figureOf(rounds, events)];
    } finally {
      await store.close();
    }
  });
  return figures ?? [];
}

function figureOf({ sluice, bare }: Record<'sluice' | 'bare', readonly Round[]>, events: number): Figure {
  const middle = (rounds: readonly Round[], name: keyof Round) => median(rounds.map((round) => round[name]));
  const micros = (rounds: readonly Round[]) => inWords(middle(rounds, 'micros'));
  return {
    what: `store → Kafka → read model, ${inWords(events)} events`,
    // The lower of the two, as for HTTP: somebody else's work on the machine makes the slower one look faster.
    value: Math.min(
      middle(sluice, 'perSecond') / middle(bare, 'perSecond'),
      middle(bare, 'micros') / middle(sluice, 'micros'),
    ),
    unit: 'ofBare',
    target: TARGET_OF_BARE,
    beside: `${inWords(middle(sluice, 'perSecond'))}/s, kafkajs with the same records ${inWords(middle(bare, 'perSecond'))}/s`,
    limitedBy: `CPU an event, all threads: ${micros(sluice)} µs, bare ${micros(bare)} µs; the broker shares the cores`,
  };
}

function describe(rounds: readonly Round[]): string {
  return `${inWords(rounds.at(-1)?.perSecond ?? NaN)}/s`;
}

async function measureSluice(
  client: KafkaClient,
  prefix: string,
  { store, events }: { readonly store: EventStore; readonly events: number },
): Promise<Round> {
  const topics = { shards: 1, prefix };
  await ensureTopics(client, ['catalog'], topics);
  const owner = new StoreFeed(store, [publication]);
  const feed = new KafkaFeed({ client, service: 'bench', owner, topicPrefix: prefix });
  const readModel = new Map<string, number>();
  const follower = followFeed(feed, {
    name: 'bench-catalog',
    source: 'catalog',
    topics: ['catalog'],
    apply: ({ stream }) => void readModel.set(stream, (readModel.get(stream) ?? 0) + 1),
  });
  const relay = new KafkaRelay({ client, store, publication, topics });
  follower.start();
  await until('the feed has its partitions', () => feed.notReady() === undefined, POLL);
  relay.start();
  await until('the relay runs', () => relay.status().state === 'running', POLL);
  const round = await clocked(events, async () => follower.reached(await store.head()));
  await relay.stop();
  await follower.stop();
  const applied = [...readModel.values()].reduce((sum, count) => sum + count, 0);
  if (applied !== events) throw new Error(`${String(applied)} of ${String(events)} events were applied`);
  return round;
}

async function measureBare(
  client: KafkaClient,
  prefix: string,
  { batches, events }: { readonly batches: readonly Message[][]; readonly events: number },
): Promise<Round> {
  const topic = kafkaTopic('catalog', prefix);
  await ensureTopics(client, ['catalog'], { shards: 1, prefix });
  const records = batches.reduce((sum, batch) => sum + batch.length, 0);
  let received = 0;
  const whole = Promise.withResolvers<undefined>();
  const pair = await barePair(client, topic, (messages) => {
    received += messages.length;
    if (received === records) whole.resolve(undefined);
  });
  const round = await clocked(events, async () => {
    for (const batch of batches) await pair.send(batch);
    await whole.promise;
  });
  await pair.disconnect();
  return round;
}

/** The records that a relay makes of a store, in lots as it sends them. */
async function recordsOf(store: EventStore): Promise<Message[][]> {
  const batches: Message[][] = [];
  let batch: Message[] = [];
  const abort = new AbortController();
  const feed = new StoreFeed(store, [publication]);
  const close = (position: string) => {
    const { key, headers, value } = toProgressRecord('catalog', position, { relayEpoch: 1 });
    batches.push([...batch, { key, headers, value, partition: 0 }]);
    batch = [];
  };
  for await (const message of feed.subscribe({ topics: ['catalog'], after: '0', signal: abort.signal })) {
    if (message.kind === 'event') batch.push({ ...toCloudEvent(message.event, 1) });
    if (message.kind === 'progress' ? batch.length > 0 : batch.length === BATCH_EVENTS) {
      close(message.kind === 'progress' ? message.position : message.event.position);
    }
    if (message.kind === 'progress') break;
  }
  abort.abort();
  return batches;
}

async function clocked(events: number, work: () => Promise<void>): Promise<Round> {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(before);
  return { perSecond: events / seconds, micros: (user + system) / events };
}
