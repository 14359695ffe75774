import { type HealthBucketClosed, rowsOf } from '@sluice/domain-cohorts';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { isHoldersAnswer } from '@sluice/contracts/holders-answer';
import { publishAsIs } from '@sluice/event-feed';
import { type Append, type Appended, type Commit, InMemoryEventStore, StoreUnavailable } from '@sluice/event-sourcing';
import {
  type Composition,
  createApp,
  Followers,
  inject,
  InlineFolds,
  ManualClock,
  ManualTimers,
  Settings,
  type SettingValues,
  Tokens,
  Metrics,
} from '@sluice/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { folds, TelemetryModule, telemetryPublications } from './index.ts';
import { hashDevice, shardOf } from './shard/shard-of.ts';

const NOON = Date.parse('2026-03-17T12:00:00Z');
const MINUTE = 60_000;
const BASE = '23D8133';
const PATCHED = '23D771330a';

/** A store that can be told to fail, as a full disk would. */
class FallibleStore extends InMemoryEventStore {
  failing = false;
  /** So many of the next appends are written, and answered as if they had not been. */
  answersLost = 0;

  override async append(append: Append): Promise<Appended> {
    if (this.failing) throw new StoreUnavailable('the disk is full');
    const appended = await super.append(append);
    if (this.answersLost === 0) return appended;
    this.answersLost -= 1;
    throw new StoreUnavailable('the line broke');
  }
}

let clock: ManualClock;
let store: FallibleStore;
let tokens: Tokens;
let folder: string;
let app: NestFastifyApplication;
let booted: NestFastifyApplication[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-telemetry-'));
  tokens = new Tokens(folder);
  clock = new ManualClock(NOON);
  store = new FallibleStore(clock);
  booted = [];
  app = await boot();
});

afterEach(async () => {
  for (const each of booted) await stop(each);
  await store.close();
  rmSync(folder, { recursive: true });
});

async function boot(
  overrides: Partial<SettingValues> = {},
  more: Partial<Composition> = {},
): Promise<NestFastifyApplication> {
  const publications = [
    ...telemetryPublications(),
    publishAsIs('catalog', 'catalog', ['patch-']),
    publishAsIs('orchestrator', 'rollouts', ['rollout-']),
  ];
  const created = await createApp([TelemetryModule], {
    settings: Settings.of({ shards: 4, ...overrides }),
    clock,
    store,
    tokens,
    folds: new InlineFolds(store, folds),
    publications,
    ...more,
  });
  booted.push(created);
  await created.get(Followers).settle();
  return created;
}

// As `close` of the platform, but the store lives on for the next start.
async function stop(each: NestFastifyApplication): Promise<void> {
  booted = booted.filter((other) => other !== each);
  await each.get(Followers).stopTasks();
  await each.close();
  await each.get(Followers).stop();
}

async function restart(): Promise<void> {
  await stop(app);
  app = await boot();
}

let nextReport = 0;

function report(fields: object = {}): Record<string, unknown> {
  nextReport += 1;
  return {
    reportId: `report-${String(nextReport)}`,
    deviceId: 'd-1',
    kind: 'status',
    occurredAt: new Date(clock.now()).toISOString(),
    platform: 'ios',
    model: 'iPhone18,1',
    osVersion: '26.3.1',
    osBuild: BASE,
    track: 'automatic',
    ...fields,
  };
}

const about = (kind: string, fields: object = {}) => report({ kind, patchId: 'a', ...fields });
const installed = (fields: object = {}) => about('installed', { osBuild: PATCHED, ...fields });

async function send(reports: readonly unknown[], token = tokens.adminToken()) {
  const response = await inject(app, {
    method: 'POST',
    url: '/v1/reports',
    headers: { authorization: `Bearer ${token}` },
    payload: { reports },
  });
  return { status: response.statusCode, body: response.json<Record<string, unknown>>() };
}

async function get(url: string) {
  const response = await inject(app, { url, headers: { authorization: `Bearer ${tokens.adminToken()}` } });
  return { status: response.statusCode, body: response.json<Record<string, unknown>>() };
}

function post(url: string, key?: string) {
  const headers = {
    authorization: `Bearer ${tokens.adminToken()}`,
    ...(key !== undefined && { 'idempotency-key': key }),
  };
  return inject(app, { method: 'POST', url, headers });
}

async function tellCatalog(...events: { type: string; [field: string]: unknown }[]): Promise<void> {
  await store.append({
    stream: 'patch-a',
    expected: 'any',
    commitId: randomUUID(),
    metadata: { actor: 'test', correlationId: 'test' },
    body: { kind: 'events', events: events.map((event) => ({ patchId: 'a', at: '2026-03-17T00:00:00Z', ...event })) },
  });
  await app.get(Followers).settle();
}

const published = {
  type: 'PatchPublished',
  platform: 'ios',
  variants: [{ build: PATCHED, prerequisiteBuild: BASE, models: ['iPhone18,1'] }],
};

async function commits(prefix: string): Promise<Commit[]> {
  const found: Commit[] = [];
  for await (const commit of store.readAll({ prefixes: [prefix] })) found.push(commit);
  return found;
}

async function buckets(): Promise<HealthBucketClosed[]> {
  return (await commits('health-')).flatMap(({ body }) =>
    body.kind === 'events' ? (body.events as readonly HealthBucketClosed[]) : [],
  );
}

async function pass(minutes: number): Promise<void> {
  await clock.advanceTo(clock.now() + minutes * MINUTE);
  await app.get(Followers).settle();
}

describe('taking in reports', () => {
  it('shows at once what was accepted', async () => {
    expect(await send([report(), installed({ deviceId: 'd-2' })])).toEqual({
      status: 202,
      body: { accepted: 2, duplicates: 0, refused: [] },
    });
    expect((await get('/v1/fleet')).body).toEqual({
      asOf: '2026-03-17T12:00:00.000Z',
      position: expect.stringMatching(/^[a-z0-9]+\.[1-9]\d*$/) as unknown,
      facts: 2,
      devices: 2,
      byPlatform: { ios: 2 },
      byBase: { [BASE]: 1, [PATCHED]: 1 },
      patches: { a: { started: 0, installed: 1, failed: 0, rolledBack: 0, replaced: 0 } },
    });
    expect((await get('/v1/devices/d-2')).body).toEqual({
      deviceId: 'd-2',
      platform: 'ios',
      model: 'iPhone18,1',
      osVersion: '26.3.1',
      osBuild: PATCHED,
      base: PATCHED,
      track: 'automatic',
      lastReportAt: '2026-03-17T12:00:00.000Z',
      patches: { a: { state: 'installed', at: '2026-03-17T12:00:00.000Z', failureCode: null } },
    });
  });

  it('refuses bad ones by index and code, and lets the good ones of the batch stand', async () => {
    const { status, body } = await send([
      report(),
      report({ kind: 'teleported' }),
      report({ osBuild: 7 }),
      report({ kind: 'installed' }),
      about('rolled-back'),
      report({ occurredAt: '2026-03-17T12:00:00' }),
      'nonsense',
      null,
      report({ deviceId: 'd-2', agentMood: 'fine' }),
    ]);
    expect(status).toBe(202);
    expect(body).toMatchObject({ accepted: 2, duplicates: 0 });
    expect((body['refused'] as { index: number; code: string }[]).map(({ index, code }) => [index, code])).toEqual([
      [1, 'unknown-kind'],
      [2, 'invalid-report'],
      [3, 'invalid-report'],
      [4, 'invalid-report'],
      [5, 'invalid-report'],
      [6, 'invalid-report'],
      [7, 'invalid-report'],
    ]);
    expect((body['refused'] as { detail: string }[])[1]?.detail).toContain('/osBuild');
    expect((await get('/v1/fleet')).body).toMatchObject({ facts: 2 });
  });

  it.each([[{}], [{ reports: [] }], [{ reports: 'all' }], [{ reports: Array.from({ length: 1001 }, () => 1) }], [[]]])(
    'refuses an envelope that is none (%#)',
    async (payload) => {
      const headers = { authorization: `Bearer ${tokens.adminToken()}` };
      const response = await inject(app, { method: 'POST', url: '/v1/reports', headers, payload });
      expect(response.json()).toMatchObject({ status: 400, code: 'invalid-request', errors: [{ path: '/reports' }] });
    },
  );

  it('lets a device token speak for its own devices only', async () => {
    const token = tokens.createLocal('gateway', ['device'], { devicePrefix: 'd-' });
    const { body } = await send([report(), report({ deviceId: 'e-1' })], token);
    expect(body).toMatchObject({ accepted: 1, refused: [{ index: 1, code: 'device-forbidden' }] });
  });

  it('counts a report once, whether it comes again in the same batch, at the same time or later', async () => {
    const one = report();
    expect((await send([one, one])).body).toMatchObject({ accepted: 1, duplicates: 1 });
    const other = report({ deviceId: 'd-2' });
    const answers = await Promise.all([send([other]), send([other]), send([other])]);
    expect(answers.map(({ body }) => body['accepted']).toSorted()).toEqual([0, 0, 1]);
    expect((await send([one, other])).body).toMatchObject({ accepted: 0, duplicates: 2 });
    expect((await get('/v1/fleet')).body).toMatchObject({ facts: 2 });
  });

  it('counts reports on patches that nobody has published, and takes them', async () => {
    const counted = async () => {
      const { body } = await inject(app, {
        url: '/metrics',
        headers: { authorization: `Bearer ${tokens.adminToken()}` },
      });
      return /^sluice_reports_unknown_patches_total (\d+)$/m.exec(body)?.[1];
    };
    expect((await send([installed(), report()])).body).toMatchObject({ accepted: 2 });
    expect(await counted()).toBe('1');
    await tellCatalog({
      type: 'PatchPublished',
      platform: 'ios',
      baseVersion: '26.3.1',
      letter: 'a',
      variants: [],
      cves: [],
    });
    await app.get(Followers).settle();
    expect((await send([installed()])).body).toMatchObject({ accepted: 1 });
    expect(await counted()).toBe('1');
  });

  it('takes the same report id of another device for another report', async () => {
    const { body } = await send([report({ reportId: 'r' }), report({ reportId: 'r', deviceId: 'd-2' })]);
    expect(body).toMatchObject({ accepted: 2 });
  });

  it('takes a report that comes again after a week, and changes nothing by it', async () => {
    const one = installed();
    await send([one]);
    const before = await get('/v1/devices/d-1');
    await clock.advanceTo(NOON + 9 * 24 * 60 * MINUTE);
    const sibling = sameShardAs('d-1');
    await send([report({ deviceId: sibling })]);
    expect((await send([one])).body).toMatchObject({ accepted: 1 });
    expect((await get('/v1/devices/d-1')).body['patches']).toEqual(before.body['patches']);
  });

  it('accepts a device whose clock is ahead, orders it by receipt, and says so to the world', async () => {
    await send([installed({ occurredAt: new Date(NOON + 60 * MINUTE).toISOString() })]);
    await pass(10);
    await send([about('rolled-back', { cause: 'user' })]);
    expect((await get('/v1/devices/d-1')).body).toMatchObject({ patches: { a: { state: 'rolledBack' } } });
    const events = (await get('/v1/feed')).body['events'] as { type: string; data: Record<string, unknown> }[];
    expect(events.find(({ type }) => type === 'PatchInstalled')?.data).toMatchObject({
      deviceId: 'd-1',
      clockAhead: true,
      occurredAt: new Date(NOON + 60 * MINUTE).toISOString(),
      receivedAt: new Date(NOON).toISOString(),
    });
    expect(events.find(({ type }) => type === 'PatchRolledBack')?.data).toMatchObject({
      deviceId: 'd-1',
      cause: 'user',
    });
  });

  it('keeps nothing of what the store could not write, so that the device can send it again', async () => {
    const one = report();
    store.failing = true;
    expect(await send([one])).toMatchObject({ status: 503, body: { code: 'store-unavailable' } });
    expect((await get('/v1/fleet')).body).toMatchObject({ facts: 0 });
    store.failing = false;
    expect((await send([one])).body).toMatchObject({ accepted: 1, duplicates: 0 });
  });

  it('goes on when the store has written a report and could not say so', async () => {
    const one = report();
    store.answersLost = 9;
    expect(await send([one])).toMatchObject({ status: 503, body: { code: 'store-unavailable' } });
    store.answersLost = 0;
    await expect.poll(async () => (await send([one])).body).toMatchObject({ accepted: 0, duplicates: 1 });
    expect((await send([report()])).body).toMatchObject({ accepted: 1 });
    expect((await get('/v1/fleet')).body).toMatchObject({ facts: 2 });
    expect((await get('/health/ready')).status).toBe(200);
  });

  it('makes one commit a shard of the requests that arrive together', async () => {
    await Promise.all(Array.from({ length: 40 }, (_, index) => send([report({ deviceId: `d-${String(index)}` })])));
    expect((await commits('fleet-')).length).toBeLessThanOrEqual(12);
    expect((await get('/v1/fleet')).body).toMatchObject({ facts: 40, devices: 40 });
  });
});

// Days of remembered reports move on with each shard's own reports.
function sameShardAs(deviceId: string): string {
  const shard = shardOf(hashDevice(deviceId), 4);
  for (let index = 100; ; index += 1)
    if (shardOf(hashDevice(`d-${String(index)}`), 4) === shard) return `d-${String(index)}`;
}

describe('starting again', () => {
  it('comes to the same state, and knows the reports it had accepted', async () => {
    await tellCatalog(published);
    const reports = Array.from({ length: 50 }, (_, index) => installed({ deviceId: `d-${String(index)}` }));
    await send(reports);
    await send([about('rolled-back', { deviceId: 'd-7', cause: 'recall' })]);
    const before = [(await get('/v1/fleet')).body, (await get('/v1/devices/d-7')).body];
    await restart();
    expect([(await get('/v1/fleet')).body, (await get('/v1/devices/d-7')).body]).toEqual(before);
    expect((await send(reports)).body).toMatchObject({ accepted: 0, duplicates: 50 });
    expect((await send([report()])).body).toMatchObject({ accepted: 1 });
  });

  it('refuses another number of shards, and says which one it has', async () => {
    await expect(boot({ shards: 8 })).rejects.toThrow('--shards 4');
  });

  it('finds the live state equal to what the store says', async () => {
    await send([installed(), report({ deviceId: 'd-2' }), about('install-failed', { deviceId: 'd-3' })]);
    await post('/v1/devices/d-2/retire');
    const job = (
      await inject(app, {
        method: 'POST',
        url: '/v1/replays',
        headers: { authorization: `Bearer ${tokens.adminToken()}` },
        payload: { verify: true },
      })
    ).json<{ id: string }>();
    await expect
      .poll(async () => (await get(`/v1/replays/${job.id}`)).body)
      .toMatchObject({ status: 'done', matches: true, done: ['fleet'] });
  });
});

describe('asking for devices', () => {
  it('answers 404 for a device that was never heard of', async () => {
    expect(await get('/v1/devices/nobody')).toMatchObject({ status: 404, body: { code: 'device-not-found' } });
    expect((await post('/v1/devices/nobody/retire')).statusCode).toBe(404);
  });

  it('lists all that match, page by page, over all shards', async () => {
    await tellCatalog(published);
    const ids = Array.from({ length: 30 }, (_, index) => `d-${String(index)}`);
    await send(ids.map((deviceId, index) => (index % 3 === 0 ? installed({ deviceId }) : report({ deviceId }))));
    const found: string[] = [];
    let url = '/v1/devices?limit=7';
    for (let page = 0; page < 10; page += 1) {
      const { body } = await get(url);
      found.push(...(body['items'] as { deviceId: string }[]).map(({ deviceId }) => deviceId));
      if (body['nextCursor'] === undefined) break;
      url = `/v1/devices?limit=7&cursor=${body['nextCursor'] as string}`;
    }
    expect(found.toSorted()).toEqual(ids.toSorted());
    const filtered = (await get(`/v1/devices?patchId=a&state=installed&platform=ios&base=${BASE}`)).body;
    expect(filtered['items']).toHaveLength(10);
    expect((await get('/v1/devices?state=lost')).body).toMatchObject({
      code: 'invalid-request',
      errors: [{ path: '/state' }],
    });
  });

  it('forgets a retired device until it reports again', async () => {
    await send([installed()]);
    await pass(1);
    const retired = await post('/v1/devices/d-1/retire');
    expect(retired.json()).toMatchObject({ deviceId: 'd-1', retiredAt: '2026-03-17T12:01:00.000Z' });
    expect((await post('/v1/devices/d-1/retire')).json()).toEqual(retired.json());
    expect((await get('/v1/fleet')).body).toMatchObject({ facts: 2, devices: 0, patches: { a: { installed: 0 } } });
    expect((await get('/v1/devices')).body).toEqual({ items: [], total: 0 });
    const [{ metadata } = { metadata: undefined }] = (await commits('fleet-')).slice(-1);
    expect(metadata).toMatchObject({ actor: 'admin' });
    await pass(1);
    await send([report({ osBuild: PATCHED })]);
    expect((await get('/v1/fleet')).body).toMatchObject({ devices: 1, patches: { a: { installed: 1 } } });
  });

  it('retires a device once for a key, also when the answer was lost and it has reported since', async () => {
    await send([installed()]);
    const append = store.append.bind(store);
    store.append = (each) =>
      each.stream.startsWith('key-') ? Promise.reject(new StoreUnavailable('full')) : append(each);
    expect((await post('/v1/devices/d-1/retire', 'k')).json()).toHaveProperty('retiredAt');
    await pass(1);
    await send([report({ osBuild: PATCHED })]);
    store.append = append;
    const again = await post('/v1/devices/d-1/retire', 'k');
    expect(again.json()).not.toHaveProperty('retiredAt');
    expect((await get('/v1/fleet')).body).toMatchObject({ facts: 3, devices: 1 });
    expect((await post('/v1/devices/d-1/retire', 'k2')).json()).toHaveProperty('retiredAt');
  });
});

describe('looking back', () => {
  it('shows fleet and device as they were at an instant', async () => {
    await tellCatalog(published);
    await send([installed()]);
    await pass(10);
    await send([about('rolled-back', { cause: 'user' }), report({ deviceId: 'd-2' })]);
    const at = '2026-03-17T12:05:00.000Z';
    expect((await get(`/v1/fleet?at=${at}`)).body).toMatchObject({
      asOf: at,
      facts: 1,
      devices: 1,
      byBase: { [BASE]: 1 },
      patches: { a: { installed: 1, rolledBack: 0 } },
    });
    expect((await get(`/v1/devices/d-1?at=${at}`)).body).toMatchObject({
      base: BASE,
      patches: { a: { state: 'installed' } },
    });
    expect((await get('/v1/devices/d-1')).body).toMatchObject({ patches: { a: { state: 'rolledBack' } } });
    expect((await get(`/v1/devices/d-2?at=${at}`)).status).toBe(404);
    const { asOf: _, ...now } = (await get('/v1/fleet')).body;
    expect((await get('/v1/fleet?at=2026-03-17T12:10:00Z')).body).toMatchObject(now);
  });

  it('knows neither the future nor nonsense', async () => {
    expect((await get('/v1/fleet?at=2026-03-17T12:00:01Z')).body).toMatchObject({ code: 'at-in-future' });
    expect((await get('/v1/fleet?at=yesterday')).body).toMatchObject({
      code: 'invalid-request',
      errors: [{ path: '/at' }],
    });
  });
});

describe('telling the timeline of a device', () => {
  it('lists what was heard of it, the newest first, page by page', async () => {
    await tellCatalog(published);
    await send([report(), about('install-started'), report({ deviceId: 'd-2' })]);
    await pass(10);
    await send([about('install-failed', { signal: 'install-failed', failureCode: 'verification-failed' })]);
    await pass(10);
    await send([installed()]);
    expect((await post('/v1/devices/d-1/retire', 'k')).statusCode).toBe(200);
    const { body } = await get('/v1/devices/d-1/timeline');
    expect(body).toMatchObject({
      total: 5,
      items: [
        { kind: 'DeviceRetired', recordedAt: '2026-03-17T12:20:00.000Z' },
        { kind: 'PatchInstalled', patchId: 'a', osBuild: PATCHED },
        { kind: 'PatchInstallFailed', failureCode: 'verification-failed', recordedAt: '2026-03-17T12:10:00.000Z' },
        { kind: 'InstallStarted' },
        { kind: 'DeviceObserved', model: 'iPhone18,1', recordedAt: '2026-03-17T12:00:00.000Z' },
      ],
    });
    expect(body).not.toHaveProperty('nextCursor');
    const kinds: unknown[] = [];
    let cursor = '';
    for (let page = 0; page < 3; page += 1) {
      const { body: part } = await get(`/v1/devices/d-1/timeline?limit=2${cursor}`);
      const { items, total, nextCursor } = part as { items: { kind: string }[]; total: number; nextCursor?: string };
      expect(total).toBe(5);
      kinds.push(items.map(({ kind }) => kind));
      cursor = `&cursor=${nextCursor ?? ''}`;
    }
    expect(kinds).toEqual([
      ['DeviceRetired', 'PatchInstalled'],
      ['PatchInstallFailed', 'InstallStarted'],
      ['DeviceObserved'],
    ]);
  });

  it('keeps to the span that is asked for', async () => {
    await send([report()]);
    await pass(10);
    await send([about('install-started')]);
    await pass(10);
    await send([report()]);
    const span = 'from=2026-03-17T12:05:00Z&to=2026-03-17T12:15:00Z';
    expect((await get(`/v1/devices/d-1/timeline?${span}`)).body).toMatchObject({
      total: 1,
      items: [{ kind: 'InstallStarted' }],
    });
    expect((await get('/v1/devices/d-1/timeline?to=2026-03-17T11:00:00Z')).body).toMatchObject({ total: 0, items: [] });
  });

  it('knows neither other devices nor other cursors', async () => {
    await send([report()]);
    expect((await get('/v1/devices/d-9/timeline')).body).toMatchObject({ code: 'device-not-found' });
    expect((await get('/v1/devices/d-1/timeline?cursor=WyJ4Il0')).body).toMatchObject({ code: 'unknown-cursor' });
  });
});

describe('telling how a patch came into the fleet', () => {
  it('counts holders over time, of all shards together, and the same after a restart', async () => {
    await tellCatalog(published);
    const ids = Array.from({ length: 12 }, (_, index) => `d-${String(index)}`);
    await send(ids.map((deviceId) => about('install-started', { deviceId })));
    await pass(5);
    await send(ids.map((deviceId) => installed({ deviceId })));
    await pass(5);
    await send(ids.slice(0, 4).map((deviceId) => about('rolled-back', { deviceId, cause: 'user' })));
    await pass(5);
    const { body } = await get('/v1/fleet/series?patchId=a');
    const { points } = body as { points: { at: string; holders: number; started: number; removed: number }[] };
    expect(points.map(({ holders }) => holders)).toContain(12);
    expect(points.at(-1)).toMatchObject({ holders: 8, started: 12, removed: 4 });
    const full = points.find(({ holders }) => holders === 12)?.at ?? '';
    const early = await get(`/v1/fleet/series?patchId=a&to=${full}&points=2`);
    expect((early.body as { points: unknown[] }).points.at(-1)).toMatchObject({ at: full, holders: 12, removed: 0 });
    await restart();
    expect((await get('/v1/fleet/series?patchId=a')).body).toEqual(body);
  });

  it('says that nothing is known of a patch, and refuses a span that ends before it begins', async () => {
    expect((await get('/v1/fleet/series?patchId=z')).body).toEqual({
      ...{ patchId: 'z', through: null, stepSeconds: null, points: null },
    });
    const { body } = await get('/v1/fleet/series?patchId=a&from=2026-03-17T12:00:00Z&to=2026-03-17T11:00:00Z');
    expect(body).toMatchObject({ code: 'invalid-request', errors: [{ path: '/to' }] });
  });
});

describe('listing devices', () => {
  it('filters by what they are, tells how many there are, and why they hold a patch', async () => {
    await tellCatalog(published);
    await send([
      report({ ring: 'beta' }),
      report({ deviceId: 'd-2', osBuild: PATCHED }),
      about('installed', { deviceId: 'e-3', region: 'eu', track: 'manual' }),
    ]);
    const list = async (query: string) => {
      const { items, total } = (await get(`/v1/devices?${query}`)).body as {
        items: { deviceId: string; patches: Record<string, { by?: string }> }[];
        total: number;
      };
      expect(total).toBe(items.length);
      return items.map(({ deviceId, patches }) => `${deviceId} ${patches['a']?.by ?? '-'}`).sort();
    };
    expect(await list('')).toEqual(['d-1 -', 'd-2 build', 'e-3 report']);
    expect(await list('ring=beta')).toEqual(['d-1 -']);
    expect(await list('region=eu&track=manual')).toEqual(['e-3 report']);
    expect(await list('q=d-&patchId=a')).toEqual(['d-2 build']);
    expect(await list('silentSince=2026-03-17T12:00:00Z')).toEqual([]);
    expect(await list('silentSince=2026-03-17T12:00:01Z')).toHaveLength(3);
    expect((await get('/v1/devices?limit=1')).body).toMatchObject({ total: 3, items: [{}] });
    expect((await get('/v1/devices?silentSince=yesterday')).status).toBe(400);
  });
});

describe('being asked by the orchestrator who holds a patch', () => {
  const ask = async (token: string, patchId = 'a') => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await inject(app, { url: `/v1/shards/holders?patchId=${patchId}`, headers });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  };

  it('counts the devices of all shards by what they look like and when they were last heard of', async () => {
    await tellCatalog(published);
    await send(['d-1', 'd-2', 'd-3'].map((deviceId) => installed({ deviceId })));
    await pass(2 * 24 * 60);
    await send(['d-4', 'd-5'].map((deviceId) => installed({ deviceId, track: 'manual' })));
    await send([about('install-started', { deviceId: 'd-6' }), report({ deviceId: 'd-7' })]);
    const { status, body } = await ask(tokens.peerToken());
    expect(status).toBe(200);
    expect(isHoldersAnswer(body)).toBe(true);
    const phone = { platform: 'ios', model: 'iPhone18,1', base: BASE };
    expect(body).toEqual({
      counted: {
        holders: expect.toSatisfy((kinds: unknown[]) => {
          expect(kinds).toHaveLength(2);
          expect(kinds).toContainEqual({ ...phone, track: 'automatic', withinDay: 0, withinWeek: 3, longer: 0 });
          expect(kinds).toContainEqual({ ...phone, track: 'manual', withinDay: 2, withinWeek: 0, longer: 0 });
          return true;
        }) as unknown,
        inFlight: 1,
      },
    });
    expect((await ask(tokens.peerToken(), 'unknown')).body).toEqual({ counted: { holders: [], inFlight: 0 } });
  });

  it('answers other services only', async () => {
    expect((await ask(tokens.createLocal('olga', ['operator']))).status).toBe(403);
  });
});

describe('refusing another report under a used id', () => {
  it('says so by index, keeps the first one, also after a restart', async () => {
    const first = report({ reportId: 'r-1' });
    await send([first]);
    const other = { ...first, osBuild: PATCHED };
    const refused = { accepted: 0, duplicates: 1, refused: [{ index: 1, code: 'report-id-used' }] };
    expect((await send([first, other])).body).toMatchObject(refused);
    await restart();
    expect((await send([first, other])).body).toMatchObject(refused);
    expect(
      (await send([report({ reportId: 'r-2' }), report({ reportId: 'r-2', model: 'iPad16,3' })])).body,
    ).toMatchObject({ accepted: 1, duplicates: 0, refused: [{ index: 1, code: 'report-id-used' }] });
    expect((await get('/v1/devices/d-1')).body).toMatchObject({ osBuild: BASE });
  });
});

describe('refusing kinds of devices beyond number', () => {
  it('takes 65,536 of them, then only those that it knows', async () => {
    const tell = (index: number) => report({ reportId: `r-${String(index)}`, ring: `ring-${String(index)}` });
    for (let from = 0; from < 65_536; from += 1000)
      await send(Array.from({ length: Math.min(1000, 65_536 - from) }, (_, index) => tell(from + index)));
    const known = report({ reportId: 'again', ring: 'ring-7' });
    const { body } = await send([known, tell(65_536), report({ deviceId: 'd-1', reportId: 'more', region: 'eu' })]);
    const refusal = { code: 'too-many-profiles' };
    expect(body).toMatchObject({
      accepted: 1,
      refused: [
        { ...refusal, index: 1 },
        { ...refusal, index: 2 },
      ],
    });
    expect((await get('/v1/fleet')).body).toMatchObject({ facts: 65_537, devices: 1 });
  });
});

describe('telling health', () => {
  const total = async () => {
    const rows = (await buckets()).flatMap((bucket) => rowsOf(bucket).installs);
    const sum = (field: 'started' | 'failed') => rows.reduce((count, row) => count + row[field], 0);
    return {
      trials: sum('started'),
      failures: sum('failed'),
      bases: [...new Set(rows.map(({ slice }) => slice.base))],
    };
  };

  it('closes a bucket a shard when something changed, and none when nothing did', async () => {
    await tellCatalog(published);
    await send([about('install-started'), about('install-started', { deviceId: 'd-2' })]);
    await pass(0.5);
    await send([about('install-failed')]);
    expect(await buckets()).toEqual([]);
    await pass(0.5);
    const closed = await buckets();
    expect(closed.length).toBeGreaterThan(0);
    expect(closed[0]).toMatchObject({ shards: 4, from: '2026-03-17T12:00:00.000Z', to: '2026-03-17T12:01:00.000Z' });
    expect(await total()).toEqual({ trials: 2, failures: 1, bases: [BASE] });
    await pass(5);
    expect(await buckets()).toEqual(closed);
  });

  it('counts every trial once, whenever the process is started again', async () => {
    await tellCatalog(published);
    let devices = 0;
    for (const minutes of [0.4, 1, 0.2, 30, 95, 1, 130]) {
      for (let index = 0; index < 8; index += 1) {
        devices += 1;
        const deviceId = `d-${String(devices)}`;
        const outcome = index % 4 === 0 ? about('install-failed', { deviceId }) : installed({ deviceId });
        // Half of them never say that they started, and count once their deadline has passed.
        await send(index % 2 === 0 ? [about('install-started', { deviceId }), outcome] : [outcome]);
      }
      await pass(minutes);
      await restart();
    }
    await pass(121);
    expect(await total()).toEqual({ trials: devices, failures: devices / 4, bases: [BASE] });
    const streams = Map.groupBy(await buckets(), ({ shard }) => shard);
    for (const announced of streams.values()) {
      const through = announced.map(({ throughRevision }) => throughRevision);
      expect(through).toEqual(through.toSorted((left, right) => left - right));
    }
    expect((await get('/v1/health?patchId=a')).body).toMatchObject({
      patchId: 'a',
      cells: [{ platform: 'ios', model: 'iPhone18,1', base: BASE, trials: devices, failures: devices / 4 }],
      holders: { holders: (devices * 3) / 4, removed: 0, removalsFailed: 0 },
    });
  });

  it('writes a bucket later when the store could not take it, and counts nothing twice', async () => {
    await send([about('install-started')]);
    store.failing = true;
    await pass(1);
    store.failing = false;
    await send([about('install-started', { deviceId: sameShardAs('d-1') })]);
    await pass(1);
    await pass(1);
    expect(await total()).toMatchObject({ trials: 2 });
  });

  it('tells of a pulled patch from every shard, also from those that never had it', async () => {
    await send([installed()]);
    await tellCatalog(published, { type: 'PatchPulled', mode: 'recall', reason: 'harm', recallEpoch: 1 });
    await pass(1);
    const lines = (await buckets()).flatMap(({ shard, holders }) => holders.map((line) => ({ shard, ...line })));
    expect(lines.map(({ shard, recallEpoch }) => [shard, recallEpoch])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
      [3, 1],
    ]);
    expect(lines.reduce((sum, { holders }) => sum + holders, 0)).toBe(1);
    await pass(72 * 60);
    const recalls = async () =>
      (await buckets()).flatMap(({ holders }) => holders.map(({ recall }) => recall)).slice(-1);
    expect(await recalls()).toMatchObject([{ set: 1, offline: 1, waiting: 0 }]);
    await send([about('rolled-back', { cause: 'recall' })]);
    await pass(1);
    expect(await recalls()).toMatchObject([{ set: 1, freed: { recall: 1 }, offline: 0 }]);
    expect((await get('/v1/health?patchId=a')).body).toMatchObject({ holders: { holders: 0, removed: 1 } });
  });

  it('measures installs and holders of a patch for as long as a rollout of it is watched', async () => {
    const happened = async (event: { readonly type: string; readonly [field: string]: unknown }) => {
      await store.append({
        stream: 'rollout-r1',
        expected: 'any',
        commitId: randomUUID(),
        metadata: { actor: 'spec', correlationId: 'c' },
        body: { kind: 'events', events: [{ ...event, rolloutId: 'r1', at: clock.nowText() } as { type: string }] },
      });
      await app.get(Followers).settle();
    };
    const series = async () => {
      const text = await app.get(Metrics).registry.metrics();
      return text.split('\n').filter((line) => /^sluice_patch_(installs|holders)\{/.test(line));
    };
    await tellCatalog(published);
    const plan = { rolloutId: 'r1', patchId: 'a', salt: 's', waves: [], gates: {} };
    await happened({ type: 'RolloutPlanned', plan });
    await send([about('install-started'), installed()]);
    await pass(1);
    expect(await series()).toEqual([]);
    await happened({ type: 'RolloutStarted', patchId: 'a', slices: 1 });
    expect(await series()).toEqual([
      'sluice_patch_installs{patch="a",outcome="started"} 1',
      'sluice_patch_installs{patch="a",outcome="failed"} 0',
      'sluice_patch_installs{patch="a",outcome="fine"} 1',
      'sluice_patch_installs{patch="a",outcome="pending"} 0',
      'sluice_patch_holders{patch="a"} 1',
    ]);
    await happened({ type: 'RolloutAborted', reason: 'x' });
    expect(await series()).toEqual([]);
  });

  it('has no figures of a patch that no bucket told of', async () => {
    expect((await get('/v1/health?patchId=unheard')).body).toEqual({
      patchId: 'unheard',
      cells: [],
      holders: { holders: 0, removed: 0, removalsFailed: 0 },
    });
  });
});

describe('noticing what needs a person', () => {
  const items = async () => (await get('/v1/attention')).body['items'];

  it('shows a device that two machines go by, until it is retired', async () => {
    await send([report()]);
    expect(await items()).toEqual([]);
    await send([report({ model: 'iPhone17,1' })]);
    expect(await items()).toMatchObject([
      { id: 'id-used-twice:d-1', since: null, about: { deviceId: 'd-1' }, command: 'sluice device retire d-1' },
    ]);
    await post('/v1/devices/d-1/retire');
    expect(await items()).toEqual([]);
  });

  it('says so where more devices of a shard are used twice than are named', async () => {
    const inShard = Array.from({ length: 1_000 }, (_, index) => `d-${String(index)}`)
      .filter((deviceId) => shardOf(hashDevice(deviceId), 4) === 0)
      .slice(0, 101);
    for (const model of ['iPhone18,1', 'iPhone17,1'])
      await send(inShard.map((deviceId) => report({ deviceId, model })));
    const because = expect.stringContaining('more than 100 devices of a shard') as string;
    const { body } = await get('/v1/attention?limit=1000');
    expect(body).toMatchObject({ total: null, unknown: [{ kinds: ['id-used-twice'], because }] });
    expect(body['items']).toHaveLength(100);
    await post(`/v1/devices/${String(inShard[0])}/retire`);
    expect((await get('/v1/attention?limit=1')).body).toMatchObject({ total: 100, unknown: [] });
  });

  it('counts the holders of a recalled patch that failed three times to remove it, every few seconds', async () => {
    const timers = new ManualTimers();
    await stop(app);
    app = await boot({}, { timers });
    const itemsLater = () => {
      timers.advance(5_000);
      return items();
    };
    await tellCatalog(published);
    await send([installed()]);
    await tellCatalog({ type: 'PatchPulled', mode: 'recall', reason: 'x', recallEpoch: 1 });
    for (let failed = 1; failed <= 3; failed += 1) {
      expect(await itemsLater()).toEqual([]);
      await clock.advanceTo(clock.now() + MINUTE);
      await send([about('remove-failed', { osBuild: PATCHED })]);
    }
    expect(await items()).toEqual([]);
    expect(await itemsLater()).toMatchObject([
      {
        ...{ id: 'removals-stubborn:a', about: { patchId: 'a' } },
        words: expect.stringMatching(/^1 devices? hold/) as string,
        command: 'sluice device list --patch a --failed-removals 3',
      },
    ]);
    await send([about('rolled-back', { cause: 'recall' }), report()]);
    timers.advance(4_999);
    expect(await items()).toHaveLength(1);
    timers.advance(1);
    expect(await items()).toEqual([]);
  });
});
