import { type EventFeed, StoreFeed } from '@sluice/event-feed';
import { InMemoryEventStore } from '@sluice/event-sourcing';
import { type KafkaMessage } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { toProgressRecord } from './cloud-events.ts';
import { bring } from './scripted-reader.fixture.ts';
import { type RecordBatch } from './topic-reader.ts';

vi.mock('./topic-reader.ts', () => import('./scripted-reader.fixture.ts'));

const { KafkaFeed } = await import('./kafka-feed.ts');

const OLD_MS = 600_000;

interface Said {
  readonly ageMs?: number;
  readonly liveFrom?: bigint;
  readonly headers?: Readonly<Record<string, string>>;
}

function batchOf(record: { headers: Record<string, string>; value: string }, said: Said = {}): RecordBatch {
  const { ageMs = 0, liveFrom = 0n, headers = {} } = said;
  const message = {
    key: null,
    value: Buffer.from(record.value),
    headers: { ...record.headers, ...headers },
    offset: '0',
    timestamp: String(Date.now() - ageMs),
  } as unknown as KafkaMessage;
  return { topic: 'sluice.catalog.v1', partition: 0, messages: [message], liveFrom, readAt: performance.now() };
}

/** A subscription that has been told of position 1000, and has heard nothing since for a while. */
async function listening(owner: EventFeed = new StoreFeed(new InMemoryEventStore({ nowText: () => '' }), [])) {
  const client = { log: () => undefined, kafka: undefined as never };
  const feed = new KafkaFeed({ client, service: 'tester', owner });
  const ended = new AbortController();
  const request = { source: 'catalog', topics: ['catalog'], after: '0', signal: ended.signal };
  const running = (async () => {
    for await (const message of feed.subscribe(request)) expect(message.kind).toBe('progress');
  })();
  const hear = async (batch: RecordBatch) => {
    await bring(batch);
    return feed.silentForMs('catalog');
  };
  expect(await hear(batchOf(toProgressRecord('catalog', '1000')))).toBe(0);
  vi.advanceTimersByTime(400);
  return { hear, stop: () => (ended.abort(), running) };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const rubbish = { headers: {}, value: 'rubbish' };

describe('hearing signs of life', () => {
  it.each([
    ['counts progress', batchOf(toProgressRecord('catalog', '1000')), true],
    ['counts progress by a clock that is slow', batchOf(toProgressRecord('catalog', '1001'), { ageMs: 1_000 }), true],
    ['counts progress by a clock that is fast', batchOf(toProgressRecord('catalog', '1001'), { ageMs: -OLD_MS }), true],
    ['does not count what was told long ago', batchOf(toProgressRecord('catalog', '10')), false],
    [
      'does not count progress of a relay that is behind',
      batchOf(toProgressRecord('catalog', '2000', { isBehind: true })),
      false,
    ],
    ['does not count progress of another', batchOf(toProgressRecord('orchestrator', '5000')), false],
    ['does not count what cannot be read', batchOf(rubbish), false],
    ['does not count what lay somewhere', batchOf(toProgressRecord('catalog', '1000'), { ageMs: OLD_MS }), false],
    [
      'does not count what was there before',
      batchOf(toProgressRecord('catalog', '1000'), { ageMs: 4_000, liveFrom: 1n }),
      false,
    ],
  ] as const)('%s', async (_, batch, counts) => {
    const { hear, stop } = await listening();
    const silentMs = await hear({ ...batch, readAt: performance.now() });
    if (counts) expect(silentMs).toBe(0);
    else expect(silentMs).toBe(400);
    await stop();
  });

  it('counts a record from when it was read, however late it is handled', async () => {
    const { hear, stop } = await listening();
    const batch = batchOf(toProgressRecord('catalog', '1000'));
    expect(await hear({ ...batch, readAt: performance.now() - 300 })).toBe(300);
    await stop();
  });
});

describe('hearing that an owner has come less far than before', () => {
  it('says so once, however often it is told, and not while a topic is filled again', async () => {
    const client = { log: () => undefined, kafka: undefined as never };
    const owner = new StoreFeed(new InMemoryEventStore({ nowText: () => '' }), []);
    const feed = new KafkaFeed({ client, service: 'tester', owner });
    const [ended, positions] = [new AbortController(), [] as string[]];
    void bring(
      batchOf(toProgressRecord('catalog', '1000')),
      batchOf(toProgressRecord('catalog', '11', { isBehind: true })),
      batchOf(toProgressRecord('catalog', '12')),
      batchOf(toProgressRecord('catalog', '13')),
      batchOf(toProgressRecord('catalog', '1001')),
    );
    const request = { source: 'catalog', topics: ['catalog'], after: '0', signal: ended.signal };
    for await (const message of feed.subscribe(request)) {
      if (message.kind === 'progress') positions.push(message.position);
      if (positions.at(-1) === '1001') break;
    }
    expect(positions.filter((position) => position !== '1000')).toEqual(['12', '1001']);
    ended.abort();
  });
});
