import { publishAsIs } from '@sluice/event-feed';
import { type EventStore, InMemoryEventStore, type Position } from '@sluice/event-sourcing';
import { type Message } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type KafkaClient } from './kafka-client.ts';

/** What takes the place of a broker: the records that came, and whether it takes any. */
interface TestClient extends KafkaClient {
  readonly sent: Message[];
  readonly said: string[];
  refuses: boolean;
}

vi.mock('./kafka-producer.ts', () => ({
  connectProducer: (client: TestClient) => Promise.resolve({ client }),
  closeProducer: () => Promise.resolve(),
  send: async ({ client }: { client: TestClient }, { messages }: { messages: Message[] }) => {
    await Promise.resolve();
    if (client.refuses) throw new Error('the leader cannot be reached');
    client.sent.push(...messages);
  },
}));

vi.mock('./kafka-topics.ts', () => ({
  ensureTopics: () => Promise.resolve([]),
  offsetsOf: () => Promise.resolve([{ partition: 0, low: 0n, high: 5n }]),
}));

const { KafkaRelay } = await import('./kafka-relay.ts');

function clientOf(): TestClient {
  const said: string[] = [];
  const log: KafkaClient['log'] = (_, text, details) => void said.push(`${text} ${JSON.stringify(details)}`);
  return { kafka: undefined as never, log, sent: [], said, refuses: false };
}

function start(store: EventStore, client = clientOf(), abandonedAfterMs = 15_000) {
  const publication = publishAsIs('catalog', 'catalog', ['patch-']);
  const relay = new KafkaRelay({ client, store, publication, topics: { shards: 1 }, abandonedAfterMs });
  relay.start();
  const progress = () =>
    client.sent
      .filter(({ headers }) => String(headers?.['ce_id']).startsWith('progress/'))
      .map(({ headers }) => headers);
  return { relay, client, progress };
}

async function append(store: EventStore, stream = 'patch-a'): Promise<void> {
  await store.append({
    stream,
    expected: 'any',
    commitId: `${stream} ${await store.head()}`,
    metadata: { actor: 'tester', correlationId: 'r1' },
    body: { kind: 'events', events: [{ type: 'PatchSuperseded', patchId: 'a', by: 'b', at: NOW }] as never },
  });
}

const NOW = '2026-11-24T10:00:00.000Z';
const clock = { nowText: () => NOW };

/** A subscription that says once that all was read, and then nothing more. */
class StalledStore extends InMemoryEventStore {
  override async *subscribe({ signal }: Parameters<EventStore['subscribe']>[0]) {
    yield { kind: 'caught-up' as const, position: await this.head() };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }
}

/** Does not answer any more, once told so. */
class SilentStore extends InMemoryEventStore {
  isSilent = false;
  override head(): Promise<Position> {
    return this.isSilent ? new Promise(() => undefined) : super.head();
  }
}

/** Brings commits slowly, and there are always more: a relay that never gets to the end. */
class SlowStore extends InMemoryEventStore {
  override async *subscribe(options: Parameters<EventStore['subscribe']>[0]) {
    for await (const message of super.subscribe(options)) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      if (message.kind === 'commit') yield message;
    }
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Time goes by, and all is done that is due until then. */
async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

describe('saying that the relay lives', () => {
  it('ends when there is more in the store, but the subscription is dead', async () => {
    const store = new StalledStore(clock);
    const { relay, client, progress } = start(store);
    await pass(300);
    expect(progress().at(-1)).not.toHaveProperty('ce_behind');
    await append(store);
    await pass(9_000);
    const before = client.sent.length;
    expect(relay.status().behindMs).toBeGreaterThan(5_000);
    await pass(3_500);
    expect(client.said.join('\n')).toContain('nothing was read for');
    expect(before).toBeLessThanOrEqual(2);
    await relay.stop();
  });

  it('ends when the store does not answer', async () => {
    const store = new SilentStore(clock);
    const { relay, client } = start(store);
    await pass(300);
    store.isSilent = true;
    await pass(6_000);
    const before = client.sent.length;
    await pass(6_000);
    expect(client.sent.length - before).toBeLessThanOrEqual(1);
    expect(client.said.join('\n')).toContain('the store has not answered');
    await relay.stop();
  });

  it('is marked as old news while a backlog is worked off', async () => {
    const store = new SlowStore(clock);
    for (let times = 0; times < 30; times += 1) await append(store, `patch-${String(times)}`);
    const { relay, progress } = start(store);
    await pass(4_000);
    expect(progress().length).toBeGreaterThan(5);
    expect(progress().every((headers) => headers?.['ce_behind'] === 'true')).toBe(true);
    await relay.stop();
  });

  it('is no old news while commits come in all the time and are relayed at once', async () => {
    const store = new InMemoryEventStore(clock);
    const { relay, progress } = start(store);
    for (let times = 0; times < 400; times += 1) {
      await append(store, `patch-${String(times)}`);
      await pass(20);
    }
    const behind = progress().filter((headers) => headers?.['ce_behind'] !== undefined);
    expect([progress().length > 100, behind.length]).toEqual([true, 0]);
    await relay.stop();
  });

  it('comes every five seconds while nothing happens', async () => {
    const { relay, progress } = start(new InMemoryEventStore(clock));
    await pass(11_000);
    expect(progress().filter((headers) => headers?.['ce_behind'] === undefined).length).toBeGreaterThanOrEqual(2);
    await relay.stop();
  });
});

describe('leading without being able to send', () => {
  it('leaves it to one that stands by, and stands by itself', async () => {
    const store = new InMemoryEventStore(clock);
    const [good, bad] = [start(store, clientOf(), 9_000), clientOf()];
    await pass(300);
    bad.refuses = true;
    const failing = start(store, bad, 9_000).relay;
    await pass(1_000);
    await append(store);
    await pass(24_000);
    expect([good.relay.status(), failing.status()]).toMatchObject([
      { state: 'running', position: await store.head() },
      { state: 'standby' },
    ]);
    await Promise.all([good.relay.stop(), failing.stop()]);
  });

  it('goes on at once when it can again, and nobody has taken over', async () => {
    const [store, client] = [new InMemoryEventStore(clock), clientOf()];
    const { relay } = start(store, client);
    await pass(300);
    client.refuses = true;
    await append(store);
    await pass(4_000);
    expect(relay.status().behindMs).toBeGreaterThan(3_000);
    client.refuses = false;
    await pass(3_000);
    expect(relay.status()).toMatchObject({ state: 'running', position: await store.head(), behindMs: 0 });
    await relay.stop();
  });
});
