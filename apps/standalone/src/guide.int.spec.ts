import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { close, Followers, ManualClock, type RunningService, Settings, startService } from '@sluice/platform';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { services } from './services.ts';

const guides = join(import.meta.dirname, '..', '..', '..', 'docs', 'guides');
const START = Date.parse('2026-11-26T08:00:00Z');
const MINUTE = 60_000;
const STEP = 10 * MINUTE;
const PLAN_MINUTES = 60 + 2880 + 240;

/** What `docs/guides/device-agent.mjs` exports. */
interface DeviceAgent {
  turn(agent: Agent): Promise<number>;
  report(agent: Agent, kind: string): Promise<void>;
}

interface Agent {
  readonly url: string;
  readonly token: string;
  readonly device: Record<string, unknown>;
  readonly system: Record<string, (order: unknown) => Promise<unknown>>;
}

interface View {
  readonly status: string;
  readonly wave: number;
  readonly waitsFor: readonly { readonly for: string; readonly words: string; readonly command: string }[];
}

const { turn, report } = (await import(join(guides, 'device-agent.mjs'))) as DeviceAgent;

let folder: string;
let clock: ManualClock;
let service: RunningService;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: START });
  folder = mkdtempSync(join(tmpdir(), 'sluice-guide-'));
  clock = new ManualClock(START);
  service = await startService(services, Settings.of({ data: folder, port: 0, logLevel: 'silent' }), clock);
});

afterEach(async () => {
  vi.useRealTimers();
  await close(service.app);
  rmSync(folder, { recursive: true, force: true });
});

async function call(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
  const headers = { authorization: `Bearer ${service.tokens.adminToken()}` };
  const response = await service.app.inject({ method, url: path, headers, ...(body && { payload: body }) });
  expect(response.statusCode, response.body).toBeLessThan(300);
  return response.json();
}

const read = (file: string) => JSON.parse(readFileSync(join(guides, file), 'utf8')) as object;
const view = async () => (await call('GET', '/v1/rollouts/r1')) as View;

/** The guide's device, or one like it that is in no ring. */
function agentOf(deviceId: string, ring?: string): Agent {
  const token = service.tokens.createLocal(deviceId, ['device'], { deviceId });
  const device = { deviceId, platform: 'ios', model: 'iPhone18,1', osVersion: '26.3.1', osBuild: '23D8133' };
  const install = ({ patchId }: { patchId: string }) =>
    Promise.resolve({ osBuild: '23D771330a', installed: [patchId] });
  return {
    url: service.address,
    token,
    device: { ...device, track: 'automatic', ...(ring && { ring }), installed: [], failed: [], removed: [] },
    system: { install: install as Agent['system'][string] },
  };
}

/** What README has typed: publish, plan, start. */
async function follow(agents: readonly Agent[]): Promise<void> {
  for (const agent of agents) await report(agent, 'status');
  await pass(STEP, []);
  await call('POST', '/v1/patches', read('ios-26.3.1-a.json'));
  // With a salt of its own, because a drawn one may put a device into the hold-back.
  await call('POST', '/v1/rollouts', { ...read('r1.json'), salt: 'first-steps' });
  await service.app.get(Followers).settle();
  await call('POST', '/v1/rollouts/r1/start', {});
}

const dueAt = new WeakMap<Agent, number>();

/** Time passes, and devices check in when they were told to. */
async function pass(ms: number, agents: readonly Agent[]): Promise<void> {
  for (let passed = 0; passed < ms; passed += STEP) {
    vi.setSystemTime(clock.now() + STEP);
    await clock.advanceTo(clock.now() + STEP);
    await service.app.get(Followers).settle();
    for (const agent of agents) {
      if (clock.now() < (dueAt.get(agent) ?? 0)) continue;
      dueAt.set(agent, clock.now() + 1000 * (await turn(agent)));
    }
  }
}

describe("README's plan, with the files and the agent of the guides", () => {
  it.each([
    ["the guide's one device", 0],
    ['five devices', 4],
  ])('completes without a person with %s', async (_, others) => {
    const agents = [
      agentOf('d-1', 'beta'),
      ...Array.from({ length: others }, (__, n) => agentOf(`d-${String(n + 2)}`)),
    ];
    await follow(agents);
    await pass(PLAN_MINUTES * MINUTE + 8 * STEP, agents);
    expect(await view()).toMatchObject({ status: 'completed', wave: 2 });
    expect(agents.map(({ device }) => device['installed'])).toEqual(agents.map(() => ['ios-26.3.1-a']));
  });

  it('says with no device that a person has to decide, and goes on when one does', async () => {
    await follow([]);
    await pass(2 * 60 * MINUTE, []);
    const waiting = await view();
    expect(waiting).toMatchObject({ status: 'running', wave: 1 });
    expect(waiting.waitsFor.map(({ for: code }) => code)).toEqual(['person']);
    const { command = '' } = waiting.waitsFor[0] ?? {};
    expect(command).toMatch(/^sluice rollout advance r1 --wave 1 --force /);
    expect(readFileSync(join(guides, '..', '..', 'README.md'), 'utf8')).toContain(command.split(' "')[0]);
    await call('POST', '/v1/rollouts/r1/advance', { wave: 1, force: { reason: 'a test' } });
    expect(await view()).toMatchObject({ status: 'running', wave: 2 });
  });
});
