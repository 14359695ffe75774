import { EventFeed, type FeedEvent, type FeedMessage } from '@sluice/event-feed';
import { describe, expect, it } from 'vitest';
import { CountingConsumer } from './counting-consumer.ts';
import { type Drilled, isPassed, toDrillTable } from './outcome.ts';

const drilled: Drilled = {
  ...{ name: 'x', what: 'broker killed', seconds: 12.3, sent: 2000, received: 2100, applied: 2000 },
  ...{ lost: 0, twice: 0, disordered: 0, dropped: 100, remarks: ['twice'], faults: [] },
};

/** Brings what it is given, and has no more than that. */
class GivenFeed extends EventFeed {
  constructor(private readonly events: readonly FeedEvent[]) {
    super();
  }

  override async *subscribe(): AsyncGenerator<FeedMessage> {
    for (const event of this.events) yield { kind: 'event', event };
    yield { kind: 'progress', position: '9' };
    await new Promise(() => undefined);
  }

  override async *readStream(): AsyncGenerator<FeedEvent> {
    yield* this.events;
  }

  override headOf = async () => '9';

  override silentForMs(): number {
    return 0;
  }

  override signsOf(): undefined {}
}

function eventAt(revision: number): FeedEvent {
  return {
    ...{ source: 'catalog', type: 'PatchSuperseded', stream: 'patch-p', place: { revision, index: 0 } },
    ...{ position: String(revision + 1), time: '2026-11-24T10:00:00.000Z', actor: 'a', correlationId: 'c', data: {} },
  };
}

describe('judging a drill', () => {
  it.each<[Partial<Drilled>, boolean]>([
    [{}, true],
    [{ lost: 1 }, false],
    [{ twice: 1 }, false],
    [{ disordered: 1 }, false],
    [{ sent: 0 }, false],
    [{ faults: ['no progress afterwards'] }, false],
  ])('says of %j whether it is passed: %s', (change, passed) => {
    expect(isPassed({ ...drilled, ...change })).toBe(passed);
  });

  it('shows each in a row', () => {
    const [head = '', , row = ''] = toDrillTable([{ ...drilled, faults: ['late'] }]).split('\n');
    const cells = row.split('|').map((cell) => cell.trim());
    expect(cells.slice(1, -1)).toEqual([
      'broker killed',
      '2,000',
      '2,100',
      '0',
      '0',
      '100',
      '12.3',
      'FAULT: late; twice',
    ]);
    expect(row.length).toBe(head.length);
  });
});

describe('counting what a consumer was given', () => {
  it('tells what is missing, and what came twice', async () => {
    const consumer = new CountingConsumer(new GivenFeed([0, 1, 1, 3, 0].map(eventAt)), {
      source: 'catalog',
      topic: 'catalog',
    });
    await consumer.reached('9');
    expect(consumer.compareCount(4)).toEqual({
      ...{ sent: 4, received: 5, applied: 3, lost: 1, twice: 0, disordered: 0, dropped: 2 },
    });
  });
});
