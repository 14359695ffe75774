import { type RecallCount } from '@sluice/domain-cohorts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OrchestratorWorld, plan, published, pulled } from '../orchestrator.fixture.ts';

let world: OrchestratorWorld;

beforeEach(async () => {
  world = await new OrchestratorWorld().boot();
  await world.decideInCatalog(published);
  await world.countDevices([400, 400, 400, 400]);
  await world.send('POST', '/v1/rollouts', { body: plan });
});
afterEach(() => world.close());

const get = async (path: string, instance = 0) => world.send('GET', path, { instance });
interface Found {
  readonly items: readonly Readonly<Record<string, unknown>>[];
  readonly nextCursor?: string;
  readonly total: number;
}

async function everyTest(limit = 50): Promise<Found['items']> {
  const path = `/v1/rollouts/r1/evidence?limit=${String(limit)}`;
  const items: Found['items'][number][] = [];
  let cursor = '';
  for (;;) {
    const page = (await get(`${path}${cursor}`)).body as unknown as Found;
    items.push(...page.items);
    if (page.nextCursor === undefined) return items;
    cursor = `&cursor=${page.nextCursor}`;
  }
}

describe('showing the evidence of a rollout', () => {
  it('has none before the start, and says so', async () => {
    expect(await get('/v1/rollouts/r1/evidence')).toMatchObject({ status: 409, body: { code: 'rollout-not-running' } });
    expect(await get('/v1/rollouts/none/evidence')).toMatchObject({ status: 404 });
  });

  it('lists every test, the strongest first, with its part of the sum and what it could have seen', async () => {
    await world.send('POST', '/v1/rollouts/r1/start');
    expect((await get('/v1/rollouts/r1/evidence')).body).toMatchObject({
      says: 'go',
      logSum: null,
      items: [],
      held: [],
    });
    await world.advance(2);
    await world.countInstalls([2, 0, 0, 0]);
    const { body } = await get('/v1/rollouts/r1/evidence?limit=50');
    const { total } = body as unknown as Found;
    const items = await everyTest();
    expect(body).toMatchObject({
      ...{ rolloutId: 'r1', patchId: 'p-a', rule: 'evidence-sum/4', says: 'go', held: [] },
      ...{ infrastructure: { isOut: false }, health: { isCurrent: true } },
    });
    expect(total).toBe(items.length);
    expect(items[0]).toMatchObject({ of: 'iPhone18,1 (23D8133)', failures: 2, trials: 40 });
    const shares = items.map(({ share }) => Number(share));
    expect(shares).toEqual(shares.toSorted((left, right) => right - left));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
    // The sum is that of the parts, and E that of its logarithm.
    const sum = items.reduce((all, { e, weight }) => all + Number(e) * Number(weight), 0);
    expect(Math.log(sum)).toBeCloseTo(Number(body['logSum']), 9);
    const pooled = items.find(({ test, level }) => test === 'installs' && level !== 'slice');
    expect(pooled).toMatchObject({ trials: 160, toleratedRate: 0.01 });
    expect((pooled?.['couldSee'] as { failureRate: number }).failureRate).toBeGreaterThan(0.01);
  });

  it('gives it page by page, each test once', async () => {
    await world.send('POST', '/v1/rollouts/r1/start');
    await world.countInstalls([2, 0, 0, 1]);
    const tests = await everyTest(7);
    const seen = tests.map(({ test, level, of }) => `${String(test)} ${String(level)} ${String(of)}`);
    const all = (await get('/v1/rollouts/r1/evidence')).body as unknown as Found;
    expect(new Set(seen).size).toBe(all.total);
    expect(seen.length).toBe(all.total);
    expect(await get('/v1/rollouts/r1/evidence?cursor=x')).toMatchObject({
      status: 400,
      body: { code: 'unknown-cursor' },
    });
  });

  it('has 20 tests on a page, and refuses more than 50', async () => {
    await world.send('POST', '/v1/rollouts/r1/start');
    await world.countInstalls([2, 0, 0, 1]);
    const first = (await get('/v1/rollouts/r1/evidence')).body as unknown as Found;
    expect(first.total).toBeGreaterThan(20);
    expect(first.items.length).toBe(20);
    expect(await get('/v1/rollouts/r1/evidence?limit=51')).toMatchObject({ status: 400 });
  });

  it('names the slice that is held, which counts no more', async () => {
    await world.send('POST', '/v1/rollouts/r1/start');
    await world.advance(2);
    await world.countInstalls([20, 0, 0, 0]);
    await world.advance(2);
    const { body } = await get('/v1/rollouts/r1/evidence');
    expect(body).toMatchObject({ says: 'go', held: [{ holdId: 'gate-r1-1', model: 'iPhone18,1', base: '23D8133' }] });
    expect((body as unknown as Found).items.map(({ of }) => of)).not.toContain('iPhone18,1 (23D8133)');
  });
});

describe('showing the timeline of a rollout', () => {
  interface Point {
    readonly at: string;
    readonly plannedPercent: number;
    readonly grantedPercent: number;
    readonly started: number;
    readonly failed: number;
    readonly logSum: number | null;
  }
  const timeline = async (query = '', instance = 0) =>
    (await get(`/v1/rollouts/r1/timeline${query}`, instance)).body as unknown as {
      readonly points: readonly Point[];
      readonly marks: readonly { readonly what: string; readonly words?: string }[];
      readonly marksTotal: number;
    };

  it('has no points before the start, and refuses too many', async () => {
    expect(await timeline()).toMatchObject({ points: [], marks: [{ what: 'RolloutPlanned' }] });
    expect(await get('/v1/rollouts/r1/timeline?points=1001')).toMatchObject({ status: 400 });
  });

  it('has exposure, outcomes, evidence and what happened, and keeps them over a restart but for evidence that nobody decided on', async () => {
    await world.send('POST', '/v1/rollouts/r1/start');
    await world.advance(10);
    await world.countInstalls([1, 0, 0, 0]);
    await world.advance(10);
    await world.countInstalls([20, 0, 0, 0]);
    await world.advance(5);
    await world.countInstalls([9, 9, 9, 9]);
    await world.advance(5);
    await world.decideInCatalog(pulled);
    const live = await timeline('?points=31');
    expect(live.points.length).toBe(31);
    const granted = live.points.map(({ grantedPercent }) => grantedPercent);
    expect(granted).toEqual(granted.toSorted((left, right) => left - right));
    expect(granted.at(-1)).toBeGreaterThan(10);
    expect(live.points.at(-1)?.plannedPercent).toBeCloseTo((100 * 30) / 120, 1);
    expect(live.points.map(({ started }) => started)).toEqual(expect.arrayContaining([0, 160, 320, 480]));
    expect(live.points.at(-1)?.failed).toBe(1 + 20 + 36);
    expect(live.points.some(({ logSum }) => logSum !== null && logSum >= Math.log(1000))).toBe(true);
    const marks = live.marks.map(({ what }) => what);
    const wanted = [
      'RolloutPlanned',
      'RolloutStarted',
      'WaveOpened',
      'HoldPlaced',
      'RolloutHalted',
      'PatchPulled',
      'RolloutAborted',
    ];
    expect(wanted.filter((what) => !marks.includes(what))).toEqual([]);
    expect(live.marksTotal).toBe(live.marks.length);

    await world.boot();
    const after = await timeline('?points=31', 1);
    const kept = (points: readonly Point[]) => points.map(({ logSum: _, ...point }) => point);
    expect(kept(after.points)).toEqual(kept(live.points));
    expect(after.marks).toEqual(live.marks);
    expect(after.points.some(({ logSum }) => logSum !== null && logSum >= Math.log(1000))).toBe(true);
    expect(after.points.filter(({ logSum }) => logSum === null).length).toBeGreaterThan(
      live.points.filter(({ logSum }) => logSum === null).length,
    );
  });
});

describe('marking what happened to the patch of a rollout', () => {
  const marks = async () => {
    const { body } = await get('/v1/rollouts/r1/timeline');
    return (body['marks'] as readonly { at: string; what: string; words?: string }[])
      .filter(({ what }) => what.startsWith('Hold') || what === 'PatchPulled')
      .map(({ at, what, words }) => [at.slice(11, 16), what, words]);
  };

  it('has when a hold was placed, and when it expired', async () => {
    await world.send('POST', '/v1/rollouts/r1/start');
    const hold = {
      holdId: 'h1',
      patchId: 'p-a',
      reason: 'it smokes',
      expiresAt: '2026-03-17T12:05:00.000Z',
    };
    expect(await world.send('POST', '/v1/holds', { body: hold })).toMatchObject({ status: 201 });
    expect(await marks()).toMatchObject([['12:00', 'HoldPlaced', 'h1: it smokes']]);
    await world.advance(10);
    expect(await marks()).toMatchObject([
      ['12:00', 'HoldPlaced', 'h1: it smokes'],
      ['12:05', 'HoldExpired', 'h1: it smokes'],
    ]);
  });

  it('has no pull from after its abort', async () => {
    await world.send('POST', '/v1/rollouts/r1/start');
    await world.send('POST', '/v1/rollouts/r1/abort', { body: { reason: 'not wanted' } });
    await world.advance(5);
    await world.decideInCatalog({ ...pulled, at: '2026-03-17T12:05:00.000Z' });
    expect(await marks()).toEqual([]);
  });

  it('has the pull that ended it, whatever the clock of the catalog says, and none that came later', async () => {
    await world.send('POST', '/v1/rollouts/r1/start');
    await world.decideInCatalog({ ...pulled, mode: 'withdraw', at: '2026-03-17T12:02:00.000Z' });
    await world.advance(5);
    await world.decideInCatalog({ ...pulled, recallEpoch: 2, at: '2026-03-17T12:07:00.000Z' });
    expect(await marks()).toEqual([['12:02', 'PatchPulled', 'withdraw: bad']]);
  });
});

describe('showing how a recall burnt down', () => {
  const count = (change: Partial<RecallCount>): RecallCount => ({
    ...{ set: 100, freed: { recall: 0, user: 0, failure: 0, unknown: 0 }, replaced: 0, retired: 0 },
    ...{ failing: 0, offline: 0, waiting: 100, inFlight: 0, ...change },
  });
  const holders = (recall: RecallCount) => [
    {
      ...{ patchId: 'p-a', recallEpoch: 1, holders: recall.waiting, longOffline: recall.offline },
      ...{ removed: 0, removalsFailed: 0, recall },
    },
  ];

  it('has devices that remain, were freed, fail or are offline over time, unknown before the fleet has counted', async () => {
    await world.decideInCatalog(pulled);
    await world.advance(5);
    await world.countHolders(holders(count({})));
    await world.advance(5);
    const freed = { recall: 60, user: 0, failure: 0, unknown: 0 };
    await world.countHolders(holders(count({ freed, failing: 10, offline: 5, waiting: 25 })));
    const { status, body } = await get('/v1/recalls/p-a/timeline?points=11');
    expect(status).toBe(200);
    const points = body['points'] as readonly object[];
    expect(points.length).toBe(11);
    expect(points[0]).toMatchObject({ remaining: null, freed: null });
    expect(points[6]).toMatchObject({ remaining: 100, freed: 0, failing: 0, offline: 0 });
    expect(points[10]).toMatchObject({ remaining: 40, freed: 60, failing: 10, offline: 5 });
    expect(body['marks']).toMatchObject([{ what: 'RecallStarted', words: 'bad' }]);
    expect(await get('/v1/recalls/none/timeline')).toMatchObject({ status: 404 });
  });
});
