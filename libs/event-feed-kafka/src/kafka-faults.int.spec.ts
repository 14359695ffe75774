import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaTopic } from '@sluice/contracts/events';
import { type DeadLetter, type FeedEvent, type FeedFollower } from '@sluice/event-feed';
import { type Checkpoint, Checkpoints, InMemoryEventStore } from '@sluice/event-sourcing';
import { kafkaForTests, uniqueTopicPrefix } from '@sluice/testing';
import { type Message } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { toCloudEvent } from './cloud-events.ts';
import { CatalogOnKafka } from './catalog.fixture.ts';
import { connectProducer, send } from './kafka-producer.ts';
import { withAdmin } from './kafka-topics.ts';

const shared = await kafkaForTests();
const brokers = shared?.brokers ?? '';
const nothingWrong = { lost: 0, twice: 0, disordered: 0 };

/** Saves the first time only; then it is as if the process had died before it could save. */
class DyingCheckpoints extends Checkpoints {
  private saves = 0;
  private readonly death = Promise.withResolvers<never>();

  constructor(private readonly checkpoints: Checkpoints) {
    super();
    this.death.promise.catch(() => undefined);
  }

  override load(name: string): Promise<Checkpoint | undefined> {
    return this.checkpoints.load(name);
  }

  override save(...saved: Parameters<Checkpoints['save']>): Promise<Checkpoint> {
    this.saves += 1;
    return this.saves === 1 ? this.checkpoints.save(...saved) : this.death.promise;
  }

  die(): void {
    this.death.reject(new Error('the process is gone'));
  }
}

async function eventsOf(catalog: CatalogOnKafka): Promise<FeedEvent[]> {
  const events: FeedEvent[] = [];
  for (let patch = 0; patch < 10; patch += 1) {
    const request = { stream: `patch-p${String(patch)}`, fromRevision: 0 };
    for await (const event of catalog.owner.readStream(request)) events.push(event);
  }
  return events;
}

/** What somebody else writes into the catalog's topic. */
async function inject(catalog: CatalogOnKafka, messages: Message[]): Promise<void> {
  const producer = await connectProducer(catalog.client, new AbortController().signal);
  const { signal } = new AbortController();
  await send(producer, { topic: kafkaTopic('catalog', catalog.prefix), messages }, signal);
  await producer.disconnect();
}

function recordOf(event: FeedEvent): Message {
  return { ...toCloudEvent(event), partition: 0 };
}

describe.runIf(shared)('relaying when things go wrong', () => {
  it('sends again, and nothing is applied twice, when killed between acknowledgement and checkpoint', async () => {
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
    await catalog.append(300);
    const checkpoints = new DyingCheckpoints(catalog.store.checkpoints);
    const killed = catalog.relay({ checkpoints });
    const consumer = catalog.follow(catalog.feed());
    await consumer.reached(catalog.store);
    checkpoints.die();
    await killed.stop();
    await catalog.append(100);
    catalog.relay();
    await consumer.reached(catalog.store);
    const counts = await consumer.compareWith(catalog.store);
    expect(counts).toEqual({ sent: 1200, received: 900 + 1200, ...nothingWrong });
  });

  it('lets one of two relays run, and the other go on when that one is gone', async () => {
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
    const relays = [1, 2].map(() => catalog.relay({ abandonedAfterMs: 1_500 }));
    const consumer = catalog.follow(catalog.feed());
    for (let times = 0; times < 20; times += 1) {
      await catalog.append(20);
      await consumer.reached(catalog.store);
    }
    await consumer.reached(catalog.store);
    const states = relays.map((relay) => relay.status().state);
    expect(states.toSorted()).toEqual(['running', 'standby']);
    await relays[states.indexOf('running')]?.stop();
    await catalog.append(100);
    await consumer.reached(catalog.store);
    expect(relays.map((relay) => relay.status().state).toSorted()).toEqual(['running', 'stopped']);
    expect(await consumer.compareWith(catalog.store)).toMatchObject({ sent: 1500, ...nothingWrong });
  });

  it('is not disturbed by a relay that was replaced, does not know, and goes on sending', async () => {
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
    const { checkpoints } = new InMemoryEventStore({ nowText: () => '' });
    const relays = [catalog.relay(), catalog.relay({ checkpoints })];
    const consumer = catalog.follow(catalog.feed());
    for (let times = 0; times < 20; times += 1) {
      await catalog.append(20);
      await consumer.reached(catalog.store);
    }
    while (relays.some((relay) => relay.status().sentEvents < 1200)) await sleep(20);
    await catalog.append(1);
    await consumer.reached(catalog.store);
    const counts = await consumer.compareWith(catalog.store);
    expect(counts).toMatchObject({ sent: 1203, ...nothingWrong });
    expect(counts.received).toBeGreaterThanOrEqual(2400);
  });

  it('fills a topic again that a broker has lost', async () => {
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
    await catalog.append(200);
    catalog.relay();
    const consumer = catalog.follow(catalog.feed());
    await consumer.reached(catalog.store);
    await withAdmin(catalog.client, (admin) => admin.deleteTopics({ topics: [kafkaTopic('catalog', catalog.prefix)] }));
    await catalog.append(100);
    await consumer.reached(catalog.store);
    const late = catalog.follow(catalog.feed());
    await late.reached(catalog.store);
    for (const each of [consumer, late]) {
      expect(await each.compareWith(catalog.store)).toMatchObject({ sent: 900, ...nothingWrong });
    }
    expect(late.received).toBe(900);
  });
});

describe.runIf(shared)('consuming what somebody has meddled with', () => {
  it('is contradicted when the owner goes on from an older copy of its store', async () => {
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
    await using restored = new CatalogOnKafka(brokers, catalog.prefix);
    await restored.append(20);
    await catalog.append(30);
    const relay = catalog.relay();
    const consumer = catalog.follow(catalog.feed({ owner: restored.owner }));
    await consumer.reached(catalog.store);
    expect(consumer.follower.inbox.doubts.contradiction).toBeUndefined();
    await relay.stop();
    restored.relay();
    await expect
      .poll(() => consumer.follower.inbox.doubts.contradiction, { timeout: 15_000 })
      .toContain('catalog ends at 20, and 30 was applied');
  });

  it('applies each event once and in order when records come twice, in another order, or not at all', async () => {
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
    const relay = catalog.relay();
    const consumer = catalog.follow(catalog.feed());
    await catalog.append(100);
    await consumer.reached(catalog.store);
    await relay.stop();
    await catalog.append(200);
    const events = await eventsOf(catalog);
    // Every third is missing, all are backwards by pairs, and the first half comes a second time.
    const kept = events.filter((_, index) => index % 3 !== 1);
    const swapped = kept.map((_, index) => kept[index ^ 1] ?? kept[index]).filter((event) => event !== undefined);
    const records = [...swapped, ...kept.slice(0, kept.length / 2)].map(recordOf);
    await inject(catalog, records);
    catalog.relay();
    await consumer.reached(catalog.store);
    const counts = await consumer.compareWith(catalog.store);
    expect(counts).toMatchObject({ sent: 900, ...nothingWrong });
    expect(counts.received).toBeGreaterThan(900 + records.length / 2);
    expect(consumer.filled).toBeGreaterThan(0);
  });

  it('takes an event from its owner when its record cannot be read, and keeps aside what is no event, once', async () => {
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
    await catalog.append(20);
    const events = (await eventsOf(catalog)).map(recordOf);
    const bad = { ...events[7], value: '{"type":"PatchSuper' } as Message;
    const strange: Message = { key: 'p1', value: 'hello', partition: 0 };
    const [relay, first] = [catalog.relay(), catalog.follow(catalog.feed())];
    await first.reached(catalog.store);
    await relay.stop();
    await catalog.append(5);
    await inject(catalog, [...events.slice(0, 7), bad, strange, ...events.slice(8)]);
    catalog.relay();
    const feed = catalog.feed({ deadLetters: catalog.deadLetters() });
    const consumers = [first, catalog.follow(feed)];
    for (const consumer of consumers) {
      await consumer.reached(catalog.store);
      expect(await consumer.compareWith(catalog.store)).toMatchObject({ sent: 75, ...nothingWrong });
    }
    expect(feed.status().undecodable).toBe(2);
    const again = catalog.follow(catalog.feed({ deadLetters: catalog.deadLetters() }));
    await again.reached(catalog.store);
    const kept = await withAdmin(catalog.client, (admin) =>
      admin.fetchTopicOffsets(`${kafkaTopic('catalog', catalog.prefix)}.tester.unreadable.dlt`),
    );
    expect(kept).toMatchObject([{ high: '1' }]);
  });

  it('parks an event that cannot be applied, and those behind it; others go on; it is retried, or discarded', async () => {
    await using catalog = new CatalogOnKafka(brokers, uniqueTopicPrefix());
    await catalog.append(40, { events: 1 });
    catalog.relay();
    const poison = ['patch-p3/1/0', 'patch-p5/2/0'];
    let isCured = false;
    let attempts = 0;
    const refuse = ({ stream, place }: FeedEvent) => {
      if (isCured || !poison.includes(`${stream}/${String(place.revision)}/${String(place.index)}`)) return;
      attempts += 1;
      throw new Error('no\nthanks');
    };
    const first = catalog.follow(catalog.feed({ deadLetters: catalog.deadLetters() }), refuse);
    await first.reached(catalog.store);
    const parked = ['patch-p3/1', 'patch-p3/2', 'patch-p3/3', 'patch-p5/2', 'patch-p5/3'];
    const placesOf = ({ follower }: typeof first) =>
      follower.inbox.letters.map(({ event }) => `${event.stream}/${String(event.place.revision)}`);
    expect([placesOf(first), first.applied.length, attempts]).toEqual([parked, 35, 8]);
    await first.follower.stop();

    const second = catalog.follow(catalog.feed({ deadLetters: catalog.deadLetters() }), refuse);
    await second.reached(catalog.store);
    expect([placesOf(second), second.applied.length]).toEqual([parked, 35]);
    await second.follower.inbox.discard(letterOf(second, 'patch-p5'), 'alice');
    expect(second.applied.slice(35)).toEqual(['patch-p5/3/0']);
    isCured = true;
    await second.follower.inbox.retry(letterOf(second, 'patch-p3'), 'bob');
    expect([placesOf(second), second.applied.length]).toEqual([[], 39]);
    await second.follower.stop();

    isCured = false;
    poison.shift();
    const third = catalog.follow(catalog.feed({ deadLetters: catalog.deadLetters() }), refuse);
    await third.reached(catalog.store);
    expect([placesOf(third), third.applied.length]).toEqual([[], 39]);
  });
});

/** What is parked first of a stream. */
function letterOf({ follower }: { follower: FeedFollower }, stream: string): DeadLetter {
  const letter = follower.inbox.letters.find(({ event }) => event.stream === stream);
  if (letter === undefined) throw new Error(`nothing of ${stream} is parked`);
  return letter;
}
