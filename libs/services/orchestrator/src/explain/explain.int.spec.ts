import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { OwnSigns, publishAsIs } from '@sluice/event-feed';
import { InMemoryEventStore } from '@sluice/event-sourcing';
import {
  close,
  createApp,
  Followers,
  inject,
  InlineFolds,
  ManualClock,
  ManualTimers,
  Settings,
  Tokens,
} from '@sluice/platform';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bucketOf, folds, OrchestratorModule, orchestratorPublications } from '../index.ts';

const START = Date.parse('2026-03-17T12:00:00Z');
const MINUTE = 60_000;
const SALT = 's';
const BASE = '23D8133';
const at = (minutes: number) => new Date(START + minutes * MINUTE).toISOString();
const published = {
  ...{ type: 'PatchPublished', patchId: 'p-a', platform: 'ios', baseVersion: '26.3.1', letter: 'a', cves: [] },
  variants: [{ build: '23D771330a', prerequisiteBuild: BASE, models: ['iPhone18,1', 'iPad16,3'] }],
};
const plan = {
  ...{ patchId: 'p-a', salt: SALT, holdBackPercent: 0, gates: { installFailureRateMax: 0.01 } },
  waves: [
    { name: 'beta', ring: 'beta', ramp: { fromPercent: 100, toPercent: 100, minutes: 0 }, bakeMinutes: 60 },
    { name: 'all', ramp: { fromPercent: 0, toPercent: 100, minutes: 1000 }, bakeMinutes: 60 },
  ],
};
const grant = (wave: number, fromPercent: number, toPercent: number) => (minutes: number) => ({
  ...{ type: 'ExposureGranted', rolloutId: 'r1', wave, fromPercent, toPercent, because: 'ramp' },
  ...{ from: at(minutes), to: at(minutes), ranMinutes: toPercent * 10 },
});
const r1 = { rolloutId: 'r1' };

let clock: ManualClock;
let store: InMemoryEventStore;
let timers: ManualTimers;
let tokens: Tokens;
let app: NestFastifyApplication;
let telemetry: Server;
let signs: OwnSigns;
let asked: { readonly path: string; readonly authorization: string | undefined }[];
let reported: Map<string, object>;
/** What telemetry does instead of answering. */
let misbehave: ((response: ServerResponse) => void) | undefined;
let commits: number;

beforeEach(async () => {
  [asked, reported, misbehave, commits] = [[], new Map(), undefined, 0];
  telemetry = createServer(({ url = '', headers: { authorization } }, response) => {
    asked.push({ path: url, authorization });
    if (misbehave !== undefined) return misbehave(response);
    const found = reported.get(new URL(url, 'http://x').pathname.split('/').at(-1) ?? '');
    const problem = { type: 'x', title: 'x', status: 404, code: 'device-not-found' };
    response.writeHead(found === undefined ? 404 : 200).end(JSON.stringify(found ?? problem));
  });
  telemetry.listen(0, '127.0.0.1');
  await once(telemetry, 'listening');
  const address = `http://127.0.0.1:${String((telemetry.address() as AddressInfo).port)}`;
  clock = new ManualClock(START);
  store = new InMemoryEventStore(clock);
  timers = new ManualTimers();
  signs = new OwnSigns();
  tokens = new Tokens(mkdtempSync(join(tmpdir(), 'sluice-explain-')));
  app = await createApp([OrchestratorModule], {
    ...{ settings: Settings.of(), clock, store, tokens, timers, folds: new InlineFolds(store, folds) },
    signs,
    addresses: { catalog: address, orchestrator: address, telemetry: address },
    publications: [
      ...orchestratorPublications(),
      publishAsIs('catalog', 'catalog', ['patch-']),
      publishAsIs('telemetry', 'health', ['health-']),
    ],
  });
});
afterEach(async () => {
  await close(app);
  telemetry.closeAllConnections();
  telemetry.close();
});

async function happened(
  stream: string,
  ...events: readonly { readonly type: string; readonly [field: string]: unknown }[]
) {
  const body = { kind: 'events', events: events.map((each) => ({ at: clock.nowText(), ...each })) } as const;
  const metadata = { actor: 'spec', correlationId: 'c' };
  await store.append({ stream, expected: 'any', commitId: String(++commits), metadata, body });
  await app.get(Followers).settle();
}

/** A history of an hour: published, started, and the second wave at 20, then at 50 percent. */
async function play() {
  await happened('patch-p-a', published);
  await happened('rollout-r1', { type: 'RolloutPlanned', ...r1, plan });
  await clock.advanceTo(START + 10 * MINUTE);
  await happened(
    'rollout-r1',
    { type: 'RolloutStarted', ...r1, patchId: 'p-a', slices: 2, known: [], exposure: 'granted' },
    { type: 'WaveOpened', ...r1, wave: 1 },
    grant(1, 100, 100)(10),
  );
  await clock.advanceTo(START + 20 * MINUTE);
  await happened('rollout-r1', { type: 'WaveOpened', ...r1, wave: 2 }, grant(2, 0, 20)(20));
  await clock.advanceTo(START + 40 * MINUTE);
  await happened('rollout-r1', grant(2, 20, 50)(40));
  const slice = { model: ['iPad16,3'] };
  await happened('hold-h1', {
    type: 'HoldPlaced',
    holdId: 'h1',
    patchId: 'p-a',
    slice,
    reason: 'it smokes',
    owner: 'ann',
  });
  await clock.advanceTo(START + 60 * MINUTE);
}

/** The id of a device whose bucket is inside, told by a word. */
function deviceIn(word: string, from: number, to: number): string {
  for (let number = 0; ; number += 1) {
    const [id, bucket] = [`${word}-${String(number)}`, bucketOf(SALT, `${word}-${String(number)}`)];
    if (bucket >= from && bucket < to) return id;
  }
}

/** Telemetry knows the device. */
function report(deviceId: string, fields: object = {}): string {
  reported.set(deviceId, {
    ...{ deviceId, platform: 'ios', model: 'iPhone18,1', osVersion: '26.3.1', osBuild: BASE, base: BASE },
    ...{ track: 'automatic', lastReportAt: at(0), patches: {} },
    ...fields,
  });
  return deviceId;
}

async function send(method: 'GET' | 'POST', url: string, payload?: object, token = tokens.adminToken()) {
  const headers = { authorization: `Bearer ${token}` };
  const { statusCode: status, ...response } = await inject(app, { method, url, headers, ...(payload && { payload }) });
  return { status, body: response.json<Record<string, unknown>>(), etag: response.headers.etag };
}

const explain = async (deviceId: string, query = '') =>
  (await send('GET', `/v1/explain?deviceId=${deviceId}${query}`)).body;

describe('explaining devices by their reports', () => {
  it('has another reason for each of eight devices', async () => {
    await play();
    const ofPatch = (state: string, more: object = {}) => ({
      patches: { 'p-a': { state, failureCode: null, at: at(0), ...more } },
    });
    const devices = [
      [report(deviceIn('ring', 0, 1), { ring: 'beta' }), 'in-ring'],
      [report(deviceIn('in', 0, 0.5)), 'in-wave'],
      [report(deviceIn('far', 0.6, 0.7)), 'beyond-exposure'],
      [report('d-has', { osBuild: '23D771330a', ...ofPatch('installed', { by: 'build' }) }), 'already-installed'],
      [report('d-other', { osBuild: '22X1' }), 'no-patch'],
      [report(deviceIn('gone', 0, 0.5), ofPatch('rolledBack', { cause: 'user' })), 'removed-by-user'],
      [report(deviceIn('fails', 0, 0.5), ofPatch('failed', { failedInstalls: 3 })), 'failed-too-often'],
      [report('d-pad', { model: 'iPad16,3' }), 'on-hold'],
    ] as const;
    for (const [deviceId, reason] of devices) {
      const explained = await explain(deviceId);
      expect(explained).toMatchObject({ deviceId, deviceBy: 'reports', reason, unknown: [], device: { deviceId } });
    }
    expect(new Set(devices.map(([, reason]) => reason)).size).toBe(8);
    expect(asked.every(({ authorization }) => authorization === `Bearer ${tokens.peerToken()}`)).toBe(true);
  });

  it('says when its turn is expected', async () => {
    await play();
    const deviceId = report(deviceIn('far', 0.6, 0.7));
    const { changes, words } = await explain(deviceId);
    const bucket = bucketOf(SALT, deviceId);
    const ranMinutes = 500;
    expect(changes).toMatchObject([{ field: 'exposure', of: 'r1', wave: 2, at: expect.any(String) as string }]);
    const expectedMs = Date.parse((changes as [{ at: string }])[0].at);
    expect(Math.abs(expectedMs - (clock.now() + (bucket * 1000 - ranMinutes) * MINUTE))).toBeLessThan(2);
    expect(words).toContain('if nothing stops the ramp');
  });

  it('agrees with what the device is told when it checks in, and with what a given check-in is told', async () => {
    await play();
    const { ring: _, ...device } = {
      ring: undefined,
      deviceId: deviceIn('in', 0, 0.5),
      platform: 'ios',
      model: 'iPhone18,1',
    };
    const checkIn = { ...device, osVersion: '26.3.1', osBuild: BASE, installed: [], track: 'manual' };
    const directive = (await send('POST', '/v1/check-in', checkIn)).body;
    const explained = await send('POST', '/v1/explain', { ...checkIn, patchId: 'p-a' });
    expect(explained).toMatchObject({
      status: 200,
      body: { deviceBy: 'check-in', reason: 'manual-track', directive },
    });
    report(device.deviceId, { track: 'manual' });
    expect((await explain(device.deviceId))['directive']).toEqual(directive);
    expect((await send('POST', '/v1/explain', { ...checkIn, surprise: 1 })).status).toBe(400);
    expect((await send('GET', `/v1/audit`)).body).toMatchObject({ items: [] });
  });

  it('is for viewers and operators, and refuses a patch that nobody published', async () => {
    await play();
    const url = `/v1/explain?deviceId=${report('d-1')}`;
    for (const role of ['viewer', 'operator', 'responder'] as const)
      expect((await send('GET', url, undefined, tokens.createLocal(role, [role]))).status).toBe(200);
    const device = tokens.createLocal('d-1', ['device'], { deviceId: 'd-1' });
    expect(await send('GET', url, undefined, device)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    for (const when of ['', `&at=${at(30)}`])
      expect(await send('GET', `${url}&patchId=p-x${when}`)).toMatchObject({
        status: 404,
        body: { code: 'patch-not-found' },
      });
  });
});

describe('explaining a policy that is stale', () => {
  it('says why', async () => {
    signs.setWritable(false);
    await send('GET', '/v1/me');
    expect(await explain(report('d-1'))).not.toMatchObject({ reason: 'policy-stale' });
    timers.advance(31_000);
    const { reason, rules } = await explain(report('d-1'));
    expect(reason).toBe('policy-stale');
    const { values } = (rules as { rule: string; values: object }[]).find(({ rule }) => rule === 'policy-stale') ?? {};
    expect(values).toEqual({
      stale: true,
      because: expect.arrayContaining(['the own store cannot write']) as string[],
    });
  });
});

describe('explaining what is not known', () => {
  it('says that nothing was heard of a device, and which rules are open for it', async () => {
    await play();
    const explained = await explain('d-new', '&patchId=p-a');
    expect(explained).toMatchObject({ deviceBy: 'never-reported', device: null, directive: null, reason: null });
    const open = (explained['unknown'] as { rule: string }[]).map(({ rule }) => rule);
    expect(open).toEqual(expect.arrayContaining(['recalled', 'no-patch', 'in-wave']));
    expect(open).not.toContain('pulled');
  });

  it.each([
    ['two seconds', '', 2],
    ['ten seconds of the past, which has to be folded first', `&at=${at(30)}`, 10],
  ])('gives up after %s when telemetry does not answer', async (_, query, seconds) => {
    await play();
    const hung = Promise.withResolvers<ServerResponse>();
    misbehave = hung.resolve;
    let isOver = false;
    const explaining = explain(report('d-1'), query).finally(() => (isOver = true));
    await hung.promise;
    timers.advance(seconds * 1000 - 1);
    // Another request goes all the way meanwhile.
    await send('GET', '/v1/me');
    expect(isOver).toBe(false);
    timers.advance(1);
    expect(await explaining).toMatchObject({
      ...{ deviceBy: 'no-answer', device: null, directive: null },
      words: `telemetry did not answer within ${String(seconds)} s`,
    });
  });

  it.each<[string, (response: ServerResponse) => void, string]>([
    [
      'refuses',
      (response) => response.writeHead(503).end('{"code":"shard-without-owner"}'),
      'telemetry answered 503 shard-without-owner',
    ],
    [
      'answers with something else',
      (response) => response.end('{"deviceId":"d-1"}'),
      'what telemetry answered is no device',
    ],
    ['answers with no JSON', (response) => response.end('<html>'), 'telemetry did not answer'],
    ['hangs up', (response) => response.destroy(), 'telemetry did not answer'],
  ])('says so when telemetry %s', async (_, does, words) => {
    await play();
    misbehave = does;
    const explained = await explain('d-1');
    expect(explained).toMatchObject({ deviceBy: 'no-answer', directive: null });
    expect(explained['words']).toContain(words);
  });

  it('gives no answer where the device went back without saying why', async () => {
    await play();
    const patches = { 'p-a': { state: 'rolledBack', at: at(0), failureCode: null, cause: null } };
    const explained = await explain(report(deviceIn('in', 0, 0.5), { patches }));
    expect(explained).toMatchObject({ directive: null, unknown: [{ field: 'removed', rule: 'removed-by-user' }] });
    expect(await explain(report(deviceIn('far', 0.6, 0.7), { patches }))).toMatchObject({
      ...{ reason: 'beyond-exposure', unknown: [{ field: 'removed', matters: false }] },
    });
  });

  it('leaves open whether removals failed within a day where they failed three times', async () => {
    await play();
    await happened('patch-p-a', {
      type: 'PatchPulled',
      patchId: 'p-a',
      mode: 'recall',
      reason: 'it smokes',
      recallEpoch: 1,
    });
    const patch = { state: 'installed', by: 'build', at: at(0), failureCode: null, failedRemovals: 3 };
    const since = (minutes: number) => ({
      osBuild: '23D771330a',
      patches: { 'p-a': { ...patch, lastFailureAt: at(minutes) } },
    });
    expect(await explain(report('d-1', since(50)))).toMatchObject({
      directive: null,
      unknown: [{ field: 'removeFailed' }],
    });
    expect(await explain(report('d-1', since(-1500)))).toMatchObject({
      directive: { directive: 'remove' },
      unknown: [],
    });
  });
});

describe('explaining the past', () => {
  it('answers for one device at three past instants', async () => {
    await play();
    const deviceId = report(deviceIn('mid', 0.25, 0.45));
    const answers: unknown[] = [];
    for (const minutes of [5, 15, 30, 45]) {
      const { reason, asOf } = await explain(deviceId, `&at=${at(minutes)}`);
      answers.push([asOf, reason]);
    }
    expect(answers).toEqual([
      [at(5), 'no-rollout'],
      [at(15), 'outside-audience'],
      [at(30), 'beyond-exposure'],
      [at(45), 'in-wave'],
    ]);
    expect(asked.map(({ path }) => path)).toContain(`/v1/devices/${deviceId}?at=${encodeURIComponent(at(15))}`);
    expect(await explain(deviceId, `&at=${at(45)}`)).toMatchObject({
      unknown: [{ field: 'stale', rule: 'policy-stale', matters: false }],
      position: expect.stringMatching(/^memory\d+\.\d+$/) as string,
    });
  });

  it('knows what the catalog had recorded by then, and nothing later', async () => {
    await play();
    await happened('patch-p-a', {
      type: 'PatchPulled',
      patchId: 'p-a',
      mode: 'withdraw',
      reason: 'it smokes',
      recallEpoch: 1,
    });
    const deviceId = report(deviceIn('in', 0, 0.5));
    expect(await explain(deviceId)).toMatchObject({ reason: 'pulled' });
    expect(await explain(deviceId, `&at=${at(45)}`)).toMatchObject({ reason: 'in-wave' });
    expect(await explain(deviceId, `&at=${at(60)}`)).toMatchObject({ reason: 'pulled' });
  });

  it('refuses the future, and says where the past begins', async () => {
    await play();
    const deviceId = report('d-1');
    for (const url of [
      `/v1/explain?deviceId=${deviceId}&`,
      '/v1/rollouts?',
      '/v1/rollouts/r1?',
      '/v1/holds?',
      '/v1/recalls?',
    ]) {
      expect(await send('GET', `${url}at=${at(61)}`)).toMatchObject({ status: 400, body: { code: 'at-in-future' } });
      expect(await send('GET', `${url}at=${at(-1)}`)).toMatchObject({
        ...{ status: 400, body: { code: 'at-before-first-record', detail: at(0) } },
      });
      expect(await send('GET', `${url}at=2026-02-30T00:00:00Z`)).toMatchObject({ status: 400 });
    }
  });

  it('reads streams from before there were grants: their ramp ran by itself', async () => {
    await happened('patch-p-a', published);
    const waves = [{ name: 'all', ramp: { fromPercent: 0, toPercent: 100, minutes: 100 }, bakeMinutes: 600 }];
    await happened('rollout-r1', { type: 'RolloutPlanned', ...r1, plan: { ...plan, waves } });
    const started = { type: 'RolloutStarted', ...r1, patchId: 'p-a', slices: 2 };
    await happened('rollout-r1', started, { type: 'WaveOpened', ...r1, wave: 1 });
    await clock.advanceTo(START + 90 * MINUTE);
    const deviceId = report(deviceIn('mid', 0.4, 0.5));
    const ruleAt = async (minutes: number) => {
      const { reason, rules } = await explain(deviceId, `&at=${at(minutes)}`);
      const place = (rules as { rule: string; values: object }[]).find(({ rule }) => rule === 'beyond-exposure');
      return [reason, place?.values];
    };
    const bucket = bucketOf(SALT, deviceId);
    expect(await ruleAt(30)).toEqual(['beyond-exposure', { bucket, share: 0.3, wave: 1 }]);
    expect(await ruleAt(60)).toEqual(['in-wave', { bucket, share: 0.6, wave: 1 }]);
  });
});

describe('showing rollouts, holds and recalls of the past', () => {
  it('shows them as they were recorded, without an ETag and without counts of devices', async () => {
    await play();
    await happened('hold-h1', { type: 'HoldLifted', holdId: 'h1', reason: 'fine' });
    await happened('patch-p-a', {
      type: 'PatchPulled',
      patchId: 'p-a',
      mode: 'recall',
      reason: 'it smokes',
      recallEpoch: 1,
    });
    await clock.advanceTo(START + 80 * MINUTE);
    await app.get(Followers).settle();
    expect((await send('GET', '/v1/rollouts/r1')).body).toMatchObject({ status: 'aborted' });
    const then = await send('GET', `/v1/rollouts/r1?at=${at(45)}`);
    expect(then).toMatchObject({ status: 200, etag: undefined });
    expect(then.body).toMatchObject({
      ...{ status: 'running', wave: 2, plannedPercent: 50, exposurePercent: null, exposedDevices: null },
      waitsFor: [{ for: 'ramp' }, { for: 'bake' }],
    });
    expect((await send('GET', `/v1/rollouts/r1?at=${at(5)}`)).body).toMatchObject({
      status: 'planned',
      plannedPercent: 0,
    });
    const idsAt = async (list: string, minutes: number) =>
      ((await send('GET', `/v1/${list}&at=${at(minutes)}`)).body['items'] as Record<string, string>[]).map(
        ({ rolloutId, holdId, patchId }) => rolloutId ?? holdId ?? patchId,
      );
    expect(await idsAt('rollouts?status=running', 45)).toEqual(['r1']);
    expect(await idsAt('rollouts?status=running', 80)).toEqual([]);
    expect(await idsAt('holds?status=active', 30)).toEqual([]);
    expect(await idsAt('holds?status=active', 45)).toEqual(['h1']);
    expect(await idsAt('holds?status=active', 80)).toEqual([]);
    expect(await idsAt('recalls?limit=10', 45)).toEqual([]);
    expect(await idsAt('recalls?limit=10', 80)).toEqual(['p-a']);
    const recall = await send('GET', `/v1/recalls/p-a?at=${at(80)}`);
    expect(recall).toMatchObject({ etag: undefined, body: { status: 'running', devices: null, begun: null } });
    expect(await send('GET', `/v1/recalls/p-a?at=${at(45)}`)).toMatchObject({ body: { code: 'recall-not-found' } });
    expect(await send('GET', `/v1/rollouts/r9?at=${at(45)}`)).toMatchObject({ body: { code: 'rollout-not-found' } });
  });
});
