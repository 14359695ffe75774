import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  columnsOf,
  type HealthBucketClosed,
  type HealthRows,
  type InstallRow,
  nothingCounted,
  type TrialCounts,
} from '@sluice/domain-cohorts';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type RolloutsEvent } from '@sluice/contracts/events';
import { type Immutable } from '@sluice/contracts/primitives';
import { EventFeed, OwnSigns, publishAsIs } from '@sluice/event-feed';
import { InMemoryEventStore, StoreUnavailable } from '@sluice/event-sourcing';
import {
  close,
  createApp,
  Followers,
  inject,
  InlineFolds,
  ManualClock,
  Metrics,
  type ServiceAddresses,
  Settings,
  Tokens,
} from '@sluice/platform';
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from 'vitest';
import { folds, OrchestratorModule, orchestratorPublications } from './index.ts';
import { type OwnEvent } from './publications.ts';

const START = Date.parse('2026-03-17T12:00:00Z');
const MINUTE = 60_000;
const SLICE = { platform: 'ios', model: 'iPhone18,1', base: '23D8133' } as const;
const published = {
  type: 'PatchPublished',
  patchId: 'p-a',
  platform: 'ios',
  baseVersion: '26.3.1',
  letter: 'a',
  variants: [{ build: '23D771330a', prerequisiteBuild: SLICE.base, models: [SLICE.model, 'iPad16,3'] }],
  cves: [],
};
const plan = {
  rolloutId: 'r1',
  patchId: 'p-a',
  salt: 's',
  holdBackPercent: 0,
  waves: [
    { name: 'beta', ring: 'beta', ramp: { fromPercent: 100, toPercent: 100, minutes: 0 }, bakeMinutes: 60 },
    { name: 'all', ramp: { fromPercent: 0, toPercent: 100, minutes: 120 }, bakeMinutes: 60 },
  ],
  gates: { installFailureRateMax: 0.01 },
};

let clock: ManualClock;
let store: InMemoryEventStore;
let app: NestFastifyApplication;
/** Instances beside it, on the same store. */
let others: NestFastifyApplication[];
let tokens: Tokens;
let signs: OwnSigns;
let commits = 0;
let buckets = 0;

async function boot(feed?: EventFeed, addresses?: ServiceAddresses) {
  app = await createApp([OrchestratorModule], {
    settings: Settings.of(),
    clock,
    store,
    tokens,
    folds: new InlineFolds(store, folds),
    publications: [
      ...orchestratorPublications(),
      publishAsIs('catalog', 'catalog', ['patch-']),
      publishAsIs('telemetry', 'health', ['health-']),
    ],
    signs,
    ...(feed && { feed }),
    ...(addresses && { addresses }),
  });
}

beforeEach(async () => {
  clock = new ManualClock(START);
  store = new InMemoryEventStore(clock);
  tokens = new Tokens(mkdtempSync(join(tmpdir(), 'sluice-orchestrator-')));
  signs = new OwnSigns();
  buckets = 0;
  others = [];
  countHealth();
  await boot();
});
afterEach(async () => {
  for (const each of [app, ...others]) await close(each);
});

async function settle() {
  for (const each of [app, ...others]) await each.get(Followers).settle();
}

async function happened(stream: string, event: { readonly type: string; readonly [field: string]: unknown }) {
  const metadata = { actor: 'spec', correlationId: 'c' };
  const events = [{ ...event, at: clock.nowText() }];
  await store.append({
    stream,
    expected: 'any',
    commitId: String(++commits),
    metadata,
    body: { kind: 'events', events },
  });
  await settle();
}

/** Telemetry has counted all that there is by now. */
function countHealth() {
  countHealthAt(clock.now());
}

function countHealthAt(throughMs: number) {
  signs.setThrough([{ shard: 0, shards: 1, throughMs, revision: buckets - 1 }]);
}

/** One phone in the ring and nine outside are known; the phone in the ring has installed the patch. */
async function phonesReport() {
  await advance(1);
  const people = { ...SLICE, track: 'automatic' } as const;
  const populations = [
    { ...people, devices: 9 },
    { ...people, ring: 'beta', devices: 1 },
  ];
  await health({ populations, installs: [tried({ started: 1, fine: 1 })] });
}

/** Trials of the patch that began in this hour; on the slice, unless on another model. */
function tried(counts: Partial<TrialCounts>, model: string = SLICE.model): InstallRow {
  const cohort = Math.floor(clock.now() / (60 * MINUTE));
  return { patchId: 'p-a', slice: { ...SLICE, model }, cohort, band: 0, ...nothingCounted, ...counts };
}

type BucketContent = Partial<HealthRows & Pick<HealthBucketClosed, 'holders' | 'populations'>>;

async function health(content: BucketContent) {
  const {
    installs = [],
    pending = [],
    unreached = [],
    harm = [],
    removals = [],
    holders = [],
    populations = [],
  } = content;
  buckets += 1;
  const bucket = { shard: 0, shards: 1, from: clock.nowText(), to: clock.nowText(), throughRevision: 0 };
  await happened('health-0', {
    type: 'HealthBucketClosed',
    ...bucket,
    ...{ part: 1, parts: 1, reportingDeadlineMinutes: 240 },
    ...columnsOf({ installs, pending, unreached, harm, removals }),
    holders,
    populations,
  });
  countHealth();
}

/** Minute by minute, as grants are given; telemetry counts along. */
async function advance(minutes: number, { healthStops = false } = {}) {
  for (let minute = 0; minute < minutes; minute += 1) {
    if (!healthStops) countHealthAt(clock.now() + MINUTE);
    await clock.advanceTo(clock.now() + MINUTE);
    await settle();
  }
}

async function send(method: 'GET' | 'POST' | 'PUT', url: string, payload?: object, ifMatch?: string) {
  const headers = {
    authorization: `Bearer ${tokens.adminToken()}`,
    ...(ifMatch !== undefined && { 'if-match': ifMatch }),
  };
  const response = await inject(app, { method, url, headers, ...(payload && { payload }) });
  return { status: response.statusCode, body: response.json<Record<string, unknown>>(), etag: response.headers.etag };
}

const device = (fields: object = {}) => ({
  deviceId: 'd-1',
  platform: 'ios',
  model: SLICE.model,
  osVersion: '26.3.1',
  osBuild: SLICE.base,
  installed: [],
  track: 'automatic',
  ...fields,
});
const checkIn = async (fields: object = {}) => (await send('POST', '/v1/check-in', device(fields))).body;

async function startRollout() {
  await happened('patch-p-a', published);
  expect((await send('POST', '/v1/rollouts', plan)).status).toBe(201);
  expect(await send('POST', '/v1/rollouts/r1/start')).toMatchObject({
    status: 200,
    body: { status: 'running', wave: 1 },
  });
}

describe('bringing a patch out', () => {
  it('has the shape of the public events', () => {
    expectTypeOf<OwnEvent>().toExtend<Immutable<RolloutsEvent>>();
  });

  it('offers nothing before the start, the ring in wave 1, all by their buckets in wave 2, and latecomers at once', async () => {
    await happened('patch-p-a', published);
    expect(await checkIn()).toMatchObject({ directive: 'none', reason: 'no-rollout' });
    await startRollout();
    expect(await checkIn({ ring: 'beta' })).toMatchObject({
      directive: 'install',
      reason: 'in-ring',
      wave: 1,
      rolloutId: 'r1',
    });
    expect(await checkIn()).toMatchObject({ directive: 'none' });
    await phonesReport();
    expect((await send('GET', '/v1/rollouts/r1')).body).toMatchObject({ exposurePercent: 10, exposedDevices: 1 });
    await advance(62);
    expect((await send('GET', '/v1/rollouts/r1')).body).toMatchObject({ wave: 2 });
    await health({ installs: [tried({ started: 9, fine: 9 })] });
    await advance(120);
    expect(await checkIn()).toMatchObject({ directive: 'install', reason: 'in-wave', wave: 2 });
    expect(await checkIn({ track: 'manual' })).toMatchObject({ directive: 'offer', reason: 'manual-track' });
    await advance(62);
    expect((await send('GET', '/v1/rollouts/r1')).body).toMatchObject({
      status: 'completed',
      exposurePercent: 100,
      exposedDevices: 10,
      waitsFor: [],
      holdBack: { status: 'kept' },
    });
    expect(await checkIn()).toMatchObject({ directive: 'install', reason: 'completed' });
  });

  it('starts by itself at the planned time', async () => {
    await happened('patch-p-a', published);
    const startAt = new Date(START + 10 * MINUTE).toISOString();
    await send('POST', '/v1/rollouts', { ...plan, startAt });
    expect((await send('GET', '/v1/rollouts/r1')).body).toMatchObject({
      status: 'planned',
      waitsFor: [{ for: 'start', until: startAt }],
    });
    await advance(11);
    expect((await send('GET', '/v1/rollouts/r1')).body).toMatchObject({ status: 'running' });
  });

  it('counts who would get it', async () => {
    await happened('patch-p-a', published);
    await send('POST', '/v1/rollouts', plan);
    const people = { ...SLICE, track: 'automatic' } as const;
    await health({
      populations: [
        { ...people, devices: 90 },
        { ...people, ring: 'beta', devices: 10 },
      ],
    });
    expect((await send('GET', '/v1/rollouts/r1/preview')).body).toMatchObject({
      waves: [
        { wave: 1, eligible: 10, expected: 10 },
        { wave: 2, eligible: 100, expected: 100, slices: [{ model: SLICE.model, eligible: 100 }] },
      ],
    });
  });
});

describe('stopping', () => {
  it('halts by itself on harm, keeps the evidence, and goes on only when somebody names what was seen', async () => {
    await startRollout();
    await advance(5);
    await health({ installs: [tried({ started: 20, failed: 9 })] });
    const { body } = await send('GET', '/v1/rollouts/r1');
    expect(body).toMatchObject({
      status: 'halted',
      haltedBecause: {
        by: 'gate',
        reason: 'installs fail: 9 of 20, on iPhone18,1 (23D8133)',
        evidence: { rule: 'evidence-sum/4', tests: [{ test: 'installs', trials: 20, failures: 9 }] },
      },
    });
    expect(await checkIn({ ring: 'beta' })).toMatchObject({ directive: 'none', reason: 'rollout-paused' });
    expect(await send('POST', '/v1/rollouts/r1/resume', {})).toMatchObject({
      status: 409,
      body: { code: 'evidence-not-named' },
    });
    const resume = { reason: 'one lab device', evidenceSeen: 'its logs' };
    expect(await send('POST', '/v1/rollouts/r1/resume', resume)).toMatchObject({
      body: { status: 'running', resumed: resume },
    });
    await advance(1);
    expect((await send('GET', '/v1/rollouts/r1')).body).toMatchObject({ status: 'running', resumed: resume });
    await send('POST', '/v1/rollouts/r1/halt', { reason: 'again' });
    expect((await send('POST', '/v1/rollouts/r1/abort', { reason: 'enough' })).body).toMatchObject({
      ...{ status: 'aborted', reason: 'enough', haltedBecause: { by: 'responder', reason: 'again' } },
    });
  });

  it('holds one model and lets go of it at its expiry', async () => {
    await startRollout();
    const expiresAt = new Date(START + 30 * MINUTE).toISOString();
    const hold = { holdId: 'h1', slice: { model: [SLICE.model] }, reason: 'odd', expiresAt };
    expect(await send('POST', '/v1/holds', hold)).toMatchObject({
      status: 201,
      body: { status: 'active', owner: 'admin' },
    });
    expect(await checkIn({ ring: 'beta' })).toMatchObject({ directive: 'none', reason: 'on-hold' });
    expect(await checkIn({ ring: 'beta', model: 'iPad16,3' })).toMatchObject({ directive: 'install' });
    await advance(31);
    expect((await send('GET', '/v1/holds')).body).toMatchObject({ items: [{ holdId: 'h1', status: 'expired' }] });
    expect(await checkIn({ ring: 'beta' })).toMatchObject({ directive: 'install' });
  });

  it('takes a recalled patch back from every device, and says when none is left and when one turns up after all', async () => {
    await startRollout();
    await happened('patch-p-a', {
      ...published,
      type: 'PatchPulled',
      mode: 'recall',
      reason: 'bad',
      recallEpoch: 1,
    });
    expect((await send('GET', '/v1/rollouts/r1')).body).toMatchObject({ status: 'aborted' });
    expect(await checkIn({ ring: 'beta' })).toMatchObject({
      directive: 'none',
      reason: 'pulled',
      lease: { recallEpoch: 1 },
    });
    expect(await checkIn({ installed: ['p-a'], osBuild: '23D771330a' })).toMatchObject({
      directive: 'remove',
      patchIds: ['p-a'],
    });
    const freed = { recall: 0, user: 0, failure: 0, unknown: 0 };
    const places = { replaced: 0, retired: 0, failing: 0, offline: 0, waiting: 0, inFlight: 0 };
    const count = async (waiting: number, recalled: number, more: object = {}) => {
      const recall = { ...places, set: waiting + recalled, freed: { ...freed, recall: recalled }, waiting, ...more };
      const line = {
        patchId: 'p-a',
        recallEpoch: 1,
        holders: waiting,
        longOffline: 0,
        removed: 0,
        removalsFailed: 0,
        recall,
      };
      await health({ holders: [line] });
      return (await send('GET', '/v1/recalls/p-a')).body;
    };
    expect((await send('GET', '/v1/recalls/p-a')).body).toMatchObject({
      status: 'running',
      devices: null,
      removed: null,
    });
    await advance(1);
    // A shard that an older version counted does not say who is re-exposed.
    expect(await count(2, 1)).toMatchObject({
      status: 'running',
      devices: 3,
      removed: 1,
      remaining: 2,
      reExposed: null,
    });
    await advance(1);
    // The lease of a device that was offered the patch before the pull is out for an hour.
    expect(await count(0, 3, { reExposed: 2 })).toMatchObject({
      status: 'running',
      removed: 3,
      reExposed: 2,
      remaining: 0,
      p50Seconds: 120,
      leasesUntil: new Date(START + 60 * MINUTE).toISOString(),
    });
    await advance(59);
    expect((await send('GET', '/v1/recalls/p-a')).body).toMatchObject({ status: 'completed', p99Seconds: 120 });
    await advance(1);
    expect(await count(1, 2)).toMatchObject({ status: 'running', remaining: 1 });
  });

  it('takes a recalled patch back at the pace that was named, once it is known from how many', async () => {
    await startRollout();
    const pull = { ...published, type: 'PatchPulled', mode: 'recall', reason: 'bad', recallEpoch: 1 };
    await happened('patch-p-a', { ...pull, removePerHourMax: 600 });
    const holding = (deviceId: string) => checkIn({ deviceId, osBuild: '23D771330a' });
    expect(await holding('d-1')).toMatchObject({ directive: 'none', reason: 'recall-ramp' });
    await advance(2);
    expect(await holding('d-1')).toMatchObject({ reason: 'recall-ramp' });
    const freed = { recall: 0, user: 0, failure: 0, unknown: 0 };
    const recall = { set: 100, freed, replaced: 0, retired: 0, failing: 0, offline: 0, waiting: 100, inFlight: 0 };
    const line = {
      patchId: 'p-a',
      recallEpoch: 1,
      holders: 100,
      longOffline: 0,
      removed: 0,
      removalsFailed: 0,
      recall,
    };
    await health({ holders: [line] });
    await advance(3);
    const devices = Array.from({ length: 200 }, (_, index) => `d-${String(index)}`);
    const directed = async () => {
      const answers = await Promise.all(devices.map(holding));
      return answers.filter(({ directive }) => directive === 'remove').length;
    };
    const half = await directed();
    expect(half).toBeGreaterThan(60);
    expect(half).toBeLessThan(140);
    await advance(6);
    expect(await directed()).toBe(200);
  });

  it('stops removals, too, with everything, when that is said', async () => {
    await startRollout();
    const pull = { ...published, type: 'PatchPulled', mode: 'recall', reason: 'bad', recallEpoch: 1 };
    await happened('patch-p-a', pull);
    const holder = { osBuild: '23D771330a' };
    const plain = (await send('POST', '/v1/stop')).body;
    expect(plain).toMatchObject({ holdId: 'stop-1' });
    expect(await checkIn(holder)).toMatchObject({ directive: 'remove' });
    const wider = (await send('POST', '/v1/stop', { removals: true })).body;
    expect(wider).toMatchObject({ holdId: 'stop-2', removals: true });
    expect((await send('POST', '/v1/stop', { removals: true })).body).toMatchObject({ holdId: 'stop-2' });
    expect(await checkIn(holder)).toMatchObject({ directive: 'none', reason: 'on-hold' });
    await send('POST', '/v1/holds/stop-2/lift', { reason: 'seen' });
    expect(await checkIn(holder)).toMatchObject({ directive: 'remove' });
  });

  it('pauses and resumes a recall, by a person', async () => {
    await startRollout();
    const pull = { ...published, type: 'PatchPulled', mode: 'recall', reason: 'bad', recallEpoch: 1 };
    expect((await send('POST', '/v1/recalls/p-a/pause')).body).toMatchObject({ code: 'recall-not-found' });
    await happened('patch-p-a', pull);
    const holder = { osBuild: '23D771330a' };
    expect(await checkIn(holder)).toMatchObject({ directive: 'remove' });
    const paused = await send('POST', '/v1/recalls/p-a/pause', { reason: 'it hurts' });
    expect(paused.body).toMatchObject({ status: 'paused' });
    expect(await checkIn(holder)).toMatchObject({ directive: 'none', reason: 'recall-paused' });
    expect((await send('POST', '/v1/recalls/p-a/pause')).body).toMatchObject({ status: 'paused' });
    expect((await send('POST', '/v1/recalls/p-a/resume', { reason: 'fixed' })).body).toMatchObject({
      ...{ status: 'running', causedBy: 'spec', reason: 'bad', resumed: { reason: 'fixed' } },
    });
    expect(await checkIn(holder)).toMatchObject({ directive: 'remove' });
    expect((await send('GET', '/v1/recalls')).body).toMatchObject({ items: [{ patchId: 'p-a', status: 'running' }] });
  });

  it('pauses a recall whose removals fail, until a person names what was seen', async () => {
    await startRollout();
    await happened('patch-p-a', { ...published, type: 'PatchPulled', mode: 'recall', reason: 'bad', recallEpoch: 1 });
    const holder = { osBuild: '23D771330a' };
    const removed = async (counts: { started: number; failed: number }) => {
      await advance(1);
      const { patchId, slice, cohort } = tried({});
      await health({ removals: [{ patchId, slice, cohort, fine: 0, missing: 0, ...counts }] });
      await advance(1);
      return (await send('GET', '/v1/recalls/p-a')).body;
    };
    expect(await removed({ started: 100, failed: 5 })).toMatchObject({ status: 'running', begun: 100, begunFailed: 5 });
    expect(await checkIn(holder)).toMatchObject({ directive: 'remove' });
    const words = 'removals fail: 35 of 150, on iPhone18,1 (23D8133)';
    const found = { reason: words, evidence: { rule: 'removals-sum/1', tests: [{ trials: 150, failures: 35 }] } };
    expect(await removed({ started: 50, failed: 30 })).toMatchObject({ status: 'paused', pausedBecause: found });
    expect(await checkIn(holder)).toMatchObject({ directive: 'none', reason: 'recall-paused' });
    // It is offered to nobody, paused or not.
    expect(await checkIn({ ring: 'beta' })).toMatchObject({ directive: 'none', reason: 'pulled' });

    // Another instance on the same store and health comes to the same, and adds nothing.
    const length = await recallLength();
    await app.get(Followers).stop();
    await app.close();
    await boot();
    countHealth();
    await advance(2);
    expect((await send('GET', '/v1/recalls/p-a')).body).toMatchObject({ status: 'paused', pausedBecause: found });
    expect(await recallLength()).toBe(length);

    expect((await send('POST', '/v1/recalls/p-a/resume')).body).toMatchObject({ code: 'evidence-not-named' });
    const resumed = await send('POST', '/v1/recalls/p-a/resume', { evidenceSeen: 'one lab' });
    expect(resumed).toMatchObject({ status: 200, body: { status: 'running', begun: 115, begunFailed: 0 } });
    expect(await checkIn(holder)).toMatchObject({ directive: 'remove' });
    await advance(2);
    expect((await send('GET', '/v1/recalls/p-a')).body).toMatchObject({ status: 'running' });
    expect(await removed({ started: 50, failed: 45 })).toMatchObject({ status: 'paused' });
  });

  async function recallLength() {
    let length = 0;
    for await (const commit of store.readStream('recall-p-a')) length += commit.body.kind === 'events' ? 1 : 0;
    return length;
  }

  it('offers nothing while the catalog is silent, but still removes what was recalled', async () => {
    await startRollout();
    await happened('patch-p-a', {
      ...published,
      type: 'PatchPulled',
      mode: 'recall',
      reason: 'bad',
      recallEpoch: 1,
    });
    const live = app.get(EventFeed);
    await app.get(Followers).stop();
    await app.close();
    class SilentFeed extends EventFeed {
      override subscribe = live.subscribe.bind(live);
      override async *readStream() {}
      override headOf = live.headOf.bind(live);
      override silentForMs = () => 31_000;
      override signsOf = () => undefined;
    }
    await boot(new SilentFeed());
    await app.get(Followers).settle();
    expect(await checkIn()).toMatchObject({ directive: 'none', reason: 'policy-stale' });
    expect(await checkIn({ installed: ['p-a'] })).toMatchObject({ directive: 'remove' });
  });
});

describe('previewing a recall', () => {
  const kind = { ...SLICE, track: 'automatic', withinDay: 60, withinWeek: 30, longer: 10 };
  const answering = async (body: unknown, status = 200) => {
    await close(app);
    store = new InMemoryEventStore(clock);
    asked = [];
    telemetry = createServer(({ url }, response) => {
      asked.push(url);
      response.writeHead(status).end(JSON.stringify(body));
    });
    await once(telemetry.listen(0, '127.0.0.1'), 'listening');
    const address = `http://127.0.0.1:${String((telemetry.address() as AddressInfo).port)}`;
    await boot(undefined, { catalog: address, orchestrator: address, telemetry: address });
    await happened('patch-p-a', published);
  };
  const preview = async (query = '') => (await send('GET', `/v1/recalls/p-a/preview${query}`)).body;
  let asked: (string | undefined)[];
  let telemetry: Server | undefined;

  afterEach(() => telemetry?.close());

  it('says whom it hits, before the patch is recalled', async () => {
    await answering({ counted: { holders: [kind, { ...kind, model: 'iPad16,3', track: 'manual' }], inFlight: 3 } });
    expect(await preview()).toEqual({
      patchId: 'p-a',
      asOf: clock.nowText(),
      holders: 200,
      byModel: [
        { model: 'iPad16,3', devices: 100 },
        { model: 'iPhone18,1', devices: 100 },
      ],
      byTrack: { automatic: 100, manual: 100 },
      byLastReport: { withinDay: 120, withinWeek: 60, longer: 20 },
      inFlight: 3,
      replacement: { atMost: 0, expected: 0 },
      withoutReplacement: 200,
      unknownBecause: null,
    });
    expect(asked).toEqual(['/v1/shards/holders?patchId=p-a']);
  });

  it('asks once for those who want to know at the same time', async () => {
    await answering({ counted: { holders: [kind], inFlight: 0 } });
    const [one, other] = await Promise.all([preview(), preview()]);
    expect(one).toEqual(other);
    expect(asked).toHaveLength(1);
  });

  it('knows what is in the exposure of a replacement, and of one that is looked at', async () => {
    await answering({ counted: { holders: [kind], inFlight: 0 } });
    const variants = [{ ...published.variants[0], build: '23D771330c' }];
    await happened('patch-p-c', { ...published, patchId: 'p-c', letter: 'c', variants });
    expect(await preview()).toMatchObject({ replacement: { atMost: 100, expected: 0 }, withoutReplacement: 0 });
    expect(await preview('?replacement=p-c')).toMatchObject({ replacement: { atMost: 100, expected: 0 } });
  });

  it.each([
    ['does not answer', {}, 503, 'telemetry answered 503'],
    ['does not know all of it', { counted: null }, 200, 'no instance of telemetry answers for a part of the fleet'],
    [
      'answers something else',
      { counted: { holders: 7 } },
      200,
      'telemetry answered what this version does not understand',
    ],
  ])('says that it does not know, and why, when telemetry %s', async (_, body, status, unknownBecause) => {
    await answering(body, status);
    expect(await preview()).toEqual({
      ...{ patchId: 'p-a', asOf: clock.nowText(), holders: null, byModel: null, byTrack: null, byLastReport: null },
      ...{ inFlight: null, replacement: null, withoutReplacement: null, unknownBecause },
    });
  });

  it('refuses a patch of which nothing was heard', async () => {
    expect(await send('GET', '/v1/recalls/none/preview')).toMatchObject({
      status: 404,
      body: { code: 'patch-not-found' },
    });
  });
});

describe('meeting an outage of the package server', () => {
  it('waits, blames no slice, and goes on by itself when devices get the package again', async () => {
    await startRollout();
    const models = ['iPhone18,1', 'iPhone17,1'];
    const nothingFor = (count: number) =>
      models.map((model) => ({ patchId: 'p-a', slice: { ...SLICE, model }, count }));
    const show = async () =>
      (await send('GET', '/v1/rollouts/r1')).body as { status: string; waitsFor: { for: string }[] };
    const waits = async () => (await show()).waitsFor.map((each) => each.for);
    await advance(1);
    await health({ unreached: nothingFor(9) });
    expect(await show()).toMatchObject({ status: 'running' });
    expect(await waits()).toContain('infrastructure');
    await advance(1);
    await health({});
    expect(await waits()).toContain('infrastructure');
    await advance(1);
    await health({
      installs: models.map((model) => tried({ started: 20, fine: 20 }, model)),
      unreached: nothingFor(1).slice(1),
    });
    expect(await waits()).not.toContain('infrastructure');
  });
});

describe('a wave that is over and does not go on', () => {
  it('says once in the history why, and since when', async () => {
    await startRollout();
    const waited = async () => {
      const events: unknown[] = [];
      for await (const { body } of store.readAll({ prefixes: ['rollout-'] }))
        if (body.kind === 'events') events.push(...body.events.filter(({ type }) => type === 'WaveWaiting'));
      return events;
    };
    for (let passed = 0; passed < 90; passed += 1) {
      await health({});
      await advance(1);
    }
    const { body } = await send('GET', '/v1/rollouts/r1');
    expect(body).toMatchObject({ status: 'running', wave: 1, waitingSince: expect.any(String) as string });
    expect(await waited()).toMatchObject([{ wave: 1, waitsFor: [{ code: 'person' }] }]);
  });
});

describe('going on after trouble', () => {
  it('does nothing twice when it starts again', async () => {
    await startRollout();
    await advance(5);
    await health({ installs: [tried({ started: 20, failed: 9 })] });
    await happened('patch-p-a', { type: 'PatchPulled', patchId: 'p-a', mode: 'recall', reason: 'bad', recallEpoch: 1 });
    const before = [await store.head(), (await send('GET', '/v1/rollouts/r1')).body] as const;
    await app.get(Followers).stop();
    await app.close();
    await boot();
    await advance(1);
    expect([await store.head(), (await send('GET', '/v1/rollouts/r1')).body]).toEqual(before);
  });

  it('offers nothing of a pulled patch while the store takes no commands, and aborts its rollout once it does', async () => {
    await startRollout();
    const accept = store.append.bind(store);
    store.append = (append) =>
      append.stream.startsWith('rollout-') ? Promise.reject(new StoreUnavailable('the disk is full')) : accept(append);
    await happened('patch-p-a', {
      type: 'PatchPulled',
      patchId: 'p-a',
      mode: 'withdraw',
      reason: 'bad',
      recallEpoch: 1,
    });
    expect(await checkIn({ ring: 'beta' })).toMatchObject({ directive: 'none', reason: 'pulled' });
    expect((await send('GET', '/v1/rollouts/r1')).body).toMatchObject({ status: 'running' });
    store.append = accept;
    await advance(1);
    expect((await send('GET', '/v1/rollouts/r1')).body).toMatchObject({
      status: 'aborted',
      reason: 'the patch was pulled: bad',
      causedBy: 'spec',
    });
    expect((await send('GET', '/v1/recalls/p-a')).status).toBe(404);
  });

  it('grants nothing while telemetry counts nothing, and goes on from there without a jump', async () => {
    await startRollout();
    await phonesReport();
    await advance(55);
    await advance(600, { healthStops: true });
    expect((await send('GET', '/v1/rollouts/r1')).body).toMatchObject({
      wave: 1,
      waitsFor: [{ for: 'health', through: expect.any(String) as string }],
    });
    await advance(6);
    expect((await send('GET', '/v1/rollouts/r1')).body).toMatchObject({ wave: 2 });
  });
});

describe('at two instances on one store', () => {
  const decided = async (stream: string) => {
    const types: string[] = [];
    for await (const { body } of store.readStream(stream))
      if (body.kind === 'events') types.push(...body.events.map(({ type }) => type));
    return types;
  };
  const anotherInstance = async () => {
    others.push(app);
    await boot();
    countHealth();
    await advance(1);
  };

  it('holds a slice, halts and pauses a recall once each, and both instances say so', async () => {
    await startRollout();
    await anotherInstance();
    const models = ['iPhone18,1', 'iPhone17,1', 'iPhone17,2', 'iPhone16,1'];
    await health({
      installs: models.map((model, index) => tried({ started: 40, failed: index === 0 ? 20 : 0 }, model)),
    });
    await advance(3);
    expect(await decided('hold-gate-r1-1')).toEqual(['HoldPlaced']);
    await health({ installs: models.map((model) => tried({ started: 40, failed: 9 }, model)) });
    await advance(3);
    const halts = (await decided('rollout-r1')).filter((type) => type === 'RolloutHalted');
    expect(halts).toHaveLength(1);

    await happened('patch-p-a', { ...published, type: 'PatchPulled', mode: 'recall', reason: 'bad', recallEpoch: 1 });
    await advance(1);
    const { patchId, slice, cohort } = tried({});
    await health({ removals: [{ patchId, slice, cohort, started: 150, failed: 40, fine: 0, missing: 0 }] });
    await advance(3);
    expect((await decided('recall-p-a')).filter((type) => type === 'RecallPaused')).toHaveLength(1);
    for (const each of [...others, app]) {
      const answer = await inject(each, {
        ...{ method: 'POST', url: '/v1/check-in', payload: device({ osBuild: '23D771330a' }) },
        headers: { authorization: `Bearer ${tokens.adminToken()}` },
      });
      expect(answer.json()).toMatchObject({ directive: 'none', reason: 'recall-paused' });
    }
  });
});

describe('steering by hand', () => {
  it('changes the plan until the start, then pauses, goes on, advances and aborts', async () => {
    await happened('patch-p-a', published);
    const { rolloutId: _, salt: __, ...rest } = plan;
    expect(await send('POST', '/v1/rollouts', plan)).toMatchObject({ status: 201 });
    // Sent again, as a client does that got no answer.
    expect(await send('POST', '/v1/rollouts', plan)).toMatchObject({ status: 200 });
    expect(await send('PUT', '/v1/rollouts/r1', rest)).toMatchObject({
      status: 428,
      body: { code: 'if-match-missing' },
    });
    expect(await send('PUT', '/v1/rollouts/r1', { ...rest, holdBackPercent: 3 }, await etag())).toMatchObject({
      status: 200,
      body: { holdBackPercent: 3, salt: 's', status: 'planned' },
    });
    await send('POST', '/v1/rollouts/r1/start');
    expect(await send('POST', '/v1/rollouts/r1/pause', { reason: 'lunch' })).toMatchObject({
      body: { status: 'paused', reason: 'lunch', waitsFor: [{ for: 'operator' }] },
    });
    expect(await send('POST', '/v1/rollouts/r1/resume')).toMatchObject({ status: 200, body: { status: 'running' } });
    expect(await send('POST', '/v1/rollouts/r1/advance')).toMatchObject({ status: 400 });
    expect(await send('POST', '/v1/rollouts/r1/advance', { wave: 1 })).toMatchObject({ body: { code: 'wave-waits' } });
    const force = { reason: 'a lab device' };
    expect(await send('POST', '/v1/rollouts/r1/advance', { wave: 1, force })).toMatchObject({
      body: { status: 'running', wave: 2, forced: [{ wave: 1, reason: 'a lab device' }] },
    });
    // Clicked twice, or by two people: the wave that was meant is closed already.
    expect(await send('POST', '/v1/rollouts/r1/advance', { wave: 1, force })).toMatchObject({ body: { wave: 2 } });
    expect(await send('POST', '/v1/rollouts/r1/abort')).toMatchObject({ status: 200, body: { status: 'aborted' } });
    expect((await send('GET', '/v1/rollouts?status=aborted&patchId=p-a')).body).toMatchObject({
      items: [{ rolloutId: 'r1' }],
    });
    expect((await send('GET', '/v1/rollouts?status=running')).body).toEqual({ items: [], total: 0 });
  });

  const etag = async () => (await send('GET', '/v1/rollouts/r1')).etag;

  it('does what was decided on another state only where nobody says what was seen', async () => {
    await happened('patch-p-a', published);
    await send('POST', '/v1/rollouts', plan);
    const { rolloutId: _, salt: __, ...rest } = plan;
    const seen = String(await etag());
    expect(await send('PUT', '/v1/rollouts/r1', { ...rest, holdBackPercent: 3 }, seen)).toMatchObject({ status: 200 });
    const changed = { status: 412, body: { code: 'revision-changed', current: { holdBackPercent: 3 } } };
    expect(await send('PUT', '/v1/rollouts/r1', { ...rest, holdBackPercent: 5 }, seen)).toMatchObject(changed);
    expect(await send('POST', '/v1/rollouts/r1/start', undefined, seen)).toMatchObject(changed);
    expect(await send('POST', '/v1/rollouts/r1/start', undefined, await etag())).toMatchObject({ status: 200 });
    // Grants are no decisions: what was seen is what it is.
    const started = await etag();
    await advance(30);
    expect(await etag()).toBe(started);
    expect(await send('POST', '/v1/rollouts/r1/pause', undefined, seen)).toMatchObject({ status: 200 });
    expect(await send('POST', '/v1/rollouts/r1/resume', undefined, started)).toMatchObject({ status: 412 });
    const paused = String(await etag());
    expect(await send('POST', '/v1/rollouts/r1/resume', undefined, `W/${paused}`)).toMatchObject({ status: 412 });
    expect(await send('POST', '/v1/rollouts/r1/resume', undefined, `"0", ${paused}`)).toMatchObject({ status: 200 });
  });

  it('judges no command by what it has done itself, when its answer was lost with the process', async () => {
    const append = store.append.bind(store);
    // No answer is kept, and none that was is known.
    store.append = (each) =>
      each.stream.startsWith('key-') ? Promise.reject(new StoreUnavailable('full')) : append(each);
    await happened('patch-p-a', published);
    const { rolloutId: _, salt: __, ...rest } = plan;
    const force = { reason: 'a lab device' };
    const commands = [
      { method: 'POST', url: '/v1/rollouts', payload: plan, status: 201 },
      { method: 'PUT', url: '/v1/rollouts/r1', payload: { ...rest, holdBackPercent: 3 }, status: 200 },
      { method: 'POST', url: '/v1/rollouts/r1/start', status: 200 },
      { method: 'POST', url: '/v1/rollouts/r1/advance', payload: { wave: 1, force }, status: 200 },
    ] as const;
    const again: (() => Promise<number>)[] = [];
    for (const [index, { status, ...request }] of commands.entries()) {
      const ifMatch = request.method === 'PUT' ? await etag() : undefined;
      const headers = {
        ...{ authorization: `Bearer ${tokens.adminToken()}`, 'idempotency-key': String(index) },
        ...(ifMatch !== undefined && { 'if-match': ifMatch }),
      };
      const sendIt = async () => (await app.inject({ ...request, headers })).statusCode;
      expect(await sendIt()).toBe(status);
      again.push(sendIt);
    }
    await happened('patch-p-a', { ...published, type: 'PatchPulled', mode: 'withdraw', reason: 'bad', recallEpoch: 0 });
    await advance(1);
    expect((await send('GET', '/v1/rollouts/r1')).body).toMatchObject({ status: 'aborted' });
    const head = await store.head();
    for (const [index, sendIt] of again.entries()) expect(await sendIt()).toBe(commands[index]?.status);
    expect(await store.head()).toBe(head);
    store.append = append;
    expect(await send('POST', '/v1/rollouts', { ...plan, rolloutId: 'r2' })).toMatchObject({ status: 409 });
  });

  it('lifts a hold and resumes a recall only as they were seen, where somebody says what was', async () => {
    await happened('patch-p-a', { ...published });
    const hold = { holdId: 'h1', reason: 'odd', patchId: 'p-a' };
    const placed = await send('POST', '/v1/holds', hold);
    expect(placed).toMatchObject({ status: 201, etag: '"0"', body: { revision: 0 } });
    const lift = (ifMatch: string) => send('POST', '/v1/holds/h1/lift', { reason: 'fine' }, ifMatch);
    expect(await lift('"7"')).toMatchObject({ status: 412, etag: '"0"', body: { current: { status: 'active' } } });
    expect(await lift('"0"')).toMatchObject({ status: 200, etag: '"1"', body: { status: 'lifted' } });
    await happened('patch-p-a', { ...published, type: 'PatchPulled', mode: 'recall', reason: 'bad', recallEpoch: 1 });
    await advance(1);
    const { etag: running } = await send('GET', '/v1/recalls/p-a');
    const paused = await send('POST', '/v1/recalls/p-a/pause', { reason: 'wait' });
    const resume = (ifMatch: unknown) => send('POST', '/v1/recalls/p-a/resume', undefined, String(ifMatch));
    expect(await resume(running)).toMatchObject({ status: 412, body: { current: { status: 'paused' } } });
    expect(await resume(paused.etag)).toMatchObject({ status: 200, body: { status: 'running' } });
  });

  it.each([
    ['viewer', { plan: 403, pause: 403, resume: 403, hold: 403, show: 200 }],
    ['responder', { plan: 403, pause: 200, resume: 403, hold: 201, show: 200 }],
    ['operator', { plan: 201, pause: 200, resume: 200, hold: 201, show: 200 }],
    ['device', { plan: 403, pause: 403, resume: 403, hold: 403, show: 403 }],
  ] as const)('lets a %s do what the role is for', async (role, expected) => {
    await startRollout();
    const token = tokens.createLocal(role, [role]);
    const as = async (method: 'GET' | 'POST', url: string, payload?: object) => {
      const headers = { authorization: `Bearer ${token}` };
      return (await inject(app, { method, url, headers, ...(payload && { payload }) })).statusCode;
    };
    expect({
      plan: await as('POST', '/v1/rollouts', { ...plan, rolloutId: 'r2' }),
      pause: await as('POST', '/v1/rollouts/r1/pause', { reason: 'lunch' }),
      resume: await as('POST', '/v1/rollouts/r1/resume', {}),
      hold: await as('POST', '/v1/holds', { holdId: 'h1', reason: 'odd' }),
      show: await as('GET', '/v1/rollouts/r1'),
    }).toEqual(expected);
  });
});

describe('checking in', () => {
  it('answers a token for its own devices only, and counts fields that it does not know', async () => {
    await startRollout();
    const token = tokens.createLocal('lab', ['device'], { devicePrefix: 'lab-' });
    const ask = (payload: object) =>
      inject(app, { method: 'POST', url: '/v1/check-in', headers: { authorization: `Bearer ${token}` }, payload });
    expect((await ask(device({ deviceId: 'lab-1', mood: 'fine' }))).statusCode).toBe(200);
    expect((await ask(device())).json()).toMatchObject({ status: 403, code: 'device-forbidden' });
    const headers = { authorization: `Bearer ${tokens.adminToken()}` };
    const metrics = await inject(app, { url: '/metrics', headers });
    expect(metrics.body).toContain('sluice_check_in_unknown_fields_total 1');
    expect(metrics.body).toContain('sluice_directives_total{directive="none",reason="outside-audience"} 1');
  });
});

describe('checking in for many', () => {
  const ask = async (payload: object, token = tokens.adminToken()) => {
    const headers = { authorization: `Bearer ${token}` };
    const answer = await inject(app, { method: 'POST', url: '/v1/check-ins', headers, payload });
    return { status: answer.statusCode, body: answer.json<Record<string, unknown>>() };
  };

  it('answers each device at its place as if it had asked alone, and a bad check-in refuses itself only', async () => {
    await startRollout();
    const token = tokens.createLocal('lab', ['device'], { devicePrefix: 'd-' });
    const sound = [
      device({ ring: 'beta' }),
      device({ deviceId: 'd-2' }),
      device({ deviceId: 'd-3', osBuild: 'other' }),
    ];
    const alone = await Promise.all(sound.map(async (each) => (await send('POST', '/v1/check-in', each)).body));
    const bad = [device({ osBuild: 7 }), device({ deviceId: 'e-1' }), null, [], 'me'];
    const { status, body } = await ask({ devices: [...sound, ...bad] }, token);
    expect(status).toBe(200);
    expect(body['answers']).toEqual([
      ...alone,
      { index: 3, code: 'invalid-request', detail: expect.stringContaining('/osBuild') as string },
      { index: 4, code: 'device-forbidden', detail: 'e-1' },
      ...[5, 6, 7].map((index) => ({ index, code: 'invalid-request', detail: expect.any(String) as string })),
    ]);
    expect(alone[0]).toMatchObject({ directive: 'install' });
  });

  it('takes 1 to 1000, and counts what it does not know and what it answers', async () => {
    const devices = Array.from({ length: 1000 }, (_, n) => device({ deviceId: `d-${String(n)}`, mood: 'fine' }));
    const { body } = await ask({ devices });
    expect((body['answers'] as { reason: string }[]).map(({ reason }) => reason)).toEqual(
      devices.map(() => 'no-patch'),
    );
    const headers = { authorization: `Bearer ${tokens.adminToken()}` };
    const metrics = (await inject(app, { url: '/metrics', headers })).body;
    expect(metrics).toContain('sluice_check_in_unknown_fields_total 1000');
    expect(metrics).toContain('sluice_directives_total{directive="none",reason="no-patch"} 1000');
    expect(metrics).toContain('sluice_device_request_seconds_count{path="/v1/check-ins",outcome="answered"} 1');
    for (const none of [{ devices: [...devices, device()] }, { devices: [] }, { devices: device() }, {}, []]) {
      expect(await ask(none)).toMatchObject({ status: 400, body: { errors: [{ path: '/devices' }] } });
    }
  });
});

/** The series of a metric that are there now, as `{labels} value`. */
async function series(name: string): Promise<string[]> {
  const text = await app.get(Metrics).registry.metrics();
  return text.split('\n').flatMap((line) => (line.startsWith(`${name}{`) ? [line.slice(name.length)] : []));
}

describe('observing', () => {
  const own = '{rollout="r1",patch="p-a"}';

  it('shows planned, granted and real exposure, waits, and the evidence with its limit', async () => {
    await startRollout();
    await phonesReport();
    expect(await series('sluice_rollout_exposed_devices')).toEqual([`${own} 1`]);
    expect(await series('sluice_rollout_eligible_devices')).toEqual([`${own} 10`]);
    expect(await series('sluice_rollout_waits')).toEqual(['{rollout="r1",patch="p-a",for="bake"} 1']);
    await advance(65);
    expect(await series('sluice_rollout_wave')).toEqual([`${own} 2`]);
    const view = (await send('GET', '/v1/rollouts/r1')).body;
    expect(await series('sluice_rollout_planned_percent')).toEqual([`${own} ${String(view['plannedPercent'])}`]);
    const [granted = ''] = await series('sluice_rollout_granted_percent');
    expect(Number(granted.split(' ')[1])).toBeGreaterThan(Number(view['plannedPercent']));
    const evidence = async () => Number((await series('sluice_rollout_evidence'))[0]?.split(' ')[1]);
    const before = await evidence();
    await health({ installs: [tried({ started: 40, failed: 2 })] });
    expect(await evidence()).toBeGreaterThan(before);
    expect(await app.get(Metrics).registry.getSingleMetricAsString('sluice_rollout_evidence_limit')).toContain('6.9');
  });

  it('shows what a rollout waits for by the codes of its view', async () => {
    await startRollout();
    await send('POST', '/v1/holds', { holdId: 'h1', patchId: 'p-a', reason: 'looking' });
    const { waitsFor } = (await send('GET', '/v1/rollouts/r1')).body as { waitsFor: { for: string }[] };
    const codes = [...new Set(waitsFor.map((wait) => wait.for))];
    expect(codes).toContain('hold');
    expect(await series('sluice_rollout_waits')).toEqual(
      codes.map((code) => `{rollout="r1",patch="p-a",for="${code}"} 1`),
    );
    expect(await series('sluice_holds')).toEqual(['{patch="p-a",by="person"} 1']);
    await send('POST', '/v1/holds/h1/lift', { reason: 'seen' });
    expect(await series('sluice_holds')).toEqual([]);
  });

  it('forgets a rollout that has ended, and shows who holds a recalled patch once every shard has counted', async () => {
    await startRollout();
    await happened('patch-p-a', { type: 'PatchPulled', patchId: 'p-a', mode: 'recall', reason: 'x', recallEpoch: 1 });
    expect(await series('sluice_rollout_wave')).toEqual([]);
    expect(await series('sluice_recall_remaining_devices')).toEqual([]);
    const freed = { recall: 1, user: 0, failure: 0, unknown: 0 };
    const places = { replaced: 0, retired: 0, failing: 2, offline: 3, waiting: 4, inFlight: 5 };
    const holders = {
      ...{ patchId: 'p-a', recallEpoch: 1, holders: 9, longOffline: 0, removed: 1, removalsFailed: 0 },
      recall: { set: 15, freed, ...places },
    };
    await health({ holders: [holders] });
    expect(await series('sluice_recall_remaining_devices')).toEqual([
      '{patch="p-a",state="waiting"} 4',
      '{patch="p-a",state="offline"} 3',
      '{patch="p-a",state="failing"} 2',
      '{patch="p-a",state="installing"} 5',
    ]);
  });

  it('measures so many of the rollouts that are under way, those that move first, and says how many more there are', async () => {
    for (let n = 0; n < 60; n += 1) {
      const [patchId, rolloutId] = [`p-${String(n)}`, `r-${String(n)}`];
      await happened(`patch-${patchId}`, { ...published, patchId, variants: [] });
      await happened(`rollout-${rolloutId}`, {
        type: 'RolloutPlanned',
        rolloutId,
        plan: { ...plan, rolloutId, patchId },
      });
      await happened(`rollout-${rolloutId}`, {
        type: 'RolloutStarted',
        rolloutId,
        patchId,
        slices: 1,
      });
      await happened(`rollout-${rolloutId}`, { type: 'WaveOpened', rolloutId, wave: 1 });
    }
    for (let n = 55; n < 60; n += 1) {
      const rolloutId = `r-${String(n)}`;
      await happened(`rollout-${rolloutId}`, { type: 'RolloutPaused', rolloutId, reason: 'x' });
    }
    const shown = await series('sluice_rollout_wave');
    expect(shown).toHaveLength(50);
    for (let n = 55; n < 60; n += 1) expect(shown.join()).not.toContain(`r-${String(n)}"`);
    expect(await app.get(Metrics).registry.getSingleMetricAsString('sluice_rollouts_not_measured')).toMatch(/ 10$/m);
  });
});

describe('refusing', () => {
  it.each([
    ['a plan for a patch that nobody published', '/v1/rollouts', plan, 409, 'patch-unknown'],
    ['a percentage above 100', '/v1/rollouts', { ...plan, holdBackPercent: 101 }, 400, 'invalid-request'],
    ['an unknown field', '/v1/rollouts', { ...plan, speed: 3 }, 400, 'invalid-request'],
    [
      'outcomes that are due at another time',
      '/v1/rollouts',
      { ...plan, gates: { ...plan.gates, outcomeHours: 5 } },
      400,
      'invalid-request',
    ],
    [
      'more approvals than anybody asks for',
      '/v1/rollouts',
      { ...plan, approvalsRequired: 11 },
      400,
      'invalid-request',
    ],
    ['null where nothing is meant', '/v1/rollouts', { ...plan, notes: null }, 400, 'invalid-request'],
    [
      'an audience of nobody',
      '/v1/rollouts',
      { ...plan, waves: [{ ...plan.waves[1], audience: { family: [] } }] },
      400,
      'invalid-request',
    ],
    ['to start what is not there', '/v1/rollouts/nope/start', {}, 404, 'rollout-not-found'],
    ['to lift what is not there', '/v1/holds/nope/lift', { reason: 'x' }, 404, 'hold-not-found'],
    ['a check-in without a device', '/v1/check-in', device({ deviceId: undefined }), 400, 'invalid-request'],
    ['a check-in of a device with a strange id', '/v1/check-in', device({ deviceId: 'a b' }), 400, 'invalid-request'],
  ])('says no to %s', async (_, url, body, status, code) => {
    expect(await send('POST', url, body)).toMatchObject({ status, body: { code } });
  });

  it('lets only one rollout of a patch run, also when two operators start at once', async () => {
    await happened('patch-p-a', published);
    await send('POST', '/v1/rollouts', plan);
    await send('POST', '/v1/rollouts', { ...plan, rolloutId: 'r2' });
    const answers = await Promise.all([send('POST', '/v1/rollouts/r1/start'), send('POST', '/v1/rollouts/r2/start')]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: 'rollout-of-patch-running' });
  });
});

describe('replaying', () => {
  it('finds the read model as the store says', async () => {
    await startRollout();
    const { body } = await send('POST', '/v1/replays', { verify: true });
    await expect
      .poll(async () => (await send('GET', `/v1/replays/${String(body['id'])}`)).body)
      .toMatchObject({ status: 'done', matches: true });
  });
});
