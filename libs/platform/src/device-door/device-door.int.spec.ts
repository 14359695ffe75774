import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { InMemoryEventStore } from '@sluice/event-sourcing';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { Tokens } from '../auth/tokens.ts';
import { ManualClock } from '../time/clock.ts';
import { BodyBudget } from '../http/body-budget.ts';
import { close, createApp } from '../http/serve.ts';
import { Metrics } from '../observe/metrics.ts';
import { InlineFolds } from '../replay/folds.ts';
import { Settings } from '../settings/settings.ts';
import { ManualTimers } from '../time/timers.ts';
import { DeviceRoutes } from './device-routes.ts';
import { UNANSWERED_MAX } from './exchange.ts';
import { Wire } from './wire.fixture.ts';

const LIMIT_BYTES = 2000;
const BUDGET_BYTES = 64 * 1024 * 1024;
const BODY_WITHIN_MS = 10_000;
/** What a busy request takes of the server's time; each uses up its turn. */
const BUSY_MS = 50;

let timers = new ManualTimers();
let finish: (() => void)[] = [];
/** Busy requests that the route was given. */
let handled = 0;
/** Connections that were parked at most while one was handled. */
let parkedMost = 0;

@Module({})
class EchoModule {
  constructor(routes: DeviceRoutes) {
    const about = { summary: 'echo', body: {}, answer: {}, status: 200, bodyLimitBytes: LIMIT_BYTES };
    const echo = (body: unknown) => ({ body });
    routes.post({ ...about, path: '/v1/echo', kind: 'check-ins', handle: echo });
    routes.post({ ...about, path: '/v1/report', kind: 'reports', handle: echo });
    routes.post({ ...about, path: '/v1/wide', kind: 'reports', bodyLimitBytes: BUDGET_BYTES, handle: echo });
    routes.post({
      ...about,
      path: '/v1/id',
      kind: 'reports',
      handle: (_, caller, { id }) => ({ id, by: caller.name }),
    });
    routes.post({
      ...{ ...about, path: '/v1/busy', kind: 'reports' },
      handle: () => {
        handled += 1;
        parkedMost = Math.max(parkedMost, routes.parked);
        timers.advance(BUSY_MS);
        return { busy: true };
      },
    });
    routes.post({
      ...{ ...about, path: '/v1/later', kind: 'reports' },
      handle: () => new Promise((resolve) => finish.push(() => resolve({ late: true }))),
    });
  }
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-door-'));
const tokens = new Tokens(folder);
const token = tokens.createLocal('d-1', ['device'], { deviceId: 'd-1' });
let app: NestFastifyApplication;
let port: number;
let wires: Wire[];

async function boot(): Promise<void> {
  timers = new ManualTimers();
  finish = [];
  const clock = new ManualClock(0);
  const store = new InMemoryEventStore(clock);
  const composition = { settings: Settings.of(), clock, store, tokens, timers, publications: [] };
  app = await createApp([EchoModule], { ...composition, folds: new InlineFolds(store, {}) });
  await app.listen(0, '127.0.0.1');
  port = Number(new URL(await app.getUrl()).port);
}

beforeAll(boot);
afterAll(async () => {
  await close(app);
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => (wires = []));
afterEach(() => {
  for (const each of wires) each.close();
});

function open(): Wire {
  const wire = new Wire(port);
  wires.push(wire);
  return wire;
}

/** A request with a sound token and JSON, unless it says otherwise; a header that is undefined is left out. */
function request(path: string, body: string, headers: Record<string, string | undefined> = {}): string {
  const all: Record<string, string | undefined> = {
    host: 'sluice',
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
  return `POST ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`;
}

const chunked = { 'content-length': undefined, 'transfer-encoding': 'chunked' };
const chunkOf = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

/** The wire is in order: what is asked next on it is answered. */
async function goesOn(wire: Wire): Promise<void> {
  expect(await wire.say(request('/v1/echo', '{"next":1}')).answer()).toMatchObject({
    status: 200,
    body: { body: { next: 1 } },
  });
}

/** No body holds any of the bytes that all share. */
function expectNothingHeld(): void {
  const budget = app.get(BodyBudget);
  expect(budget.claim(BUDGET_BYTES)).toBe(true);
  budget.giveBack(BUDGET_BYTES);
}

async function metric(name: string): Promise<number> {
  const text = await app.get(Metrics).registry.getSingleMetricAsString(name);
  return Number(text.split(' ').at(-1));
}

describe('answering a device', () => {
  it('keeps the connection, also with a query, a body in pieces, and chunks', async () => {
    const wire = open();
    await goesOn(wire);
    expect(await wire.say(request('/v1/echo?a=1', '{"ü":"ö"}')).answer()).toMatchObject({ status: 200 });
    const whole = request('/v1/echo', '{"slow":true}');
    wire.say(whole.slice(0, -6));
    await new Promise(setImmediate);
    expect(await wire.say(whole.slice(-6)).answer()).toMatchObject({ body: { body: { slow: true } } });
    const inChunks = `${request('/v1/echo', '', chunked)}${chunkOf('{"a":')}${chunkOf('[1]}')}0\r\n\r\n`;
    expect(await wire.say(inChunks).answer()).toMatchObject({ body: { body: { a: [1] } } });
    expectNothingHeld();
  });

  it('answers requests that come all at once, in their order', async () => {
    const wire = open();
    const ids = Array.from({ length: 20 }, (_, id) => id);
    wire.say(ids.map((id) => request('/v1/echo', `{"id":${String(id)}}`)).join(''));
    for (const id of ids) expect(await wire.answer()).toMatchObject({ status: 200, body: { body: { id } } });
  });

  it('takes a sound correlation id over, and makes one up for another', async () => {
    const idOf = async (given?: string) =>
      (
        await open()
          .say(request('/v1/id', '{}', { 'x-correlation-id': given }))
          .answer()
      ).body['id'];
    expect(await idOf('abc.1:x_Y-2')).toBe('abc.1:x_Y-2');
    const made = [await idOf(), await idOf(), await idOf('a b'), await idOf('x'.repeat(65))];
    expect(new Set(made).size).toBe(4);
    for (const id of made) expect(id).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/);
  });

  it('takes the scheme of the token in any case', async () => {
    for (const scheme of ['bearer', 'BEARER', 'BeArEr']) {
      const answer = await open()
        .say(request('/v1/id', '{}', { authorization: `${scheme} ${token}` }))
        .answer();
      expect(answer).toMatchObject({ status: 200, body: { by: 'd-1' } });
    }
  });

  it('leaves every other path to the other routes', async () => {
    expect(await open().say(request('/v1/echo/', '{}')).answer()).toMatchObject({ status: 404 });
    expect(await open().say('GET /health/live HTTP/1.1\r\nhost: s\r\n\r\n').answer()).toMatchObject({ status: 200 });
  });
});

describe('refusing a device', () => {
  it.each<[string, string, number, string, Record<string, string>]>([
    [
      'no token',
      request('/v1/echo', '{}', { authorization: undefined }),
      401,
      'unauthenticated',
      { 'www-authenticate': 'Bearer' },
    ],
    [
      'no token, with a body that is no JSON',
      request('/v1/echo', '{', { authorization: undefined }),
      401,
      'unauthenticated',
      {},
    ],
    ['another scheme', request('/v1/echo', '{}', { authorization: 'Basic eDp5' }), 401, 'unauthenticated', {}],
    [
      'another content type',
      request('/v1/echo', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }),
      415,
      'unsupported-media-type',
      {},
    ],
    [
      'one that begins like JSON',
      request('/v1/echo', '{}', { 'content-type': 'application/jsonp' }),
      415,
      'unsupported-media-type',
      {},
    ],
    ['no content type', request('/v1/echo', '{}', { 'content-type': undefined }), 415, 'unsupported-media-type', {}],
    ['broken JSON', request('/v1/echo', '{"a":'), 400, 'malformed-json', {}],
    ['no body', request('/v1/echo', ''), 400, 'malformed-json', {}],
    ['33 lists in one another', request('/v1/echo', `${'['.repeat(33)}${']'.repeat(33)}`), 400, 'nested-too-deep', {}],
    [
      '1000 lists in one another',
      request('/v1/echo', `${'['.repeat(1000)}${']'.repeat(1000)}`),
      400,
      'nested-too-deep',
      {},
    ],
    [
      '33 objects in one another',
      request('/v1/echo', `${'{"a":'.repeat(33)}1${'}'.repeat(33)}`),
      400,
      'nested-too-deep',
      {},
    ],
    ['another method', request('/v1/echo', '{}').replace('POST', 'PUT'), 405, 'method-not-allowed', { allow: 'POST' }],
    ['GET', `GET /v1/echo HTTP/1.1\r\nhost: s\r\n\r\n`, 405, 'method-not-allowed', { allow: 'POST' }],
  ])('says no to %s with a problem, and goes on with the connection', async (_, text, status, code, headers) => {
    const wire = open();
    await goesOn(wire);
    const answer = await wire.say(text).answer();
    expect(answer).toMatchObject({ status, body: { status, code, type: `urn:sluice:error:${code}` }, headers });
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.body['correlationId']).toEqual(expect.any(String));
    await goesOn(wire);
    expectNothingHeld();
  });

  it('closes a connection on which no sound token came, after its answer', async () => {
    const wire = open().say(request('/v1/echo', '{}', { authorization: 'Bearer x' }));
    const headers = { connection: 'close', 'www-authenticate': 'Bearer error="invalid_token"' };
    expect(await wire.answer()).toMatchObject({ status: 401, headers });
    await wire.closed();
    expectNothingHeld();
  });

  it('takes JSON by its other names', async () => {
    for (const type of ['application/json;charset=utf-8', 'Application/JSON', 'application/json ; x=y']) {
      expect(
        await open()
          .say(request('/v1/echo', '\ufeff{}', { 'content-type': type }))
          .answer(),
      ).toMatchObject({
        status: 200,
      });
    }
  });

  it('asks for the role', async () => {
    const viewer = tokens.createLocal('v', ['viewer']);
    const wire = open().say(request('/v1/echo', '{}', { authorization: `Bearer ${viewer}` }));
    expect(await wire.answer()).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    await goesOn(wire);
  });

  it('refuses an announced body that is too large before it comes, and closes', async () => {
    const wire = open().say(request('/v1/echo', '', { 'content-length': String(LIMIT_BYTES + 1) }));
    expect(await wire.answer()).toMatchObject({
      status: 413,
      body: { code: 'body-too-large' },
      headers: { connection: 'close' },
    });
    // The sender that sends on in spite of it gets the answer whole, and then the end.
    wire.say('x'.repeat(LIMIT_BYTES + 1));
    await wire.closed();
    expectNothingHeld();
  });

  it('asks for the token before it looks at the length', async () => {
    const headers = { authorization: undefined, 'content-length': String(1024 ** 3) };
    expect(
      await open()
        .say(request('/v1/echo', '', headers))
        .answer(),
    ).toMatchObject({
      status: 401,
      headers: { connection: 'close' },
    });
  });

  it('refuses chunks once they are too many, and closes', async () => {
    const wire = open().say(request('/v1/echo', '', chunked));
    for (let chunks = 0; chunks < 3; chunks += 1) wire.say(chunkOf('x'.repeat(1000)));
    expect(await wire.answer()).toMatchObject({ status: 413, headers: { connection: 'close' } });
    wire.say('0\r\n\r\n');
    await wire.closed();
    expectNothingHeld();
  });

  it('lets a client that asks first send its body only once it may', async () => {
    const expecting = (headers: object) =>
      request('/v1/echo', '{}', { expect: '100-continue', ...headers }).slice(0, -2);
    const wire = open().say(expecting({}));
    await vi.waitFor(() => expect(wire.continues).toBe(1));
    expect(await wire.say('{}').answer()).toMatchObject({ status: 200 });
    const refused = open().say(expecting({ 'content-length': '9999' }));
    expect(await refused.answer()).toMatchObject({ status: 413, headers: { connection: 'close' } });
    expect(refused.continues).toBe(0);
    const stranger = open().say(expecting({ authorization: undefined }));
    expect(await stranger.answer()).toMatchObject({ status: 401, headers: { connection: 'close' } });
    expect(stranger.continues).toBe(0);
  });

  it.each([
    ['announced', request('/v1/echo', '{"a":1}').slice(0, -3)],
    ['in chunks', `${request('/v1/echo', '', chunked)}${chunkOf('{')}`],
  ])('gives up a body that does not come within 10 seconds (%s)', async (_, begun) => {
    const wire = open().say(begun);
    const whole = open();
    await goesOn(whole);
    timers.advance(BODY_WITHIN_MS);
    expect(await wire.answer()).toMatchObject({
      status: 408,
      body: { code: 'request-too-slow' },
      headers: { connection: 'close' },
    });
    await wire.closed();
    // Others do not notice.
    await goesOn(whole);
    expectNothingHeld();
  });

  it('waits for the rest of a refused body for 10 seconds, and no longer', async () => {
    const wires = [{}, chunked].map((headers) =>
      open().say(request('/v1/echo', '{"a":1}', { authorization: undefined, ...headers }).slice(0, -7)),
    );
    for (const wire of wires) expect(await wire.answer()).toMatchObject({ status: 401 });
    timers.advance(BODY_WITHIN_MS - 1);
    await goesOn(open());
    expect(wires.map((wire) => wire.isClosed)).toEqual([false, false]);
    timers.advance(1);
    for (const wire of wires) await wire.closed();
  });

  it('has all bodies share 64 MiB: beyond, 503 with Retry-After', async () => {
    const announced = request('/v1/wide', '', { 'content-length': String(BUDGET_BYTES - 10) });
    const large = open().say(announced);
    const other = open();
    // The server has seen the large one by the time that it turns another one away.
    await vi.waitFor(async () => {
      const answer = await other.say(request('/v1/echo', '{"a":123456}')).answer();
      expect(answer).toMatchObject({ status: 503, body: { code: 'overloaded' } });
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    });
    const inChunks = open().say(`${request('/v1/echo', '', chunked)}${chunkOf('{"a":123456}')}`);
    expect(await inChunks.answer()).toMatchObject({ status: 503, body: { code: 'overloaded' } });
    expect(await other.say(request('/v1/echo', '{}')).answer()).toMatchObject({ status: 200 });
    large.close();
    await vi.waitFor(() => expectNothingHeld());
    await goesOn(other);
  });
});

describe('asking too much at once', () => {
  const busy = (requests: number) => request('/v1/busy', '{}').repeat(requests);
  /** Five connections of busy requests, once the server has been at them for so long (ms). Their answers come one connection after the other. */
  async function occupied(ms: number): Promise<Pick<Wire, 'answer'>> {
    const wires = Array.from({ length: 5 }, () => open().say(busy(UNANSWERED_MAX)));
    let taken = 0;
    const answer = () => (wires[Math.floor(taken++ / UNANSWERED_MAX)] as Wire).answer();
    for (let passedMs = 0; passedMs < ms; passedMs += BUSY_MS) await answer();
    return { answer };
  }
  const statusOf = async (path: string) => (await open().say(request(path, '{}')).answer()).status;

  it('turns check-ins away first, then reports, and others never', async () => {
    const others = [open(), open(), open(), open()] as const;
    for (const each of others) await goesOn(each);
    const [checkIn, report, later, health] = others;
    const wire = await occupied(12 * BUSY_MS);
    const answer = await checkIn.say(request('/v1/echo', '{}')).answer();
    expect(answer).toMatchObject({ status: 503, body: { code: 'overloaded' } });
    const retryAfter = Number(answer.headers['retry-after']);
    expect([retryAfter >= 1, retryAfter <= 30]).toEqual([true, true]);
    report.say(request('/v1/report', '{}'));
    expect(await health.say('GET /health/live HTTP/1.1\r\nhost: s\r\n\r\n').answer()).toMatchObject({ status: 200 });
    for (let taken = 0; taken < 40; taken += 1) await wire.answer();
    expect(await later.say(request('/v1/report', '{}')).answer()).toMatchObject({ status: 503 });
    // What was let in before is answered, and then all are let in again.
    expect(await report.answer()).toMatchObject({ status: 200 });
    await goesOn(checkIn);
    expect(await statusOf('/v1/report')).toBe(200);
    expectNothingHeld();
  });

  it('closes a connection with more unanswered requests than it takes, and no other', async () => {
    const other = open();
    await goesOn(other);
    const [handledBefore, cutBefore] = [handled, await metric('sluice_device_connections_cut_total')];
    const greedy = open().say(busy(2 * UNANSWERED_MAX));
    await greedy.closed();
    await goesOn(other);
    // The first one had been answered when the one too many came; nobody is there to hear the others.
    expect(handled - handledBefore).toBeLessThanOrEqual(1);
    expect(await metric('sluice_device_connections_cut_total')).toBe(cutBefore + 1);
    const patient = open();
    for (let n = 0; n < 3 * UNANSWERED_MAX; n += 1) await goesOn(patient);
    expectNothingHeld();
  });

  it('takes no more of a connection for having refused it before', async () => {
    const wire = open();
    const refused = request('/v1/echo', '{}').replace('application/json', 'text/plain');
    for (let n = 0; n < 2 * UNANSWERED_MAX; n += 1) {
      expect(await wire.say(refused).answer()).toMatchObject({ status: 415 });
    }
    await wire.say(busy(2 * UNANSWERED_MAX)).closed();
    await vi.waitFor(() => expectNothingHeld());
  });

  it('reads no more of devices than it has time for, leaves others alone, and answers all in the end', async () => {
    const operator = tokens.createLocal('ops', ['operator']);
    const ask = `GET /v1/me HTTP/1.1\r\nhost: s\r\nauthorization: Bearer ${operator}\r\n\r\n`;
    const person = open();
    expect(await person.say(ask).answer()).toMatchObject({ status: 200 });
    const devices = Array.from({ length: 40 }, () => open());
    for (const device of devices) await goesOn(device);
    const handledBefore = handled;
    for (const device of devices) device.say(busy(4));
    expect(await person.say(ask).answer()).toMatchObject({ status: 200 });
    expect(handled - handledBefore).toBeLessThan(80);
    for (const device of devices) {
      for (let n = 0; n < 4; n += 1) expect(await device.answer()).toMatchObject({ status: 200 });
    }
    for (const device of devices) await goesOn(device);
    expect(parkedMost).toBeGreaterThan(30);
    await vi.waitFor(async () => expect(await metric('sluice_device_connections_parked')).toBe(0));
    expectNothingHeld();
  });

  it('forgets a request whose device has gone before its turn', async () => {
    const wire = open().say(busy(UNANSWERED_MAX));
    await wire.answer();
    wire.close();
    await vi.waitFor(async () => expect(await statusOf('/v1/echo')).toBe(200));
    expectNothingHeld();
  });
});

describe('sending what is no request', () => {
  const valid = request('/v1/echo', '{"a":[1,{"b":null}]}');
  const bytesOf = (text: string) => [...Buffer.from(text)];
  const mutated = fc
    .tuple(
      fc.constantFrom(valid, `${request('/v1/echo', '', chunked)}${chunkOf('{}')}0\r\n\r\n`),
      fc.array(
        fc.tuple(
          fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
          fc.integer({ min: 0, max: 255 }),
          fc.boolean(),
        ),
        { minLength: 1, maxLength: 8 },
      ),
    )
    .map(([text, changes]) => {
      const bytes = bytesOf(text);
      for (const [where, byte, inserts] of changes)
        bytes.splice(Math.floor(where * bytes.length), inserts ? 0 : 1, byte);
      return Uint8Array.from(bytes);
    });
  const json = fc
    .oneof(fc.json(), fc.string(), fc.json({ maxDepth: 6 }))
    .map((text) => Buffer.from(request('/v1/echo', text)));

  it('never fails, whatever comes, and never holds on to anything', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(mutated, json, fc.uint8Array({ maxLength: 300 })), async (bytes) => {
        const wire = open().say(bytes);
        // What is asked on a connection of its own is answered after what came before it on the other.
        const after = open();
        await goesOn(after);
        const answer = wire.answerSoFar();
        if (answer !== undefined) expect(answer.status).toBeLessThan(500);
        wire.close();
        after.close();
      }),
      { numRuns: 300 },
    );
    await vi.waitFor(() => expectNothingHeld());
  });
});

describe('closing', () => {
  it('answers what is under way, turns away what comes, and ends every connection', async () => {
    await boot();
    const [underWay, idle, begun] = [open(), open(), open()];
    await goesOn(idle);
    underWay.say(request('/v1/later', '{}'));
    const text = request('/v1/echo', '{}');
    begun.say(text.slice(0, 30));
    await vi.waitFor(() => expect(finish).toHaveLength(1));
    await goesOn(idle);
    const closed = close(app);
    await idle.closed();
    begun.say(text.slice(30));
    expect(await begun.answer()).toMatchObject({
      status: 503,
      body: { code: 'shutting-down' },
      headers: { connection: 'close' },
    });
    finish[0]?.();
    expect(await underWay.answer()).toMatchObject({
      status: 200,
      body: { late: true },
      headers: { connection: 'close' },
    });
    await closed;
    for (const wire of [underWay, idle, begun]) await wire.closed();
    await boot();
  });
});
