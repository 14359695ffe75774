import { OwnSigns } from '@sluice/event-feed';
import { StoreUnavailable } from '@sluice/event-sourcing';
import { beforeEach, describe, expect, it } from 'vitest';
import { StoreProof } from './store-proof.ts';

/** A wait that ends when a test lets it, so that no test waits. */
interface Pause {
  readonly ms: number;
  end(): void;
}

let pauses: Pause[];
let marks: ((outcome: 'written' | Error) => void)[];
let signs: OwnSigns;
let proof: StoreProof;

const store = {
  proveWritable: () =>
    new Promise<void>((resolve, reject) => {
      marks.push((outcome) => {
        if (outcome === 'written') resolve();
        else reject(outcome);
      });
    }),
};
const sleep = (ms: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    pauses.push({ ms, end: resolve });
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
const settled = () => new Promise((resolve) => setImmediate(resolve));

/** The last mark is answered, and what follows has happened. */
async function answer(outcome: 'written' | Error): Promise<void> {
  marks.at(-1)?.(outcome);
  await settled();
}

async function pass(ms: number): Promise<void> {
  expect(pauses.at(-1)?.ms).toBe(ms);
  pauses.at(-1)?.end();
  await settled();
}

beforeEach(() => {
  [pauses, marks] = [[], []];
  signs = new OwnSigns();
  proof = new StoreProof(store, signs, sleep);
  proof.start();
});

describe('proving that the store writes', () => {
  it('writes a mark at once, and another before 10 s have passed', async () => {
    await answer('written');
    await pass(5_000);
    expect(marks).toHaveLength(2);
    expect(signs.current().writable).toBe(true);
    expect(proof.trouble()).toBeUndefined();
  });

  it('says so when a mark fails, asks again soon, and takes it back with the next that is written', async () => {
    await answer(new StoreUnavailable('/data/sluice.db: database or disk is full'));
    expect(signs.current().writable).toBe(false);
    expect(proof.trouble()).toBe('cannot write: /data/sluice.db: database or disk is full');
    expect(proof.notReady()).toBeUndefined();
    await pass(1_000);
    await answer(new StoreUnavailable('still full'));
    expect(proof.trouble()).toBe('cannot write: still full');
    await pass(1_000);
    await answer('written');
    expect(signs.current().writable).toBe(true);
    expect(proof.trouble()).toBeUndefined();
  });

  it('takes no answer within 5 s for a failure, and asks nothing more until that mark is answered', async () => {
    await pass(5_000);
    expect(signs.current().writable).toBe(false);
    expect(proof.trouble()).toBe('cannot write: no answer for 5000 ms');
    expect(marks).toHaveLength(1);
    await answer('written');
    expect(signs.current().writable).toBe(true);
    await pass(5_000);
    expect(marks).toHaveLength(2);
  });

  it('ends while it waits for an answer, and says nothing more', async () => {
    await proof.stop();
    await answer(new StoreUnavailable('closed'));
    expect(signs.current().writable).toBe(true);
    expect(pauses.map(({ ms }) => ms)).toEqual([5_000, 5_000]);
  });

  it('tells those who carry the signs, once for each change', async () => {
    let changes = 0;
    const end = signs.onChange(() => (changes += 1));
    await answer('written');
    await pass(5_000);
    await answer(new StoreUnavailable('full'));
    await pass(1_000);
    await answer(new StoreUnavailable('full'));
    expect(changes).toBe(1);
    end();
    await pass(1_000);
    await answer('written');
    expect(changes).toBe(1);
  });
});
