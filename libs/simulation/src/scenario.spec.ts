import { reportValidator, checkInValidator } from '@sluice/contracts/device-protocol';
import { describe, expect, it } from 'vitest';
import { FakeWorld } from './fake-world.fixture.ts';
import { type ScenarioName } from './scenario-result.ts';
import { runScenario, SCENARIO_START_MS } from './scenario.ts';

describe('playing a scenario', () => {
  it('completes without a halt when the patch is healthy', async () => {
    const world = new FakeWorld(SCENARIO_START_MS);
    const result = await play(world, 'healthy');
    expect(result).toMatchObject({ stood: null, recall: null, replayMatches: true, waves: 2, devices: 300 });
    expect(result.eligible).toBeGreaterThan(150);
    const installed = world.reports.filter(({ kind }) => kind === 'installed').length;
    expect(installed).toBeGreaterThan(result.eligible * 0.85);
  });

  it('takes the patch back from every device when it fails on some models', async () => {
    const { recall, stoodInWave, devicesExposedThen, eligible } = await play(
      new FakeWorld(SCENARIO_START_MS),
      'faulty-patch',
    );
    expect(stoodInWave).toBe(2);
    expect(devicesExposedThen).toBeGreaterThan(0);
    expect(devicesExposedThen).toBeLessThan(eligible);
    expect(recall).toMatchObject({ remaining: 0, reinstalled: 0 });
    expect(recall?.removed).toBeGreaterThan(0);
  });

  it('brings devices over to the re-issue when there is one', async () => {
    const world = new FakeWorld(SCENARIO_START_MS);
    const { recall } = await play(world, 'reissue');
    expect(recall).toMatchObject({ remaining: 0, reinstalled: 0 });
    const onReissue = world.reports.filter(
      ({ kind, patchId }) => kind === 'installed' && patchId === 'ios-16.5.1-c',
    ).length;
    expect(onReissue).toBeGreaterThan(100);
  });

  it('burns down later when devices stay offline', async () => {
    const [usual, late] = [new FakeWorld(SCENARIO_START_MS), new FakeWorld(SCENARIO_START_MS)];
    await play(usual, 'faulty-patch', 1, 3000);
    const { recall } = await play(late, 'offline-tail', 1, 3000);
    expect(recall).toMatchObject({ remaining: 0, reinstalled: 0 });
    expect(late.now()).toBeGreaterThan(usual.now());
  });

  it('sends the same requests at the same times when the seed is the same', async () => {
    const [first, second, other] = [1, 1, 2].map(() => new FakeWorld(SCENARIO_START_MS)) as [
      FakeWorld,
      FakeWorld,
      FakeWorld,
    ];
    await play(first, 'faulty-patch', 1);
    await play(second, 'faulty-patch', 1);
    await play(other, 'faulty-patch', 2);
    expect(second.traceDigest()).toBe(first.traceDigest());
    expect(other.traceDigest()).not.toBe(first.traceDigest());
  });

  it('fails loudly when Sluice counts other holders than the fleet has', async () => {
    const world = new FakeWorld(SCENARIO_START_MS);
    const send = world.send.bind(world);
    world.send = async (request) => {
      const answer = await send(request);
      if (request.path !== '/v1/fleet') return answer;
      return {
        ...answer,
        body: { facts: 0, patches: { 'ios-26.3.1-a': { installed: 9999, failed: 0, rolledBack: 0 } } },
      };
    };
    await expect(play(world, 'healthy')).rejects.toThrow('holders of ios-26.3.1-a');
  });
});

describe('speaking the device protocol', () => {
  it('sends check-ins and reports that the contract accepts, in batches of at most 1000, each report id once', async () => {
    const world = new FakeWorld(SCENARIO_START_MS);
    await play(world, 'faulty-patch', 3, 1500);
    const checkIns = world.requests.filter(({ path }) => path === '/v1/check-in').map(({ body }) => body);
    expect(checkIns.filter((body) => !checkInValidator.Check(body))).toEqual([]);
    expect(world.reports.filter((report) => !reportValidator.Check(report))).toEqual([]);
    expect(new Set(world.reports.map(({ reportId }) => reportId)).size).toBe(world.reports.length);
    const batches = world.requests
      .filter(({ path }) => path === '/v1/reports')
      .map(({ body }) => (body as { reports: unknown[] }).reports.length);
    expect(Math.max(...batches)).toBe(1000);
  });
});

function play(world: FakeWorld, scenario: ScenarioName, seed = 1, devices = 300) {
  return runScenario(world, { scenario, seed, devices });
}
