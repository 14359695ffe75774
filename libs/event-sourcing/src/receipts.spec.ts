import { appendOf, collect, StoppedClock } from '@sluice/testing';
import { describe, expect, it } from 'vitest';
import { type Decider } from './decider.ts';
import { handle, type KnownState } from './handle.ts';
import { InMemoryEventStore } from './in-memory-event-store.ts';
import { canonicalJson, lastReceipt, receiptOf, type Receipted, type Seal, sealed } from './receipts.ts';

/** Says what it was made of, so that a spec can read it. */
const digest = (text: string) => `<${text}>`;
const seal: Seal = (stream, events, last) => sealed({ stream, last }, events, digest);

type Counted = { readonly type: 'Counted'; readonly by: number } & Receipted;
const counter: Decider<number, number, Counted> = {
  initialState: 0,
  decide: (by) => (by === 0 ? [] : [{ type: 'Counted', by }]),
  evolve: (count, { by }) => count + by,
};

describe('writing canonical JSON', () => {
  it.each([
    [{ b: 1, a: [{ d: null, c: 'x' }] }, '{"a":[{"c":"x","d":null}],"b":1}'],
    [{ b: undefined, a: 1e21, '10': 0.1, '9': -0 }, '{"10":0.1,"9":0,"a":1e+21}'],
    ['\u20ac"\n', '"\u20ac\\"\\n"'],
  ])('has the names in order, and leaves out what JSON does', (value, text) => {
    expect(canonicalJson(value)).toBe(text);
    expect(canonicalJson(JSON.parse(JSON.stringify(value)))).toBe(text);
  });
});

describe('giving receipts', () => {
  it('begins with the name of the stream, and goes on from each receipt to the next', () => {
    const [first, second] = sealed({ stream: 's', last: undefined }, [{ type: 'A' }, { type: 'B' }], digest) as [
      Receipted & { type: string },
      Receipted & { type: string },
    ];
    expect(first.receipt).toBe('<s\n{"type":"A"}>');
    expect(second.receipt).toBe(`<${String(first.receipt)}\n{"type":"B"}>`);
    expect(receiptOf(String(first.receipt), second, digest)).toBe(second.receipt);
    expect(lastReceipt([first, second, {}], undefined)).toBe(second.receipt);
  });
});

describe('appending with receipts', () => {
  const context = { actor: 'a', correlationId: 'c', seal };
  const receipts = async (store: InMemoryEventStore) => {
    const commits = await collect(store.readStream('s'));
    return commits.flatMap(({ body }) => (body.kind === 'events' ? (body.events as readonly Counted[]) : []));
  };
  const isChain = (events: readonly Counted[]) =>
    events.every((event, index) => event.receipt === receiptOf(events[index - 1]?.receipt ?? 's', event, digest));

  it('goes on from the last receipt of the stream, on a state that is known, and after another writer came first', async () => {
    const store = new InMemoryEventStore(new StoppedClock());
    await handle(store, counter, 's', 1, { ...context, commitId: '1' });
    await handle(store, counter, 's', 2, { ...context, commitId: '2' });
    const last = lastReceipt(await receipts(store), undefined);
    const known: KnownState<number> = { state: 3, revision: 1, ...(last !== undefined && { receipt: last }) };
    await handle(store, counter, 's', 3, { ...context, commitId: '3', known });
    // Two instances decide on the same state: the second one reads the stream and goes on from the first.
    await handle(store, counter, 's', 4, { ...context, commitId: '4', known });
    const events = await receipts(store);
    expect(events.map(({ by }) => by)).toEqual([1, 2, 3, 4]);
    expect(isChain(events)).toBe(true);
  });

  it('begins a chain in a stream from before there were receipts, and adds nothing for a repeated command', async () => {
    const store = new InMemoryEventStore(new StoppedClock());
    await store.append(
      appendOf({
        stream: 's',
        commitId: 'old',
        body: { kind: 'events', events: [{ type: 'Counted', by: 1 } as Counted] },
      }),
    );
    const { events } = await handle(store, counter, 's', 1, { ...context, commitId: '1' });
    expect(events).toEqual([{ type: 'Counted', by: 1 }]);
    await handle(store, counter, 's', 1, { ...context, commitId: '1' });
    const [old, first, ...more] = await receipts(store);
    expect([old?.receipt, more]).toEqual([undefined, []]);
    expect(first?.receipt).toBe('<s\n{"by":1,"type":"Counted"}>');
  });
});
