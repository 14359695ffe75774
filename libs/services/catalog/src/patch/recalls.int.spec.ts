import { createHash } from 'node:crypto';
import { StoreUnavailable } from '@sluice/event-sourcing';
import { STOP_ANSWERED_WITHIN_MS, STOP_RETRY_MS } from '@sluice/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CatalogFixture } from '../catalog.fixture.ts';

let catalog: CatalogFixture;
let people: Record<'ann' | 'ben', string>;

beforeEach(async () => {
  catalog = new CatalogFixture();
  await catalog.start();
  people = { ann: await tokenOf('ann'), ben: await tokenOf('ben') };
  await publish('a', [{ id: 'CVE-2026-20643', exploited: true }]);
});
afterEach(() => catalog.stop());

type Body = Record<string, unknown>;

async function tokenOf(name: string): Promise<string> {
  const answer = await catalog.send('POST', '/v1/tokens', { body: { name, roles: ['responder'] } });
  return answer.json<{ token: string }>().token;
}

function patch(letter: string, cves: readonly object[] = []) {
  const variants = [{ build: `23D771330${letter}`, prerequisiteBuild: '23D8133', models: ['iPhone18,1'] }];
  return { patchId: `p-${letter}`, platform: 'ios', baseVersion: '26.3.1', letter, variants, cves };
}

async function publish(letter: string, cves: readonly object[] = []): Promise<void> {
  expect((await catalog.post('/v1/patches', patch(letter, cves))).statusCode).toBeLessThan(300);
}

async function pull(who: keyof typeof people, body: object, key?: string) {
  const headers = { authorization: `Bearer ${people[who]}`, ...(key !== undefined && { 'idempotency-key': key }) };
  const answer = await catalog.inject({ method: 'POST', url: '/v1/patches/p-a/pull', payload: body, headers });
  return { status: answer.statusCode, body: answer.json<Body>() };
}

const recall = (ledgerDigest?: string, more: object = {}) => ({
  ...{ mode: 'recall', reason: 'boot loops', ...more },
  ...(ledgerDigest !== undefined && { ledgerDigest }),
});
const ledger = async (letter = 'a') => (await catalog.get(`/v1/patches/p-${letter}/re-exposure`)).json<Body>();
const digestNow = async () => String((await ledger())['digest']);
const show = async () => (await catalog.get('/v1/patches/p-a')).json<Body>();
const stored = async () => {
  const { events } = (await catalog.get('/v1/feed?limit=1000&topics=catalog')).json<{
    events: { type: string; stream: string; data: Body; place: object; actor: string }[];
  }>();
  return events.filter(({ stream, type }) => stream === 'patch-p-a' && type.startsWith('P') && type.includes('Pull'));
};
const types = async () =>
  (await stored()).map(({ type, data }) => (type === 'PatchPulled' ? String(data['mode']) : type));

describe('showing what a recall re-opens', () => {
  it('says it with a digest that anybody can compute again', async () => {
    await publish('c', [{ id: 'CVE-2026-20643', exploited: true }]);
    const { digest, ...rest } = await ledger();
    expect(rest).toEqual({
      patchId: 'p-a',
      recallEpoch: 0,
      cves: [{ id: 'CVE-2026-20643', exploited: true, closedSince: '2026-03-17T10:00:00.000Z', closedBy: ['p-a'] }],
      builds: [{ build: '23D771330a', base: '23D8133', models: ['iPhone18,1'] }],
      patches: [],
      replacement: { named: null, available: [{ patchId: 'p-c', letter: 'c', leavesOpen: [] }] },
      fullRelease: null,
    });
    const sorted = (_: string, value: unknown) =>
      typeof value !== 'object' || value === null || Array.isArray(value)
        ? value
        : Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)));
    expect(digest).toBe(createHash('sha256').update(JSON.stringify(rest, sorted)).digest('hex'));
  });

  it('has the instant of an amendment for a CVE that came with it, and what an earlier letter closed', async () => {
    await catalog.clock.advanceTo(catalog.clock.now() + 60_000);
    await publish('a', [
      { id: 'CVE-2026-20643', exploited: true },
      { id: 'CVE-2026-30003', exploited: false },
    ]);
    await publish('c');
    expect(await ledger('c')).toMatchObject({
      cves: [
        { id: 'CVE-2026-20643', closedSince: '2026-03-17T10:00:00.000Z' },
        { id: 'CVE-2026-30003', closedSince: '2026-03-17T10:01:00.000Z', closedBy: ['p-a'] },
      ],
      patches: [{ patchId: 'p-a', letter: 'a' }],
    });
  });

  it('is not there for a patch that is not, and for viewers too', async () => {
    expect((await catalog.get('/v1/patches/none/re-exposure')).json()).toMatchObject({ code: 'patch-not-found' });
    const token = catalog.tokens.createLocal('vera', ['viewer']);
    expect((await catalog.send('GET', '/v1/patches/p-a/re-exposure', { token })).statusCode).toBe(200);
  });
});

describe('recalling what re-opens no exploited CVE', () => {
  it('takes one person and no digest, and refuses one that is not the present one', async () => {
    await publish('b');
    await catalog.post('/v1/patches/p-a/pull', { mode: 'withdraw' });
    const present = String((await ledger('b'))['digest']);
    // An earlier letter had closed an exploited one on the same base.
    expect((await ledger('b'))['cves']).toMatchObject([{ exploited: true }]);
    await catalog.post('/v1/patches', { ...patch('z'), patchId: 'q', platform: 'macos' });
    const of = (body: object) => catalog.post('/v1/patches/q/pull', body);
    expect((await of(recall(present))).json()).toMatchObject({ status: 409, code: 'ledger-changed' });
    expect((await of(recall())).json()).toMatchObject({ pulled: { mode: 'recall', by: 'admin' } });
  });
});

describe('recalling what re-opens an exploited CVE', () => {
  it('is refused without a digest and with an invented one, shows the present ledger, and how to withdraw at once', async () => {
    const present = await ledger();
    for (const [body, code] of [
      [recall(), 'ledger-not-named'],
      [recall('invented'), 'ledger-changed'],
      [recall(undefined, { breakGlass: { reason: 'no time' } }), 'ledger-not-named'],
    ] as const) {
      const refused = await pull('ann', body);
      expect(refused).toMatchObject({ status: 409, body: { code, current: present } });
      expect(refused.body['detail']).toContain('POST /v1/patches/p-a/pull {"mode": "withdraw"}');
    }
    expect(await types()).toEqual([]);
    expect(await pull('ann', { mode: 'withdraw', ledgerDigest: 'invented' })).toMatchObject({ status: 200 });
    expect(await types()).toEqual(['withdraw']);
  });

  it('is refused with a stale digest, whatever has made it stale', async () => {
    let before = await digestNow();
    for (const change of [
      () =>
        publish('a', [
          { id: 'CVE-2026-20643', exploited: true },
          { id: 'CVE-2026-0004', exploited: false },
        ]),
      () => publish('c'),
      () => catalog.post('/v1/patches/p-c/pull', { mode: 'withdraw' }),
      () => catalog.post('/v1/patches/p-a/fold-in', { version: '26.4', build: '23E246' }),
      () => pull('ben', { mode: 'withdraw' }),
    ]) {
      await change();
      const present = await digestNow();
      expect(await pull('ann', recall(before))).toMatchObject({
        body: { code: 'ledger-changed', current: { digest: present } },
      });
      before = present;
    }
  });

  it('is a withdrawal at once when one person asks for it, and a recall when a second one does with the same digest', async () => {
    const digest = await digestNow();
    const first = await pull('ann', recall(digest, { removePerHourMax: 50 }));
    expect(first).toMatchObject({
      status: 200,
      body: {
        recallEpoch: 1,
        pulled: { mode: 'withdraw', by: 'ann' },
        requested: { mode: 'recall', by: 'ann', ledgerDigest: digest, removePerHourMax: 50, recallEpoch: 0 },
      },
    });
    expect(await digestNow()).toBe(digest);
    const second = await pull('ben', recall(digest, { reason: 'I see it too' }));
    expect(second.body).toMatchObject({
      recallEpoch: 2,
      pulled: { mode: 'recall', by: 'ben', requestedBy: 'ann', confirmedBy: 'ben', removePerHourMax: 50 },
    });
    expect(second.body).not.toHaveProperty('requested');
    expect(await types()).toEqual(['withdraw', 'PullRequested', 'recall']);
    const [withdrawal, request, last] = await stored();
    // In one commit: whoever does not know the request hears of the withdrawal.
    expect([withdrawal?.place, request?.place]).toEqual([
      { revision: 1, index: 0 },
      { revision: 1, index: 1 },
    ]);
    expect(last).toMatchObject({
      actor: 'ben',
      data: { requestedBy: 'ann', confirmedBy: 'ben', ledgerDigest: digest },
    });
  });

  it('stays a request when the same person sends it again, with a key or without, and with another token of that name', async () => {
    const digest = await digestNow();
    await pull('ann', recall(digest), 'k');
    await pull('ann', recall(digest), 'k');
    await pull('ann', recall(digest));
    const [ann] = (await catalog.get('/v1/tokens'))
      .json<{ items: { id: string; name: string }[] }>()
      .items.filter(({ name }) => name === 'ann');
    await catalog.send('DELETE', `/v1/tokens/${ann?.id ?? ''}`);
    people['ann'] = await tokenOf('ann');
    expect((await pull('ann', recall(digest))).body).toMatchObject({ pulled: { mode: 'withdraw' } });
    expect(await types()).toEqual(['withdraw', 'PullRequested']);
    const confirmed = await pull('ben', recall(digest), 'k');
    expect(await pull('ben', recall(digest), 'k')).toEqual(confirmed);
    expect(await types()).toEqual(['withdraw', 'PullRequested', 'recall']);
  });

  it('decides on two people who come at once as on two who come one after the other', async () => {
    const digest = await digestNow();
    const both = await Promise.all([pull('ann', recall(digest)), pull('ben', recall(digest))]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    expect(await types()).toEqual(['withdraw', 'PullRequested', 'recall']);
  });

  it('begins anew when the ledger has changed between the two, and does so for good ones only', async () => {
    const digest = await digestNow();
    await pull('ann', recall(digest));
    await publish('c');
    expect(await pull('ben', recall(digest))).toMatchObject({ status: 409, body: { code: 'ledger-changed' } });
    const present = await digestNow();
    expect((await pull('ben', recall(present))).body).toMatchObject({
      pulled: { mode: 'withdraw', by: 'ann' },
      requested: { by: 'ben', ledgerDigest: present },
    });
    expect((await pull('ann', recall(present))).body).toMatchObject({
      pulled: { mode: 'recall', requestedBy: 'ben', confirmedBy: 'ann' },
    });
  });

  it('is done by one person who breaks the glass, and shows that for good, also when a replacement is named later', async () => {
    const alone = await pull('ann', recall(await digestNow(), { breakGlass: { reason: 'nobody else is awake' } }));
    const breakGlass = { by: 'ann', reason: 'nobody else is awake' };
    expect(alone.body).toMatchObject({ recallEpoch: 1, pulled: { mode: 'recall', by: 'ann', breakGlass } });
    expect(await types()).toEqual(['recall']);
    await publish('c');
    const before = await digestNow();
    expect((await pull('ben', recall('invented', { replacement: 'p-c' }))).body).toMatchObject({
      code: 'ledger-changed',
    });
    const named = await pull('ben', recall(undefined, { replacement: 'p-c' }));
    expect(named.body).toMatchObject({ recallEpoch: 2, pulled: { by: 'ben', replacement: 'p-c', breakGlass } });
    expect(await ledger()).toMatchObject({ recallEpoch: 2, replacement: { named: 'p-c' } });
    expect(await digestNow()).not.toBe(before);
    expect((await stored()).map(({ data }) => data['breakGlass'])).toEqual([breakGlass, breakGlass]);
    const audit = (await catalog.get('/v1/audit?target=p-a')).json<{ items: Body[] }>().items;
    expect(audit.map(({ reason }) => reason)).toContain('broke the glass: nobody else is awake; boot loops');
  });

  it('refuses a replacement that does not suit before anything is asked for', async () => {
    const refused = await pull('ann', recall(await digestNow(), { replacement: 'p-x' }));
    expect(refused.body).toMatchObject({ code: 'replacement-unsuitable' });
    expect(await types()).toEqual([]);
  });

  it('shows the request after a restart, and a replay finds it as it is', async () => {
    await pull('ann', recall(await digestNow()));
    const before = await show();
    await catalog.restart();
    expect(await show()).toEqual(before);
    const { id } = (await catalog.post('/v1/replays', { verify: true })).json<{ id: string }>();
    const job = async () => (await catalog.get(`/v1/replays/${id}`)).json<Body>();
    await expect.poll(job).toMatchObject({ status: 'done', matches: true });
  });
});

describe('asking for a recall while the store cannot write', () => {
  it('is in force as a withdrawal at once, takes a second person as one, and is stored once each', async () => {
    const digest = await digestNow();
    const { store } = catalog;
    const append = store.append.bind(store);
    store.append = () => Promise.reject(new StoreUnavailable('disk full'));
    expect((await pull('ann', recall(digest))).body).toMatchObject({ code: 'in-force-not-durable' });
    expect(await show()).toMatchObject({ pulled: { mode: 'withdraw', durable: false }, requested: { by: 'ann' } });
    expect((await pull('ann', recall(digest))).body).toMatchObject({ code: 'in-force-not-durable' });
    expect(await show()).toMatchObject({ pulled: { mode: 'withdraw' } });
    expect((await pull('ben', recall(digest))).body).toMatchObject({ code: 'in-force-not-durable' });
    expect(await show()).toMatchObject({ pulled: { mode: 'recall', requestedBy: 'ann', confirmedBy: 'ben' } });
    store.append = append;
    catalog.timers.advance(STOP_RETRY_MS);
    await expect.poll(types).toEqual(['withdraw', 'PullRequested', 'recall']);
    expect(await show()).not.toHaveProperty('pulled.durable');
  });

  it('is in force as a recall when the same person breaks the glass', async () => {
    const digest = await digestNow();
    const { store } = catalog;
    const append = store.append.bind(store);
    store.append = () => Promise.reject(new StoreUnavailable('disk full'));
    await pull('ann', recall(digest));
    const alone = await pull('ann', recall(digest, { breakGlass: { reason: 'nobody else is awake' } }));
    expect(alone.body).toMatchObject({ code: 'in-force-not-durable' });
    expect(await show()).toMatchObject({ pulled: { mode: 'recall', breakGlass: { by: 'ann' }, durable: false } });
    store.append = append;
    catalog.timers.advance(STOP_RETRY_MS);
    await expect.poll(async () => (await types()).at(-1)).toBe('recall');
    expect(await show()).toMatchObject({ pulled: { breakGlass: { by: 'ann', reason: 'nobody else is awake' } } });
  });

  it('says that a request is not kept where the patch is withdrawn already', async () => {
    await pull('ben', { mode: 'withdraw' });
    const { store } = catalog;
    const append = store.append.bind(store);
    store.append = () => Promise.reject(new StoreUnavailable('disk full'));
    expect((await pull('ann', recall(await digestNow()))).body).toMatchObject({ code: 'store-unavailable' });
    store.append = append;
    expect(await show()).not.toHaveProperty('requested');
  });

  it('says that it is not known whether a request is kept where the store is late, and takes it once when it is sent again', async () => {
    await pull('ben', { mode: 'withdraw' });
    const digest = await digestNow();
    const { store } = catalog;
    const append = store.append.bind(store);
    let comeBack: (() => void) | undefined;
    store.append = (wanted) => new Promise((resolve) => (comeBack = () => void append(wanted).then(resolve)));
    const answer = pull('ann', recall(digest));
    await expect.poll(() => comeBack).toBeDefined();
    catalog.timers.advance(STOP_ANSWERED_WITHIN_MS);
    expect(await answer).toMatchObject({
      status: 503,
      body: { code: 'store-late', detail: expect.stringContaining('is not known') as string },
    });
    store.append = append;
    comeBack?.();
    await expect.poll(show).toMatchObject({ requested: { by: 'ann' } });
    expect((await pull('ann', recall(digest))).status).toBe(200);
    expect(await types()).toEqual(['withdraw', 'PullRequested']);
  });
});
