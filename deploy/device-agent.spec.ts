import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type CheckIn } from '@sluice/contracts/device-protocol';
import { InMemoryEventStore } from '@sluice/event-sourcing';
import { close, createApp, Followers, InlineFolds, ManualClock, Settings, Tokens } from '@sluice/platform';
import { CatalogModule, catalogPublications, folds as catalogFolds } from '@sluice/service-catalog';
import { folds as orchestratorFolds, OrchestratorModule, orchestratorPublications } from '@sluice/service-orchestrator';
import { folds as telemetryFolds, TelemetryModule, telemetryPublications } from '@sluice/service-telemetry';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const guides = new URL('../docs/guides/', import.meta.url);
const MINUTE = 60_000;
const BASE = '23D8133';
const builds: Readonly<Record<string, string>> = { 'p-a': '23D771330a', 'p-c': '23D771331c' };

/** What docs/guides/device-agent.mjs exports, as the guide describes it. */
interface DeviceAgent {
  turn(agent: Agent): Promise<number>;
  report(agent: Agent, kind: string): Promise<void>;
}
interface Agent {
  readonly url: string;
  readonly token: string;
  readonly device: { -readonly [Field in keyof CheckIn]: CheckIn[Field] };
  readonly system: Readonly<
    Record<'install' | 'remove' | 'askUser', (order: { patchId: string }) => Promise<unknown>>
  > & {
    readonly download?: (order: { patchId: string }) => Promise<unknown>;
  };
}

let folder: string;
let app: NestFastifyApplication;
let clock: ManualClock;
let tokens: Tokens;
let agent: Agent;
let asked: string[];
let agentCode: DeviceAgent;

beforeEach(async () => {
  clock = new ManualClock(Date.now());
  folder = mkdtempSync(join(tmpdir(), 'sluice-agent-'));
  tokens = new Tokens(folder);
  const store = new InMemoryEventStore(clock);
  app = await createApp([CatalogModule, OrchestratorModule, TelemetryModule], {
    settings: Settings.of(),
    clock,
    store,
    tokens,
    folds: new InlineFolds(store, { ...catalogFolds, ...orchestratorFolds, ...telemetryFolds }),
    publications: [...catalogPublications(), ...orchestratorPublications(), ...telemetryPublications()],
  });
  await app.listen(0, '127.0.0.1');
  agentCode = (await import(new URL('device-agent.mjs', guides).href)) as DeviceAgent;
  asked = [];
  agent = {
    url: await app.getUrl(),
    token: tokens.createLocal('d-1', ['device'], { deviceId: 'd-1' }),
    device: {
      deviceId: 'd-1',
      platform: 'ios',
      model: 'iPhone18,1',
      osVersion: '26.3.1',
      osBuild: BASE,
      track: 'automatic',
      installed: [],
      failed: [],
      removed: [],
    },
    system: {
      install: async ({ patchId }) => ({ osBuild: builds[patchId], installed: [patchId] }),
      remove: async () => ({ osBuild: BASE, installed: [] }),
      askUser: async ({ patchId }) => asked.push(patchId) > 1,
    },
  };
});
afterEach(async () => {
  await close(app);
  rmSync(folder, { recursive: true });
});

async function send(method: 'GET' | 'POST', url: string, payload?: object) {
  const headers = { authorization: `Bearer ${tokens.adminToken()}` };
  const response = await app.inject({ method, url, headers, ...(payload && { payload }) });
  expect(response.statusCode, response.body).toBeLessThan(300);
  return response.json<Record<string, unknown>>();
}

// Health is told at a tick, and what comes of it happens before the next.
async function settle() {
  for (let minutes = 0; minutes < 2; minutes += 1) {
    await clock.advanceTo(clock.now() + MINUTE);
    await app.get(Followers).settle();
  }
}

async function rollOut(letter: 'a' | 'c') {
  const patchId = `p-${letter}`;
  const variants = [{ build: builds[patchId], prerequisiteBuild: BASE, models: ['iPhone18,1'] }];
  await send('POST', '/v1/patches', { patchId, platform: 'ios', baseVersion: '26.3.1', letter, variants });
  const ramp = { fromPercent: 100, toPercent: 100, minutes: 0 };
  const waves = [{ name: 'all', ramp, bakeMinutes: 60 }];
  const gates = { installFailureRateMax: 0.01 };
  await send('POST', '/v1/rollouts', { rolloutId: `r-${letter}`, patchId, waves, holdBackPercent: 0, gates });
  await send('POST', `/v1/rollouts/r-${letter}/start`);
}

async function recall(patchId: string, replacement?: string) {
  await send('POST', `/v1/patches/${patchId}/pull`, {
    mode: 'recall',
    reason: 'boot loops',
    ...(replacement !== undefined && { replacement }),
  });
  await settle();
}

const seen = async () => (await send('GET', '/v1/devices/d-1'))['patches'];

const example = (name: string) => JSON.parse(readFileSync(new URL(name, guides), 'utf8')) as object;

describe('connecting a device', () => {
  it('installs what it is told to, and removes what is recalled', async () => {
    await agentCode.report(agent, 'status');
    await settle();
    await rollOut('a');
    expect(await agentCode.turn(agent)).toBeGreaterThan(0);
    expect(agent.device).toMatchObject({ installed: ['p-a'], osBuild: builds['p-a'] });
    expect(await seen()).toMatchObject({ 'p-a': { state: 'installed' } });
    await settle();

    await recall('p-a');
    expect(await send('GET', '/v1/recalls/p-a')).toMatchObject({ status: 'running', remaining: 1 });
    await agentCode.turn(agent);
    expect(agent.device).toMatchObject({ installed: [], osBuild: BASE });
    await settle();
    expect(await send('GET', '/v1/recalls/p-a')).toMatchObject({ status: 'running', removed: 1, remaining: 0 });
  });

  it('goes on to the replacement of what is recalled', async () => {
    await rollOut('a');
    await agentCode.turn(agent);
    await settle();
    await rollOut('c');
    await recall('p-a', 'p-c');
    await agentCode.turn(agent);
    expect(agent.device).toMatchObject({ installed: ['p-c'], osBuild: builds['p-c'] });
    expect(await seen()).toMatchObject({ 'p-a': { state: 'rolledBack' }, 'p-c': { state: 'installed' } });
  });

  it('works with the files of the guide', async () => {
    await send('POST', '/v1/patches', example('ios-26.3.1-a.json'));
    await send('POST', '/v1/rollouts', example('r1.json'));
    await send('POST', '/v1/rollouts/r1/start');
    const env = { ...process.env, SLUICE_URL: agent.url, SLUICE_TOKEN: agent.token };
    const device = spawn(process.execPath, [fileURLToPath(new URL('my-device.mjs', guides))], { env });
    const ended = once(device, 'exit');
    try {
      const said: string = await new Promise((resolve) => device.stdout.once('data', (text) => resolve(String(text))));
      expect(said).toBe('installing ios-26.3.1-a\n');
      await expect.poll(seen).toMatchObject({ 'ios-26.3.1-a': { state: 'installed' } });
    } finally {
      device.kill();
      await ended;
    }
  });

  it('asks its user on the manual track, each time until that agrees', async () => {
    agent.device.track = 'manual';
    await rollOut('a');
    await agentCode.turn(agent);
    expect(agent.device.installed).toEqual([]);
    await agentCode.turn(agent);
    expect(agent.device.installed).toEqual(['p-a']);
    expect(asked).toEqual(['p-a', 'p-a']);
  });

  it('goes on trying where the package cannot be fetched, and tells no start', async () => {
    const failed = Object.assign(new Error('504'), { code: 'server-unavailable' });
    const out = { ...agent, system: { ...agent.system, download: async () => Promise.reject(failed) } };
    await rollOut('a');
    for (let turns = 0; turns < 4; turns += 1) await agentCode.turn(out);
    expect(agent.device.failed).toEqual([]);
    expect(await seen()).toEqual({});
    const { events } = await send('GET', '/v1/feed?topics=fleet&from=0&limit=100');
    const types = (events as { data: { type: string } }[]).map(({ data }) => data.type);
    expect(types).toEqual(Array(4).fill('PatchInstallFailed'));
    await agentCode.turn(agent);
    expect(agent.device.installed).toEqual(['p-a']);
  });

  it('gives up after the third failed attempt', async () => {
    let attempts = 0;
    const install = async () => Promise.reject(new Error(`no room, attempt ${String((attempts += 1))}`));
    const failing = { ...agent, system: { ...agent.system, install } };
    await rollOut('a');
    for (let turns = 0; turns < 5; turns += 1) await agentCode.turn(failing);
    expect(attempts).toBe(3);
    expect(await seen()).toMatchObject({ 'p-a': { state: 'failed' } });
  });
});
