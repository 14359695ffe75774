import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CannedServer, patch, problem, sluice, type World } from '../sluice.fixture.ts';

const ledger = {
  patchId: 'ios-26.3.1-a',
  recallEpoch: 0,
  cves: [
    { id: 'CVE-2026-20643', exploited: true, closedSince: '2026-03-17T10:00:00.000Z', closedBy: ['ios-26.3.1-a'] },
  ],
  builds: [{ build: '23D771330a', base: '23D8133', models: ['iPhone18,1'] }],
  patches: [],
  replacement: {
    named: null,
    available: [{ patchId: 'ios-26.3.1-c', letter: 'c', leavesOpen: ['CVE-2026-20643'] }],
  },
  fullRelease: { version: '26.4', build: '23E246' },
  digest: '20c33f00b173',
};
const preview = {
  patchId: 'ios-26.3.1-a',
  asOf: '2026-03-17T10:00:00.000Z',
  holders: 1080,
  byModel: [
    { model: 'iPhone18,1', devices: 1050 },
    { model: 'iPad16,3', devices: 30 },
  ],
  byTrack: { automatic: 1030, manual: 50 },
  byLastReport: { withinDay: 750, withinWeek: 200, longer: 130 },
  inFlight: 3,
  replacement: { atMost: 1050, expected: 270 },
  withoutReplacement: 30,
  unknownBecause: null,
};

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
  const path = '/v1/patches/ios-26.3.1-a/pull';
  const pulling = ['POST', path, { mode: 'recall', reason: 'loops', ledgerDigest: ledger.digest }];
  const looks = [
    ['GET', '/v1/patches/ios-26.3.1-a/re-exposure'],
    ['GET', '/v1/recalls/ios-26.3.1-a/preview'],
    ['GET', '/v1/patches/ios-26.3.1-a'],
  ];

  beforeEach(() => {
    server.on(`POST ${path}`, { body: { ...patch, status: 'pulled' } });
    server.on('GET /v1/patches/ios-26.3.1-a', { body: patch });
    server.on('GET /v1/patches/ios-26.3.1-a/re-exposure', { body: ledger });
    server.on('GET /v1/recalls/ios-26.3.1-a/preview', { body: preview });
  });

  it('withdraws without a question, and without looking at anything', async () => {
    const ran = await call(
      ['patch', 'pull', 'ios-26.3.1-a', '--mode', 'withdraw', '--reason', 'loops', '--replacement', 'c'],
      { isTty: true },
    );
    expect(ran.exit).toBe(0);
    expect(sent()).toEqual([['POST', path, { mode: 'withdraw', reason: 'loops', replacement: 'c' }]]);
  });

  it('recalls when the person has read both parts of the ledger and typed the id, and sends the digest that was shown', async () => {
    const ran = await call(recall, { isTty: true, stdin: 'ios-26.3.1-a\n', env: { NO_COLOR: '1' } });
    expect(ran.exit).toBe(0);
    for (const text of [
      'CVE-2026-20643  known to be exploited  closed since 2026-03-17 10:00:00Z by ios-26.3.1-a',
      '23D771330a to 23D8133 (iPhone18,1)',
      'there is ios-26.3.1-c (c), leaves open CVE-2026-20643',
      '26.4 (23E246) contains the fix',
      `digest        ${ledger.digest}`,
      '1080 devices (1030 automatic, 50 manual)',
      'iPhone18,1 1050, iPad16,3 30',
      '750 within a day, 200 within a week, 130 longer ago',
      '3 installs that have begun',
      'about 270 of at most 1050 may have it now',
      '30 have no replacement',
      'A recall is never undone.',
    ]) {
      expect(ran.stderr).toContain(text);
    }
    expect(sent().slice(0, looks.length)).toEqual(expect.arrayContaining(looks));
    expect(sent().at(-1)).toEqual(pulling);
  });

  it.each([['something else\n'], [''], ['\n']])('does nothing when %j is typed', async (stdin) => {
    const ran = await call(recall, { isTty: true, stdin });
    expect(ran.exit).toBe(2);
    expect(sent()).toHaveLength(looks.length);
  });

  it('asks for --yes where there is no terminal, and shows the same with it', async () => {
    const ran = await call(recall);
    expect(ran.exit).toBe(2);
    expect(ran.stderr).toContain('Repeat it with --yes.');
    expect(sent()).toEqual([]);
    const yes = await call([...recall, '--yes', '--replacement', 'ios-26.3.1-c']);
    expect(yes.exit).toBe(0);
    expect(yes.stderr).toContain('CVE-2026-20643  known to be exploited');
    expect(yes.stderr).toContain('1080 devices');
    expect(yes.stdout).toContain('ios-26.3.1-a is recalled.');
    expect(sent()).toContainEqual(['GET', '/v1/recalls/ios-26.3.1-a/preview?replacement=ios-26.3.1-c']);
  });

  it('answers JSON with the patch alone, and shows both parts as a line of JSON on standard error', async () => {
    const ran = await call([...recall, '--yes', '--json']);
    expect(JSON.parse(ran.stdout)).toMatchObject({ patchId: 'ios-26.3.1-a' });
    expect(JSON.parse(ran.stderr)).toEqual({ reExposure: ledger, preview });
  });

  it.each([
    ['cannot be asked', problem('forbidden', 403), 'not known: What it is.'],
    [
      'does not know',
      {
        body: {
          ...{ patchId: 'ios-26.3.1-a', asOf: 'now', holders: null, byModel: null, byTrack: null, byLastReport: null },
          ...{ inFlight: null, replacement: null, withoutReplacement: null, unknownBecause: 'telemetry is away' },
        },
      },
      'telemetry is away',
    ],
  ] as const)('goes on when the orchestrator %s whom it hits', async (_, answer, words) => {
    server.on('GET /v1/recalls/ios-26.3.1-a/preview', answer);
    const ran = await call([...recall, '--yes']);
    expect(ran.exit).toBe(0);
    expect(ran.stderr).toContain(words);
    expect(ran.stderr).not.toContain('null');
    expect(sent().at(-1)).toEqual(pulling);
  });

  it('says that it is withdrawn where a second person has to confirm, and what that one types', async () => {
    const requested = {
      mode: 'recall',
      by: 'ann',
      reason: "Dana's loops",
      ledgerDigest: 'x',
      recallEpoch: 0,
      at: 'now',
    };
    server.on(`POST ${path}`, { body: { ...patch, status: 'pulled', requested } });
    const ran = await call([...recall, '--yes']);
    expect(ran.exit).toBe(0);
    expect(ran.stdout).toContain('ios-26.3.1-a is withdrawn');
    expect(ran.stdout).toContain(
      String.raw`  sluice patch pull ios-26.3.1-a --mode recall --reason 'Dana'\''s loops'` + '\n',
    );
  });

  it.each([
    [
      ledger.digest,
      'ann asked for this recall at 2026-03-17 10:00:00Z: loops; another person who recalls it now confirms',
    ],
    ['of long ago', 'the ledger has changed since: who recalls it now asks anew'],
  ])('tells the second person what was asked for, on the ledger %s', async (ledgerDigest, words) => {
    const at = '2026-03-17T10:00:00.000Z';
    const requested = { mode: 'recall', by: 'ann', reason: 'loops', ledgerDigest, recallEpoch: 0, at };
    server.on('GET /v1/patches/ios-26.3.1-a', { body: { ...patch, status: 'pulled', requested } });
    expect((await call([...recall, '--yes'])).stderr).toContain(words);
    const asJson = await call([...recall, '--yes', '--json']);
    expect(JSON.parse(asJson.stderr)).toMatchObject({ requested });
  });

  it('breaks the glass with a reason', async () => {
    await call([...recall, '--yes', '--break-glass', 'nobody else is awake']);
    const breakGlass = { reason: 'nobody else is awake' };
    expect(sent().at(-1)).toEqual([
      'POST',
      path,
      { mode: 'recall', reason: 'loops', ledgerDigest: ledger.digest, breakGlass },
    ]);
  });

  it('says what to do when the ledger has changed while it was read', async () => {
    server.on(`POST ${path}`, problem('ledger-changed', 409, { current: ledger }));
    const ran = await call([...recall, '--yes']);
    expect(ran.exit).toBe(3);
    expect(ran.stderr).toContain('--mode withdraw');
  });
});

describe('showing who decided', () => {
  it.each([
    [{ by: 'ann' }, 'by            ann\n'],
    [{ by: 'ben', requestedBy: 'ann', confirmedBy: 'ben' }, 'ben; asked for by ann, confirmed by ben\n'],
    [{ by: 'cat', breakGlass: { by: 'ann', reason: 'alone' } }, 'cat; ann broke the glass: alone\n'],
  ])('%j', async (people, text) => {
    const pulled = { mode: 'recall', reason: 'loops', at: '2026-03-17T10:00:00.000Z', ...people };
    server.on('GET /v1/patches/p', { body: { ...patch, status: 'pulled', pulled } });
    expect((await call(['patch', 'show', 'p'])).stdout).toContain(text);
  });
});

describe('looking at the re-exposure ledger', () => {
  it('shows each part by itself', async () => {
    server.on('GET /v1/patches/p/re-exposure', { body: { ...ledger, cves: [], fullRelease: null } });
    server.on('GET /v1/recalls/p/preview', { body: { ...preview, replacement: { atMost: 0, expected: 0 } } });
    const opens = await call(['patch', 're-exposure', 'p']);
    expect(opens.stdout).toContain('no CVE is named');
    expect(opens.stdout).toContain('full release  none known');
    expect((await call(['recall', 'preview', 'p'])).stdout).toContain('replacement    for nobody');
    server.on('GET /v1/recalls/p/preview', problem('patch-not-found', 404));
    expect((await call(['recall', 'preview', 'p'])).exit).toBe(3);
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
