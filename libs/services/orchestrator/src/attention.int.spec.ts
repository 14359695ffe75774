import { type AttentionPage } from '@sluice/api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AttentionFixture, published } from './attention.fixture.ts';

const HOUR = 60;
let orchestrator: AttentionFixture;

beforeEach(async () => {
  orchestrator = new AttentionFixture();
  await orchestrator.start();
  await orchestrator.happened('patch-p-a', published);
});
afterEach(() => orchestrator.stop());

async function attention(query = ''): Promise<AttentionPage> {
  return (await orchestrator.send('GET', `/v1/attention${query}`)).body as unknown as AttentionPage;
}

async function ids(): Promise<string[]> {
  return (await attention()).items.map(({ id }) => id);
}

const halt = { type: 'RolloutHalted', v: 2, rolloutId: 'r1', wave: 1, exposurePercent: 100 };

describe('noticing what needs a person', () => {
  it('finds nothing while all is well', async () => {
    await orchestrator.runs('r1');
    expect(await attention()).toEqual({ items: [], total: 0, unknown: [] });
  });

  it('shows a halted rollout until it goes on, and another halt as another item', async () => {
    await orchestrator.runs('r1');
    await orchestrator.advance(1);
    await orchestrator.happened('rollout-r1', { ...halt, by: 'gate', reason: '9 of 20 installs failed' });
    const { items } = await attention();
    expect(items).toEqual([
      {
        id: expect.stringMatching(/^rollout-halted:r1:\d+$/),
        ...{ kind: 'rollout-halted', service: 'orchestrator', severity: 'critical', owner: null },
        about: { rolloutId: 'r1', patchId: 'p-a', wave: 1 },
        since: '2026-03-17T12:01:00.000Z',
        words: 'r1 was halted in wave 1 by a gate: 9 of 20 installs failed',
        command: 'sluice rollout resume r1 --evidence-seen "<what you looked at>"',
      },
    ]);
    await orchestrator.happened('rollout-r1', { type: 'RolloutResumed', rolloutId: 'r1', evidenceSeen: 'the logs' });
    expect((await ids()).filter((id) => id.startsWith('rollout-halted'))).toEqual([]);
    await orchestrator.happened('rollout-r1', { ...halt, by: 'responder', reason: 'calls' });
    const [again] = await ids();
    expect(again).toMatch(/^rollout-halted:r1:/);
    expect(again).not.toBe(items[0]?.id);
  });

  it('shows a wave that proves nothing at once, and any other wait after a day', async () => {
    await orchestrator.runs('r1');
    const waits = (code: string) => ({
      ...{ type: 'WaveWaiting', rolloutId: 'r1', wave: 1 },
      waitsFor: [{ code, words: 'says the spec' }],
    });
    await orchestrator.happened('rollout-r1', waits('outcomes'));
    expect(await ids()).toEqual([]);
    await orchestrator.jump(24 * HOUR);
    expect(await ids()).toContain('rollout-waits:r1:1:20260317T120000Z');
    await orchestrator.runs('r2');
    await orchestrator.happened('rollout-r2', { ...waits('person'), rolloutId: 'r2' });
    const item = (await attention('?kind=rollout-waits')).items.find(({ about }) => about.rolloutId === 'r2');
    expect(item).toMatchObject({ command: 'sluice rollout advance r2 --wave 1 --force "<why it may go on>"' });
  });

  it('shows a hold in its last hour', async () => {
    const placed = { type: 'HoldPlaced', holdId: 'h1', patchId: 'p-a', slice: {}, owner: 'olga', reason: 'boot loops' };
    await orchestrator.happened('hold-h1', { ...placed, expiresAt: '2026-03-17T14:00:00.000Z' });
    expect(await ids()).toEqual([]);
    await orchestrator.jump(90);
    expect((await attention()).items).toMatchObject([
      { id: 'hold-expires:h1:20260317T140000Z', about: { holdId: 'h1', patchId: 'p-a' } },
    ]);
    expect((await attention()).items[0]?.words).toContain('expires in 30 min');
    await orchestrator.jump(30);
    expect(await ids()).toEqual([]);
  });

  it('shows a recall whose holders do not move, and not one whose holders are offline', async () => {
    const none = { recall: 0, user: 0, failure: 0, unknown: 0 };
    const count = { set: 3, freed: none, replaced: 0, retired: 0, failing: 0, offline: 3, waiting: 0, inFlight: 0 };
    await orchestrator.happened('patch-p-a', {
      type: 'PatchPulled',
      patchId: 'p-a',
      mode: 'recall',
      reason: 'x',
      recallEpoch: 1,
    });
    await orchestrator.counted('p-a', 1, count);
    await orchestrator.jump(7 * HOUR);
    await orchestrator.counted('p-a', 1, count);
    expect(await ids()).toEqual([]);
    await orchestrator.counted('p-a', 1, { ...count, offline: 1, waiting: 2 });
    expect((await attention()).items).toMatchObject([{ kind: 'recall-stalled', severity: 'critical' }]);
    await orchestrator.counted('p-a', 1, { ...count, freed: { ...none, recall: 1 }, offline: 1, waiting: 1 });
    expect(await ids()).toEqual([]);
    await orchestrator.happened('recall-p-a', {
      type: 'RecallPaused',
      patchId: 'p-a',
      recallEpoch: 1,
      reason: 'it hurts',
    });
    expect(await ids()).toEqual(['recall-paused:p-a:1:20260317T190000Z']);
  });

  it('says which kinds it cannot know while nothing is heard of the fleet, and shows blindness that lasts', async () => {
    await orchestrator.advance(10, { telemetryIsAway: true });
    const { items, unknown, total } = await attention();
    expect(items.map(({ kind }) => kind)).toEqual(['blind']);
    expect(items[0]?.words).toMatch(/^nothing widens, because too little is known: .*health/);
    expect(unknown).toEqual([
      { service: 'orchestrator', kinds: ['recall-stalled'], because: 'the health of the fleet is not known up to now' },
    ]);
    expect(total).toBeNull();
    expect(await attention('?kind=rollout-halted')).toEqual({ items: [], total: 0, unknown: [] });
    await orchestrator.advance(1);
    expect(await ids()).toEqual([]);
  });
});

describe('taking an item', () => {
  const olga = { name: 'olga', role: 'operator' } as const;
  const rita = { name: 'rita', role: 'responder' } as const;
  let id: string;

  beforeEach(async () => {
    await orchestrator.runs('r1');
    await orchestrator.happened('rollout-r1', { ...halt, by: 'gate', reason: 'x' });
    id = (await ids())[0] ?? '';
  });

  const takeItem = (body: object, as: typeof olga | typeof rita) =>
    orchestrator.send('POST', `/v1/attention/${id}/take`, body, as);

  it('shows the owner to all, once however often it is sent', async () => {
    const owner = { by: 'olga', at: '2026-03-17T12:00:00.000Z', note: 'reading the logs' };
    expect(await takeItem({ note: 'reading the logs' }, olga)).toMatchObject({ status: 200, body: { id, owner } });
    const head = await orchestrator.store.head();
    expect(await takeItem({ note: 'another note' }, olga)).toMatchObject({ status: 200, body: { owner } });
    expect(await orchestrator.store.head()).toBe(head);
    expect((await attention('?taken=true')).items).toMatchObject([{ id, owner }]);
    expect((await attention('?taken=false')).items).toEqual([]);
  });

  it('refuses a second person with the owner, unless that one is named', async () => {
    await takeItem({}, olga);
    const refused = { code: 'attention-taken', current: { id, owner: { by: 'olga' } } };
    expect(await takeItem({}, rita)).toMatchObject({ status: 409, body: refused });
    expect(await takeItem({ from: 'somebody' }, rita)).toMatchObject({ status: 409, body: refused });
    expect(await takeItem({ from: 'olga' }, rita)).toMatchObject({ status: 200, body: { owner: { by: 'rita' } } });
  });

  it('lets one of two people at once have it', async () => {
    const answers = await Promise.all([takeItem({}, olga), takeItem({}, rita)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
  });

  it('is forgotten with the item: another halt belongs to nobody', async () => {
    await takeItem({}, olga);
    await orchestrator.happened('rollout-r1', { type: 'RolloutResumed', rolloutId: 'r1', evidenceSeen: 'x' });
    expect((await takeItem({}, olga)).body).toMatchObject({ code: 'attention-not-found' });
    await orchestrator.happened('rollout-r1', { ...halt, by: 'gate', reason: 'x' });
    expect((await attention()).items).toMatchObject([{ kind: 'rollout-halted', owner: null }]);
  });

  it('is for operators and responders', async () => {
    const viewer = { name: 'vera', role: 'viewer' } as const;
    expect(await orchestrator.send('POST', `/v1/attention/${id}/take`, {}, viewer)).toMatchObject({ status: 403 });
    expect(await orchestrator.send('GET', '/v1/attention', undefined, viewer)).toMatchObject({ status: 200 });
  });
});
