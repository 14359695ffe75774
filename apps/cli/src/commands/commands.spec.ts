import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

const letter = {
  id: 'orchestrator-catalog/patch-p/3/0',
  consumer: 'orchestrator-catalog',
  type: 'PatchPulled',
  stream: 'patch-p',
  revision: 3,
  index: 0,
  time: '2026-11-24T10:00:00.000Z',
  reason: 'too odd',
};

const rollout = {
  rolloutId: 'r1',
  patchId: 'ios-26.3.1-a',
  holdBackPercent: 2,
  salt: 's',
  waves: [
    { name: 'beta', ring: 'beta', ramp: { fromPercent: 100, toPercent: 100, minutes: 0 }, bakeMinutes: 60 },
    {
      name: 'all',
      audience: { family: ['iPhone'] },
      ramp: { fromPercent: 0, toPercent: 100, minutes: 2880 },
      bakeMinutes: 240,
    },
  ],
  gates: { installFailureRateMax: 0.01 },
  status: 'running',
  wave: 2,
  exposurePercent: 49,
  exposedDevices: 490,
  plannedPercent: 49,
  waitsFor: [{ for: 'ramp', until: '2026-11-25T10:00:00.000Z' }],
};

describe('sending a command', () => {
  const lost = (response: ServerResponse) => void response.destroy();

  it('sends it once more under its key when the connection is lost, and then gives up', async () => {
    server.on('POST /v1/rollouts/r1/start', lost, { body: rollout });
    expect((await call(['rollout', 'start', 'r1'])).exit).toBe(0);
    server.on('POST /v1/rollouts/r1/pause', lost);
    expect(await call(['rollout', 'pause', 'r1'])).toMatchObject({
      exit: 4,
      stderr: expect.stringContaining('has broken off the connection') as string,
    });
    const [start, startAgain, pause, pauseAgain, ...more] = server.requests.map(({ key }) => key);
    expect(start).toMatch(/^[0-9a-f-]{36}$/);
    expect([startAgain, pauseAgain, more]).toEqual([start, pause, []]);
    expect(pause).not.toBe(start);
  });

  it('sends it again neither when it was refused nor when nothing listens, and a question never', async () => {
    server.on('POST /v1/rollouts/r1/start', problem('rollout-of-patch-running', 409));
    await call(['rollout', 'start', 'r1', '--if-match', '7']);
    server.on('GET /v1/rollouts/r1', lost);
    expect((await call(['rollout', 'show', 'r1'])).exit).toBe(4);
    expect(server.requests).toMatchObject([{ ifMatch: '"7"' }, { method: 'GET', key: undefined }]);
    await server.stop();
    expect((await call(['rollout', 'pause', 'r1'])).stderr).toContain('Nothing listens');
    await server.start();
  });
});

const found = {
  ...{
    rolloutId: 'r1',
    patchId: 'p',
    rule: 'evidence-sum/4',
    says: 'wait',
    logSum: 5,
    logCaution: 4.605,
    logLimit: 6.908,
  },
  ...{ since: '2026-11-24T10:00:00.000Z', through: '2026-11-24T11:00:00.000Z', held: [], total: 3 },
  ...{ infrastructure: { isOut: false }, health: { isCurrent: true, through: '2026-11-24T11:00:00.000Z' } },
  blamed: { platform: 'ios', model: 'iPhone18,1', base: '23D8133' },
  items: [
    {
      ...{ test: 'installs', level: 'slice', of: 'iPhone18,1 (23D8133)', trials: 40, failures: 6, toleratedRate: 0.01 },
      ...{ logE: 8, e: 2981, weight: 0.05, share: 0.75, couldSee: { failureRate: 0.12 } },
    },
  ],
};
const points = [
  {
    ...{ at: '2026-11-24T10:00:00.000Z', plannedPercent: 0, grantedPercent: 0 },
    ...{ started: null, fine: null, failed: null, logSum: null },
  },
  {
    ...{ at: '2026-11-24T11:00:00.000Z', plannedPercent: 60, grantedPercent: 50 },
    ...{ started: 40, fine: 30, failed: 6, logSum: 25 },
  },
];
const marks = [
  { at: '2026-11-24T10:30:00.000Z', what: 'WaveWaiting', wave: 1, words: 'outcomes known: 3, needed: 20' },
];
const timeline = { rolloutId: 'r1', patchId: 'p', points, marks, marksTotal: 1 };
const burnDown = {
  ...{ patchId: 'p', marks: [], marksTotal: 0 },
  points: [
    { at: '2026-11-24T10:00:00.000Z', remaining: 8, freed: 0, replaced: 0, retired: 0, failing: 0, offline: 0 },
    { at: '2026-11-24T11:00:00.000Z', remaining: 2, freed: 6, replaced: 0, retired: 0, failing: 1, offline: 1 },
  ],
};

describe('showing who has approved a plan', () => {
  const approvals = {
    plannedBy: 'bob',
    needed: 2,
    missing: 1,
    given: [{ by: 'alice', revision: 3, at: '2026-11-24T10:00:00.000Z' }],
  };

  it('names who approved which revision, and the command for who is missing', async () => {
    const planned = { ...rollout, status: 'planned', wave: undefined, revision: 4, approvals };
    server.on('POST /v1/rollouts/r1/approve', { body: planned });
    const { stdout } = await call(['rollout', 'approve', 'r1', '--if-match', '3']);
    expect(server.requests).toMatchObject([{ path: '/v1/rollouts/r1/approve', ifMatch: '"3"' }]);
    expect(stdout).toContain('1 of 2: alice at revision 3; planned by bob');
    expect(stdout).toContain('somebody else: sluice rollout approve r1 --if-match 4');
    expect((await call(['rollout', 'approve', 'r1'])).exit).toBe(2);
  });
});

describe('showing evidence and timelines', () => {
  it('shows the sum with its limits, each test with a bar, and what it would see', async () => {
    server.on('GET /v1/rollouts/r1/evidence', { body: found });
    const { stdout } = await call(['rollout', 'evidence', 'r1', '--limit', '1']);
    expect(sent()).toEqual([['GET', '/v1/rollouts/r1/evidence?limit=1']]);
    for (const words of ['148; nothing widens from 100, it stops at 1000', 'iPhone18,1 (23D8133)', '1 of 3; --limit'])
      expect(stdout).toContain(words);
    expect(stdout).toMatch(/installs +iPhone18,1 \(23D8133\) +6 +40 +1 % +2980 +█{15}░{5} +12 %/);
  });

  it('asks for page after page of the evidence until so many tests are there', async () => {
    const item = found.items[0];
    const items = (count: number) => Array.from({ length: count }, (_, index) => ({ ...item, of: String(index) }));
    const first = { ...found, total: 80, items: items(50), nextCursor: 'c' };
    server.on('GET /v1/rollouts/r1/evidence', { body: first }, { body: { ...found, says: 'hold', items: items(10) } });
    const { stdout } = await call(['rollout', 'evidence', 'r1', '--limit', '60', '--json']);
    expect(sent()).toEqual([
      ['GET', '/v1/rollouts/r1/evidence?limit=50'],
      ['GET', '/v1/rollouts/r1/evidence?limit=10&cursor=c'],
    ]);
    const answer = JSON.parse(stdout) as { items: unknown[] };
    expect(answer).toMatchObject({ says: 'wait', total: 80 });
    expect(answer).not.toHaveProperty('nextCursor');
    expect(answer.items.length).toBe(60);
  });

  it('shows exposure as bars, unknown as a dash, and what happened', async () => {
    server.on('GET /v1/rollouts/r1/timeline', { body: timeline });
    const { stdout } = await call(['rollout', 'timeline', 'r1']);
    expect(sent()).toEqual([['GET', '/v1/rollouts/r1/timeline?points=24']]);
    expect(stdout).toMatch(/2026-11-24 11:00:00Z +60 % +50 % +█{10}░{10} +40 +30 +6 +10\^10.9/);
    expect(stdout).toMatch(/10:00:00Z +0 % +0 % +░{20} +– +– +– +–/);
    expect(stdout).toContain('2026-11-24 10:30:00Z  WaveWaiting  wave 1  outcomes known: 3, needed: 20');
  });

  it('shows a recall as it burnt down', async () => {
    server.on('GET /v1/recalls/p/timeline', { body: burnDown });
    const { stdout } = await call(['recall', 'timeline', 'p', '--points', '2']);
    expect(sent()).toEqual([['GET', '/v1/recalls/p/timeline?points=2']]);
    expect(stdout).toMatch(/11:00:00Z +2 +█{5}░{15} +6 +0 +1 +1/);
  });
});

describe('answering with JSON', () => {
  it.each([
    ['patch list', 'GET /v1/patches', { items: [patch] }],
    ['patch show p', 'GET /v1/patches/p', patch],
    ['rollout list', 'GET /v1/rollouts', { items: [rollout] }],
    ['rollout show r1', 'GET /v1/rollouts/r1', rollout],
    ['rollout start r1', 'POST /v1/rollouts/r1/start', rollout],
    ['rollout evidence r1', 'GET /v1/rollouts/r1/evidence', found],
    ['rollout timeline r1', 'GET /v1/rollouts/r1/timeline', timeline],
    ['recall timeline p', 'GET /v1/recalls/p/timeline', burnDown],
    ['rollout approve r1 --if-match 3', 'POST /v1/rollouts/r1/approve', rollout],
    ['dlq list', 'GET /v1/dead-letters', { items: [letter] }],
    ['dlq show l', 'GET /v1/dead-letters/l', { ...letter, event: { data: {} } }],
    ['dlq retry l', 'POST /v1/dead-letters/l/retry', { parked: [] }],
    ['dlq discard l', 'POST /v1/dead-letters/l/discard', { parked: [letter] }],
    ['hold list', 'GET /v1/holds', { items: [{ holdId: 'h1', slice: {}, reason: 'r' }] }],
    [
      'recall show p',
      'GET /v1/recalls/p',
      { patchId: 'p', status: 'running', recallEpoch: 1, devices: 2, removed: 1, remaining: 1 },
    ],
    ['fleet', 'GET /v1/fleet', { asOf: 'x', position: '1', facts: 1, devices: 1 }],
    ['device show d-1', 'GET /v1/devices/d-1', { deviceId: 'd-1', platform: 'ios' }],
    ['device timeline d-1', 'GET /v1/devices/d-1/timeline', { items: [], total: 0 }],
    ['adoption p', 'GET /v1/fleet/series', { patchId: 'p', through: null, stepSeconds: null, points: null }],
    ['token list', 'GET /v1/tokens', { items: [{ id: 'a', name: 'n', roles: ['viewer'] }] }],
  ])('prints exactly what the server says for `%s`', async (line, route, body) => {
    server.on(route, { body });
    const ran = await call([...line.split(' '), '--json']);
    expect(ran).toMatchObject({ exit: 0, stderr: '' });
    expect(JSON.parse(ran.stdout)).toEqual(body);
    expect(ran.stdout.trimEnd()).not.toContain('\n');
  });

  it('prints some text for the same answers', async () => {
    server.on('GET /v1/fleet', {
      body: {
        ...{ asOf: '2026-11-24T10:00:00.000Z', position: '7', facts: 3, devices: 2, byPlatform: {}, byBase: {} },
        patches: { p: { started: 0, installed: 1, failed: 0, rolledBack: 0, replaced: 0 } },
      },
    });
    expect((await call(['fleet'])).stdout).toBe(
      'as of    2026-11-24 10:00:00Z (position 7)\ndevices  2\nfacts    3\n\nPATCH  INSTALLED  FAILED  ROLLED BACK\np              1       0            0\n',
    );
    const counts = { started: 3, failed: 0, fine: 2, removed: 1, removalsFailed: 0 };
    server.on('GET /v1/fleet/series', {
      body: {
        ...{ patchId: 'p', through: '2026-11-24T10:01:00.000Z', stepSeconds: 60 },
        points: [
          { at: '2026-11-24T10:00:00.000Z', holders: 2, ...counts },
          { at: '2026-11-24T10:01:00.000Z', holders: 1, ...counts },
        ],
      },
    });
    expect((await call(['adoption', 'p'])).stdout).toMatch(/10:00:00Z +2 {2}█{30} {2}[^]*10:01:00Z +1 {2}█{15} {2}/);
    server.on('GET /v1/devices/d-1/timeline', {
      body: {
        total: 1,
        items: [
          {
            ...{ kind: 'PatchInstallFailed', recordedAt: '2026-11-24T10:00:01.000Z', patchId: 'p', signal: 'crash' },
            ...{ occurredAt: '2026-11-24T10:00:00.000Z', osVersion: '26.3.1', osBuild: '23D8133' },
          },
        ],
      },
    });
    expect((await call(['device', 'timeline', 'd-1'])).stdout).toMatch(
      /10:00:01Z .*10:00:00Z .*PatchInstallFailed +p +26\.3\.1 \(23D8133\) +crash/,
    );
    server.on('GET /v1/holds', { body: { items: [{ holdId: 'h1', status: 'active', slice: {}, reason: 'r' }] } });
    expect((await call(['hold', 'list'])).stdout).toContain('h1    active  every patch  all devices  never');
  });
});

describe('listing', () => {
  it('follows the cursors up to the limit', async () => {
    const page = (from: number, count: number) =>
      Array.from({ length: count }, (_, index) => ({ deviceId: `d-${String(from + index)}` }));
    server.on(
      'GET /v1/devices',
      { body: { items: page(0, 1000), nextCursor: '0.1000', total: 2000 } },
      { body: { items: page(1000, 500), nextCursor: '0.1500' } },
    );
    const ran = await call(['device', 'list', '--base', '23D8133', '--limit', '1500', '--json']);
    const { items, ...rest } = JSON.parse(ran.stdout) as { items: object[] };
    expect(items.length).toBe(1500);
    expect(rest).toEqual({ total: 2000, nextCursor: '0.1500' });
    expect(sent()).toEqual([
      ['GET', '/v1/devices?base=23D8133&limit=1000'],
      ['GET', '/v1/devices?base=23D8133&limit=500&cursor=0.1000'],
    ]);
  });
});

describe('listing devices', () => {
  it('asks for what is wanted only', async () => {
    server.on('GET /v1/devices', { body: { items: [], total: 0 } });
    const wanted = ['--patch', 'p', '--failed-removals', '3', '--model', 'iPhone18,1', '--id', 'd-', '--ring', 'beta'];
    const since = ['--silent-since', '2026-11-24T10:00:00Z', '--track', 'manual', '--region', 'eu'];
    expect((await call(['device', 'list', ...wanted, ...since])).exit).toBe(0);
    const path = sent()[0]?.[1];
    expect(Object.fromEntries(new URL(typeof path === 'string' ? path : '', 'http://x').searchParams)).toMatchObject({
      patchId: 'p',
      failedRemovals: '3',
      model: 'iPhone18,1',
      q: 'd-',
      ring: 'beta',
      silentSince: '2026-11-24T10:00:00Z',
      track: 'manual',
      region: 'eu',
    });
  });

  it('says what a device holds and why, and how often it failed', async () => {
    const at = '2026-11-24T10:00:00.000Z';
    const patches = {
      p: { state: 'installed', at, by: 'build', failureCode: 'E9', failedInstalls: 1, failedRemovals: 2 },
      q: { state: 'installed', at, by: 'report', failureCode: null },
    };
    server.on('GET /v1/devices/d-1', { body: { deviceId: 'd-1', patches } });
    const { stdout } = await call(['device', 'show', 'd-1']);
    expect(stdout).toContain('installed (by its build) at');
    expect(stdout).toContain('1 failed installs, 2 failed removals (E9)');
    expect(stdout).toContain('installed (it says so, and has yet to restart) at');
  });
});

describe('stopping everything', () => {
  it('says whether removals stop, too', async () => {
    server.on('POST /v1/stop', { body: { holdId: 'stop-1', lift: 'sluice hold lift stop-1' } });
    expect((await call(['stop', '--removals'])).exit).toBe(0);
    expect((await call(['stop'])).exit).toBe(0);
    expect(sent()).toEqual([
      ['POST', '/v1/stop', { removals: true }],
      ['POST', '/v1/stop', {}],
    ]);
  });
});

describe('pausing a recall', () => {
  it('sends the reason, and shows how far it is', async () => {
    const counts = { devices: null, removed: null, remaining: null, begun: 0, begunFailed: 0 };
    const recall = { patchId: 'p', status: 'paused', recallEpoch: 1, ...counts };
    server.on('POST /v1/recalls/p/pause', { body: recall });
    const { stdout } = await call(['recall', 'pause', 'p', '--reason', 'it hurts']);
    expect(stdout).toContain('p  recall paused\n  The fleet is being counted');
    server.on('POST /v1/recalls/p/resume', { body: { ...recall, status: 'running' } });
    expect((await call(['recall', 'resume', 'p'])).exit).toBe(0);
    expect(sent()).toEqual([
      ['POST', '/v1/recalls/p/pause', { reason: 'it hurts' }],
      ['POST', '/v1/recalls/p/resume', {}],
    ]);
  });
});

describe('showing a recall that the gate paused', () => {
  it('says what the gate saw and what to do next, and names what was seen', async () => {
    const test = {
      test: 'removals',
      level: 'all',
      trials: 80,
      failures: 20,
      toleratedRate: 0.05,
      logE: 12,
      weight: 0.5,
    };
    const times = { since: '2026-03-17T08:00:00.000Z', through: '2026-03-17T08:10:00.000Z' };
    const sums = { rule: 'removals-sum/1', patchId: 'p', alpha: 0.001, logSum: 11, logLimit: 6.9, words: 'x' };
    const pausedBecause = { reason: 'removals fail: 20 of 80', evidence: { ...sums, ...times, tests: [test] } };
    const counts = { devices: 900, removed: 60, remaining: 840, begun: 80, begunFailed: 20 };
    const recall = { patchId: 'p', status: 'paused', recallEpoch: 1, ...counts, pausedBecause };
    server.on('GET /v1/recalls/p', { body: recall });
    const { stdout } = await call(['recall', 'show', 'p']);
    expect(stdout).toContain('20 of 80 devices that began to remove it failed, or are silent');
    expect(stdout).toContain('by the gate: removals fail: 20 of 80 – removals on all devices: 20 of 80 (25 %');
    expect(stdout).toContain('sluice recall resume p --evidence-seen');
    server.on('POST /v1/recalls/p/resume', { body: { ...recall, status: 'running' } });
    expect((await call(['recall', 'resume', 'p', '--evidence-seen', 'a lab'])).stdout).not.toContain('by the gate');
    expect(sent().at(-1)).toEqual(['POST', '/v1/recalls/p/resume', { evidenceSeen: 'a lab' }]);
  });
});

describe('steering a rollout', () => {
  it.each([
    [['start', 'r1'], {}],
    [['start', 'r1', '--evidence-seen', 'logs'], { evidenceSeen: 'logs' }],
    [['advance', 'r1', '--wave', '2'], { wave: 2 }],
    [['advance', 'r1', '--wave', '2', '--force', 'a lab device'], { wave: 2, force: { reason: 'a lab device' } }],
    [['halt', 'r1'], {}],
    [['pause', 'r1', '--reason', 'why'], { reason: 'why' }],
    [['halt', 'r1', '--reason', 'why'], { reason: 'why' }],
    [['abort', 'r1', '--reason', 'why'], { reason: 'why' }],
    [['resume', 'r1'], {}],
    [['resume', 'r1', '--evidence-seen', 'logs'], { evidenceSeen: 'logs' }],
  ])('sends %j', async (args, body) => {
    server.on(`POST /v1/rollouts/r1/${args[0] ?? ''}`, { body: rollout });
    expect((await call(['rollout', ...args])).exit).toBe(0);
    expect(sent()).toEqual([['POST', `/v1/rollouts/r1/${args[0] ?? ''}`, body]]);
  });

  it.each([
    ['an advance that names no wave', ['rollout', 'advance', 'r1']],
    ['a wave that is no number', ['rollout', 'advance', 'r1', '--wave', 'two']],
    ['a hold on nothing in particular, which would stop everything', ['hold', 'place', '--reason', 'odd']],
  ])('refuses %s', async (_, args) => {
    expect((await call(args)).exit).toBe(2);
    expect(sent()).toEqual([]);
  });

  it('stops everything, and says what lifts that', async () => {
    const lift = 'sluice hold lift stop-1 --reason "…"';
    server.on('POST /v1/stop', { body: { holdId: 'stop-1', slice: {}, reason: 'no reason given', lift } });
    const { exit, stdout } = await call(['stop']);
    expect(exit).toBe(0);
    expect(stdout).toContain('stop-1');
    expect(sent()).toEqual([['POST', '/v1/stop', {}]]);
  });

  it('plans, plans anew and previews', async () => {
    const waves = [
      {
        wave: 1,
        name: 'beta',
        ring: 'beta',
        eligible: 20,
        expected: 20,
        slices: [{ model: 'iPhone18,1', base: '23D8133', eligible: 20, expected: 20 }],
      },
    ];
    server.on('POST /v1/rollouts', { status: 201, body: { ...rollout, status: 'planned' } });
    server.on('PUT /v1/rollouts/r1', { body: { ...rollout, status: 'planned' } });
    server.on('GET /v1/rollouts/r1/preview', { body: { waves } });
    expect((await call(['rollout', 'plan', '-'], { stdin: '{"rolloutId":"r1"}' })).stdout).toContain(
      'sluice rollout start r1',
    );
    const replan = ['rollout', 'replan', 'r1', '-'];
    expect((await call(replan, { stdin: '{"a":1}' })).exit).toBe(2);
    expect((await call([...replan, '--if-match', '4'], { stdin: '{"a":1}' })).exit).toBe(0);
    expect((await call(['rollout', 'preview', 'r1'])).stdout).toMatch(
      /1 beta {2}all .* 20 +20\n +iPhone18,1 {2}23D8133 +20 +20/,
    );
    expect(server.requests.find(({ method }) => method === 'PUT')?.ifMatch).toBe('"4"');
    expect(sent()).toEqual([
      ['POST', '/v1/rollouts', { rolloutId: 'r1' }],
      ['GET', '/v1/rollouts/r1/preview'],
      ['PUT', '/v1/rollouts/r1', { a: 1 }],
      ['GET', '/v1/rollouts/r1/preview'],
    ]);
    expect(server.requests.find(({ method }) => method === 'PUT')?.ifMatch).toBe('"4"');
  });

  it('draws the waves, and says in words what a gate saw', async () => {
    const evidence = {
      rule: 'evidence-sum/1',
      patchId: 'ios-26.3.1-a',
      alpha: 0.001,
      logSum: 7.321,
      logLimit: 6.908,
      since: '2026-11-24T10:00:00.000Z',
      through: '2026-11-24T12:00:00.000Z',
      words: 'installs fail',
      tests: [
        { test: 'installs', level: 'slice', of: 'iPhone18,1 (23D8133)', trials: 220, failures: 14 },
        { test: 'outcome-missing', level: 'all', trials: 90, failures: 9 },
      ].map((test) => ({ ...test, toleratedRate: 0.01, logE: 12.345, weight: 0.01 })),
    };
    const gateHolds = [{ holdId: 'gate-r1-1', model: 'iPad16,3', base: '23D8133', reason: 'users remove it: 9 of 20' }];
    server.on('GET /v1/rollouts/r1', {
      body: { ...rollout, status: 'halted', gateHolds, haltedBecause: { by: 'gate', reason: 'harm', evidence } },
    });
    const { stdout } = await call(['rollout', 'show', 'r1']);
    expect(stdout).toContain('r1  ios-26.3.1-a  halted · 49 % exposed');
    expect(stdout).toContain(`✓ 1  ${'█'.repeat(20)}  beta: ring beta, 100 %, then bakes for 1 h`);
    expect(stdout).toContain(
      `▶ 2  ${'█'.repeat(10)}${'░'.repeat(10)}  all: iPhone, 0 % to 100 % in 2 d, then bakes for 4 h`,
    );
    expect(stdout).toContain(
      'by a gate: harm – installs on iPhone18,1 (23D8133): 14 of 220 (6.36 %, tolerated 1 %), log E 12.35; outcome-missing on all devices: 9 of 90',
    );
    expect(stdout).toContain('log of the sum 7.32 against 6.91 at alpha 0.001; rule evidence-sum/1');
    expect(stdout).toContain('iPad16,3 on 23D8133, gate-r1-1: users remove it: 9 of 20');
  });
});

describe('explaining', () => {
  const explained = {
    ...{ deviceId: 'd-1', asOf: '2026-11-24T10:00:00.000Z', deviceBy: 'reports', patchId: 'p', position: 'l.7' },
    device: { deviceId: 'd-1', model: 'iPhone18,1', osBuild: '23D8133', track: 'automatic', ring: 'beta' },
    ...{
      directive: { directive: 'none' },
      reason: 'on-hold',
      decidedBy: 'on-hold',
      words: 'd-1 is told to do nothing.',
    },
    rules: [
      { rule: 'pulled', outcome: 'passed', values: {}, words: 'p was not pulled' },
      { rule: 'on-hold', outcome: 'decided', values: { holds: ['h1'] }, words: 'the hold h1 keeps p from it' },
      { rule: 'in-wave', outcome: 'not-reached', values: {}, words: '' },
    ],
    changes: [{ field: 'hold', of: 'h1', to: 'lifted', words: 'the hold h1 is lifted' }],
    unknown: [{ field: 'removed', rule: 'removed-by-user', matters: false, words: 'it is not known whether …' }],
    others: [{ patchId: 'q', reason: 'pulled' }],
  };

  it('shows each rule with what came of it, what would change the answer, and what is not known', async () => {
    server.on('GET /v1/explain', { body: explained });
    const { exit, stdout } = await call(['explain', 'd-1', '--patch', 'p', '--at', '2026-11-24T10:00:00Z']);
    expect(exit).toBe(0);
    expect(stdout).toBe(
      [
        'device  d-1, iPhone18,1 on 23D8133, automatic, ring beta; by its check-in',
        'as of   2026-11-24 10:00:00Z (position l.7)',
        'patch   p',
        '',
        'd-1 is told to do nothing.',
        '',
        '✓ pulled   p was not pulled',
        '→ on-hold  the hold h1 keeps p from it',
        '· in-wave',
        '',
        'would change   the hold h1 is lifted',
        'not known      it is not known whether …',
        'other patches  q (pulled)',
        '',
      ].join('\n'),
    );
    expect(sent()).toEqual([['GET', '/v1/explain?deviceId=d-1&patchId=p&at=2026-11-24T10%3A00%3A00Z']]);
  });

  it('asks with a check-in from a file or from standard input, of this device only', async () => {
    server.on('POST /v1/explain', {
      body: { ...explained, device: null, directive: null, deviceBy: 'never-reported' },
    });
    const stdin = JSON.stringify({ deviceId: 'd-1', model: 'm' });
    const { stdout } = await call(['explain', 'd-1', '--check-in', '-'], { stdin });
    expect(stdout).toContain('d-1, which is not known (never-reported)');
    expect(sent()).toEqual([['POST', '/v1/explain', { deviceId: 'd-1', model: 'm' }]]);
    expect(await call(['explain', 'd-2', '--check-in', '-'], { stdin })).toMatchObject({ exit: 2 });
  });

  it('passes on the instant of what is shown, and knows no counts of a recall of the past', async () => {
    server.on('GET /v1/rollouts/r1', { body: rollout });
    server.on('GET /v1/rollouts', { body: { items: [] } });
    server.on('GET /v1/holds', { body: { items: [] } });
    const recall = {
      patchId: 'p',
      status: 'running',
      reason: 'boot loops',
      startedAt: '2026-11-24T09:00:00Z',
      devices: null,
    };
    server.on('GET /v1/recalls/p', { body: { ...recall, begun: null, begunFailed: null } });
    const at = ['--at', '2026-11-24T10:00:00Z'];
    for (const line of ['rollout show r1', 'rollout list', 'hold list']) await call([...line.split(' '), ...at]);
    const { stdout } = await call(['recall', 'show', 'p', ...at]);
    expect(stdout).toBe('p  recall running\nbecause  boot loops\nbegan    2026-11-24 09:00:00Z\n');
    expect(server.requests.every(({ path }) => path.includes('at=2026-11-24T10%3A00%3A00Z'))).toBe(true);
    expect(server.requests).toHaveLength(4);
  });
});

describe('holding', () => {
  it('places a hold with an id of its own on the slice that was named', async () => {
    server.on('POST /v1/holds', {
      status: 201,
      body: { holdId: 'h-1', patchId: 'p', slice: { model: ['iPhone18,1'] }, reason: 'r', knownDevices: 7 },
    });
    const args = [
      'hold',
      'place',
      '--patch',
      'p',
      '--model',
      'iPhone18,1',
      '--model',
      'iPhone18,2',
      '--base',
      'A,B',
      '--reason',
      'r',
      '--link',
      'https://x.example',
    ];
    expect((await call(args)).stdout).toBe('h-1 holds p for iPhone18,1 (7 known devices).\n');
    expect(server.requests[0]?.body).toEqual({
      holdId: expect.stringMatching(/^h-[0-9a-f]{8}$/) as string,
      patchId: 'p',
      slice: { model: ['iPhone18,1', 'iPhone18,2'], base: ['A', 'B'] },
      reason: 'r',
      url: 'https://x.example',
    });
  });

  it('lifts', async () => {
    server.on('POST /v1/holds/h1/lift', { body: {} });
    expect((await call(['hold', 'lift', 'h1', '--reason', 'fixed'])).stdout).toBe('h1 is lifted.\n');
    expect(sent()).toEqual([['POST', '/v1/holds/h1/lift', { reason: 'fixed' }]]);
  });
});

describe('handling devices and tokens', () => {
  it('asks for an instant, and retires', async () => {
    const p = { state: 'installed', at: '2026-11-24T10:00:00Z', failureCode: null };
    server.on('GET /v1/devices/d%3A1', { body: { deviceId: 'd:1', platform: 'ios', patches: { p } } });
    server.on('POST /v1/devices/d-1/retire', { body: { deviceId: 'd-1' } });
    const shown = await call(['device', 'show', 'd:1', '--at', '2026-11-24T10:00:00Z']);
    expect(shown.stdout).toContain('installed at 2026-11-24 10:00:00Z');
    expect((await call(['device', 'retire', 'd-1'])).stdout).toBe('d-1 is retired.\n');
    expect(sent()).toEqual([
      ['GET', '/v1/devices/d%3A1?at=2026-11-24T10%3A00%3A00Z'],
      ['POST', '/v1/devices/d-1/retire'],
    ]);
  });

  it('prints only the text of a new token on standard output', async () => {
    server.on('POST /v1/tokens', { status: 201, body: { token: 'slc_x', info: { id: 'x' } } });
    const ran = await call(['token', 'create', '--name', 'gw', '--role', 'device,viewer', '--device-prefix', 'g-']);
    expect(ran).toMatchObject({
      exit: 0,
      stdout: 'slc_x\n',
      stderr: expect.stringContaining('token revoke x') as string,
    });
    expect(server.requests[0]?.body).toEqual({ name: 'gw', roles: ['device', 'viewer'], devicePrefix: 'g-' });
    expect(
      (await call(['token', 'create', '--name', 'x', '--role', 'device', '--device', 'd', '--device-prefix', 'g']))
        .exit,
    ).toBe(2);
  });

  it('shows when each token was used last, at whichever service', async () => {
    const other = new CannedServer();
    const elsewhere = await other.start();
    const info = { id: 'a', name: 'gw', roles: ['device'], binding: { devicePrefix: 'g-' } };
    server.on('GET /v1/tokens', { body: { items: [{ ...info, lastUsedAt: '2026-11-24T10:00:00Z' }], total: 1 } });
    other.on('GET /v1/tokens', { body: { items: [{ ...info, lastUsedAt: '2026-11-24T11:00:00Z' }], total: 1 } });
    const env = { SLUICE_CATALOG_URL: url, SLUICE_ORCHESTRATOR_URL: url, SLUICE_TELEMETRY_URL: elsewhere };
    expect((await sluice(['token', 'list'], { env })).stdout).toContain('2026-11-24 11:00:00Z');
    other.on('GET /v1/tokens', problem('not-ready', 503));
    const { exit, stdout, stderr } = await sluice(['token', 'list'], { env });
    expect([exit, stdout.includes('2026-11-24 10:00:00Z'), stderr.includes(elsewhere)]).toEqual([0, true, true]);
    await other.stop();
  });

  it('names files of former versions that were not taken over', async () => {
    server.on('GET /v1/tokens', { body: { items: [], total: 0, notTakenOver: ['0.json'] } });
    expect((await call(['token', 'list'])).stderr).toContain('tokens/0.json');
  });

  it('revokes', async () => {
    server.on('DELETE /v1/tokens/x', { status: 204 });
    const ran = await call(['token', 'revoke', 'x', '--json']);
    expect(JSON.parse(ran.stdout)).toEqual({ id: 'x', revoked: true });
  });
});

describe('putting another admin token in place', () => {
  const folderWith = (text: string) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-cli-'));
    writeFileSync(join(folder, 'admin-token'), `${text}\n`, { mode: 0o600 });
    return folder;
  };
  const read = (folder: string, file: string) => readFileSync(join(folder, file), 'utf8').trim();

  it('lets the former one work for ten minutes, by its hash', async () => {
    const folder = folderWith('slc_admin_old');
    const ran = await sluice(['token', 'rotate-admin', '--data', folder]);
    expect([ran.exit, ran.stdout]).toEqual([0, expect.stringContaining('10 more minutes')]);
    expect(read(folder, 'admin-token')).toMatch(/^slc_admin_[\w-]{32}$/);
    expect(read(folder, 'admin-token')).not.toBe('slc_admin_old');
    expect(statSync(join(folder, 'admin-token')).mode & 0o777).toBe(0o600);
    const { sha256, untilMs } = JSON.parse(read(folder, 'admin-token.former')) as { sha256: string; untilMs: number };
    expect(sha256).toBe(createHash('sha256').update('slc_admin_old').digest('hex'));
    expect(untilMs - Date.now()).toBeGreaterThan(590_000);
    expect(untilMs - Date.now()).toBeLessThanOrEqual(600_000);
    expect(readdirSync(folder).sort()).toEqual(['admin-token', 'admin-token.former']);
  });

  it('ends the former ones at once where it is told to', async () => {
    const folder = folderWith('slc_admin_old');
    await sluice(['token', 'rotate-admin', '--data', folder]);
    const ran = await sluice(['token', 'rotate-admin', '--data', folder, '--now', '--json']);
    expect(JSON.parse(ran.stdout)).toEqual({ file: join(folder, 'admin-token'), formerWorksMinutes: 0 });
    expect(readdirSync(folder)).toEqual(['admin-token']);
  });

  it('says where it has looked when there is none', async () => {
    const ran = await sluice(['token', 'rotate-admin', '--data', '/nowhere']);
    expect([ran.exit, ran.stderr]).toEqual([2, expect.stringContaining('no admin-token in /nowhere')]);
  });
});

describe('showing the audit', () => {
  const entry = (at: string, fields: object = {}) => ({
    ...{ number: 1, at, actor: 'olga', roles: ['operator'], from: '10.0.0.1', code: 'ok', reason: 'it hurts' },
    ...{ operation: 'POST /v1/patches/{id}/pull', target: 'p-1', ...fields },
  });

  it('merges what each service was sent, the newest first', async () => {
    const other = new CannedServer();
    const elsewhere = await other.start();
    server.on('GET /v1/audit', { body: { items: [entry('2026-11-24T12:00:00Z'), entry('2026-11-24T10:00:00Z')] } });
    const refused = entry('2026-11-24T11:00:00Z', { actor: 'unknown', code: 'unauthenticated', count: 9 });
    other.on('GET /v1/audit', { body: { items: [refused] } });
    const env = { SLUICE_CATALOG_URL: url, SLUICE_ORCHESTRATOR_URL: url, SLUICE_TELEMETRY_URL: elsewhere };
    const { stdout } = await sluice(['audit', '--operation', '/pull', '--code', 'ok'], { env });
    const lines = stdout.split('\n');
    expect(lines[1]).toMatch(/12:00:00Z +olga +10\.0\.0\.1 +POST \/v1\/patches\/p-1\/pull +ok +it hurts/);
    expect([lines[2], lines[3]]).toEqual([
      expect.stringContaining('(9 times)'),
      expect.stringContaining('2026-11-24 10:00:00Z'),
    ]);
    expect(server.requests[0]?.path).toBe('/v1/audit?operation=%2Fpull&code=ok&limit=101');
    const json = await sluice(['audit', '--json', '--limit', '1'], { env });
    expect(JSON.parse(json.stdout)).toMatchObject({ items: [{ at: '2026-11-24T12:00:00Z' }], more: true });
    other.on('GET /v1/audit', problem('not-ready', 503));
    const partial = await sluice(['audit'], { env });
    expect([partial.exit, partial.stderr]).toEqual([0, expect.stringContaining(elsewhere)]);
    await other.stop();
  });
});

describe('listing what needs a person', () => {
  const item = (id: string, fields: object = {}) => ({
    ...{ id, kind: 'rollout-halted', service: 'orchestrator', severity: 'critical', about: {}, owner: null },
    ...{ since: '2026-11-24T10:00:00Z', words: `${id} stands`, command: 'sluice rollout resume r1', ...fields },
  });
  const page = (items: object[], unknown: object[] = []) => ({ body: { items, total: items.length, unknown } });

  it('merges what each service knows, the most severe first, and says what none of them knows', async () => {
    const other = new CannedServer();
    const elsewhere = await other.start();
    const owner = { by: 'olga', at: '2026-11-24T11:00:00Z', note: 'on it' };
    server.on('GET /v1/attention', page([item('a', { owner }), item('w', { severity: 'warning' })]));
    const because = 'the own events are not all read';
    const unknown = [{ service: 'telemetry', kinds: ['id-used-twice'], because }];
    other.on('GET /v1/attention', page([item('b', { since: '2026-11-24T12:00:00Z' })], unknown));
    const env = { SLUICE_CATALOG_URL: url, SLUICE_ORCHESTRATOR_URL: url, SLUICE_TELEMETRY_URL: elsewhere };
    const ran = await sluice(['attention', '--untaken'], { env });
    expect(ran.stdout.match(/^(critical|warning) {2}\w/gm)).toEqual(['critical  b', 'critical  a', 'warning  w']);
    expect(ran.stdout).toContain('taken by olga at 2026-11-24 11:00:00Z: on it');
    expect(ran.stdout).toContain('$ sluice rollout resume r1');
    expect(ran.stderr).toContain(because);
    expect(server.requests[0]?.path).toBe('/v1/attention?taken=false&limit=101');
    const { stdout } = await sluice(['attention', '--json', '--limit', '1'], { env });
    expect(JSON.parse(stdout)).toMatchObject({ items: [{ id: 'b' }], more: true, unknown });
    other.on('GET /v1/attention', problem('not-ready', 503));
    server.on('GET /v1/attention', page([]));
    const partial = await sluice(['attention'], { env });
    expect(partial).toMatchObject({ exit: 0, stdout: 'Nothing that is known needs a person.\n' });
    await other.stop();
  });

  it('takes an item at the service that has it', async () => {
    const other = new CannedServer();
    const elsewhere = await other.start();
    server.on('POST /v1/attention/a/take', problem('attention-not-found', 404));
    other.on('POST /v1/attention/a/take', { body: item('a', { owner: { by: 'olga', at: '2026-11-24T11:00:00Z' } }) });
    const env = { SLUICE_CATALOG_URL: url, SLUICE_ORCHESTRATOR_URL: url, SLUICE_TELEMETRY_URL: elsewhere };
    const ran = await sluice(['attention', 'take', 'a', '--from', 'rita'], { env });
    expect(ran).toMatchObject({ exit: 0, stdout: expect.stringContaining('taken by olga') as string });
    expect(other.requests.map(({ body }) => body)).toEqual([{ from: 'rita' }]);
    other.on('POST /v1/attention/a/take', problem('attention-taken', 409, { detail: 'rita took it' }));
    expect(await sluice(['attention', 'take', 'a'], { env })).toMatchObject({ exit: 3 });
    await other.stop();
  });
});

describe('testing receivers of webhooks', () => {
  it('says of each service what each made of it, and exits with 1 where one did not accept it', async () => {
    const accepted = { receiver: 'pager', outcome: 'accepted', ms: 12 };
    const failed = { receiver: 'chat', outcome: 'failed', because: 'it answered 500', ms: 3 };
    server.on('POST /v1/webhooks/test', { body: { results: [accepted, failed] } }, { body: { results: [accepted] } });
    const ran = await call(['webhook', 'test']);
    expect(ran).toMatchObject({ exit: 1, stdout: expect.stringMatching(/chat +failed +3 +it answered 500/) as string });
    expect(await call(['webhook', 'test', 'pager', '--json'])).toMatchObject({ exit: 0 });
    expect(server.sent().map(([, , body]) => body)).toEqual([{}, { receiver: 'pager' }]);
    server.on('POST /v1/webhooks/test', { body: { results: [] } });
    expect((await call(['webhook', 'test'])).stdout).toContain('--webhooks FILE');
  });

  it('lists them with what waits', async () => {
    const receiver = {
      ...{ name: 'pager', format: 'standard', to: 'https://pager.example', kinds: [], waitLongerMinutes: 60 },
      ...{ state: 'open', waiting: 2, lastSuccessAt: null, failingSince: '2026-11-24T10:00:00Z' },
      lastFailure: { at: '2026-11-24T10:00:00Z', because: 'it answered 503' },
    };
    server.on('GET /v1/webhooks', { body: { items: [receiver], total: 1 } });
    const { stdout } = await call(['webhook', 'list']);
    expect(stdout).toMatch(/pager +https:\/\/pager\.example +open +2 +– +2026-11-24 10:00:00Z: it answered 503/);
  });
});

describe('telling health', () => {
  it.each([
    ['ready', { body: { status: 'ok' } }, 0],
    ['not-ready', problem('not-ready', 503, { detail: 'fleet is behind' }), 1],
    ['unreachable', problem('internal', 500), 4],
  ] as const)('says %s', async (state, answer, exit) => {
    server.on('GET /health/ready', answer);
    const ran = await call(['health', '--json']);
    expect(ran.exit).toBe(exit);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      services: [{ url, state, services: ['catalog', 'orchestrator', 'telemetry'] }],
    });
  });
});

describe('believing the clock', () => {
  const unsound = {
    kind: 'wall',
    now: '2026-11-24T10:00:00.000Z',
    sound: false,
    because: 'jumped',
    wall: '2026-11-24T12:00:00.000Z',
    differenceSeconds: 7200,
  };
  const sound = { kind: 'wall', now: unsound.wall, sound: true };

  it('exits with 1 where one is not believed, and says what to do', async () => {
    server.on('GET /v1/clock', { body: unsound }, { body: sound });
    const ran = await call(['clock']);
    expect(ran).toMatchObject({ exit: 1, stderr: expect.stringContaining('`sluice clock accept`') as string });
    expect(ran.stdout).toMatch(/no: jumped[^]*7200 s/);
    expect(await call(['clock'])).toMatchObject({ exit: 0, stderr: '' });
  });

  it('accepts only what the person has seen', async () => {
    server.on('GET /v1/clock', { body: unsound }).on('POST /v1/clock/accept', { body: sound });
    expect((await call(['clock', 'accept'])).exit).toBe(2);
    const no = await call(['clock', 'accept'], { isTty: true, stdin: 'no\n' });
    expect(no).toMatchObject({ exit: 2, stderr: expect.stringContaining(unsound.wall) as string });
    expect(server.requests.filter(({ method }) => method === 'POST')).toEqual([]);
    const yes = await call(['clock', 'accept'], { isTty: true, stdin: 'accept\n' });
    expect(yes).toMatchObject({ exit: 0, stdout: `Accepted: it is ${unsound.wall}.\n` });
    expect(server.sent().at(-1)).toEqual(['POST', '/v1/clock/accept', { differenceSeconds: 7200 }]);
  });

  it('asks nothing where every clock is believed, or with --yes, and says how far ahead it stays', async () => {
    server.on('GET /v1/clock', { body: sound }, { body: { ...unsound, differenceSeconds: -7200 } });
    server.on('POST /v1/clock/accept', { body: { ...sound, aheadSeconds: 7200 } });
    expect((await call(['clock', 'accept'])).stdout).toBe('Every clock is believed already.\n');
    expect((await call(['clock', 'accept', '--yes'])).stdout).toContain('7200 s ahead of the wall');
  });
});

describe('telling of stops that are not stored', () => {
  it('says at the pull what to do', async () => {
    server.on('POST /v1/patches/p/pull', problem('in-force-not-durable', 503, { detail: 'withdraw p' }));
    const ran = await call(['patch', 'pull', 'p', '--mode', 'withdraw', '--reason', 'bad']);
    expect(ran).toMatchObject({ exit: 4, stdout: '' });
    expect(ran.stderr).toContain('`sluice health` names it');
  });

  it('names them in health, and marks the patch', async () => {
    const stopsNotDurable = [{ stop: 'withdraw p', since: '2026-11-24T10:00:00.000Z' }];
    const pulled = { mode: 'withdraw', reason: 'bad', at: '2026-11-24T10:00:00.000Z', durable: false };
    server
      .on('GET /health/ready', { body: { status: 'ok', stopsNotDurable, troubles: ['store cannot write: disk full'] } })
      .on('GET /v1/patches/p', { body: { ...patch, status: 'pulled', pulled } });
    const ran = await call(['health']);
    expect(ran.exit).toBe(0);
    expect(ran.stdout).toContain(
      'in force, not stored yet: withdraw p (since 2026-11-24 10:00:00Z); store cannot write: disk full',
    );
    expect((await call(['patch', 'show', 'p'])).stdout).toContain('bad (in force, not stored yet)');
  });
});

describe('deciding on parked events', () => {
  it('names the letter, why it is parked, and what is left of its stream', async () => {
    const id = encodeURIComponent(letter.id);
    server
      .on('GET /v1/dead-letters', { body: { items: [letter, { ...letter, revision: 4, reason: undefined }] } })
      .on(`POST /v1/dead-letters/${id}/retry`, { body: { parked: [letter] } });
    const listed = await call(['dlq', 'list']);
    expect(listed.stdout).toContain('too odd');
    expect(listed.stdout).toContain('waits behind the one before');
    expect((await call(['dlq', 'retry', letter.id])).stdout).toContain('1 of the stream are still parked');
    expect(sent().at(-1)).toEqual(['POST', `/v1/dead-letters/${id}/retry`]);
  });
});

describe('verifying the audit', () => {
  const report = {
    ...{ name: 'orchestrator', events: 9, streams: 2, withoutReceipt: 1, verdicts: 2 },
    notRecomputable: { anotherRule: 0, countsNotKept: 0, notAllListed: 0 },
    ...{ causes: 0, causesElsewhere: 1, differing: 0, differences: [] },
    elsewhere: [{ stream: 'patch-p', receipt: 'a'.repeat(64), by: 'rollout-r1/7' }],
  };
  const job = (change: object, matches = true) => ({
    ...{ id: 'j', status: 'done', startedAt: '2026-11-24T10:00:00.000Z', done: [], outOf: 1, differences: [], matches },
    receipts: [{ ...report, ...change }],
  });
  const apart = { SLUICE_CATALOG_URL: '', SLUICE_ORCHESTRATOR_URL: '', SLUICE_TELEMETRY_URL: '' };

  it('asks the catalog for the receipts that the orchestrator names, and says what was checked', async () => {
    const catalog = new CannedServer();
    const catalogUrl = await catalog.start();
    server.on('POST /v1/replays', { body: job({}) });
    catalog.on('POST /v1/replays', { body: job({ causes: 1, causesElsewhere: 0, elsewhere: [] }) });
    const env = { ...apart, SLUICE_ORCHESTRATOR_URL: url, SLUICE_CATALOG_URL: catalogUrl, SLUICE_TELEMETRY_URL: url };
    const ran = await sluice(['audit', 'verify'], { env });
    await catalog.stop();
    expect(ran).toMatchObject({ exit: 0, stdout: expect.stringContaining('16 events') as string });
    expect(server.sent()).toEqual([['POST', '/v1/replays', { verify: true, receipts: true }]]);
    expect(catalog.requests[0]?.body).toEqual({ verify: true, receipts: true, named: report.elsewhere });
  });

  it('says apart why verdicts were not checked', async () => {
    const notRecomputable = { anotherRule: 1, countsNotKept: 2, notAllListed: 3 };
    const some = { notRecomputable, causesElsewhere: 0, elsewhere: [] };
    server.on('POST /v1/replays', { body: job(some) }, { body: job(some) });
    const { stdout } = await call(['audit', 'verify']);
    expect(stdout).toMatch(/older rule +1 verdicts, not checked/);
    expect(stdout).toMatch(/no counts +2 verdicts from before their counts were kept/);
    expect(stdout).toMatch(/in part +3 verdicts that need tests which are not listed/);
    expect(JSON.parse((await call(['audit', 'verify', '--json'])).stdout)).toMatchObject({ notRecomputable });
  });

  it('exits with 1 and names the first event that differs, or the receipt that nobody has', async () => {
    const difference = {
      ...{ stream: 'rollout-r1', revision: 7, type: 'RolloutHalted', recordedAt: '2026-11-24T10:00:00.000Z' },
      ...{ what: 'verdict', detail: 'by its counts it would not be: installs on all' },
    };
    const differs = { differing: 1, differences: [difference], causesElsewhere: 0, elsewhere: [] };
    server.on('POST /v1/replays', { body: job(differs, false) }, { body: job({}) });
    const ran = await call(['audit', 'verify']);
    expect(ran.exit).toBe(1);
    expect(ran.stdout).toContain(
      'First: rollout-r1, revision 7: RolloutHalted, recorded 2026-11-24 10:00:00Z\n  by its counts',
    );
    const unowned = await call(['audit', 'verify', '--json']);
    expect(unowned.exit).toBe(1);
    expect(JSON.parse(unowned.stdout)).toMatchObject({
      ...{ matches: false, events: 9, withoutReceipt: 1, differing: 1 },
      differences: [{ stream: 'patch-p', what: 'cause', detail: expect.stringContaining('rollout-r1/7') as string }],
    });
  });
});
