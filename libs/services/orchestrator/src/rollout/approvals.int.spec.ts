import { Settings } from '@sluice/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { OrchestratorWorld, plan, published, pulled } from '../orchestrator.fixture.ts';

let world: OrchestratorWorld;
let [alice, bob, carol] = ['', '', ''];

async function begin(settings: Settings = Settings.of()): Promise<void> {
  world = await new OrchestratorWorld(settings).boot();
  await world.decideInCatalog(published);
  await world.countDevices([100, 100, 100, 100, 1600]);
  [alice, bob, carol] = [world.tokenOf('alice'), world.tokenOf('bob'), world.tokenOf('carol', ['responder'])];
}
beforeEach(() => begin());
afterEach(() => world.close());

const planAs = (token: string, change: object = {}) =>
  world.send('POST', '/v1/rollouts', { token, body: { ...plan, approvalsRequired: 2, ...change } });
const approve = (token: string, ifMatch: string | undefined, instance = 0) =>
  world.send('POST', '/v1/rollouts/r1/approve', { token, ifMatch, instance });
const start = () => world.send('POST', '/v1/rollouts/r1/start', { token: alice });
const show = async (instance = 0) => world.send('GET', '/v1/rollouts/r1', { instance });
const etag = async () => (await show()).etag as string;
const { rolloutId: _, salt: __, ...rest } = plan;
const replan = async (change: object) =>
  world.send('PUT', '/v1/rollouts/r1', {
    token: bob,
    ifMatch: await etag(),
    body: { ...rest, reason: 'r', ...change },
  });

describe('approving a rollout', () => {
  it('starts once two others than who planned it have approved it, and says who approved which revision', async () => {
    expect((await planAs(alice)).body).toMatchObject({
      approvalsRequired: 2,
      approvals: { plannedBy: 'alice', needed: 2, missing: 2, given: [] },
      waitsFor: [{ for: 'approvals', command: 'sluice rollout approve r1 --if-match 0' }, { for: 'start' }],
    });
    expect(await start()).toMatchObject({
      status: 409,
      body: { code: 'approval-missing', detail: '0 of 2 approvals are given' },
    });
    expect(await approve(bob, await etag())).toMatchObject({ status: 200, etag: '"1"' });
    expect(await start()).toMatchObject({
      body: { code: 'approval-missing', detail: '1 of 2 approvals are given, by bob' },
    });
    expect(await approve(carol, await etag())).toMatchObject({
      status: 200,
      body: {
        approvals: {
          missing: 0,
          given: [
            { by: 'bob', revision: 0 },
            { by: 'carol', revision: 1 },
          ],
        },
      },
    });
    expect(await start()).toMatchObject({ status: 200, body: { status: 'running', approvals: { missing: 0 } } });
  });

  it('counts a person once, and never who planned it', async () => {
    await planAs(alice);
    await approve(bob, await etag());
    expect(await approve(bob, await etag())).toMatchObject({
      status: 200,
      etag: '"1"',
      body: { approvals: { missing: 1 } },
    });
    expect(await approve(alice, await etag())).toMatchObject({ status: 409, body: { code: 'approval-own-plan' } });
    const viewer = world.tokenOf('vera', ['viewer']);
    expect(await approve(viewer, await etag())).toMatchObject({ status: 403 });
    expect(await start()).toMatchObject({ body: { code: 'approval-missing' } });
  });

  it('is of the plan that was seen: without its revision, or at a former one, it is refused', async () => {
    await planAs(alice);
    expect(await approve(bob, undefined)).toMatchObject({ status: 428, body: { code: 'if-match-missing' } });
    expect(await approve(bob, '*')).toMatchObject({ status: 428 });
    expect(await approve(bob, '"0", "1"')).toMatchObject({ status: 400, body: { code: 'invalid-request' } });
    await world.send('PUT', '/v1/rollouts/r1', {
      token: alice,
      ifMatch: '"0"',
      body: { ...rest, approvalsRequired: 2, notes: 'n' },
    });
    expect(await approve(bob, '"0"')).toMatchObject({
      status: 412,
      body: { code: 'revision-changed', current: { notes: 'n', approvals: { given: [] } } },
    });
  });

  it('lapses when the plan changes, also for who has become its planner', async () => {
    await planAs(alice);
    await approve(bob, await etag());
    await approve(carol, await etag());
    expect(await replan({ notes: 'n' })).toMatchObject({
      body: { approvals: { plannedBy: 'bob', needed: 2, missing: 2 } },
    });
    expect(await start()).toMatchObject({ body: { code: 'approval-missing' } });
    expect(await approve(bob, await etag())).toMatchObject({ body: { code: 'approval-own-plan' } });
    await approve(alice, await etag());
    await approve(carol, await etag());
    expect(await start()).toMatchObject({ status: 200 });
  });

  it('holds up what widens under another plan, and nothing that stops', async () => {
    await planAs(alice);
    await approve(bob, await etag());
    await approve(carol, await etag());
    await start();
    await world.advance(10);
    await replan({ notes: 'n' });
    const before = (await show()).body;
    await world.advance(10);
    const { body } = await show();
    expect(body).toMatchObject({
      status: 'running',
      waitsFor: expect.arrayContaining([expect.objectContaining({ for: 'approvals' })]) as unknown,
    });
    expect(body['plannedPercent']).toBe(before['plannedPercent']);
    const advance = { token: alice, body: { wave: 1, force: { reason: 'hurry' } } };
    expect(await world.send('POST', '/v1/rollouts/r1/advance', advance)).toMatchObject({ status: 409 });
    expect(await world.send('POST', '/v1/rollouts/r1/pause', { token: carol })).toMatchObject({ status: 200 });
    expect(await world.send('POST', '/v1/rollouts/r1/resume', { token: alice, body: {} })).toMatchObject({
      body: { code: 'approval-missing' },
    });
    await approve(alice, await etag());
    await approve(carol, await etag());
    expect(await world.send('POST', '/v1/rollouts/r1/resume', { token: alice, body: {} })).toMatchObject({
      status: 200,
    });
    await world.advance(10);
    expect(Number((await show()).body['plannedPercent'])).toBeGreaterThan(Number(before['plannedPercent']));
    await replan({ notes: 'again' });
    expect(await world.send('POST', '/v1/rollouts/r1/halt', { token: carol })).toMatchObject({ status: 200 });
    await world.decideInCatalog(pulled);
    expect((await show()).body).toMatchObject({ status: 'aborted' });
  });

  it('starts by itself at its time only when it is approved', async () => {
    const startAt = new Date(world.clock.now() + 5 * 60_000).toISOString();
    await planAs(alice, { startAt, approvalsRequired: 1 });
    await world.advance(10);
    expect((await show()).body).toMatchObject({ status: 'planned' });
    await approve(bob, await etag());
    await world.advance(1);
    expect((await show()).body).toMatchObject({ status: 'running' });
  });

  it('counts two people who approve on two instances at once, the second one once it has seen the first', async () => {
    await world.boot();
    await planAs(alice);
    const seen = await etag();
    const both = await Promise.all([approve(bob, seen, 0), approve(carol, seen, 1)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
    const late = both[0].status === 412 ? bob : carol;
    await world.settle();
    expect(await approve(late, await etag(), 1)).toMatchObject({ status: 200, body: { approvals: { missing: 0 } } });
    expect((await show(0)).body).toMatchObject({ approvals: { missing: 0 } });
    const approvals = (await world.eventsOf('rollout-r1')).filter(({ type }) => type === 'RolloutApproved');
    expect(approvals.map(({ by }) => by).sort()).toEqual(['bob', 'carol']);
  });
});

describe('asking for approvals by a setting of the service', () => {
  const withSetting = async (approvalsAbovePercent: number) => {
    await world.close();
    await begin(Settings.of({ approvalsRequired: 1, approvalsAbovePercent }));
    await planAs(alice, { approvalsRequired: 0 });
  };

  it('asks where the audience is a larger share of the known devices, and keeps to it under way', async () => {
    await withSetting(19);
    expect(await start()).toMatchObject({ body: { code: 'approval-missing', detail: '0 of 1 approvals are given' } });
    await approve(bob, await etag());
    expect(await start()).toMatchObject({ status: 200 });
    expect((await world.eventsOf('rollout-r1')).find(({ type }) => type === 'RolloutStarted')).toMatchObject({
      approvalsRequired: 1,
    });
    await world.advance(5);
    expect(await replan({ notes: 'n' })).toMatchObject({ body: { approvals: { needed: 1, missing: 1 } } });
  });

  it('asks for nothing where it is no larger', async () => {
    await withSetting(20);
    expect((await show()).body).not.toHaveProperty('approvals');
    expect(await start()).toMatchObject({ status: 200 });
  });

  it('asks under way, too, when the patch has got models that make the audience larger', async () => {
    const granted = async () => ((await show()).body as { plannedPercent: number }).plannedPercent;
    await withSetting(20);
    await start();
    await world.advance(5);
    const before = await granted();
    expect(before).toBeGreaterThan(0);
    const [variant] = published.variants;
    const variants = [{ ...variant, models: ['other-4'] }];
    await world.decideInCatalog({ ...published, type: 'PatchAmended', variants });
    await world.advance(10);
    expect((await show()).body).toMatchObject({
      waitsFor: expect.arrayContaining([expect.objectContaining({ for: 'approvals' })]) as object[],
    });
    const waiting = await granted();
    expect(waiting).toBeLessThan(before + 2);
    expect(await approve(bob, await etag())).toMatchObject({ status: 200 });
    await world.advance(10);
    expect(await granted()).toBeGreaterThan(waiting + 2);
  });

  it('asks while nobody is known', async () => {
    await world.close();
    world = await new OrchestratorWorld(Settings.of({ approvalsRequired: 1, approvalsAbovePercent: 99 })).boot();
    [alice, bob] = [world.tokenOf('alice'), world.tokenOf('bob')];
    await world.decideInCatalog(published);
    await planAs(alice, { approvalsRequired: 0 });
    expect(await start()).toMatchObject({ body: { code: 'approval-missing' } });
  });
});
