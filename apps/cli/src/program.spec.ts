import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exitCodes } from './errors.ts';
import { CannedServer, problem, sluice, type World } from './sluice.fixture.ts';

let server: CannedServer;
let url: string;

beforeEach(async () => {
  server = new CannedServer();
  url = await server.start();
});

afterEach(() => server.stop());

const call = (args: readonly string[], world: World = {}) => sluice(['--url', url, ...args], world);

describe('exiting', () => {
  it.each([
    ['refused', 404, 'patch-not-found'],
    ['refused', 409, 'patch-pulled'],
    ['unauthorised', 401, 'unauthenticated'],
    ['unauthorised', 403, 'forbidden'],
    ['unavailable', 500, 'internal'],
    ['unavailable', 503, 'overloaded'],
  ] as const)('says %s when the server answers %i', async (exit, status, code) => {
    server.on('GET /v1/patches/p', problem(code, status));
    const ran = await call(['patch', 'show', 'p', '--json']);
    expect(ran).toMatchObject({ exit: exitCodes[exit].code, stdout: '' });
    expect(JSON.parse(ran.stderr)).toMatchObject({ error: { code } });
  });

  it('says that nothing listens, and what to do, when the connection is refused', async () => {
    const gone = new CannedServer();
    const nowhere = await gone.start();
    await gone.stop();
    const ran = await sluice(['patch', 'list', '--url', nowhere]);
    expect(ran.exit).toBe(4);
    expect(ran.stdout).toBe('');
    expect(ran.stderr).toBe(
      `error: Nothing listens at ${nowhere}.\nnext:  Start Sluice with \`npm start\`, or name the address with --url or SLUICE_URL.\n`,
    );
  });

  it('says unavailable when the answer is not of Sluice', async () => {
    server.on('GET /v1/patches/p', (response) => response.end('<html>'));
    expect(await call(['patch', 'show', 'p'])).toMatchObject({ exit: 4, stdout: '' });
    server.on('GET /v1/patches/p', { body: { hello: 'world' } });
    const ran = await call(['patch', 'show', 'p']);
    expect(ran).toMatchObject({ exit: 4, stdout: '' });
    expect(ran.stderr).toContain('an answer that it does not understand');
  });

  it('says unavailable when the connection breaks in the middle of an answer', async () => {
    server.on('GET /v1/patches/p', (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{', () => response.destroy());
    });
    const ran = await call(['patch', 'show', 'p']);
    expect(ran.exit).toBe(4);
    expect(ran.stderr).toContain('has broken off the connection');
  });

  it('says interrupted when Ctrl-C comes before the answer', async () => {
    const interrupt = new AbortController();
    server.on('GET /v1/patches/p', () => {
      interrupt.abort();
    });
    expect(await call(['patch', 'show', 'p'], { signal: interrupt.signal })).toMatchObject({ exit: 130, stdout: '' });
  });

  it.each([
    [['ptach'], "Unknown command 'ptach'.", 'Did you mean patch?'],
    [['patch', 'lst'], "Unknown command 'lst'.", 'Did you mean list?'],
    [['patch', 'list', '--platfrom', 'ios'], "Unknown option '--platfrom'.", 'Did you mean --platform?'],
    [['patch', 'list', '--limit', '0'], 'whole number from 1', 'sluice help'],
    [['patch', 'list', '--platform', 'dos'], 'Allowed choices are ios', 'sluice help'],
    [['fleet', '--at', '2027-02-30T10:00:00Z'], 'a time that exists', 'sluice help'],
    [['hold', 'place', '--reason', 'r', '--expires-at', '2027-04-31T00:00:00Z'], 'a time that exists', 'sluice help'],
    [['patch', 'pull', 'p', '--reason', 'r'], '--mode', 'sluice help'],
    [['help', 'rolout'], "Unknown command 'rolout'.", ''],
    [['--url', 'foo', 'health'], '"foo" is no address.', 'http://127.0.0.1:4600'],
    [['patch', 'publish', 'no-such.json'], 'there is no such file', 'standard input'],
  ])('says wrong use for %j', async (args, what, next) => {
    const ran = await sluice(args);
    expect(ran).toMatchObject({ exit: 2, stdout: '' });
    expect(ran.stderr).toContain(what);
    expect(ran.stderr).toContain(next);
    const [line, ...more] = (await sluice([...args, '--json'])).stderr.trimEnd().split('\n');
    expect(more).toEqual([]);
    expect(JSON.parse(line ?? '')).toMatchObject({ error: { code: 'usage' } });
  });

  it('documents every code', async () => {
    const { exit, stdout } = await sluice(['help', 'exit-codes']);
    expect(exit).toBe(0);
    for (const { code, meaning } of Object.values(exitCodes)) expect(stdout).toContain(`${String(code)}  ${meaning}`);
    expect(JSON.parse((await sluice(['help', 'exit-codes', '--json'])).stdout)).toEqual(exitCodes);
  });
});

describe('telling errors', () => {
  it('lists every fault of a body', async () => {
    const errors = [
      { path: '/letter', code: 'matches', detail: 'must be a letter' },
      { path: '/variants', code: 'array', detail: 'must not be empty' },
    ];
    server.on('POST /v1/patches', problem('invalid-request', 400, { errors }));
    const ran = await call(['patch', 'publish', '-'], { stdin: '{"patchId":"p"}' });
    expect(ran.exit).toBe(3);
    expect(ran.stderr).toBe(
      'error: What it is.\n  /letter: must be a letter\n  /variants: must not be empty\nnext:  Correct each of these, then repeat.\n',
    );
    const asJson = await call(['patch', 'publish', '-', '--json'], { stdin: '{}' });
    expect(JSON.parse(asJson.stderr)).toMatchObject({ error: { code: 'invalid-request', errors } });
  });

  it('names the correlation id of a fault in Sluice', async () => {
    server.on('GET /v1/patches/p', problem('internal', 500, { correlationId: 'c-1' }));
    expect((await call(['patch', 'show', 'p'])).stderr).toContain('Correlation id: c-1');
  });

  it('takes control characters out of what others wrote', async () => {
    server.on('GET /v1/patches/p', problem('patch-not-found', 404, { detail: 'a\u001b[2Jb' }));
    expect((await call(['patch', 'show', 'p'])).stderr).toContain('(a [2Jb)');
  });
});

describe('choosing a token and an address', () => {
  const tokens = () => server.requests.map(({ token }) => token);
  const dataFolder = (tokenByFolder: Readonly<Record<string, string>>) => {
    const cwd = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
    for (const [folder, token] of Object.entries(tokenByFolder)) {
      mkdirSync(join(cwd, folder), { recursive: true });
      writeFileSync(join(cwd, folder, 'admin-token'), `${token}\n`);
    }
    return cwd;
  };

  beforeEach(() => {
    server.on('GET /v1/patches', { body: { items: [] } });
  });

  it('prefers --token over SLUICE_TOKEN over the data folder', async () => {
    const cwd = dataFolder({ '.sluice': 'of-folder' });
    const env = { SLUICE_TOKEN: 'of-environment' };
    await call(['patch', 'list', '--token', 'of-flag'], { cwd, env });
    await call(['patch', 'list'], { cwd, env });
    await call(['patch', 'list'], { cwd });
    expect(tokens()).toEqual(['of-flag', 'of-environment', 'of-folder']);
  });

  it('takes the token of the demo when the server does not know that of .sluice', async () => {
    server.on('GET /v1/patches', problem('unauthenticated', 401), { body: { items: [] } });
    const ran = await call(['patch', 'list'], { cwd: dataFolder({ '.sluice': 'old', '.sluice/demo': 'demo' }) });
    expect(ran.exit).toBe(0);
    expect(tokens()).toEqual(['old', 'demo']);
  });

  it('says where a token came from that the server does not know', async () => {
    server.on('GET /v1/patches', problem('unauthenticated', 401));
    const cwd = dataFolder({ mine: 'x' });
    const ran = await call(['patch', 'list', '--data', 'mine'], { cwd });
    expect(ran.exit).toBe(5);
    expect(ran.stderr).toContain(`It came from ${join(cwd, 'mine', 'admin-token')}`);
    expect((await call(['patch', 'list'])).stderr).toContain('No token was found.');
  });

  it('sends no admin token that was not asked for to another machine', async () => {
    const cwd = dataFolder({ '.sluice': 'secret' });
    server.on('GET /v1/patches', problem('unauthenticated', 401));
    const { port } = new URL(url);
    // No other name than localhost is known to lead here, so an address of this machine stands for another's.
    const ran = await sluice(['patch', 'list', '--url', `http://0.0.0.0:${port}`], { cwd });
    expect(ran.stderr).toContain('No token was found.');
    expect(tokens()).toEqual([undefined]);
  });

  it('sends each call to its service when they run apart, and all to --url when it is given', async () => {
    const telemetry = new CannedServer().on('GET /v1/fleet', {
      body: { asOf: 'now', position: '1', facts: 0, devices: 0 },
    });
    const env = { SLUICE_URL: url, SLUICE_TELEMETRY_URL: await telemetry.start() };
    expect((await sluice(['fleet', '--json'], { env })).exit).toBe(0);
    expect((await sluice(['patch', 'list', '--json'], { env })).exit).toBe(0);
    await sluice(['fleet', '--url', url], { env });
    await telemetry.stop();
    expect(telemetry.requests.map(({ path }) => path)).toEqual(['/v1/fleet']);
    expect(server.requests.map(({ path }) => path)).toEqual(['/v1/patches?limit=100', '/v1/fleet']);
  });
});

describe('helping', () => {
  it('has an example for every command that does something', async () => {
    const nouns = ['patch', 'rollout', 'hold', 'recall', 'device', 'events', 'replay', 'token'];
    const commandsOf = async (noun: string) => {
      const { stdout } = await sluice(['help', noun]);
      const names = [...(stdout.split('Commands:')[1] ?? '').matchAll(/^ {2}([a-z-]+)/gm)].map(([, name = '']) => name);
      return names.filter((name) => name !== 'help').map((name) => [noun, name]);
    };
    const all = [...(await Promise.all(nouns.map(commandsOf))).flat(), ['import'], ['fleet'], ['health']];
    expect(all.length).toBeGreaterThan(25);
    for (const names of all)
      expect((await sluice([...names, '--help'])).stdout).toContain(`$ sluice ${names.join(' ')}`);
  });

  it('prints the version, but leaves --version to commands that have one', async () => {
    expect(await sluice(['--version'])).toMatchObject({
      exit: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
    });
    server.on('POST /v1/patches/p/fold-in', { body: {} });
    const ran = await call(['patch', 'fold-in', 'p', '--version', '26.4', '--build', '23E246']);
    expect(ran.stdout).toBe('p is folded into 26.4 (23E246).\n');
    expect(server.requests[0]?.body).toEqual({ version: '26.4', build: '23E246' });
  });

  it('colours only a terminal, and not with NO_COLOR', async () => {
    server.on('GET /v1/patches/p', problem('patch-not-found', 404));
    expect((await call(['patch', 'show', 'p'], { isTty: true })).stderr).toContain('\u001b[31m');
    for (const world of [{ isTty: true, env: { NO_COLOR: '1' } }, { isTty: false }]) {
      expect((await call(['patch', 'show', 'p'], world)).stderr).not.toContain('\u001b');
    }
  });
});
