import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { type ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { keyPairs } from '@sluice/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkDataFolders, holdersIn } from '../doctor/data-folder.ts';
import { type Finding } from '../doctor/finding.ts';
import { checkInstallation } from '../doctor/installation.ts';
import { expiryFinding } from '../doctor/port.ts';
import { CannedServer, problem, sluice, type World } from '../sluice.fixture.ts';

const SECRET = 'slc_admin_0123456789abcdef';
const DAY_MS = 86_400_000;
const NOBODY = 65_534;

let server: CannedServer;
let url: string;
let cwd: string;

beforeEach(async () => {
  server = new CannedServer();
  url = await server.start();
  cwd = mkdtempSync(join(tmpdir(), 'sluice-doctor-'));
  server
    .on('GET /health/ready', { body: { status: 'ok' } })
    .on('GET /v1/me', { body: { name: 'admin', roles: ['admin'] } })
    .on('GET /v1/clock', { body: { kind: 'wall', now: '2026-11-24T10:00:00.000Z', sound: true } })
    .on('GET /metrics', metrics({}));
});

afterEach(() => server.stop());

const metrics = (values: Readonly<Record<string, number | string>>) => (response: ServerResponse) => {
  const all = {
    ...{ sluice_catalog_silent_seconds: 0.2, sluice_telemetry_silent_seconds: 0.2 },
    ...{ sluice_policy_stale: 0, sluice_blind: 0, sluice_store_writable: 1, sluice_dead_letters: 0 },
    ...values,
  };
  response.end(
    Object.entries(all)
      .map(([name, value]) => `# TYPE ${name} gauge\n${name} ${String(value)}\n`)
      .join(''),
  );
};

interface Diagnosis {
  readonly exit: number;
  readonly faults: number;
  readonly warnings: number;
  readonly findings: readonly Finding[];
}

async function doctor(args: readonly string[] = [], world: World = {}): Promise<Diagnosis> {
  const ran = await sluice(['--url', url, 'doctor', '--json', ...args], { cwd, ...world });
  expect(ran.stdout + ran.stderr).not.toContain(SECRET);
  return { exit: ran.exit, ...(JSON.parse(ran.stdout) as Omit<Diagnosis, 'exit'>) };
}

const wrong = ({ findings }: Diagnosis) => findings.filter(({ verdict }) => verdict !== 'ok');

function dataFolder(mode = 0o700, name = 'data'): string {
  const folder = join(cwd, name);
  mkdirSync(folder);
  writeFileSync(join(folder, 'admin-token'), `${SECRET}\n`, { mode: 0o600 });
  chmodSync(folder, mode);
  return folder;
}

describe('looking for what is wrong', () => {
  it('finds nothing where all is well, and exits with 0', async () => {
    const folder = dataFolder();
    const found = await doctor(['--data', folder]);
    expect(wrong(found)).toEqual([]);
    expect(found).toMatchObject({ exit: 0, faults: 0, warnings: 0 });
    const subjects = new Set(found.findings.map(({ about }) => about));
    expect([...subjects]).toEqual(['installation', 'data', 'disk', 'token', 'port', 'clock', 'sources']);
    expect(readdirSync(folder)).toEqual(['admin-token']);
    const { stdout } = await sluice(['--url', url, 'doctor', '--data', folder], { cwd });
    expect(stdout).toContain(`ok       port          ${url} answers, and is ready.\n`);
    expect(stdout).toMatch(/ok {7}disk {10}\d+\.\d GB are free for /);
    expect(stdout).toMatch(/syncs in \d+\.\d ms/);
    expect(stdout).toContain(`knows the token (${join(folder, 'admin-token')}): its name is admin, its role admin.`);
  });

  it('says that nothing listens, and that there is no folder and no token, where nothing runs', async () => {
    const gone = new CannedServer();
    const nowhere = await gone.start();
    await gone.stop();
    const found = await doctor(['--url', nowhere]);
    expect(found.exit).toBe(1);
    expect(wrong(found)).toMatchObject([
      { about: 'data', verdict: 'warning', says: expect.stringContaining('There is no data folder at') as string },
      { about: 'token', verdict: 'warning', says: expect.stringContaining('No token was found') as string },
      {
        about: 'port',
        verdict: 'fault',
        says: `Nothing listens at ${nowhere}.`,
        mend: expect.stringContaining('npm start') as string,
      },
    ]);
    const named = await doctor(['--data', join(cwd, 'nowhere')]);
    expect(wrong(named)[0]).toMatchObject({
      about: 'data',
      verdict: 'fault',
      mend: expect.stringContaining('--data') as string,
    });
  });

  it('says what answers that is not Sluice', async () => {
    server.on('GET /health/ready', (response) => response.end('<html>'));
    expect(wrong(await doctor(['--token', SECRET]))).toContainEqual({
      about: 'port',
      verdict: 'fault',
      says: `${url} answers with 200, and not as Sluice does.`,
      mend: 'Name the address of Sluice with --url or SLUICE_URL.',
    });
    expect(server.requests.map(({ path, token }) => [path, token])).toEqual([['/health/ready', undefined]]);
  });

  it('passes on what a service says of itself', async () => {
    server.on('GET /health/ready', problem('not-ready', 503, { detail: 'policy is not caught up' }));
    expect(wrong(await doctor(['--token', SECRET]))).toContainEqual({
      ...{ about: 'port', verdict: 'fault', mend: 'sluice health' },
      says: `${url} answers, and is not ready: policy is not caught up.`,
    });
    const stopsNotDurable = [{ stop: 'withdraw p', since: '2026-11-24T10:00:00.000Z' }];
    server.on('GET /health/ready', { body: { status: 'ok', troubles: ['audit cannot be written'], stopsNotDurable } });
    const found = wrong(await doctor(['--token', SECRET])).filter(({ about }) => about === 'port');
    expect(found.map(({ verdict, says }) => [verdict, says])).toEqual([
      ['warning', `${url}: audit cannot be written.`],
      ['fault', `${url}: withdraw p is in force, and not stored yet.`],
    ]);
  });

  it('tells a token that is not known from one that may not ask, and asks no further', async () => {
    server.on('GET /v1/me', problem('unauthenticated', 401));
    const found = await doctor(['--token', SECRET]);
    expect(wrong(found)).toContainEqual({
      ...{ about: 'token', verdict: 'fault', says: `${url} does not know the token.` },
      mend: 'It came from --token. Name the data folder of this server with --data, or give --token.',
    });
    expect(server.requests.map(({ path }) => path)).toEqual(['/health/ready', '/v1/me']);
    server
      .on('GET /v1/me', { body: { name: 'gate', roles: ['device'] } })
      .on('GET /v1/clock', problem('forbidden', 403));
    const device = wrong(await doctor(['--token', SECRET])).filter(({ about }) => about === 'clock');
    expect(device).toMatchObject([{ verdict: 'warning', mend: expect.stringContaining('token create') as string }]);
  });

  it('warns of a token that ends soon', async () => {
    const inDays = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString();
    const verdictOf = async (expiresAt: string) => {
      server.on('GET /v1/me', { body: { name: 'ci', roles: ['viewer'], expiresAt } });
      return (await doctor(['--token', SECRET])).findings.find(({ says }) => says.includes('its role viewer, until'))
        ?.verdict;
    };
    expect([await verdictOf(inDays(2)), await verdictOf(inDays(20))]).toEqual(['warning', 'ok']);
  });

  it('compares the clocks, and says when a service does not believe its own', async () => {
    const away = (response: ServerResponse) => {
      response.setHeader('date', new Date(Date.now() - 90_000).toUTCString());
      response.end('{"status":"ok"}');
    };
    server.on('GET /health/ready', away).on('GET /v1/clock', {
      body: {
        kind: 'wall',
        now: '2026-11-24T10:00:00.000Z',
        sound: false,
        because: 'jumped',
        differenceSeconds: -3600,
      },
    });
    const found = wrong(await doctor(['--token', SECRET])).filter(({ about }) => about === 'clock');
    expect(found).toMatchObject([
      { verdict: 'warning', says: expect.stringMatching(/is 1 min \d+ s behind that of this machine/) as string },
      {
        verdict: 'fault',
        says: expect.stringContaining('(jumped, by 1 h)') as string,
        mend: expect.stringContaining('sluice clock accept') as string,
      },
    ]);
  });

  it('says which source is silent and since when, what is parked, and that a store cannot write', async () => {
    server.on(
      'GET /metrics',
      metrics({
        ...{ sluice_catalog_silent_seconds: 60, sluice_policy_stale: 1, sluice_blind: 1 },
        ...{ sluice_store_writable: 0, sluice_dead_letters: 3, sluice_telemetry_silent_seconds: '+Inf' },
      }),
    );
    const found = wrong(await doctor(['--token', SECRET])).filter(({ about }) => about === 'sources');
    expect(found.map(({ verdict, says }) => [verdict, says.slice(url.length + 2)])).toEqual([
      ['fault', expect.stringMatching(/^the catalog is silent since \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ\.$/) as string],
      ['fault', 'telemetry is silent.'],
      ['fault', 'The policy is stale: nothing is offered to anybody.'],
      ['warning', 'Too little is known to widen anything.'],
      ['fault', 'The store cannot write.'],
      ['fault', '3 events are parked.'],
    ]);
  });
});

describe('looking where there is no answer', () => {
  it('takes metrics that are missing, or are no numbers, for not known', async () => {
    server.on('GET /metrics', (response) => response.end('sluice_store_writable NaN\nsluice_dead_letters 0\n'));
    const found = (await doctor(['--token', SECRET])).findings.filter(({ about }) => about === 'sources');
    expect(found.map(({ verdict, says }) => [verdict, says])).toEqual(
      [
        ...['sluice_catalog_silent_seconds', 'sluice_telemetry_silent_seconds'],
        ...['sluice_policy_stale', 'sluice_blind', 'sluice_store_writable'],
      ].map((name) => ['warning', `${url}: Its metrics do not say ${name}.`]),
    );
  });

  it('asks no service but the orchestrator for what only it knows', async () => {
    server.on('GET /metrics', (response) => response.end('sluice_store_writable 1\nsluice_dead_letters 0\n'));
    const gone = { SLUICE_CATALOG_URL: url, SLUICE_ORCHESTRATOR_URL: 'http://127.0.0.1:9', SLUICE_TELEMETRY_URL: url };
    const ran = await sluice(['doctor', '--json', '--token', SECRET], { cwd, env: gone });
    const { findings } = JSON.parse(ran.stdout) as Diagnosis;
    expect(findings.filter(({ about }) => about === 'sources')).toMatchObject([{ verdict: 'ok' }]);
  });

  it.skipIf(process.platform === 'win32')('says what it could not look at in a folder that it may not search', () => {
    const folder = dataFolder();
    const findings = asSomebodyElse([cwd, folder], () => {
      chmodSync(folder, 0o600);
      return checkDataFolders([folder], true);
    });
    const texts = findings.map(({ about, verdict, says }) => `${verdict} ${about} ${says}`);
    expect(texts).toEqual([
      expect.stringMatching(/^warning token \S+admin-token could not be looked at: EACCES/),
      expect.stringMatching(/^warning token \S+peers-key could not be looked at: EACCES/),
      expect.stringMatching(/^warning data \S+lock could not be looked at: EACCES/),
      expect.stringMatching(/^ok disk \S+ GB are free for/),
      expect.stringMatching(/^fault disk Nothing can be written to \S+: EACCES/),
    ]);
  });

  it('does not take a folder that cannot be looked at for one that is not there', async () => {
    symlinkSync(join(cwd, 'around'), join(cwd, 'around'));
    expect(wrong(await doctor(['--data', 'around']))[0]).toMatchObject({
      ...{ about: 'data', verdict: 'warning' },
      says: expect.stringMatching(/around could not be looked at: ELOOP/) as string,
    });
  });

  it.runIf(process.platform === 'linux')('knows the holder of a lock by disk and inode, not by inode alone', () => {
    const lock = { dev: 0xfe03n, ino: 77n };
    const line = (pid: number, file: string) => `1: POSIX  ADVISORY  WRITE ${String(pid)} ${file} 0 EOF`;
    const locks = [line(1, 'fe:03:77'), line(2, 'fe:04:77'), line(3, '00:2a:77'), line(4, 'fe:03:78')].join('\n');
    const asked: number[] = [];
    const holders = holdersIn(locks, lock, (pid) => {
      asked.push(pid);
      return pid === 3 ? 'maybe' : 'no';
    });
    expect([...holders]).toEqual([
      [1, 'yes'],
      [2, 'no'],
      [3, 'maybe'],
    ]);
    expect(asked).toEqual([2, 3]);
  });
});

/** Runs it as a user who may not do everything; those who run specs as root may, whatever modes say. */
function asSomebodyElse<Result>(owned: readonly string[], run: () => Result): Result {
  if (process.getuid?.() !== 0) return run();
  for (const path of owned) chownSync(path, NOBODY, NOBODY);
  process.seteuid?.(NOBODY);
  try {
    return run();
  } finally {
    process.seteuid?.(0);
  }
}

describe('looking at a data folder', () => {
  it('names the command that closes what is open to others', async () => {
    const folder = dataFolder(0o755, "it's");
    chmodSync(join(folder, 'admin-token'), 0o640);
    const found = wrong(await doctor(['--data', folder]));
    expect(found).toMatchObject([
      { about: 'data', verdict: 'fault', mend: `chmod 700 '${cwd}/it'\\''s'` },
      { about: 'token', verdict: 'warning', mend: `chmod 600 '${cwd}/it'\\''s/admin-token'` },
    ]);
  });

  it.runIf(process.platform === 'linux')('names the process that has it, and leaves the lock alone', async () => {
    const folder = dataFolder();
    const lock = new DatabaseSync(join(folder, 'lock'));
    const holder = async () =>
      (await doctor(['--data', folder])).findings.find(({ says }) => /in use|No process/.test(says))?.says;
    lock.exec('CREATE TABLE t (a)');
    expect(await holder()).toBe(`No process that can be seen from here has ${folder}.`);
    lock.exec('BEGIN EXCLUSIVE');
    expect(await holder()).toContain(`${folder} is in use by process ${String(process.pid)}`);
    lock.exec('COMMIT');
    lock.close();
  });

  it('says that a file is no folder', async () => {
    writeFileSync(join(cwd, 'file'), '');
    expect(wrong(await doctor(['--data', 'file']))[0]).toMatchObject({ says: `${join(cwd, 'file')} is no folder.` });
  });
});

describe('looking at an installation', () => {
  it('names an old Node, and packages that are missing or of another version', () => {
    const file = join(cwd, 'package.json');
    writeFileSync(file, JSON.stringify({ version: '1.0.0', dependencies: { one: '1.0.0', two: '2.0.0' } }));
    mkdirSync(join(cwd, 'node_modules', 'one'), { recursive: true });
    writeFileSync(join(cwd, 'node_modules', 'one', 'package.json'), '{"version":"1.0.1"}');
    expect(checkInstallation(file, '20.1.0')).toEqual([
      {
        ...{ about: 'installation', verdict: 'fault', says: 'This is Node 20.1.0; Sluice needs 26 or newer.' },
        mend: 'Use `npx sluice` and `npm start`, which bring their own Node, or install that version.',
      },
      {
        ...{ about: 'installation', verdict: 'fault', mend: `cd '${cwd}' && npm ci` },
        says: 'Missing, or of another version: one 1.0.0, two 2.0.0.',
      },
    ]);
    expect(checkInstallation(join(cwd, 'no.json'), '26.10.0').map(({ verdict }) => verdict)).toEqual(['ok', 'warning']);
  });
});

describe('looking at a certificate', () => {
  it('tells one that is not trusted, and until when it is good', async () => {
    const tls = createServer(keyPairs.one, (_, response) => response.end('{}')).listen(0, '127.0.0.1');
    await once(tls, 'listening');
    const address = `https://127.0.0.1:${String((tls.address() as AddressInfo).port)}`;
    const found = await doctor(['--url', address]);
    tls.close();
    expect(found.findings.filter(({ about }) => about === 'tls')).toMatchObject([
      { verdict: 'ok', says: expect.stringContaining('The certificate expires on 2126-11-04') as string },
      {
        verdict: 'fault',
        says: expect.stringContaining('is not trusted here') as string,
        mend: expect.stringContaining('NODE_EXTRA_CA_CERTS') as string,
      },
    ]);
  });

  it.each([
    [-1, 'fault'],
    [10, 'warning'],
    [31, 'ok'],
    [NaN, 'warning'],
  ] as const)('says of one that ends in %d days: %s', (days, verdict) => {
    expect(expiryFinding(days * DAY_MS, 0)).toMatchObject({ about: 'tls', verdict });
  });
});
