import { OwnSigns, type ShardThrough, type SourceSigns, type UnstoredStop } from '@sluice/event-feed';
import { type KafkaMessage, type Message } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { toSignsRecord } from './signs-record.ts';
import { bring as queueBatch } from './scripted-reader.fixture.ts';

const sent: { topic: string; message: Message }[] = [];
const broker: { answer: Promise<undefined> | undefined } = { answer: undefined };

vi.mock('./topic-reader.ts', () => import('./scripted-reader.fixture.ts'));
vi.mock('./kafka-topics.ts', () => ({ ensureSideTopic: () => Promise.resolve() }));
vi.mock('./kafka-producer.ts', () => ({
  PatientProducer: class {
    async send(topic: string, message: Message, prepare: () => Promise<void>) {
      await prepare();
      sent.push({ topic, message });
      await broker.answer;
    }
    close = () => Promise.resolve();
  },
}));

const { SignsTable } = await import('./signs-table.ts');
const { SignsWriter } = await import('./signs-writer.ts');

const AT = '2026-11-24T10:00:00.000Z';
const topics = { prefix: 'x.' };
const client = { log: () => undefined, kafka: undefined as never };
const through = (shard: number, revision: number, throughMs: number): ShardThrough => ({
  ...{ shard, shards: 4, revision, throughMs },
});
const stop = (patchId: string): UnstoredStop => ({ patchId, mode: 'withdraw', reason: 'bad', at: AT });
const signsOf = (more: Partial<SourceSigns> = {}): SourceSigns => ({ writable: true, through: [], stops: [], ...more });

let offset = 0;

/** A record of the topic comes, as old as it says. */
function bring(record: { key: string | null; headers: object; value: string | null }, ageMs = 0): void {
  offset += 1;
  const message = {
    ...record,
    key: record.key === null ? null : Buffer.from(record.key),
    value: record.value === null ? null : Buffer.from(record.value),
    offset: String(offset),
    timestamp: String(Date.now() - ageMs),
  } as unknown as KafkaMessage;
  void queueBatch({
    topic: 'x.sluice.signs.v1',
    partition: 0,
    messages: [message],
    liveFrom: 0n,
    readAt: performance.now(),
  });
}

const says = (source: string, instance: string, signs: SourceSigns, ageMs = 0) =>
  bring(toSignsRecord({ source, instance, signs }), ageMs);

describe('putting together what instances say of themselves', () => {
  let table: InstanceType<typeof SignsTable>;
  let passedMs: number;

  beforeEach(() => {
    passedMs = 0;
    const now = () => performance.now() + passedMs;
    table = new SignsTable({ client, service: 'tester', topics, now });
    expect(table.signsOf('telemetry')).toBeUndefined();
  });
  afterEach(() => table.stop());

  it('has of each shard the latest that any instance said, whoever lives', async () => {
    says('telemetry', 'a', signsOf({ through: [through(0, 3, 100), through(1, 0, 90)] }));
    says('telemetry', 'b', signsOf({ through: [through(0, 4, 120), through(2, -1, 80)] }));
    // A former owner that comes late, with the time of a moment when it was none any more.
    says('telemetry', 'a', signsOf({ through: [through(0, 3, 500), through(1, 0, 95)] }));
    says('catalog', 'c', signsOf({ writable: false }));
    const known = [through(0, 4, 120), through(1, 0, 95), through(2, -1, 80)];
    await expect.poll(() => table.signsOf('catalog')).toEqual(signsOf({ writable: false }));
    expect(table.signsOf('telemetry')).toEqual(signsOf({ through: known }));
    passedMs = 3_600_000;
    says('telemetry', 'b', signsOf({ through: [through(2, -1, 81)] }));
    await expect
      .poll(() => table.signsOf('telemetry')?.through)
      .toEqual([through(0, 4, 120), through(1, 0, 95), through(2, -1, 81)]);
  });

  it('cannot write while one living instance cannot, and adds up stops', async () => {
    says('catalog', 'a', signsOf({ writable: false, stops: [stop('p1'), stop('p2')] }));
    says('catalog', 'b', signsOf({ stops: [stop('p2'), stop('p3')] }));
    await expect
      .poll(() => table.signsOf('catalog'))
      .toEqual(signsOf({ writable: false, stops: [stop('p2'), stop('p3'), stop('p1')] }));
    says('catalog', 'a', signsOf());
    await expect
      .poll(() => table.signsOf('catalog'))
      .toEqual(signsOf({ writable: true, stops: [stop('p2'), stop('p3')] }));
  });

  it('does not wait for an instance that is gone, but the last to speak has the last word', async () => {
    says('catalog', 'a', signsOf({ writable: false, stops: [stop('p1')] }));
    await expect.poll(() => table.signsOf('catalog')?.writable).toBe(false);
    passedMs = 20_001;
    expect(table.signsOf('catalog')).toEqual(signsOf({ writable: false, stops: [stop('p1')] }));
    says('catalog', 'b', signsOf());
    await expect.poll(() => table.signsOf('catalog')).toEqual(signsOf());
  });

  it('takes a record for as old as it says, whenever it comes', async () => {
    says('catalog', 'b', signsOf());
    says('catalog', 'a', signsOf({ writable: false }), 600_000);
    says('orchestrator', 'o', signsOf());
    await expect.poll(() => table.signsOf('orchestrator')).toEqual(signsOf());
    expect(table.signsOf('catalog')).toEqual(signsOf());
  });

  it('skips what it does not know, and counts what it cannot read', async () => {
    const good = toSignsRecord({ source: 'catalog', instance: 'a', signs: signsOf({ writable: false }) });
    bring({ ...good, headers: { ...good.headers, ce_type: 'sluice.moods.v1' } });
    bring({ ...good, headers: {} });
    bring({ ...good, key: 'catalog' });
    bring({ ...good, key: null });
    bring({ ...good, value: null });
    bring({ ...good, value: '{"writable":' });
    bring({ ...good, value: '{"writable":"perhaps"}' });
    bring({ ...good, headers: { ...good.headers, ce_source: '/sluice/telemetry' } });
    bring({ ...good, value: JSON.stringify({ ...signsOf(), weather: 'fine' }) });
    await expect.poll(() => table.signsOf('catalog')).toEqual(signsOf());
    expect(table.unreadableCount).toBe(7);
  });
});

describe('writing what an instance says of itself', () => {
  const values = () => sent.map(({ message }) => JSON.parse(String(message.value)) as SourceSigns);

  beforeEach(() => {
    sent.length = 0;
    broker.answer = undefined;
  });

  function start(more: { changesEveryMs?: number; heartbeatMs?: number }) {
    const signs = new OwnSigns();
    const writer = new SignsWriter({ client, source: 'telemetry', instance: 'a', signs, topics, ...more });
    writer.start();
    return { signs, writer };
  }

  it('writes at once, and after each change', async () => {
    const { signs, writer } = start({ changesEveryMs: 0 });
    await expect.poll(() => sent.length).toBe(1);
    expect(sent[0]).toMatchObject({ topic: 'x.sluice.signs.v1', message: { key: 'telemetry/a' } });
    signs.setThrough([through(0, 0, 5)]);
    await expect.poll(values).toEqual([signsOf(), signsOf({ through: [through(0, 0, 5)] })]);
    await writer.stop();
  });

  it('writes what changed while a record was on its way, all of it in the next', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    broker.answer = promise;
    const { signs, writer } = start({ changesEveryMs: 0 });
    await expect.poll(() => sent.length).toBe(1);
    signs.setWritable(false);
    signs.setThrough([through(0, 0, 5)]);
    broker.answer = undefined;
    resolve(undefined);
    await expect.poll(values).toEqual([signsOf(), signsOf({ writable: false, through: [through(0, 0, 5)] })]);
    await writer.stop();
  });

  it('writes again when nothing changes, as a sign that it lives', async () => {
    vi.useFakeTimers();
    const { writer } = start({ changesEveryMs: 0, heartbeatMs: 5_000 });
    await vi.advanceTimersByTimeAsync(11_000);
    expect(values()).toEqual([signsOf(), signsOf(), signsOf()]);
    await writer.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(sent).toHaveLength(3);
    vi.useRealTimers();
  });
});
