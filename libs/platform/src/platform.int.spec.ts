import { mkdtempSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Body, Controller, Module, Post } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { countSkipped } from '@sluice/contracts/stored-events';
import {
  type DeadLetter,
  DeadLetters,
  followFeed,
  letterId,
  type LetterState,
  publishAsIs,
  StoreFeed,
} from '@sluice/event-feed';
import { type CommandContext, InMemoryEventStore, reject } from '@sluice/event-sourcing';
import { IsInt, IsString, Max, ValidateNested } from 'class-validator';
import { Type } from 'class-transformer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  close,
  createApp,
  DeviceRoutes,
  Followers,
  inject,
  InlineFolds,
  ManualClock,
  RequestContext,
  Roles,
  Settings,
  Tokens,
  Verifications,
} from './index.ts';

class Inner {
  @IsInt()
  @Max(10)
  size!: number;
}

class EchoBody {
  @IsString()
  name!: string;

  @ValidateNested()
  @Type(() => Inner)
  inner!: Inner;
}

interface StreamPage {
  readonly events: readonly { readonly place: { readonly revision: number } }[];
  readonly next?: number;
}

@Controller('v1/echo')
class EchoController {
  @Post()
  @Roles('publisher')
  echo(@Body() body: EchoBody, @RequestContext() context: CommandContext) {
    if (body.name === 'no') reject('patch-pulled', 'no is no');
    if (body.name === 'bug') throw new Error('secret detail');
    return { body, context };
  }
}

@Module({ controllers: [EchoController] })
class EchoModule {
  constructor(routes: DeviceRoutes) {
    routes.post({
      path: '/v1/device-echo',
      summary: 'echo',
      body: {},
      answer: {},
      status: 202,
      bodyLimitBytes: 1000,
      kind: 'check-ins',
      handle: (body, caller) => ({ body, mine: caller.maySpeakFor('d-1') }),
    });
  }
}

let app: NestFastifyApplication;
let tokens: Tokens;
let store: InMemoryEventStore;
let folder: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-platform-'));
  tokens = new Tokens(folder);
  const clock = new ManualClock(Date.parse('2026-03-17T00:00:00Z'));
  store = new InMemoryEventStore(clock);
  app = await createApp([EchoModule], {
    settings: Settings.of(),
    clock,
    store,
    tokens,
    folds: new InlineFolds(store, {}),
    publications: [publishAsIs('catalog', 'catalog', ['patch-'])],
    accessOwner: 'http://127.0.0.1:4601',
  });
});
afterEach(() => close(app));

function send(
  method: 'GET' | 'POST' | 'DELETE',
  url: string,
  payload?: string | object,
  token = tokens.adminToken(),
  headers = {},
) {
  return inject(app, {
    method,
    url,
    headers: { authorization: `Bearer ${token}`, ...headers },
    ...(payload === undefined ? {} : { payload }),
  });
}

describe('refusing requests', () => {
  it.each([
    ['no token', () => inject(app, { method: 'POST', url: '/v1/echo', payload: {} }), 401, 'unauthenticated'],
    ['an unknown token', () => send('POST', '/v1/echo', {}, 'slc_000000000000_x'), 401, 'unauthenticated'],
    ['an unknown path', () => send('GET', '/v1/nothing'), 404, 'route-not-found'],
    [
      'broken JSON',
      () => send('POST', '/v1/echo', '{"a":', undefined, { 'content-type': 'application/json' }),
      400,
      'malformed-json',
    ],
    ['a path that is no path', () => send('GET', '/v1/echo/%zz'), 400, 'invalid-request'],
    [
      'plain text',
      () => send('POST', '/v1/echo', '{}', undefined, { 'content-type': 'text/plain' }),
      415,
      'unsupported-media-type',
    ],
    [
      'a web form',
      () => send('POST', '/v1/echo', 'a=1', undefined, { 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      'unsupported-media-type',
    ],
    [
      'another media type',
      () => send('POST', '/v1/echo', 'a', undefined, { 'content-type': 'text/csv' }),
      415,
      'unsupported-media-type',
    ],
    [
      'broken JSON on a device route',
      () => send('POST', '/v1/device-echo', '{"a":', undefined, { 'content-type': 'application/json' }),
      400,
      'malformed-json',
    ],
    ['a body too large', () => send('POST', '/v1/device-echo', { a: 'x'.repeat(2000) }), 413, 'body-too-large'],
    ['a rejection', () => send('POST', '/v1/echo', { name: 'no', inner: { size: 1 } }), 409, 'patch-pulled'],
    ['a fault of ours', () => send('POST', '/v1/echo', { name: 'bug', inner: { size: 1 } }), 500, 'internal'],
    ['a verify that is false', () => send('POST', '/v1/replays', { verify: false }), 400, 'invalid-request'],
  ])('answers problem+json with a stable code to %s', async (_, request, status, code) => {
    const response = await request();
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(response.json()).toMatchObject({ status, code, type: `urn:sluice:error:${code}` });
    expect(response.statusCode).toBe(status);
    expect(response.body).not.toContain('secret detail');
  });

  it('names every fault of a body at once', async () => {
    const response = await send('POST', '/v1/echo', { name: 3, inner: { size: 11, other: 1 }, more: true });
    const faults = response.json<{ errors: { path: string; code: string }[] }>().errors;
    expect(faults.map(({ path }) => path).sort()).toEqual(['/inner/other', '/inner/size', '/more', '/name']);
  });
});

describe('granting access', () => {
  it('keeps the admin token in a file for its owner only', () => {
    expect(statSync(join(folder, 'admin-token')).mode & 0o777).toBe(0o600);
  });

  it('lets a token do what its roles say, and what they need to read', async () => {
    const token = tokens.createLocal('ci', ['publisher']);
    const body = { name: 'yes', inner: { size: 1 } };
    const echoed = await send('POST', '/v1/echo', body, token, { 'x-correlation-id': 'abc' });
    expect(echoed.json()).toMatchObject({ body, context: { actor: 'ci', correlationId: 'abc' } });
    expect((await send('GET', '/v1/feed', undefined, token)).statusCode).toBe(200);
    expect((await send('GET', '/v1/tokens', undefined, token)).statusCode).toBe(403);
    expect((await send('POST', '/v1/device-echo', {}, token)).statusCode).toBe(403);
  });

  it.each([
    ['its device', ['device'], { deviceId: 'd-1' }, true],
    ['no other device', ['device'], { deviceId: 'd-11' }, false],
    ['those of its prefix', ['device'], { devicePrefix: 'd-' }, true],
    ['none of another prefix', ['device'], { devicePrefix: 'e-' }, false],
    ['any, as a gateway', ['gateway'], undefined, true],
    ['any, as a peer', ['peer'], undefined, true],
    ['any, as an admin', ['admin'], undefined, true],
  ] as const)('has a token speak for %s', async (_name, roles, binding, isMine) => {
    const token = tokens.createLocal('d', roles, binding);
    expect((await send('POST', '/v1/device-echo', {}, token)).json()).toMatchObject({ mine: isMine });
  });

  it('tells each token who it is', async () => {
    const me = async (token: string) => (await send('GET', '/v1/me', undefined, token)).json<object>();
    const all = ['viewer', 'publisher', 'operator', 'responder', 'device', 'gateway', 'peer', 'admin'];
    expect(await me(tokens.adminToken())).toEqual({ name: 'admin', roles: all });
    expect(await me(tokens.peerToken())).toEqual({
      name: 'system:peer',
      roles: ['viewer', 'device', 'gateway', 'peer'],
    });
    expect(await me(tokens.createLocal('d', ['device'], { deviceId: 'd-1' }))).toMatchObject({
      name: 'd',
      roles: ['device'],
      binding: { deviceId: 'd-1' },
    });
  });

  it('shows the events of tokens to peers and admins alone', async () => {
    const viewer = tokens.createLocal('lake', ['viewer', 'operator']);
    for (const query of ['topics=access', 'topics=catalog,access', 'stream=access']) {
      expect((await send('GET', `/v1/feed?${query}`, undefined, viewer)).json()).toMatchObject({ code: 'forbidden' });
      for (const token of [tokens.adminToken(), tokens.peerToken()]) {
        expect((await send('GET', `/v1/feed?${query}`, undefined, token)).statusCode).toBe(200);
      }
    }
  });

  it('names the owner where tokens are made elsewhere', async () => {
    const owner = 'http://127.0.0.1:4601';
    const refused = { status: 421, code: 'not-the-owner', owner };
    expect((await send('POST', '/v1/tokens', { name: 'ci', roles: ['viewer'] })).json()).toMatchObject(refused);
    expect((await send('DELETE', '/v1/tokens/x')).json()).toMatchObject(refused);
    const viewer = tokens.createLocal('lake', ['viewer']);
    expect((await send('POST', '/v1/tokens', {}, viewer)).json()).toMatchObject({ code: 'forbidden' });
  });
});

describe('telling of itself', () => {
  it('answers health without a token, and metrics and OpenAPI with one', async () => {
    expect((await app.inject('/health/live')).statusCode).toBe(200);
    expect((await app.inject('/health/ready')).statusCode).toBe(200);
    expect((await send('GET', '/metrics')).body).toContain('sluice_device_request_seconds');
    countSkipped('PatchBlessed', 1);
    const { body } = await send('GET', '/metrics');
    expect(body).toContain('# TYPE sluice_unknown_events_total counter');
    expect(body).toContain('sluice_unknown_events_total{type="PatchBlessed"} 1\n');
    const document = (await send('GET', '/openapi.json')).json<{ openapi: string; paths: object }>();
    expect(document.openapi).toBe('3.1.0');
    // Those of this process, and none of a service that runs elsewhere.
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/v1/tokens', '/v1/device-echo', '/v1/replays']),
    );
    expect(Object.keys(document.paths)).not.toContain('/v1/patches');
  });

  it('knows the id of a parked event however long it is, and refuses what can be none', async () => {
    const longest = `orchestrator-catalog/patch-${'p'.repeat(64)}/1234567890/0`;
    const asked = (id: string) => send('GET', `/v1/dead-letters/${encodeURIComponent(id)}`);
    expect((await asked(longest)).json()).toMatchObject({ code: 'dead-letter-not-found', detail: longest });
    expect((await asked('a\u0000b')).json()).toMatchObject({ code: 'invalid-request', errors: [{ path: '/id' }] });
  });

  it('describes the topics that the service publishes, and no others, to viewers', async () => {
    const document = (await send('GET', '/asyncapi.json')).json<{ asyncapi: string; channels: object }>();
    expect(document.asyncapi).toBe('3.0.0');
    expect(Object.keys(document.channels)).toEqual(['catalog']);
    const device = tokens.createLocal('d', ['device'], { deviceId: 'd-1' });
    expect((await send('GET', '/asyncapi.json', undefined, device)).statusCode).toBe(403);
    expect((await inject(app, { method: 'GET', url: '/asyncapi.json' })).statusCode).toBe(401);
  });

  it('gives the feed in pages', async () => {
    const metadata = { actor: 'a', correlationId: 'c' };
    for (const id of ['1', '2', '3']) {
      await store.append({
        stream: `patch-${id}`,
        expected: 'any',
        commitId: id,
        metadata,
        body: { kind: 'events', events: [{ type: 'E' }] },
      });
    }
    const first = (await send('GET', '/v1/feed?limit=2')).json<{ events: object[]; next: string; caughtUp: boolean }>();
    expect(first).toMatchObject({
      next: `${store.lineage}.2`,
      caughtUp: false,
      events: [{ stream: 'patch-1', place: { revision: 0, index: 0 } }, {}],
    });
    const second = (await send('GET', `/v1/feed?from=${first.next}`)).json<{ events: object[] }>();
    expect(second).toMatchObject({
      next: `${store.lineage}.3`,
      caughtUp: true,
      events: [{ stream: 'patch-3', actor: 'a' }],
    });
    const fromEnd = (await send('GET', '/v1/feed?from=end')).json<object>();
    const signs = { writable: true, through: [], stops: [] };
    expect(fromEnd).toEqual({ events: [], next: `${store.lineage}.3`, caughtUp: true, signs });
  });

  it('gives the events of one stream, from a commit of it on', async () => {
    for (const n of ['1', '2', '3']) {
      const [commitId, events] = [`c${n}`, [{ type: 'PatchSuperseded', n }]];
      const metadata = { actor: 'ann', correlationId: 'x' };
      await store.append({ stream: 'patch-1', expected: 'any', commitId, metadata, body: { kind: 'events', events } });
    }
    const read = async (query: string) => (await send('GET', `/v1/feed?stream=${query}`)).json<StreamPage>();
    const places = ({ events }: StreamPage) => events.map(({ place }) => place.revision);
    expect(places(await read('patch-1'))).toEqual([0, 1, 2]);
    const page = await read('patch-1&fromRevision=1&limit=1');
    expect([places(page), page.next]).toEqual([[1], 2]);
    expect(page.events[0]).toMatchObject({ previous: { revision: 0, index: 0 } });
    expect(await read('patch-2')).toEqual({ events: [] });
    expect((await send('GET', '/v1/feed?stream=no%20stream')).statusCode).toBe(400);
  });

  it('moves its clock for a scenario, and not back', async () => {
    const move = async (now: string) => (await send('POST', '/v1/clock', { now })).json<Record<string, unknown>>();
    expect(await move('2026-03-17T01:00:00Z')).toEqual({ now: '2026-03-17T01:00:00.000Z' });
    expect(await move('2026-03-17T00:59:59Z')).toMatchObject({ code: 'invalid-request' });
    expect(await move('2026-02-30T00:00:00Z')).toMatchObject({ code: 'invalid-request' });
    expect((await send('GET', '/v1/applied?own=0')).json()).toMatchObject({
      now: '2026-03-17T01:00:00.000Z',
      head: `${store.lineage}.0`,
    });
  });

  it('shows events that could not be applied, and lets an operator decide on the first of each stream', async () => {
    const decided: string[] = [];
    class Letters extends DeadLetters {
      override load = async () => new Map<string, LetterState>();
      override mayRetry = async () => false;
      override park = async () => undefined;
      override settle = async (letter: DeadLetter, state: LetterState, actor: string) =>
        void decided.push(`${letterId(letter)} ${state} by ${actor}`);
    }
    class ParkingFeed extends StoreFeed {
      override readonly deadLetters = new Letters();
    }
    let isBad = true;
    const follower = followFeed(new ParkingFeed(store, [publishAsIs('catalog', 'catalog', ['patch-'])]), {
      name: 'spec-catalog',
      source: 'catalog',
      topics: ['catalog'],
      apply: () => {
        if (isBad) throw new Error('too odd');
      },
    });
    app.get(Followers).add(follower).start();
    for (const commitId of ['a', 'b']) {
      const body = { kind: 'events', events: [{ type: 'PatchPulled' }] } as const;
      await store.append({
        stream: 'patch-1',
        expected: 'any',
        commitId,
        metadata: { actor: 'a', correlationId: 'c' },
        body,
      });
    }
    await follower.reached('2');
    const [first, second] = ['spec-catalog/patch-1/0/0', 'spec-catalog/patch-1/1/0'];
    const path = (id: string, verb = '') => `/v1/dead-letters/${encodeURIComponent(id)}${verb}`;
    const { items } = (await send('GET', '/v1/dead-letters')).json<{ items: object[] }>();
    expect(items).toMatchObject([{ id: first, reason: 'too odd', revision: 0 }, { id: second }]);
    expect((await send('GET', path(second))).json()).toMatchObject({ event: { data: { type: 'PatchPulled' } } });
    expect((await send('POST', path(second, '/retry'))).json()).toMatchObject({
      code: 'dead-letter-behind',
      detail: first,
    });
    expect((await send('POST', path(first, '/retry'))).json()).toMatchObject({
      parked: [{ id: first }, { id: second }],
    });
    expect((await send('POST', path(first, '/discard'))).json()).toMatchObject({ parked: [{ id: second }] });
    isBad = false;
    expect((await send('POST', path(second, '/retry'))).json()).toEqual({ parked: [] });
    const { body } = await send('GET', '/metrics');
    expect(body).toContain('sluice_feed_contradictions{source="catalog"} 0\n');
    expect(body).toContain(
      '# TYPE sluice_forged_records_total counter\nsluice_forged_records_total{source="catalog"} 0\n',
    );
    expect(decided).toEqual([`${first} discarded by admin`, `${second} applied by admin`]);
    expect((await send('POST', path(second, '/retry'))).json()).toMatchObject({ code: 'dead-letter-not-found' });
  });

  it.each([
    ['99999999999999999999', 409, 'beyond-end'],
    ['elsewhere.0', 409, 'other-lineage'],
    ['.7', 400, 'invalid-request'],
    ['a.b', 400, 'invalid-request'],
    ['', 400, 'invalid-request'],
  ])('refuses the position %j', async (from, status, code) => {
    expect((await send('GET', `/v1/feed?from=${from}`)).json()).toMatchObject({ status, code });
    expect((await send('GET', `/v1/feed?from=${from}&order=newest`)).json()).toMatchObject({ status, code });
  });

  it('leaves out what poisons a prototype, and takes the rest of the body', async () => {
    const json = '{"good":1,"__proto__":{"bad":1},"constructor":{"prototype":{"bad":1}}}';
    const answer = await send('POST', '/v1/device-echo', json, undefined, { 'content-type': 'application/json' });
    expect(answer.json()).toMatchObject({ body: { good: 1 } });
    expect(answer.body).not.toContain('bad');
  });

  it('runs a replay and names the first difference', async () => {
    app.get(Verifications).add({ name: 'odd', verify: () => Promise.resolve({ where: '/a', live: 1, replayed: 2 }) });
    const { id } = (await send('POST', '/v1/replays', { verify: true })).json<{ id: string }>();
    await expect
      .poll(async () => (await send('GET', `/v1/replays/${id}`)).json<object>())
      .toMatchObject({
        status: 'done',
        matches: false,
        differences: [{ readModel: 'odd', where: '/a', live: 1, replayed: 2 }],
      });
  });
});
