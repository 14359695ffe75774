import { skippedEvents } from '@sluice/contracts/stored-events';
import { EventFeed, type FeedEvent, type FeedMessage, type StreamRequest } from '@sluice/event-feed';
import { describe, expect, it, vi } from 'vitest';
import { toCloudEvent } from './cloud-events.ts';
import { type KafkaDeadLetters, type UnreadableRecord } from './kafka-dead-letters.ts';
import { bring } from './scripted-reader.fixture.ts';
import { type RecordBatch } from './topic-reader.ts';

vi.mock('./topic-reader.ts', () => import('./scripted-reader.fixture.ts'));

const { KafkaFeed } = await import('./kafka-feed.ts');

/** Answers as it is told, and remembers what it was asked. */
class Owner extends EventFeed {
  readonly asked: string[] = [];
  constructor(private readonly answer: () => readonly FeedEvent[]) {
    super();
  }
  override subscribe(): AsyncIterable<FeedMessage> {
    throw new Error('nobody asks for that');
  }
  override async *readStream({ source, stream }: StreamRequest) {
    this.asked.push(`${source} ${stream}`);
    await Promise.resolve();
    yield* this.answer();
  }
  override headOf = async () => '0';
  override silentForMs = () => 0;
  override signsOf = () => undefined;
}

const NOW = '2026-11-24T10:00:00.000Z';
const whole: FeedEvent = {
  source: 'catalog',
  type: 'PatchSuperseded',
  stream: 'patch-a',
  place: { revision: 0, index: 0 },
  position: '1',
  time: NOW,
  actor: 'tester',
  correlationId: 'r1',
  data: { type: 'PatchSuperseded', patchId: 'a', by: 'b', at: NOW },
};
const another: FeedEvent = {
  ...whole,
  stream: 'patch-b',
  position: '2',
  data: { ...(whole.data as object), patchId: 'b' },
};

function batchOf(event: FeedEvent, headers: Record<string, string> = {}): RecordBatch {
  const record = toCloudEvent(event);
  const isGarbled = event === whole;
  const message = {
    key: Buffer.from(record.key ?? ''),
    value: Buffer.from(isGarbled ? '{"type":"PatchSup' : record.value),
    headers: { ...record.headers, ...headers },
    ...{ offset: '0', timestamp: String(Date.now()), attributes: 0 },
  };
  return { topic: 'sluice.catalog.v1', partition: 0, messages: [message], liveFrom: 0n, readAt: performance.now() };
}

/** What comes out, and what is kept aside, of a garbled record and a good one behind it. */
async function outcomeOf(owner: Owner, headers: Record<string, string> = {}) {
  const kept: UnreadableRecord[] = [];
  const keep = (record: UnreadableRecord) => Promise.resolve(void kept.push(record));
  const client = { log: () => undefined, kafka: undefined as never };
  const feed = new KafkaFeed({
    ...{ client, service: 'tester', owner },
    deadLetters: { keep } as unknown as KafkaDeadLetters,
  });
  void bring(batchOf(whole, headers), batchOf(another));
  const delivered: string[] = [];
  const signal = AbortSignal.timeout(3_000);
  for await (const message of feed.subscribe({ source: 'catalog', topics: ['catalog'], after: '0', signal })) {
    delivered.push(message.kind === 'event' ? message.event.stream : message.kind);
    if (delivered.at(-1) === another.stream) break;
  }
  return { delivered, kept: kept.length, asked: owner.asked };
}

describe('reading a record of a later version', () => {
  it('skips and counts it, and asks nobody', async () => {
    const owner = new Owner(() => [whole]);
    const later = { ce_type: 'sluice.catalog.PatchSuperseded.v2' };
    expect(await outcomeOf(owner, later)).toEqual({ delivered: ['patch-b'], kept: 0, asked: [] });
    expect(skippedEvents().get('PatchSuperseded.v2')).toBe(1);
  });
});

describe('reading a garbled record', () => {
  it('takes the event from its owner', async () => {
    const owner = new Owner(() => [whole]);
    expect(await outcomeOf(owner)).toEqual({ delivered: ['patch-a', 'patch-b'], kept: 0, asked: ['catalog patch-a'] });
  });

  it.each([
    [
      'the owner refuses to answer for such a stream',
      () => {
        throw new Error('catalog answered 400');
      },
    ],
    ['the owner has no such event', () => []],
  ])('keeps it aside and goes on when %s', async (_, answer) => {
    expect(await outcomeOf(new Owner(answer))).toMatchObject({ delivered: ['patch-b'], kept: 1 });
  });

  it('keeps it aside and asks nobody when it says that it is of another', async () => {
    const place = { ce_subject: 'health-0', ce_id: 'health-0/0/0' };
    const said = { ...place, ce_type: 'sluice.health.HealthBucketClosed.v1', ce_source: '/sluice/telemetry' };
    const owner = new Owner(() => [whole]);
    expect(await outcomeOf(owner, said)).toEqual({ delivered: ['patch-b'], kept: 1, asked: [] });
  });
});
