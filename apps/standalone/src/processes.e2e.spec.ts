import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

// The built apps as processes of their own, over real sockets: `npm test` builds them first.
const dist = join(import.meta.dirname, '..', '..', '..', 'dist');
const MODEL = 'iPhone18,1';
const BASE = '23D8133';
const patch = {
  patchId: 'ios-26.3.1-a',
  platform: 'ios',
  baseVersion: '26.3.1',
  letter: 'a',
  variants: [{ build: '23D771330a', prerequisiteBuild: BASE, models: [MODEL] }],
};
const plan = {
  rolloutId: 'r1',
  patchId: patch.patchId,
  holdBackPercent: 0,
  waves: [{ name: 'all', ramp: { fromPercent: 100, toPercent: 100, minutes: 0 }, bakeMinutes: 600 }],
  gates: { installFailureRateMax: 0.01 },
};

let folder: string;
let running: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-processes-'));
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((child) => end(child, 'SIGKILL')));
  rmSync(folder, { recursive: true, force: true });
});

class Service {
  /** When each report happened: sent again, it is the same report. */
  private readonly firstSent = new Map<string, string>();
  private child: ChildProcess | undefined;

  get url(): string {
    return `http://127.0.0.1:${String(this.port)}`;
  }

  constructor(
    private readonly app: string,
    private readonly port: number,
    private readonly flags: readonly string[] = [],
  ) {}

  async start(): Promise<void> {
    const data = join(folder, this.app);
    const args = [join(dist, this.app, 'main.js'), '--port', String(this.port), '--data', data, '--tokens', folder];
    this.child = spawn(process.execPath, [...args, '--log-level', 'error', ...this.flags], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    running.push(this.child);
    await until(async () => (await fetch(`http://127.0.0.1:${String(this.port)}/health/live`)).ok);
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child) await end(this.child, signal);
  }

  async send(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: object,
    token = readFileSync(join(folder, 'admin-token'), 'utf8').trim(),
  ): Promise<{ status: number; body: Record<string, unknown> }> {
    const response = await fetch(`http://127.0.0.1:${String(this.port)}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
  }

  checkIn(fields: object = {}) {
    const device = {
      deviceId: 'd-1',
      platform: 'ios',
      model: MODEL,
      osVersion: '26.3.1',
      osBuild: BASE,
      installed: [],
      track: 'automatic',
    };
    return this.send('POST', '/v1/check-in', { ...device, ...fields });
  }

  report(reportId: string, kind: string, fields: object = {}) {
    const device = {
      deviceId: 'd-1',
      platform: 'ios',
      model: MODEL,
      osVersion: '26.3.1',
      osBuild: BASE,
      track: 'automatic',
    };
    const occurredAt = this.firstSent.get(reportId) ?? new Date().toISOString();
    this.firstSent.set(reportId, occurredAt);
    const report = { reportId, kind, occurredAt, ...device, ...fields };
    return this.send('POST', '/v1/reports', { reports: [report] });
  }
}

function spansFile(app: string): string {
  return join(folder, `${app}.jsonl`);
}

interface StoredSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
}

/** The spans that a process has written so far. */
function spansOf(app: string): StoredSpan[] {
  const file = spansFile(app);
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  return lines.flatMap((line) => {
    const { resourceSpans } = JSON.parse(line) as {
      resourceSpans: { scopeSpans: { spans: StoredSpan[] }[] }[];
    };
    return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans));
  });
}

/** With `traced`, each writes its part of traces to a file. */
async function threeServices(flags: readonly string[] = [], { traced = false } = {}) {
  const [catalogPort, orchestratorPort, telemetryPort] = await freePorts(3);
  const urls = [
    `--catalog-url`,
    `http://127.0.0.1:${String(catalogPort)}`,
    '--orchestrator-url',
    `http://127.0.0.1:${String(orchestratorPort)}`,
    '--telemetry-url',
    `http://127.0.0.1:${String(telemetryPort)}`,
  ];
  const tracing = (app: string) => (traced ? ['--traces', `file:${spansFile(app)}`] : []);
  const catalog = new Service('catalog', catalogPort ?? 0, tracing('catalog'));
  const orchestrator = new Service('orchestrator', orchestratorPort ?? 0, [
    ...urls,
    ...flags,
    ...tracing('orchestrator'),
  ]);
  const telemetry = new Service('telemetry', telemetryPort ?? 0, [
    ...urls,
    ...tracing('telemetry'),
    '--health-bucket-seconds',
    '1',
    '--shards',
    '2',
  ]);
  await catalog.start();
  await Promise.all([orchestrator.start(), telemetry.start()]);
  return { catalog, orchestrator, telemetry };
}

describe('tracing a pull through processes', () => {
  it('goes from the command line through catalog, feed and orchestrator to the first refused check-in', async () => {
    const { catalog, orchestrator, telemetry } = await threeServices([], { traced: true });
    // What is read at a start was traced when it happened, if it was.
    for (const service of [orchestrator, telemetry]) {
      await until(async () => {
        const { body } = await service.send('GET', '/v1/applied');
        return (body['followers'] as { caughtUp: boolean }[]).every(({ caughtUp }) => caughtUp);
      });
    }
    await catalog.send('POST', '/v1/patches', patch);
    await orchestrator.send('POST', '/v1/rollouts', plan);
    await orchestrator.send('POST', '/v1/rollouts/r1/start', {});
    const pull = ['patch', 'pull', patch.patchId, '--mode', 'withdraw', '--reason', 'boot loops', '--yes', '--json'];
    const env = { ...process.env, SLUICE_TRACES: `file:${spansFile('cli')}`, SLUICE_DATA: folder };
    const pulled = spawnSync(process.execPath, [join(dist, 'cli', 'main.js'), ...pull, '--url', catalog.url], {
      env,
      encoding: 'utf8',
    });
    expect(pulled.status).toBe(0);
    const traceId = /^Trace ([0-9a-f]{32})$/m.exec(pulled.stderr)?.[1];
    await until(async () => (await orchestrator.checkIn({ deviceId: 'secret-device' })).body['reason'] === 'pulled');
    const partOf = (app: string) => spansOf(app).filter((span) => span.traceId === traceId);
    await until(async () => partOf('orchestrator').some(({ name }) => name === 'first refused check-in'));
    await until(async () => partOf('telemetry').some(({ name }) => name === 'apply RolloutAborted'));
    const spans = ['cli', 'catalog', 'orchestrator', 'telemetry'].flatMap(partOf);
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const path = (name: string, app: string): string[] => {
      const names: string[] = [];
      let span = partOf(app).find((each) => each.name === name);
      for (; span !== undefined; span = byId.get(span.parentSpanId ?? '')) names.unshift(span.name);
      return names;
    };
    const toTheStore = ['sluice patch pull', 'POST', 'POST /v1/patches/{id}/pull', 'append PatchPulled'];
    expect(path('apply PatchPulled', 'orchestrator')).toEqual([...toTheStore, 'apply PatchPulled']);
    expect(path('first refused check-in', 'orchestrator')).toEqual([...toTheStore, 'first refused check-in']);
    expect(path('apply RolloutAborted', 'telemetry')).toEqual([
      ...toTheStore,
      'append RolloutAborted',
      'apply RolloutAborted',
    ]);
    expect(spans.filter(({ name }) => name === 'first refused check-in')).toHaveLength(1);
    for (const app of ['catalog', 'orchestrator', 'telemetry'])
      expect(readFileSync(spansFile(app), 'utf8')).not.toContain('secret-device');
  }, 60_000);
});

describe('explaining a device that another process knows', () => {
  it('asks telemetry, and folds the past in a thread of its own', { timeout: 60_000 }, async () => {
    const { catalog, orchestrator, telemetry } = await threeServices();
    await catalog.send('POST', '/v1/patches', patch);
    await until(async () => (await orchestrator.send('POST', '/v1/rollouts', plan)).status === 201);
    await until(async () => (await telemetry.report('s-1', 'status')).status === 202);
    const before = new Date().toISOString();
    expect((await orchestrator.send('POST', '/v1/rollouts/r1/start')).body).toMatchObject({ status: 'running' });
    const explain = async (query = '', deviceId = 'd-1') =>
      (await orchestrator.send('GET', `/v1/explain?deviceId=${deviceId}${query}`)).body;
    // Until telemetry has counted, nothing is granted: the rollout runs, and the turn of the device has yet to come.
    await until(async () => ['beyond-exposure', 'in-wave'].includes(String((await explain())['reason'])));
    expect(await explain('', 'd-9')).toMatchObject({ deviceBy: 'never-reported', directive: null });
    expect(await explain(`&at=${before}`)).toMatchObject({ deviceBy: 'reports', reason: 'no-rollout' });
    expect((await orchestrator.send('GET', `/v1/rollouts/r1?at=${before}`)).body).toMatchObject({ status: 'planned' });
    await telemetry.end('SIGKILL');
    const silent = await explain();
    expect(silent).toMatchObject({ deviceBy: 'no-answer', device: null, directive: null });
  });
});

describe('running three processes that hear each other over HTTP', () => {
  it(
    'brings a patch out and takes it back, though each of them is killed in between',
    { timeout: 60_000 },
    async () => {
      const { catalog, orchestrator, telemetry } = await threeServices();
      expect((await catalog.send('POST', '/v1/patches', patch)).status).toBe(201);
      await until(async () => (await orchestrator.send('POST', '/v1/rollouts', plan)).status === 201);
      expect((await orchestrator.send('POST', '/v1/rollouts/r1/start')).body).toMatchObject({ status: 'running' });
      await orchestrator.end('SIGKILL');
      await orchestrator.start();
      await until(async () => (await orchestrator.checkIn()).body['directive'] === 'install');

      const received = { patchId: patch.patchId, rolloutId: 'r1' };
      expect((await telemetry.report('1', 'install-started', received)).body).toMatchObject({ accepted: 1 });
      expect((await telemetry.report('2', 'installed', { ...received, osBuild: '23D771330a' })).body).toMatchObject({
        accepted: 1,
      });
      await telemetry.end('SIGKILL');
      const preview = async () => (await orchestrator.send('GET', `/v1/recalls/${patch.patchId}/preview`)).body;
      const unknown = await preview();
      expect(unknown).toMatchObject({ holders: null, inFlight: null });
      expect(unknown['unknownBecause']).toMatch(/^telemetry did not answer/);
      await telemetry.start();
      expect((await telemetry.report('2', 'installed', { ...received, osBuild: '23D771330a' })).body).toMatchObject({
        duplicates: 1,
      });
      expect((await telemetry.send('GET', '/v1/devices/d-1')).body).toMatchObject({
        base: BASE,
        patches: { [patch.patchId]: { state: 'installed' } },
      });

      expect(await preview()).toMatchObject({ holders: 1, byLastReport: { withinDay: 1 }, unknownBecause: null });
      const pulled = await catalog.send('POST', `/v1/patches/${patch.patchId}/pull`, {
        mode: 'recall',
        reason: 'it hurts',
      });
      expect(pulled.body).toMatchObject({ status: 'pulled', recallEpoch: 1 });
      await catalog.end('SIGKILL');
      await catalog.start();
      const holding = { osBuild: '23D771330a', installed: [patch.patchId] };
      await until(async () => (await orchestrator.checkIn(holding)).body['directive'] === 'remove');
      expect((await orchestrator.checkIn({ deviceId: 'd-2' })).body).toMatchObject({
        directive: 'none',
        reason: 'pulled',
      });
      const progress = async () => (await orchestrator.send('GET', `/v1/recalls/${patch.patchId}`)).body;
      await until(async () => (await progress())['remaining'] === 1);
      await telemetry.report('3', 'rolled-back', { ...received, cause: 'recall' });
      await until(async () => (await progress())['remaining'] === 0);
      // It is completed only when the leases from before the pull have run out.
      expect(await progress()).toMatchObject({ status: 'running', devices: 1, removed: 1, remaining: 0 });
    },
  );

  it('offers nothing once the catalog is silent for too long', { timeout: 60_000 }, async () => {
    const { catalog, orchestrator } = await threeServices(['--policy-stale-seconds', '7']);
    await catalog.send('POST', '/v1/patches', patch);
    await until(async () => (await orchestrator.send('POST', '/v1/rollouts', plan)).status === 201);
    await orchestrator.send('POST', '/v1/rollouts/r1/start');
    await until(async () => (await orchestrator.checkIn()).body['directive'] === 'install');
    // A process that stands still keeps its sockets open, so that nobody is told.
    catalog.signal('SIGSTOP');
    await until(async () => (await orchestrator.checkIn()).body['reason'] === 'policy-stale');
    expect((await orchestrator.checkIn()).body).toMatchObject({ directive: 'none', reason: 'policy-stale' });
    catalog.signal('SIGCONT');
    await until(async () => (await orchestrator.checkIn()).body['directive'] === 'install');
  });
});

describe('sharing tokens among three processes', () => {
  const statusAt = async (service: Service, token: string) =>
    (await service.send('GET', '/v1/me', undefined, token)).status;
  /** Each round the catalog lives a little longer. */
  const TURNS_MORE = 50;
  const issue = (catalog: Service, name: string) => catalog.send('POST', '/v1/tokens', { name, roles: ['viewer'] });

  it(
    'takes them at once, and goes on with those that it knows while the catalog is away',
    { timeout: 60_000 },
    async () => {
      const { catalog, orchestrator, telemetry } = await threeServices();
      const [kept, revoked] = await Promise.all([issue(catalog, 'kept'), issue(catalog, 'revoked')]);
      const [good, bad] = [kept, revoked].map(({ body }) => String(body['token']));
      for (const service of [orchestrator, telemetry]) {
        await until(async () => (await statusAt(service, good ?? '')) === 200);
        await until(async () => (await statusAt(service, bad ?? '')) === 200);
        const refused = await issue(service, 'elsewhere');
        expect(refused).toMatchObject({ status: 421, body: { code: 'not-the-owner', owner: catalog.url } });
      }
      const { id } = revoked.body['info'] as { id: string };
      expect((await catalog.send('DELETE', `/v1/tokens/${id}`)).status).toBe(204);
      await until(async () => (await statusAt(telemetry, bad ?? '')) === 401);
      const known = async () => readFile(join(folder, 'telemetry', 'access.json'), 'utf8');
      await until(async () => !(await known()).includes(id));

      await catalog.end('SIGKILL');
      await telemetry.end('SIGKILL');
      await telemetry.start();
      expect(await statusAt(telemetry, good ?? '')).toBe(200);
      // It may have been issued since: neither a yes nor a no.
      expect(await statusAt(telemetry, bad ?? '')).toBe(503);
      await catalog.start();
      await until(async () => (await statusAt(telemetry, bad ?? '')) === 401);
      expect(await statusAt(telemetry, good ?? '')).toBe(200);
    },
  );

  it('keeps the audit of each process, though it is killed', { timeout: 60_000 }, async () => {
    const { catalog, orchestrator } = await threeServices();
    const { body } = await issue(catalog, 'lake');
    const viewer = String(body['token']);
    await until(async () => (await statusAt(orchestrator, viewer)) === 200);
    expect((await orchestrator.send('POST', '/v1/stop', { reason: 'a try' }, viewer)).status).toBe(403);
    expect((await orchestrator.send('POST', '/v1/stop', { reason: 'it hurts' })).status).toBe(200);
    const notes = async () => (await orchestrator.send('GET', '/v1/audit')).body['items'];
    const file = join(folder, 'orchestrator', 'audit', '0000000000000001.jsonl');
    await until(async () => (await readFile(file, 'utf8')).includes('it hurts'));
    await orchestrator.end('SIGKILL');
    await orchestrator.start();
    const common = { operation: 'POST /v1/stop', from: '127.0.0.1' };
    expect(await notes()).toMatchObject([
      { number: 2, actor: 'admin', code: 'ok', reason: 'it hurts', ...common },
      // Who may not call is refused before the body is read, which has the reason.
      { number: 1, actor: 'lake', roles: ['viewer'], code: 'forbidden', ...common },
    ]);
  });

  it('refuses a revoked token only once it hears of that', { timeout: 60_000 }, async () => {
    const { catalog, telemetry } = await threeServices();
    const { body } = await issue(catalog, 'lake');
    const token = String(body['token']);
    await until(async () => (await statusAt(telemetry, token)) === 200);
    telemetry.signal('SIGSTOP');
    await catalog.send('DELETE', `/v1/tokens/${(body['info'] as { id: string }).id}`);
    expect(await statusAt(catalog, token)).toBe(401);
    telemetry.signal('SIGCONT');
    await until(async () => (await statusAt(telemetry, token)) === 401);
  });

  it('leaves no name taken for good when the catalog dies before it has answered', { timeout: 60_000 }, async () => {
    const { catalog } = await threeServices();
    const rounds = { lost: 0, made: 0 };
    for (let round = 0; round < 8; round += 1) {
      const name = `n-${String(round)}`;
      const answer = issue(catalog, name).catch(() => undefined);
      for (let turn = 0; turn < round * TURNS_MORE; turn += 1) await new Promise(setImmediate);
      await catalog.end('SIGKILL');
      const answered = await answer;
      await catalog.start();
      const again = await issue(catalog, name);
      if (answered?.status === 201) expect(again.status).toBe(409);
      if (again.status === 201) rounds.lost += 1;
      else {
        rounds.made += 1;
        const [, id = ''] = / is the name of (\w+)/.exec(String(again.body['detail'])) ?? [];
        expect((await catalog.send('DELETE', `/v1/tokens/${id}`)).status).toBe(204);
        expect((await issue(catalog, name)).status).toBe(201);
      }
    }
    expect(rounds.lost + rounds.made).toBe(8);
  });

  it('takes a new admin token without a restart, and the former one for a while', { timeout: 60_000 }, async () => {
    const { catalog, orchestrator } = await threeServices();
    const read = () => readFileSync(join(folder, 'admin-token'), 'utf8').trim();
    const rotate = (...flags: string[]) => {
      const args = [join(dist, 'cli', 'main.js'), 'token', 'rotate-admin', '--data', folder, ...flags];
      expect(spawnSync(process.execPath, args).status).toBe(0);
    };
    const first = read();
    rotate();
    const second = read();
    await until(async () => (await statusAt(orchestrator, second)) === 200);
    expect(await statusAt(orchestrator, first)).toBe(200);
    rotate('--now');
    await until(async () => (await statusAt(catalog, read())) === 200);
    await until(async () => (await statusAt(orchestrator, read())) === 200);
    await until(async () => (await statusAt(orchestrator, first)) === 401);
    expect(await statusAt(orchestrator, second)).toBe(401);
  });
});

describe('killing the one process that has it all', () => {
  it('loses nothing that was acknowledged and counts nothing twice', { timeout: 60_000 }, async () => {
    const [port = 0] = await freePorts(1);
    const standalone = new Service('standalone', port, ['--empty']);
    const acknowledged = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      await standalone.start();
      const killed = { now: false };
      const senders = Array.from({ length: 8 }, async (_, sender) => {
        for (let next = 0; !killed.now; next += 1) {
          const id = `${String(round)}-${String(sender)}-${String(next)}`;
          const answer = await standalone.report(id, 'status', { deviceId: `d-${id}` }).catch(() => undefined);
          if (answer?.status === 202) acknowledged.add(id);
        }
      });
      await until(() => Promise.resolve(acknowledged.size > (round + 1) * 200));
      await standalone.end('SIGKILL');
      killed.now = true;
      await Promise.all(senders);
    }
    await standalone.start();
    for (const id of acknowledged) {
      expect((await standalone.report(id, 'status', { deviceId: `d-${id}` })).body).toMatchObject({
        accepted: 0,
        duplicates: 1,
      });
    }
    const { body } = await standalone.send('GET', '/v1/fleet');
    expect(body['devices']).toBe(body['facts']);
    expect(body['facts']).toBeGreaterThanOrEqual(acknowledged.size);
    const job = await standalone.send('POST', '/v1/replays', { verify: true });
    const verified = async () => (await standalone.send('GET', `/v1/replays/${String(job.body['id'])}`)).body;
    await until(async () => (await verified())['status'] === 'done');
    expect(await verified()).toMatchObject({ matches: true, differences: [] });
  });
});

describe('reading the feed in a thread of its own', () => {
  it('names devices whose ids lie in earlier commits, and has the same past after a restart', async () => {
    const [port = 0] = await freePorts(1);
    const standalone = new Service('standalone', port, ['--empty']);
    const read = async (query: string) => {
      const { body } = await standalone.send('GET', `/v1/feed?topics=fleet&${query}`);
      return body as { events: { data: { deviceId: string }; position: string }[]; next: string };
    };
    await standalone.start();
    for (const lap of [1, 2, 3]) {
      for (const deviceId of ['d-1', 'd-2'])
        await standalone.report(`${deviceId}-${String(lap)}`, 'status', { deviceId });
    }
    const devices = ({ events }: Awaited<ReturnType<typeof read>>) => events.map(({ data }) => data.deviceId);
    const all = await read('');
    expect(devices(all)).toEqual(['d-1', 'd-2', 'd-1', 'd-2', 'd-1', 'd-2']);
    expect(devices(await read('deviceId=d-2&order=newest&limit=2'))).toEqual(['d-2', 'd-2']);
    await standalone.end('SIGKILL');
    await standalone.start();
    const third = all.events[2]?.position ?? '';
    expect(devices(await read(`from=${third}`))).toEqual(['d-2', 'd-1', 'd-2']);
    expect(await read('')).toMatchObject({ events: all.events });
    expect((await standalone.send('GET', '/v1/feed?from=elsewhere.1')).body).toMatchObject({ code: 'other-lineage' });
  });
});

/** Polls until it is so; what throws is not so yet. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 25_000;
  while (!(await isSo().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`never came true: ${isSo.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports = await Promise.all(
    servers.map(async (server) => {
      await new Promise((resolve) => (server.listening ? resolve(undefined) : server.once('listening', resolve)));
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
