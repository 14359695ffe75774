import { OwnSigns, type UnstoredStop } from '@sluice/event-feed';
import { type Append, type Appended, StoreOverloaded, StoreUnavailable } from '@sluice/event-sourcing';
import { STOP_ANSWERED_WITHIN_MS, STOP_RETRY_MS } from '@sluice/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CatalogFixture } from '../catalog.fixture.ts';

let catalog: CatalogFixture;
let signs: (readonly UnstoredStop[])[];

beforeEach(async () => {
  catalog = new CatalogFixture();
  await catalog.start();
  signs = [];
  const own = catalog.provided(OwnSigns);
  own.onChange(() => signs.push(own.current().stops));
  for (const letter of ['a', 'b', 'c']) await catalog.post('/v1/patches', patch(letter));
});
afterEach(() => catalog.stop());

const patch = (letter: string, ...more: object[]) => ({
  patchId: `p-${letter}`,
  platform: 'ios',
  baseVersion: '26.3.1',
  letter,
  variants: [
    { build: `23D771330${letter}`, prerequisiteBuild: '23D8133', models: ['iPhone18,1', 'iPad16,3'] },
    ...more,
  ],
});

/** The store refuses to write, and to read too where the test says so. Returns how it comes back. */
function breakStore(error: Error = new StoreUnavailable('disk full'), reads: 'reads' | 'reads nothing' = 'reads') {
  const { store } = catalog;
  const [append, readStream] = [store.append.bind(store), store.readStream.bind(store)];
  store.append = () => Promise.reject(error);
  if (reads === 'reads nothing') {
    store.readStream = () => {
      throw error;
    };
  }
  return () => Object.assign(store, { append, readStream });
}

const pull = (letter: string, body: object = { mode: 'withdraw', reason: 'boot loops' }) =>
  catalog.post(`/v1/patches/p-${letter}/pull`, body);
const show = async (letter: string) => (await catalog.get(`/v1/patches/p-${letter}`)).json<object>();
const ready = async () => {
  const answer = await catalog.get('/health/ready');
  return { status: answer.statusCode, body: answer.json<object>() };
};
const pulls = async () => {
  const { events } = (await catalog.get('/v1/feed?limit=1000')).json<{ events: { type: string; data: object }[] }>();
  return events.filter(({ type }) => type === 'PatchPulled').map(({ data }) => data);
};
const retry = async () => {
  catalog.timers.advance(STOP_RETRY_MS);
  await expect.poll(async () => (await ready()).body).toEqual({ status: 'ok' });
};

const withdrawn = { mode: 'withdraw', reason: 'boot loops', at: '2026-03-17T10:00:00.000Z' };

describe('pulling while the store cannot write', () => {
  it.each([
    ['full', new StoreUnavailable('disk full')],
    ['overloaded', new StoreOverloaded('too much waits')],
  ])('is in force at once and says so, when the store is %s', async (_, error) => {
    breakStore(error);
    const answer = await pull('a');
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect(answer.json()).toMatchObject({ code: 'in-force-not-durable' });
    const shown = { status: 'pulled', recallEpoch: 1, pulled: { ...withdrawn, durable: false } };
    expect(await show('a')).toMatchObject(shown);
    expect((await catalog.get('/v1/patches?status=pulled')).json()).toMatchObject({ items: [shown] });
    expect(signs).toEqual([[{ patchId: 'p-a', ...withdrawn }]]);
    expect(await pulls()).toEqual([]);
    const stopsNotDurable = [{ stop: 'withdraw p-a', since: withdrawn.at }];
    expect(await ready()).toEqual({ status: 200, body: { status: 'ok', stopsNotDurable } });
    expect((await catalog.get('/metrics')).body).toContain('sluice_stops_not_durable 1');
  });

  it('is stored once when the store writes again, and shows as any pull', async () => {
    const revive = breakStore();
    await pull('a');
    revive();
    await retry();
    expect(await show('a')).toMatchObject({ status: 'pulled', recallEpoch: 1, pulled: withdrawn });
    expect(await show('a')).not.toHaveProperty('pulled.durable');
    expect(signs.at(-1)).toEqual([]);
    catalog.timers.advance(10 * STOP_RETRY_MS);
    expect(await pulls()).toMatchObject([
      { type: 'PatchPulled', patchId: 'p-a', ...withdrawn, recallEpoch: 1, by: 'admin' },
    ]);
  });

  it('changes nothing further when it is sent again', async () => {
    const revive = breakStore();
    await pull('a');
    const again = await pull('a', { mode: 'withdraw', reason: 'other words' });
    expect(again.json()).toMatchObject({ status: 503, code: 'in-force-not-durable' });
    expect(signs).toHaveLength(1);
    expect(await show('a')).toMatchObject({ recallEpoch: 1, pulled: { reason: 'boot loops' } });
    revive();
    await retry();
    expect(await pulls()).toHaveLength(1);
  });

  it('lets a recall follow a withdrawal, and no withdrawal a recall', async () => {
    const revive = breakStore();
    await pull('a');
    expect((await pull('a', { mode: 'recall', reason: 'worse' })).json()).toMatchObject({
      code: 'in-force-not-durable',
    });
    expect(await show('a')).toMatchObject({ recallEpoch: 2, pulled: { mode: 'recall', durable: false } });
    await pull('a', { mode: 'withdraw', reason: 'milder' });
    expect(signs.at(-1)?.map(({ mode }) => mode)).toEqual(['withdraw', 'recall']);
    revive();
    await retry();
    expect(await show('a')).toMatchObject({ status: 'pulled', pulled: { mode: 'recall', reason: 'worse' } });
    expect(await show('a')).not.toHaveProperty('pulled.durable');
  });

  it('keeps others from building on the patch', async () => {
    breakStore();
    await pull('a');
    const variant = { build: '23D771330z', prerequisiteBuild: '23D9999', models: ['iPhone18,1'] };
    const foldIn = await catalog.post('/v1/patches/p-a/fold-in', { version: '26.4', build: '23E246' });
    expect(foldIn.json()).toMatchObject({ code: 'store-unavailable' });
    const replacing = await pull('b', { mode: 'recall', reason: 'bad', replacement: 'p-a' });
    expect(replacing.json()).toMatchObject({ code: 'replacement-unsuitable' });
    expect((await catalog.post('/v1/patches', patch('a', variant))).json()).toMatchObject({ status: 409 });
  });

  it('stays in force although its replacement was pulled before it could be stored', async () => {
    const revive = breakStore();
    await pull('a', { mode: 'recall', reason: 'bad', replacement: 'p-c' });
    await pull('c');
    revive();
    await retry();
    expect(await show('a')).toMatchObject({ status: 'pulled', pulled: { mode: 'recall', replacement: 'p-c' } });
    expect(await show('c')).toMatchObject({ status: 'pulled' });
  });

  it('refuses what it would refuse otherwise, and answers what is pulled already', async () => {
    await pull('a');
    breakStore(undefined, 'reads nothing');
    expect((await pull('x')).json()).toMatchObject({ status: 404, code: 'patch-not-found' });
    expect((await pull('a')).statusCode).toBe(200);
    expect((await pull('b')).json()).toMatchObject({ code: 'in-force-not-durable' });
    expect((await ready()).body).toMatchObject({ stopsNotDurable: [{ stop: 'withdraw p-b' }] });
  });

  it('does not wait for a store that does not answer', async () => {
    const append = catalog.store.append.bind(catalog.store);
    let comeBack: (() => void) | undefined;
    catalog.store.append = (wanted: Append): Promise<Appended> =>
      new Promise((resolve) => (comeBack = () => void append(wanted).then(resolve)));
    const answer = pull('a');
    await expect.poll(() => comeBack).toBeDefined();
    catalog.timers.advance(STOP_ANSWERED_WITHIN_MS);
    expect((await answer).json()).toMatchObject({ code: 'in-force-not-durable' });
    expect(await show('a')).toMatchObject({ status: 'pulled', pulled: { durable: false } });
    comeBack?.();
    await expect.poll(() => show('a')).not.toHaveProperty('pulled.durable');
    expect(await pulls()).toHaveLength(1);
  });
});
