import { type RecallView, type RolloutView } from '@sluice/api-client';
import { describe, expect, it } from 'vitest';
import { Demo } from './demo.ts';
import { demoFault, nextStep, type StoryView } from './demo-story.ts';
import { FakeWorld } from './fake-world.fixture.ts';
import { narrate } from './narrator.ts';
import { realPatches } from './real-patches.ts';
import { SCENARIO_START_MS } from './scenario.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const place = { address: 'http://127.0.0.1:4600', data: '.sluice/demo' };

describe('telling the story of the demo', () => {
  it('publishes the first patch, plans its rollout, starts it, and waits while it runs', () => {
    expect(nextStep(view())).toMatchObject({ kind: 'publish', patch: { patchId: 'ios-16.5.1-a' } });
    expect(nextStep(view({ published: ['ios-16.5.1-a'] }))).toMatchObject({ kind: 'plan' });
    const rolledOut = (status: RolloutView['status']) =>
      nextStep(view({ published: ['ios-16.5.1-a'], rollouts: [rollout('ios-16.5.1-a', status)] }));
    expect(rolledOut('planned')).toEqual({ kind: 'start', rolloutId: 'demo-ios-16.5.1-a' });
    expect(rolledOut('running')).toBeUndefined();
    expect(rolledOut('completed')).toMatchObject({ kind: 'publish', patch: { patchId: 'ios-26.3.1-a' } });
  });

  it('leaves a rollout that a person paused to that person, and goes on beside it', () => {
    const paused = view({ published: ['ios-16.5.1-a'], rollouts: [rollout('ios-16.5.1-a', 'paused')] });
    expect(nextStep(paused)).toMatchObject({ kind: 'publish', patch: { patchId: 'ios-26.3.1-a' } });
  });

  it('waits a while after a halt, then publishes the re-issue, recalls, and rolls the re-issue out', () => {
    const rollouts = [rollout('ios-26.3.1-a', 'completed'), rollout('ios-16.5.1-a', 'halted')];
    const published = ['ios-26.3.1-a', 'ios-16.5.1-a'];
    const halted = { rollouts, stopSeenAt: new Map([['demo-ios-16.5.1-a', SCENARIO_START_MS]]) };
    expect(nextStep(view({ ...halted, published, nowMs: SCENARIO_START_MS + HOUR }))).toBeUndefined();
    const late = { ...halted, nowMs: SCENARIO_START_MS + 2 * HOUR };
    expect(nextStep(view({ ...late, published }))).toMatchObject({ kind: 'publish', patch: { letter: 'c' } });
    const withReissue = [...published, 'ios-16.5.1-c'];
    expect(nextStep(view({ ...late, published: withReissue }))).toMatchObject({
      kind: 'recall',
      patch: { letter: 'a' },
      replacement: { letter: 'c' },
    });
    expect(nextStep(view({ ...late, published: withReissue, pulled: ['ios-16.5.1-a'] }))).toMatchObject({
      kind: 'plan',
      patch: { patchId: 'ios-16.5.1-c' },
    });
  });

  it('goes on with made-up full releases when the real patches are through, and lets every second one fail', () => {
    const published = realPatches.map(({ patchId }) => patchId);
    const rollouts = published.map((patchId) => rollout(patchId, 'completed'));
    const done = { published, rollouts };
    expect(nextStep(view(done))).toEqual({ kind: 'upgrade', fullRelease: { version: '99.1', build: '99A1' } });
    const next = nextStep(view({ ...done, upgraded: true }));
    expect(next).toMatchObject({ kind: 'publish', patch: { patchId: 'ios-99.1-a' } });
    expect(demoFault('ios-99.1-a')).toBeUndefined();
    expect(demoFault('ios-99.2-a')?.harms).toMatchObject([{ kind: 'fails', share: 0.6 }]);
    expect(demoFault('ios-99.2-b')).toBeUndefined();
  });
});

describe('running the demo', () => {
  it('brings out a patch, has a faulty one taken back, and replaces it', async () => {
    const world = new FakeWorld(SCENARIO_START_MS);
    const demo = await Demo.start(world, { devices: 400, seed: 1 });
    const received = await play(world, demo, 60 * HOUR);
    expect(received).toContain('iOS 26.3.1 (a) is complete; latecomers inside its waves get it at once.');
    expect(received.some((text) => text.startsWith('iOS 16.5.1 (a) is halted'))).toBe(true);
    expect(received).toContain('iOS 16.5.1 (c) is published.');
    expect(received).toContain('iOS 16.5.1 (a) is gone from the last device.');
    expect(received).toContain('iOS 16.5.1 (c) is complete; latecomers inside its waves get it at once.');
  });

  it('goes on with what its devices have when it starts again', async () => {
    const world = new FakeWorld(SCENARIO_START_MS);
    await play(world, await Demo.start(world, { devices: 400, seed: 1 }), 60 * HOUR);
    const before = world.reports.length;
    const again = await Demo.start(world, { devices: 400, seed: 1 });
    const statuses = world.reports.slice(before);
    expect(statuses.filter(({ osBuild }) => osBuild === '23D771330a').length).toBeGreaterThan(50);
    await play(world, again, 8 * HOUR);
    const installs = world.reports.filter(({ kind, patchId }) => kind === 'installed' && patchId === 'ios-26.3.1-a');
    expect(new Set(installs.map(({ deviceId }) => deviceId)).size).toBe(installs.length);
    expect(new Set(world.reports.map(({ reportId }) => reportId)).size).toBe(world.reports.length);
  });

  it('tells of a step that Sluice refuses, and goes on', async () => {
    const world = new FakeWorld(SCENARIO_START_MS);
    const demo = await Demo.start(world, { devices: 50, seed: 1 });
    const send = world.send.bind(world);
    world.send = (request) =>
      request.path === '/v1/rollouts' && request.method === 'POST'
        ? Promise.resolve({ status: 409, body: { code: 'rollout-exists' } })
        : send(request);
    const received = await play(world, demo, HOUR);
    expect(received.some((text) => text.includes('rollout-exists'))).toBe(true);
  });
});

describe('narrating the demo', () => {
  it('says what happens, how far it is, and what to try', async () => {
    const world = new FakeWorld(SCENARIO_START_MS);
    const demo = await Demo.start(world, { devices: 200, seed: 1 });
    await play(world, demo, 8 * HOUR);
    const text = narrate(demo.state(), place).join('\n');
    expect(text).toContain('200 simulated devices, 03-18 01:00');
    expect(text).toContain('iOS 16.5.1 (a) goes out to more devices every minute.');
    expect(text).toMatch(
      /iOS 16\.5\.1 \(a\) {5}\[#+\.+\] {2}\d\d\.\d % {2}wave 2 of 2 \(all\); \d+ installed, \d+ failed/,
    );
    expect(text).toContain('rollout show demo-ios-16.5.1-a');
    expect(text).toContain(
      'curl -H "Authorization: Bearer $(cat .sluice/demo/admin-token)" http://127.0.0.1:4600/v1/fleet',
    );
  });

  it('names the evidence of a halt or a hold and the progress of a recall', async () => {
    const demo = await Demo.start(new FakeWorld(SCENARIO_START_MS), { devices: 10, seed: 1 });
    const reason = 'installs fail: 7 of 11, on iPhone15,2 (20F75)';
    const halted = { ...rollout('ios-16.5.1-a', 'halted'), haltedBecause: { by: 'gate' as const, reason } };
    const stopped = narrate({ ...demo.state(), rollouts: [halted] }, place).join('\n');
    expect(stopped).toContain(`iOS 16.5.1 (a) was halted: ${reason}.`);
    const held = {
      ...rollout('ios-16.5.1-a', 'running'),
      gateHolds: [{ holdId: 'gate-1', model: 'iPhone15,2', base: '20F75', reason }],
    };
    const onHold = narrate({ ...demo.state(), rollouts: [held] }, place).join('\n');
    expect(onHold).toContain(`iOS 16.5.1 (a) is on hold where it harms: ${reason}.`);
    expect(onHold).toContain('sluice -- hold list --status active');
    const places = { removed: 200, replaced: 100, retired: 0, failing: 0, offline: 0, waiting: 900 };
    const unknown = {
      freed: null,
      reExposed: null,
      inFlight: null,
      leasesUntil: null,
      p50Seconds: null,
      p90Seconds: null,
    };
    const at = '2026-03-17T19:00:00.000Z';
    const recall: RecallView = {
      ...{ patchId: 'ios-16.5.1-a', status: 'running', recallEpoch: 1, reason: 'x', startedAt: at, pulledAt: at },
      ...{ devices: 1200, ...places, remaining: 900, begun: 0, begunFailed: 0, ...unknown, p99Seconds: null },
    };
    const burning = narrate({ ...demo.state(), recalls: [recall] }, place).join('\n');
    expect(burning).toContain('iOS 16.5.1 (a) is being taken back from every device that has it.');
    expect(burning).toContain(' 25.0 %  taken back; 900 devices still have it');
  });
});

describe('starting the demo again', () => {
  it('knows what happened lately from the stored events', async () => {
    const world = new FakeWorld(SCENARIO_START_MS);
    world.stored = [
      { type: 'RolloutPlanned', at: '2026-03-17T17:00:00.000Z', rolloutId: 'demo-a', plan: {} },
      { type: 'RolloutHalted', at: '2026-03-17T18:00:00.000Z', rolloutId: 'demo-a', reason: 'installs fail' },
      { type: 'RecallStarted', at: '2026-03-17T19:00:00.000Z', patchId: 'ios-16.5.1-a' },
    ];
    const demo = await Demo.start(world, { devices: 10, seed: 1 });
    expect(demo.state().lately.map(({ text }) => text)).toEqual([
      expect.stringContaining('is halted: installs fail.'),
      'iOS 16.5.1 (a) is recalled.',
    ]);
  });
});

/** Steps as the app does, ten minutes at a time, and hands back all news. */
async function play(world: FakeWorld, demo: Demo, forMs: number): Promise<string[]> {
  const received: string[] = [];
  const end = world.now() + forMs;
  while (world.now() < end) {
    await world.advanceTo(world.now() + 10 * MINUTE);
    await demo.step(world.now());
    received.push(...demo.state().lately.flatMap(({ at, text }) => (at === world.now() ? [text] : [])));
  }
  return received;
}

function view({
  published = [],
  pulled = [],
  upgraded = false,
  ...rest
}: Partial<StoryView> & { published?: string[]; pulled?: string[]; upgraded?: boolean } = {}): StoryView {
  const status = (patchId: string) => (pulled.includes(patchId) ? 'pulled' : 'published');
  return {
    nowMs: SCENARIO_START_MS,
    patches: new Map(published.map((patchId) => [patchId, { status: status(patchId) } as const])),
    rollouts: [],
    stopSeenAt: new Map(),
    shareOn: () => (upgraded ? 1 : 0),
    ...rest,
  };
}

function rollout(patchId: string, status: RolloutView['status']): RolloutView {
  return {
    rolloutId: `demo-${patchId}`,
    patchId,
    status,
    salt: 's',
    holdBackPercent: 2,
    wave: 1,
    exposurePercent: 10,
    exposedDevices: 1,
    plannedPercent: 10,
    waitsFor: [],
    waves: [{ name: 'all', ramp: { fromPercent: 0, toPercent: 100, minutes: 60 }, bakeMinutes: 0 }],
    gates: { installFailureRateMax: 0.01 },
  };
}
