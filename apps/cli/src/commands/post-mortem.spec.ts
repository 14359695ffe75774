import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CannedServer, patch, problem, sluice } from '../sluice.fixture.ts';

let server: CannedServer;
let url: string;

const evidence = {
  ...{ rule: 'evidence-sum/4', patchId: patch.patchId, alpha: 0.001, logSum: 8.1, logLimit: 6.9 },
  ...{ since: '2026-11-24T10:00:00.000Z', through: '2026-11-24T10:40:00.000Z', words: '9 of 20 installs failed' },
  tests: [
    {
      ...{ test: 'installs', level: 'slice', of: 'iPhone18,1 on 23D8133', trials: 20, failures: 9 },
      ...{ toleratedRate: 0.01, logE: 25, weight: 0.02 },
    },
  ],
};

let minute = 0;

function event(type: string, stream: string, data: object, actor = 'sluice') {
  minute += 1;
  const time = `2026-11-24T10:${String(minute).padStart(2, '0')}:00.000Z`;
  const place = { revision: minute, index: 0 };
  const commit = { commitId: String(minute), position: `x.${String(minute)}`, correlationId: 'c' };
  return { source: 'orchestrator', type, stream, place, ...commit, time, actor, data: { type, at: time, ...data } };
}

const r1 = { rolloutId: 'r1' };
const granted = (from: number, to: number) =>
  event('ExposureGranted', 'rollout-r1', {
    ...{ ...r1, wave: 1, fromPercent: from, toPercent: to, ranMinutes: 0, because: 'ramp' },
    ...{ from: `2026-11-24T10:0${String(minute)}:00.000Z`, to: `2026-11-24T10:0${String(minute + 1)}:00.000Z` },
  });

function events() {
  minute = 0;
  const { patchId, platform, baseVersion, letter, variants, cves } = patch;
  const published = event(
    'PatchPublished',
    'patch-x',
    { patchId, platform, baseVersion, letter, variants, cves },
    'ann',
  );
  return {
    catalog: [published],
    rollouts: [
      event('RolloutStarted', 'rollout-r1', { ...r1, patchId, slices: 1 }, 'ann'),
      granted(0, 2),
      granted(2, 4),
      granted(4, 6),
      event('HoldPlaced', 'hold-gate-r1-1', {
        ...{ holdId: 'gate-r1-1', patchId, slice: { model: ['iPhone18,1'] }, owner: 'gate', evidence },
        reason: 'it fails | here <b>\u001b[2J',
      }),
      event('RolloutStarted', 'rollout-other', { rolloutId: 'other', patchId, slices: 1 }),
      event('Unheard', 'rollout-r1', r1),
    ],
  };
}

const rollout = {
  ...{ ...r1, patchId: patch.patchId, status: 'running', wave: 1, waves: [{ name: 'all' }], waitsFor: [] },
  ...{ exposurePercent: 6, exposedDevices: 60, plannedPercent: 6, holdBackPercent: 2 },
};

const counted = { started: 20, fine: 4, removed: 0, removalsFailed: 0 };
const adoption = {
  ...{ patchId: patch.patchId, through: '2026-11-24T10:08:00.000Z', stepSeconds: 60 },
  points: [
    { at: '2026-11-24T10:03:00.000Z', holders: 2, failed: 0, ...counted },
    { at: '2026-11-24T10:04:00.000Z', holders: 4, failed: 1, ...counted },
  ],
};

beforeEach(async () => {
  server = new CannedServer();
  url = await server.start();
  const { catalog, rollouts } = events();
  const feed = (account: object[]) => ({ body: { events: account, next: 'x.99', caughtUp: true } });
  server.on('GET /v1/rollouts/r1', { body: rollout });
  server.on('GET /v1/rollouts/other', { body: { ...rollout, rolloutId: 'other' } });
  server.on(`GET /v1/rollouts/${patch.patchId}`, problem('rollout-not-found', 404));
  server.on(`GET /v1/patches/${patch.patchId}`, { body: patch });
  server.on('GET /v1/feed', feed(catalog), feed(rollouts));
  server.on('GET /v1/fleet/series', { body: adoption });
  server.on(`GET /v1/recalls/${patch.patchId}`, problem('recall-not-found', 404));
  server.on('GET /v1/audit', { body: { items: [], total: 0 } });
});

afterEach(() => server.stop());

const call = (...args: string[]) => sluice(['--url', url, 'post-mortem', ...args]);

describe('writing a post-mortem', () => {
  it('tells of a rollout as Markdown: who did what, how far it came, and why it was stopped', async () => {
    const { exit, stdout, stderr } = await call('r1');
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(stdout).toContain('CVE-2026-20643 (exploited)');
    expect(stdout).toContain('| ann | PatchPublished, RolloutStarted |');
    expect(stdout).toContain('wave 1 from 0 % to 6 % of buckets in 3 min, up to 2026-11-24 10:05:00Z (3 grants)');
    expect(stdout).toContain('it fails \\| here \\<b\\>');
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('| installs | iPhone18,1 on 23D8133 | 9 | 20 | 1 % | 10^10.9 | 0.0200 |');
    expect(stdout).toContain('**Signal to decision**: 2 min, from the first failures counted by 2026-11-24 10:04:00Z');
    expect(stdout).toContain('- r1 (running): 6 % exposed, which are 60 known devices');
    expect(stdout).toContain('Unheard');
    expect(stdout).not.toContain('rollout-other');
    expect(stdout).not.toContain('## Recall');
  });

  it('tells of a patch with all of its rollouts', async () => {
    const { stdout } = await call(patch.patchId, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ patchId: patch.patchId, rolloutIds: ['r1', 'other'], unknown: [] });
  });

  it('says what it could not ask, and shows the rest', async () => {
    server.on('GET /v1/audit', problem('forbidden', 403));
    server.on('GET /v1/fleet/series', problem('not-ready', 503));
    const { exit, stdout, stderr } = await call('r1');
    expect(exit).toBe(0);
    expect(stderr).toContain('Not known: adoption of the patch');
    expect(stdout).toContain('## Not known');
    expect(stdout).toContain('- refused commands');
    expect(JSON.parse((await call('r1', '--json')).stdout)).toMatchObject({ adoption: null, refused: null });
  });

  it('does without the catalog when that is away', async () => {
    server.on(`GET /v1/patches/${patch.patchId}`, problem('not-ready', 503));
    server.on('GET /v1/feed', problem('not-ready', 503), {
      body: { events: events().rollouts, next: 'x.9', caughtUp: true },
    });
    const { exit, stdout } = await call('r1');
    expect(exit).toBe(0);
    expect(stdout).toContain('- events of the patch');
    expect(stdout).toContain('wave 1 from 0 % to 6 % of buckets');
  });

  it('shows unknown numbers of a recall as unknown', async () => {
    const unknown = Object.fromEntries(
      ['devices', 'freed', 'replaced', 'retired', 'remaining', 'failing', 'offline', 'waiting'].map((name) => [
        name,
        null,
      ]),
    );
    const quantiles = { p50Seconds: 90, p90Seconds: null, p99Seconds: null };
    const recall = { patchId: patch.patchId, status: 'running', reason: 'boot loops', ...unknown, ...quantiles };
    server.on(`GET /v1/recalls/${patch.patchId}`, { body: recall });
    const { stdout } = await call('r1');
    expect(stdout).toContain('| remaining | unknown |');
    expect(stdout).toMatch(/\| half, from the decision on \| 1 min 30 s \|\n\| 90 % \| not reached \|/);
  });

  it('writes a new file, and over no file that is there', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'sluice-post-mortem-')), 'r1.md');
    expect((await call('r1', '--out', file)).exit).toBe(0);
    const written = readFileSync(file, 'utf8');
    expect(written).toContain('# Post-mortem: ios-26.3.1-a');
    expect(await call('r1', '--out', file)).toMatchObject({ exit: 2 });
    expect(readFileSync(file, 'utf8')).toBe(written);
  });

  it('refuses what is neither a rollout nor a patch', async () => {
    server.on('GET /v1/rollouts/x', problem('rollout-not-found', 404));
    server.on('GET /v1/patches/x', problem('patch-not-found', 404));
    expect(await call('x')).toMatchObject({
      exit: 3,
      stderr: expect.stringContaining('neither a rollout nor a patch') as string,
    });
  });
});
