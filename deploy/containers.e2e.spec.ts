import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { newToken, Tokens } from '@sluice/platform';
import { engineAnswers, imageForTests, isAlive, leaveOut } from '@sluice/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** What deploy/docker/build.mjs exports. */
interface Images {
  imageName(service: string, tag: string): string;
  buildImages(wanted: { tag: string; base: string }): Promise<string[]>;
}
interface Ground {
  readonly kafka: string;
  readonly base: string;
  readonly command: readonly [string, ...string[]];
}

const run = promisify(execFile);
const root = dirname(import.meta.dirname);
const { buildImages, imageName } = (await import(new URL('docker/build.mjs', import.meta.url).href)) as Images;
const services = ['catalog', 'orchestrator', 'telemetry-1', 'telemetry-2'];
const TAG = 'e2e';
const DEVICES = 300;
const BUILD_MS_MAX = 5 * 60_000;
const START_MS_MAX = 3 * 60_000;
const SCENARIO_MS_MAX = 8 * 60_000;
const POLL_MS = 500;
const project = `sluice-e2e-${String(process.pid)}`;
const found = await findGround();
if (typeof found === 'string') leaveOut('images and compose file', found);
const ground = typeof found === 'string' ? undefined : found;
const folder = mkdtempSync(join(tmpdir(), 'sluice-containers-'));
const environment: Record<string, string> = { SLUICE_TAG: TAG, SLUICE_CLOCK: 'manual', SLUICE_LOG_LEVEL: 'warn' };

/** What is needed to run containers, or which part of it is not there. */
async function findGround(): Promise<Ground | string> {
  if (!(await engineAnswers())) return 'no Docker engine answers';
  const command = await composeCommand();
  if (command === undefined) return 'there is no docker-compose';
  const base = await imageForTests(process.env['BASE_IMAGE'] ?? 'node:26-bookworm-slim', 'node');
  const kafka = await imageForTests(process.env['SLUICE_KAFKA_IMAGE'] ?? 'apache/kafka:4.1.0', 'kafka');
  if (base === undefined || kafka === undefined) return 'the images of Node and Kafka cannot be had';
  return { command, base, kafka };
}

/** The old program or the newer plugin, whichever is there. */
async function composeCommand(): Promise<Ground['command'] | undefined> {
  for (const command of [['docker-compose'], ['docker', 'compose']] as const) {
    const [program, ...first] = command;
    if (await run(program, [...first, 'version']).then(Boolean, () => false)) return command;
  }
  return undefined;
}

async function compose(...parameters: string[]): Promise<string> {
  const [program, ...first] = ground?.command ?? ['docker-compose'];
  const files = ['compose.yaml', 'compose.embedded.yaml'].flatMap((file) => [
    '-f',
    join(import.meta.dirname, 'compose', file),
  ]);
  const { stdout } = await run(program, [...first, '-p', project, ...files, ...parameters], {
    env: { ...process.env, ...environment },
  });
  return stdout.trim();
}

/** What `docker inspect` tells of a container, by a template that gives JSON. */
async function inspect(container: string, template: string): Promise<unknown> {
  const { stdout } = await run('docker', ['inspect', '--format', template, container]);
  return JSON.parse(stdout);
}

/** Runs a script within a container, with the only program that is sure to be there. */
async function within(service: string, script: string): Promise<unknown> {
  return JSON.parse(await compose('exec', '-T', service, 'node', '--input-type=module', '-e', script));
}

async function address(service: string, port: number): Promise<string> {
  return `http://${await compose('port', service, String(port))}`;
}

async function isSo(what: string, check: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + START_MS_MAX;
  while (!(await check())) {
    if (performance.now() > giveUpAt) throw new Error(`not after ${String(START_MS_MAX)} ms: ${what}`);
    await sleep(POLL_MS);
  }
}

/** What runs that were killed have left behind. */
async function removeOrphans(): Promise<void> {
  const format = '{{.Label "com.docker.compose.project"}}';
  const { stdout } = await run('docker', [
    'ps',
    '--all',
    '--filter',
    'label=com.docker.compose.project',
    '--format',
    format,
  ]);
  for (const name of new Set(stdout.split('\n'))) {
    const owner = /^sluice-e2e-(\d+)$/.exec(name)?.[1];
    if (owner === undefined || isAlive(Number(owner))) continue;
    const [program, ...first] = ground?.command ?? ['docker-compose'];
    const file = join(import.meta.dirname, 'compose', 'compose.yaml');
    await run(program, [...first, '-p', name, '-f', file, 'down', '--volumes', '--timeout', '1']);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The result of a scenario that one of the apps plays. */
async function play(app: string, ...flags: string[]): Promise<Record<string, unknown>> {
  const parameters = ['--scenario', 'faulty-patch', '--devices', String(DEVICES), '--json', '--exit', ...flags];
  const child = spawn(process.execPath, [join(root, 'dist', app, 'main.js'), ...parameters], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: folder,
  });
  let [output, said] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${app} ended with ${String(code)}:\n${said.slice(-2000)}`);
  return JSON.parse(output) as Record<string, unknown>;
}

describe.skipIf(ground === undefined)('running the images with the compose file', () => {
  beforeAll(async () => {
    if (ground === undefined) return;
    await removeOrphans();
    await buildImages({ tag: TAG, base: ground.base });
    await run(process.execPath, [join(root, 'deploy', 'build.mjs'), 'cluster', 'standalone']);
    Object.assign(environment, { SLUICE_KAFKA_IMAGE: ground.kafka, KAFKA_PORT: String(await freePort()) });
    for (const name of ['CATALOG', 'ORCHESTRATOR', 'TELEMETRY_1', 'TELEMETRY_2']) environment[`${name}_PORT`] = '0';
    await compose('up', '-d');
  }, BUILD_MS_MAX);
  afterAll(async () => {
    if (ground !== undefined) await compose('down', '--volumes', '--timeout', '5');
    rmSync(folder, { recursive: true, force: true });
  }, START_MS_MAX);

  it('is well when it has started', { timeout: START_MS_MAX }, async () => {
    for (const service of services) {
      const container = await compose('ps', '-q', service);
      const health = () => inspect(container, '{{json .State.Health.Status}}');
      await isSo(`${service} is healthy`, async () => (await health()) === 'healthy');
    }
    expect(await compose('ps', '-q', 'eventstoredb')).toBe('');
  });

  it.each(services)('gives %s no rights that it does not need', async (service) => {
    const script = `
      import { readFileSync, writeFileSync } from 'node:fs';
      const status = readFileSync('/proc/1/status', 'utf8');
      const field = (name) => new RegExp(name + ':\\\\s*(\\\\S+)').exec(status)?.[1];
      const write = (file) => { try { writeFileSync(file, ''); return 'written'; } catch ({ code }) { return code; } };
      const [root, code, data, temporary] = ['/x', '/opt/sluice/x', '/var/lib/sluice/data/x', '/tmp/x'].map(write);
      const [user, rights, newRights] = ['Uid', 'CapEff', 'NoNewPrivs'].map(field);
      console.log(JSON.stringify({ user, rights, newRights, root, code, data, temporary }));`;
    expect(await within(service, script)).toEqual({
      user: '1000',
      rights: '0000000000000000',
      newRights: '1',
      root: 'EROFS',
      code: 'EROFS',
      data: 'written',
      temporary: 'written',
    });
  });

  it('tells a service that does not answer from one that does', async () => {
    const check = (port: number) =>
      compose('exec', '-T', '-e', `SLUICE_PORT=${String(port)}`, 'catalog', 'node', '/opt/sluice/health.mjs');
    expect(await check(4601)).toBe('200 {"status":"ok"}');
    await expect(check(1)).rejects.toThrow();
  });

  it('plays the faulty patch to the same numbers as one process', { timeout: SCENARIO_MS_MAX }, async () => {
    const adminTokenFile = join(folder, 'admin');
    const token = await compose(
      'exec',
      '-T',
      'catalog',
      'node',
      '-p',
      'fs.readFileSync("/var/lib/sluice/tokens/admin-token","utf8")',
    );
    writeFileSync(adminTokenFile, token, { mode: 0o600 });
    const addresses = await Promise.all([
      address('catalog', 4601).then((url) => `catalog=${url}`),
      address('orchestrator', 4602).then((url) => `orchestrator=${url}`),
      address('telemetry-1', 4603).then((url) => `telemetry=${url}`),
      address('telemetry-2', 4603).then((url) => `telemetry=${url}`),
    ]);
    const inOne = await play('standalone');
    const apart = await play('cluster', '--attach', addresses.join(), '--admin-token-file', adminTokenFile);
    const numbers = ({
      stoodInWave,
      devicesExposedThen,
      simulatedSecondsUntilThen,
      recall,
      replayMatches,
    }: typeof apart) => ({
      stoodInWave,
      devicesExposedThen,
      simulatedSecondsUntilThen,
      recall,
      replayMatches,
    });
    expect(numbers(apart)).toEqual(numbers(inOne));
    expect(apart).toMatchObject({ stoodInWave: 2, replayMatches: true, recall: { remaining: 0 } });
  });

  it(
    'starts with tokens that are mounted for reading only, as Kubernetes mounts them',
    { timeout: START_MS_MAX },
    async () => {
      const { folder: tokens } = new Tokens(folder);
      // One that a former version kept as a file: it is taken over, though the file cannot be moved.
      const { text: token, secretSha256 } = newToken('0123456789ab');
      const kept = { id: '0123456789ab', name: 'spec', roles: ['viewer'], createdAt: new Date().toISOString() };
      mkdirSync(join(tokens, 'tokens'));
      writeFileSync(join(tokens, 'tokens', '0123456789ab.json'), JSON.stringify({ ...kept, secretSha256 }));
      // Kubernetes gives the group of the pod the right to read secrets, and nobody else.
      await run('chmod', ['-R', 'g+rX,o=', folder]);
      const mounts = ['admin-token', 'peers-key', 'tokens'].flatMap((name) => [
        '-v',
        `${join(folder, name)}:/var/lib/sluice/tokens/${name}:ro`,
      ]);
      const settings = ['-e', 'SLUICE_TOKENS=/var/lib/sluice/tokens', '-e', 'SLUICE_INSECURE_HTTP=on'];
      const group = ['--group-add', String(statSync(folder).gid)];
      const parameters = ['--read-only', '--tmpfs', '/tmp', ...group, ...settings, ...mounts];
      const image = imageName('catalog', TAG);
      const { stdout } = await run('docker', ['run', '--detach', '-p', '127.0.0.1:0:4601', ...parameters, image]);
      const container = stdout.trim();
      try {
        const port = (await run('docker', ['port', container, '4601'])).stdout.trim();
        const live = () =>
          fetch(`http://${port}/health/live`).then(
            ({ ok }) => ok,
            () => false,
          );
        await isSo('the catalog listens', live);
        const answer = await fetch(`http://${port}/v1/patches`, { headers: { authorization: `Bearer ${token}` } });
        expect(answer.status).toBe(200);
      } finally {
        await run('docker', ['rm', '--force', '--volumes', container]);
      }
    },
  );

  it('ends with 0 when it is told to', { timeout: START_MS_MAX }, async () => {
    const containers = await Promise.all(services.map((service) => compose('ps', '-q', service)));
    await compose('stop', ...services);
    for (const container of containers) {
      expect(await inspect(container, '{{json .State}}')).toMatchObject({
        Running: false,
        ExitCode: 0,
        OOMKilled: false,
      });
    }
  });
});
