import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CannedServer, patch, problem, sluice, type World } from '../sluice.fixture.ts';

let server: CannedServer;
let url: string;

beforeEach(async () => {
  server = new CannedServer();
  url = await server.start();
});

afterEach(() => server.stop());

const call = (args: readonly string[], world: World = {}) => sluice(['--url', url, ...args], world);
const sent = () => server.sent();

describe('publishing', () => {
  it('sends the file, and tells a first publication from a repeated one', async () => {
    server.on('POST /v1/patches', { status: 201, body: patch }, { status: 200, body: patch });
    const stdin = JSON.stringify({ patchId: patch.patchId });
    expect((await call(['patch', 'publish', '-'], { stdin })).stdout).toBe('Published ios-26.3.1-a.\n');
    expect((await call(['patch', 'publish', '-'], { stdin })).stdout).toContain('nothing changed');
    expect(server.requests[0]?.body).toEqual({ patchId: patch.patchId });
  });

  it('sends nothing that is no JSON', async () => {
    const ran = await call(['patch', 'publish', '-'], { stdin: '{' });
    expect(ran.exit).toBe(2);
    expect(ran.stderr).toContain('Standard input is not JSON');
    expect(sent()).toEqual([]);
  });
});

describe('pulling', () => {
  const recall = ['patch', 'pull', 'ios-26.3.1-a', '--mode', 'recall', '--reason', 'loops'];
  const pulling = ['POST', '/v1/patches/ios-26.3.1-a/pull', { mode: 'recall', reason: 'loops' }];

  beforeEach(() => {
    server.on('POST /v1/patches/ios-26.3.1-a/pull', { body: { ...patch, status: 'pulled' } });
    server.on('GET /v1/patches/ios-26.3.1-a', { body: patch });
    server.on('GET /v1/fleet', { body: { patches: { 'ios-26.3.1-a': { installed: 120 } } } });
  });

  it('withdraws without a question', async () => {
    const ran = await call(
      ['patch', 'pull', 'ios-26.3.1-a', '--mode', 'withdraw', '--reason', 'loops', '--replacement', 'c'],
      { isTty: true },
    );
    expect(ran.exit).toBe(0);
    expect(sent()).toEqual([
      ['POST', '/v1/patches/ios-26.3.1-a/pull', { mode: 'withdraw', reason: 'loops', replacement: 'c' }],
    ]);
  });

  it('recalls when the person has read what it does and typed the id', async () => {
    const ran = await call(recall, { isTty: true, stdin: 'ios-26.3.1-a\n' });
    expect(ran.exit).toBe(0);
    expect(ran.stderr).toContain('120 devices that have it will remove it');
    expect(ran.stderr).toContain('Known to be exploited: CVE-2026-20643.');
    expect(sent().at(-1)).toEqual(pulling);
  });

  it.each([['something else\n'], [''], ['\n']])('does nothing when %j is typed', async (stdin) => {
    const ran = await call(recall, { isTty: true, stdin });
    expect(ran.exit).toBe(2);
    expect(sent()).not.toContainEqual(pulling);
  });

  it('asks for --yes where there is no terminal, and goes on with it', async () => {
    const ran = await call(recall);
    expect(ran.exit).toBe(2);
    expect(ran.stderr).toContain('Repeat it with --yes.');
    expect(sent()).toEqual([]);
    expect((await call([...recall, '--yes'])).exit).toBe(0);
    expect(sent()).toEqual([pulling]);
  });

  it('can be done when the fleet cannot be counted', async () => {
    server.on('GET /v1/fleet', problem('forbidden', 403));
    const ran = await call(recall, { isTty: true, stdin: 'ios-26.3.1-a\n' });
    expect(ran.stderr).toContain('Devices that have it will remove it');
    expect(sent().at(-1)).toEqual(pulling);
  });
});

describe('importing', () => {
  it('sends the file as it is, and prints each patch with its reason and its place', async () => {
    const source = { file: 'body', row: '/Improvements/0' };
    server.on('POST /v1/imports', {
      body: {
        format: 'sofa-v2',
        dryRun: true,
        ...{ amended: [], unchanged: [], conflicting: [] },
        published: [{ patchId: 'ios-26.3.1-a', source, notes: [{ code: 'n', detail: 'left out: VMM' }] }],
        refused: [{ source, reason: 'no-letter', detail: 'no letter is given' }],
        notPatches: 72,
      },
    });
    const { stdout, exit } = await call(['import', '-', '--format', 'sofa-v2', '--dry-run'], {
      stdin: '{"OSVersions": []}',
    });
    expect(exit).toBe(0);
    expect(sent()).toEqual([['POST', '/v1/imports?format=sofa-v2&dryRun=true', { OSVersions: [] }]]);
    expect(stdout).toContain('1 would be published\n  ios-26.3.1-a  [body#/Improvements/0]\n    note: left out: VMM\n');
    expect(stdout).toContain('1 refused\n  (unnamed) – no-letter: no letter is given  [body#/Improvements/0]\n');
    expect(stdout).toContain('72 entries are full releases');
  });

  it('finds out the format by what is in the file, unless it is given', async () => {
    const report = {
      format: 'sofa-v2',
      dryRun: false,
      published: [],
      amended: [],
      unchanged: [],
      conflicting: [],
      refused: [],
      notPatches: 0,
    };
    server.on('POST /v1/imports', { body: report });
    const feed = { SchemaVersion: '2.0', OSVersions: [] };
    expect((await call(['import', '-'], { stdin: JSON.stringify(feed) })).exit).toBe(0);
    expect((await call(['import', '-', '--format', 'kev'], { stdin: '{}' })).exit).toBe(0);
    expect(sent()).toEqual([
      ['POST', '/v1/imports?format=sofa-v2', feed],
      ['POST', '/v1/imports?format=kev', {}],
    ]);
  });
});
