import { topics } from '@sluice/contracts/events';
import { EventFeed, type FeedEvent, followFeed, type FeedFollower, publishAsIs, StoreFeed } from '@sluice/event-feed';
import { type EventStore, InMemoryEventStore } from '@sluice/event-sourcing';
import {
  kafkaClient,
  type KafkaClientOptions,
  KafkaDeadLetters,
  KafkaFeed,
  type KafkaFeedOptions,
  type KafkaLog,
  KafkaRelay,
  type KafkaRelayOptions,
} from './index.ts';

/** The catalog's side and a consumer's side in one process, on one broker. */
export class CatalogOnKafka implements AsyncDisposable {
  readonly store = new InMemoryEventStore({ nowText: () => '2026-11-24T10:00:00.000Z' });
  readonly owner = new StoreFeed(this.store, [publication]);
  readonly client;
  readonly topics;
  private readonly running: (() => Promise<unknown>)[] = [];
  private commits = 0;

  constructor(
    readonly brokers: string,
    readonly prefix: string,
    options: Partial<KafkaClientOptions> = {},
  ) {
    this.client = kafkaClient({ brokers: [brokers], clientId: 'sluice-test', log: logOfTests, ...options });
    this.topics = { shards: 2, prefix };
  }

  /** Appends commits of some events each, over a number of patches in turn. */
  async append(commits: number, { patches = 10, events = 3 } = {}): Promise<void> {
    const appends = Array.from({ length: commits }, () => {
      const number = (this.commits += 1);
      return appendTo(this.store, `patch-p${String(number % patches)}`, { number, events });
    });
    await Promise.all(appends);
  }

  relay(options: Partial<KafkaRelayOptions> = {}): KafkaRelay {
    const { client, store, topics: settings } = this;
    const relay = new KafkaRelay({ client, store, publication, topics: settings, ...options });
    relay.start();
    this.running.push(() => relay.stop());
    return relay;
  }

  feed(options: Partial<KafkaFeedOptions> = {}): KafkaFeed {
    const { client, owner, prefix: topicPrefix } = this;
    return new KafkaFeed({ client, service: 'tester', owner, topicPrefix, ...options });
  }

  deadLetters(): KafkaDeadLetters {
    const letters = new KafkaDeadLetters({ client: this.client, service: 'tester', topics: { prefix: this.prefix } });
    this.running.push(() => letters.close());
    return letters;
  }

  /** A consumer that counts what it is given, straight from the feed and after its inbox. */
  follow(feed: KafkaFeed, refuse: (event: FeedEvent) => void = () => undefined): Counted {
    const counted = new Counted(feed, refuse);
    this.running.push(() => counted.follower.stop());
    return counted;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.running.reverse()) await stop();
  }
}

/** A read model that is nothing but its counts. */
export class Counted {
  readonly applied: string[] = [];
  readonly follower: FeedFollower;
  private readonly counting: CountingFeed;

  constructor(feed: EventFeed, refuse: (event: FeedEvent) => void) {
    this.counting = new CountingFeed(feed);
    this.follower = followFeed(this.counting, {
      name: 'tester-catalog',
      source: 'catalog',
      topics: ['catalog'],
      apply: (event) => {
        refuse(event);
        this.applied.push(idOf(event));
      },
    });
    this.follower.start();
  }

  /** How many the feed brought, duplicates and all, and how many streams were asked of the owner. */
  get received(): number {
    return this.counting.received;
  }
  get filled(): number {
    return this.counting.filled;
  }

  async reached(store: EventStore): Promise<void> {
    await this.follower.reached(await store.head());
  }

  /** What this test is about: every event once, in the order of its stream. */
  async compareWith(
    store: EventStore,
  ): Promise<{ sent: number; received: number; lost: number; twice: number; disordered: number }> {
    const sent = await allOf(store);
    const applied = new Set(this.applied);
    const byStream = (ids: readonly string[]) => Map.groupBy(ids, (id) => id.split('/')[0]);
    const wanted = byStream(sent.filter((id) => applied.has(id)));
    const found = byStream([...applied]);
    const disordered = [...wanted].filter(([stream, ids]) => ids.join() !== found.get(stream)?.join());
    return {
      sent: sent.length,
      received: this.received,
      lost: sent.filter((id) => !applied.has(id)).length,
      twice: this.applied.length - applied.size,
      disordered: disordered.length,
    };
  }
}

class CountingFeed extends EventFeed {
  override readonly deadLetters;
  received = 0;
  filled = 0;

  constructor(private readonly feed: EventFeed) {
    super();
    this.deadLetters = feed.deadLetters;
  }

  override async *subscribe(request: Parameters<EventFeed['subscribe']>[0]) {
    for await (const message of this.feed.subscribe(request)) {
      if (message.kind === 'event') this.received += 1;
      yield message;
    }
  }

  override readStream(request: Parameters<EventFeed['readStream']>[0]) {
    this.filled += 1;
    return this.feed.readStream(request);
  }

  override headOf(request: Parameters<EventFeed['headOf']>[0]) {
    return this.feed.headOf(request);
  }

  override silentForMs(source: string) {
    return this.feed.silentForMs(source);
  }

  override signsOf(source: string) {
    return this.feed.signsOf(source);
  }
}

export const publication = publishAsIs('catalog', 'catalog', topics.catalog.streams);

export function idOf({ stream, place }: FeedEvent): string {
  return `${stream}/${String(place.revision)}/${String(place.index)}`;
}

async function appendTo(store: EventStore, stream: string, { number, events }: { number: number; events: number }) {
  const patchId = stream.slice('patch-'.length);
  const at = '2026-11-24T10:00:00.000Z';
  await store.append({
    stream,
    expected: 'any',
    commitId: `c${String(number)}`,
    metadata: { actor: 'tester', correlationId: `r${String(number)}` },
    body: {
      kind: 'events',
      events: Array.from({ length: events }, (_, index) => ({
        type: 'PatchSuperseded',
        patchId,
        by: `p${String(number)}-${String(index)}`,
        at,
      })),
    },
  });
}

async function allOf(store: EventStore): Promise<string[]> {
  const ids: string[] = [];
  for await (const { stream, revision, body } of store.readAll()) {
    const count = body.kind === 'events' ? body.events.length : body.count;
    for (let index = 0; index < count; index += 1) ids.push(`${stream}/${String(revision)}/${String(index)}`);
  }
  return ids;
}

/** SLUICE_TEST_LOG=1 shows what adapters and driver say. */
const logOfTests: KafkaLog = (level, text, details) => {
  if (process.env.SLUICE_TEST_LOG !== undefined) console.log(level, text, JSON.stringify(details));
};
