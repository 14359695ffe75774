import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Body, Controller, Get, HttpCode, Module, Param, Post, Query, Res } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type Problem } from '@sluice/contracts/errors';
import { InMemoryEventStore } from '@sluice/event-sourcing';
import { IsString } from 'class-validator';
import { type FastifyReply } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Public, Roles } from '../auth/auth.ts';
import { type Role } from '../auth/caller.ts';
import { Tokens } from '../auth/tokens.ts';
import { ManualClock } from '../time/clock.ts';
import { InlineFolds } from '../replay/folds.ts';
import { Settings } from '../settings/settings.ts';
import { ManualTimers } from '../time/timers.ts';
import { FileRoute, StopRoute } from './bodies.ts';
import { BodyBudget } from './body-budget.ts';
import { PageQuery } from '@sluice/api';
import { close, createApp } from './serve.ts';
import { Optional } from './validation.ts';

const MIB = 1024 * 1024;
const BODY_WITHIN_MS = 10_000;

class WordsBody {
  @Optional()
  @IsString()
  reason = 'none';
}

@Controller('v1')
class DoorController {
  @Post('json')
  @Roles('operator')
  json(@Body() body: WordsBody) {
    return body;
  }

  @Post('file')
  @FileRoute(3 * MIB)
  @Roles('publisher')
  file(@Body() file: Buffer | undefined) {
    return { bytes: file?.length ?? 0 };
  }

  @Post('brake')
  @Roles('responder')
  @StopRoute(WordsBody)
  stop(@Body() body: WordsBody) {
    return body;
  }

  @Get('stream')
  @Roles('viewer')
  stream(@Res() reply: FastifyReply): void {
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream' });
    reply.raw.write('data: 1\n\n');
  }

  @Get('list/:id')
  @Roles('viewer')
  list(@Param('id') id: string, @Query() query: PageQuery) {
    return { id, limit: query.limit };
  }

  @Post('bare')
  bare() {
    return {};
  }

  @Get('open')
  @Public()
  @HttpCode(204)
  open(): void {
    return;
  }
}

@Module({ controllers: [DoorController] })
class DoorModule {}

const folder = mkdtempSync(join(tmpdir(), 'sluice-door-'));
const tokens = new Tokens(folder);
const timers = new ManualTimers();
let app: NestFastifyApplication;
let port: number;

beforeAll(async () => {
  const clock = new ManualClock(0);
  const store = new InMemoryEventStore(clock);
  const folds = new InlineFolds(store, {});
  const ports = { settings: Settings.of(), clock, store, tokens, folds, publications: [], timers };
  app = await createApp([DoorModule], ports);
  await app.listen(0, '127.0.0.1');
  port = Number(new URL(await app.getUrl()).port);
});
afterAll(async () => {
  await close(app);
  rmSync(folder, { recursive: true, force: true });
});

const kinds = [
  { kind: 'json', line: 'POST /v1/json', role: 'operator', limit: 2 * MIB },
  { kind: 'file', line: 'POST /v1/file', role: 'publisher', limit: 3 * MIB },
  { kind: 'stop', line: 'POST /v1/brake', role: 'responder', limit: 64 * 1024 },
] as const;
const withStream = [...kinds, { kind: 'stream', line: 'GET /v1/stream', role: 'viewer', limit: 0 }] as const;

function tokenOf(role: Role): string {
  return tokens.createLocal('spec', [role]);
}
const bearer = (token: string) => `authorization: Bearer ${token}`;

/** Sends a head as it goes over the wire; the body may follow, or not. */
function begin(line: string, headers: readonly string[], body = ''): Socket {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(`${[`${line} HTTP/1.1`, 'host: sluice', ...headers].join('\r\n')}\r\n\r\n${body}`);
  return socket;
}

interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly problem: Problem;
}

/** Reads one answer, and goes. */
async function answerOf(socket: Socket): Promise<Reply> {
  let received = '';
  for await (const chunk of socket.setEncoding('latin1')) {
    received += String(chunk);
    const [head = '', body = ''] = received.split('\r\n\r\n');
    if (!received.includes('\r\n\r\n') || body.length < Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)) continue;
    const [first = '', ...fields] = head.split('\r\n');
    const headers = new Headers(fields.map((field) => field.split(/: (.*)/s).slice(0, 2) as [string, string]));
    return { status: Number(first.split(' ')[1]), headers, problem: JSON.parse(body || '{}') as Problem };
  }
  throw new Error(`no answer: ${received}`);
}

async function refusal(line: string, headers: readonly string[], body?: string) {
  const { status, headers: answered, problem } = await answerOf(begin(line, headers, body));
  expect(answered.get('content-type')).toContain('application/problem+json');
  expect(status).toBe(problem.status);
  return { code: problem.code, headers: answered, problem };
}

/** Announces a body of which nothing comes. */
const announced = (bytes: number) => [`content-length: ${String(bytes)}`, 'content-type: application/json'];
const taken = () => app.get(BodyBudget).heldBytes;

describe('letting requests in', () => {
  it.each(withStream)('refuses who is unknown before any of the body is there: $kind', async ({ line }) => {
    const { code, headers } = await refusal(line, announced(2 * MIB));
    expect(code).toBe('unauthenticated');
    expect(headers.get('www-authenticate')).toBe('Bearer');
    expect(headers.get('connection')).toBe('close');
    expect(taken()).toBe(0);
  });

  it('reads what is short of a refused body, so that its sender finds the answer', async () => {
    const socket = begin('POST /v1/json', announced(50_000), 'x'.repeat(20_000));
    await once(socket, 'readable');
    socket.write('x'.repeat(30_000));
    expect(await text(socket)).toContain('HTTP/1.1 401');
    expect(socket.errored).toBeNull();
  });

  it('reads nothing of a refused body that is long', async () => {
    const socket = begin('POST /v1/json', announced(2 * MIB));
    await once(socket, 'data');
    const piece = Buffer.alloc(MIB);
    let isFlushed = false;
    for (let n = 0; n < 64; n += 1) socket.write(piece, () => (isFlushed = n === 63));
    await new Promise((resolve) => setImmediate(resolve));
    expect(isFlushed).toBe(false);
    socket.destroy();
  });

  it.each(withStream)('refuses a token that is none: $kind', async ({ line }) => {
    const { code, headers } = await refusal(line, [bearer('slc_000000000000_x'), ...announced(2 * MIB)]);
    expect(code).toBe('unauthenticated');
    expect(headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
  });

  it.each(withStream)('refuses a role that may not before any of the body is there: $kind', async ({ line }) => {
    const device = tokens.createLocal('d', ['device'], { deviceId: 'd-1' });
    expect(await refusal(line, [bearer(device), ...announced(2 * MIB)])).toMatchObject({ code: 'forbidden' });
  });

  it.each(kinds)('refuses a length that is too large before the body: $kind', async ({ line, role, limit }) => {
    const { code } = await refusal(line, [bearer(tokenOf(role)), ...announced(limit + 1)]);
    expect(code).toBe('body-too-large');
  });

  it.each(kinds)('refuses what grows too large without a length: $kind', async ({ line, role, limit }) => {
    const socket = begin(line, [
      bearer(tokenOf(role)),
      'transfer-encoding: chunked',
      'content-type: application/json',
      'connection: close',
    ]);
    socket.write(`${(limit + 1).toString(16)}\r\n${'x'.repeat(limit + 1)}\r\n`);
    expect((await answerOf(socket)).problem.code).toBe('body-too-large');
    expect(taken()).toBe(0);
  });

  it('is for the admin only where a route says nothing', async () => {
    const headers = [bearer(tokenOf('operator')), 'connection: close'];
    expect(await refusal('POST /v1/bare', headers)).toMatchObject({ code: 'forbidden' });
  });

  it.each(['bearer', 'BEARER', 'Bearer', 'bEaReR'])('takes the scheme as %s', async (scheme) => {
    const headers = [`authorization: ${scheme} ${tokens.adminToken()}`, 'connection: close', 'content-length: 0'];
    expect((await answerOf(begin('POST /v1/bare', headers))).status).toBe(201);
  });

  it('answers a client that asks before it sends its body', async () => {
    const expecting = (token: string) => [bearer(token), 'expect: 100-continue', 'connection: close', ...announced(15)];
    expect(await refusal('POST /v1/json', expecting('nobody'))).toMatchObject({ code: 'unauthenticated' });
    const socket = begin('POST /v1/json', expecting(tokenOf('operator')));
    const [first] = (await once(socket, 'data')) as [Buffer];
    expect(String(first)).toBe('HTTP/1.1 100 Continue\r\n\r\n');
    socket.write('{"reason":"go"}');
    expect(await answerOf(socket)).toMatchObject({ status: 201, problem: { reason: 'go' } });
  });
});

describe('waiting for bodies', () => {
  it.each(kinds)('gives a body ten seconds: $kind', async ({ line, role }) => {
    const socket = begin(line, [bearer(tokenOf(role)), ...announced(1000)], '{');
    await vi.waitFor(() => expect(isWaiting()).toBe(true));
    timers.advance(BODY_WITHIN_MS - 1);
    expect(socket.readableLength).toBe(0);
    timers.advance(1);
    const { status, headers, problem } = await answerOf(socket);
    expect([status, problem.code, headers.get('connection')]).toEqual([408, 'request-too-slow', 'close']);
    expect(taken()).toBe(0);
  });

  it('holds 64 MiB of bodies, stops beside them, and takes the next when some are gone', async () => {
    const token = tokenOf('operator');
    const held = Array.from({ length: 32 }, () => begin('POST /v1/json', [bearer(token), ...announced(2 * MIB)], '{'));
    await vi.waitFor(() => expect(taken()).toBe(64 * MIB));
    const { code, headers } = await refusal('POST /v1/json', [bearer(token), ...announced(1)]);
    expect([code, headers.get('retry-after')]).toEqual(['overloaded', '1']);
    const stop = [bearer(tokenOf('responder')), 'connection: close', 'content-length: 16'];
    expect(await answerOf(begin('POST /v1/brake', stop, '{"reason":"hot"}'))).toMatchObject({
      status: 201,
      problem: { reason: 'hot' },
    });
    for (const socket of held) socket.destroy();
    await vi.waitFor(() => expect(taken()).toBe(0));
    const headersOf = [bearer(token), 'connection: close', 'content-type: application/json', 'content-length: 2'];
    expect((await answerOf(begin('POST /v1/json', headersOf, '{}'))).status).toBe(201);
  });

  it('holds a file until it is answered', async () => {
    const headers = [bearer(tokenOf('publisher')), 'connection: close', 'content-length: 3'];
    expect(await answerOf(begin('POST /v1/file', headers, 'abc'))).toMatchObject({ problem: { bytes: 3 } });
    expect(taken()).toBe(0);
  });
});

function isWaiting(): boolean {
  return (timers as unknown as { waiting: { dueMs: number }[] }).waiting.some(
    ({ dueMs }) => dueMs - timers.monotonicMs() === BODY_WITHIN_MS,
  );
}

describe('reading what operators send', () => {
  const send = (body: string, line = 'POST /v1/json') =>
    refusal(
      line,
      [
        bearer(tokens.adminToken()),
        'connection: close',
        'content-type: application/json',
        `content-length: ${String(Buffer.byteLength(body))}`,
      ],
      body,
    );
  const nested = (depth: number) => `{"reason":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`;

  it('tells what nests too deep from what is wrong otherwise', async () => {
    expect(await send(nested(33))).toMatchObject({ code: 'nested-too-deep' });
    expect(await send(nested(33), 'POST /v1/brake')).toMatchObject({ code: 'nested-too-deep' });
    expect(await send('['.repeat(MIB))).toMatchObject({ code: 'nested-too-deep' });
    expect(await send(nested(32))).toMatchObject({
      problem: { code: 'invalid-request', errors: [{ path: '/reason' }] },
    });
    expect(await send(`{"reason":7,"b":"${'[{'.repeat(40)}\\""}`)).toMatchObject({ code: 'invalid-request' });
  });

  it.each(['[]', 'null', '"text"', '17', 'true', '[[]]'])('refuses %s where an object is meant', async (body) => {
    expect(await send(body)).toMatchObject({
      problem: { status: 400, code: 'invalid-request', errors: [{ path: '', code: 'is-object' }] },
    });
  });

  it.each([
    ['{"__proto__":{}}', '/__proto__'],
    ['{"\\u005f_proto__":1}', '/__proto__'],
    ['{"reason":{"a/b":[{"__proto__":null}]}}', '/reason/a~1b/0/__proto__'],
    ['{"constructor":{"prototype":{}}}', '/constructor'],
    ['{"constructor":1}', '/constructor'],
    ['{"toString":1}', '/toString'],
    ['{"hasOwnProperty":1}', '/hasOwnProperty'],
  ])('refuses %s by name', async (body, path) => {
    expect(await send(body)).toMatchObject({ problem: { code: 'invalid-request', errors: [{ path }] } });
    expect(await send(body, 'POST /v1/brake')).toMatchObject({
      problem: { code: 'invalid-request', errors: [{ path }] },
    });
  });

  it('refuses bytes that are no UTF-8', async () => {
    const socket = begin('POST /v1/json', [
      bearer(tokens.adminToken()),
      'connection: close',
      'content-type: application/json',
      'content-length: 14',
    ]);
    socket.write(Buffer.from('{"reason":"\xff"}', 'latin1'));
    expect((await answerOf(socket)).problem.code).toBe('malformed-json');
  });

  const get = (path: string) => refusal(`GET ${path}`, [bearer(tokens.adminToken()), 'connection: close']);

  it.each([
    ['/v1/list/a?limit=1&limit=2', '/limit'],
    ['/v1/list/a?limit=1&limit=1', '/limit'],
    ['/v1/list/a?more=1', '/more'],
    ['/v1/list/a?limit[]=1', '/limit[]'],
    ['/v1/list/a?__proto__=1', '/__proto__'],
    ['/v1/list/a?constructor=1', '/constructor'],
    ['/v1/list/a?=1', '/'],
    ['/v1/stream?from=1', '/from'],
    ['/health/live?now', '/now'],
    ['/metrics?name[]=a', '/name[]'],
  ])('refuses parameters that %s does not take', async (path, fault) => {
    expect(await get(path)).toMatchObject({ problem: { code: 'invalid-request', errors: [{ path: fault }] } });
  });

  it('refuses a query beside a body, too', async () => {
    expect(await send('{}', 'POST /v1/json?dryRun=true')).toMatchObject({ problem: { errors: [{ path: '/dryRun' }] } });
  });
});

describe('answering what is no request to a route', () => {
  it.each([
    ['DELETE', '/v1/json', 'POST'],
    ['GET', '/v1/json?a=1', 'POST'],
    ['PUT', '/v1/list/a', 'GET, HEAD'],
    ['PROPFIND', '/v1/list/a', 'GET, HEAD'],
    ['QUERY', '/health/live', 'GET, HEAD'],
  ])('names the methods that a path takes: %s %s', async (method, path, allow) => {
    const { code, headers } = await refusal(`${method} ${path}`, announced(2 * MIB));
    expect([code, headers.get('allow')]).toEqual(['method-not-allowed', allow]);
  });

  it('reads no body for a path that is none', async () => {
    expect(await refusal('POST /v1/nothing', announced(2 * MIB))).toMatchObject({ code: 'route-not-found' });
    expect(await refusal('GET /v1/json/more', [])).toMatchObject({ code: 'route-not-found' });
    expect(await refusal('GET /%zz', ['connection: close'])).toMatchObject({ code: 'invalid-request' });
  });

  const raw = async (bytes: string) => {
    const socket = connect(port, '127.0.0.1');
    socket.write(bytes);
    const { status, headers, problem } = await answerOf(socket);
    expect(headers.get('content-type')).toContain('application/problem+json');
    return [status, problem.code];
  };

  it.each([
    ['no request line', 'hello\r\n\r\n', 400, 'malformed-request'],
    ['another protocol', 'GET / HTTP/3.0\r\n\r\n', 400, 'malformed-request'],
    ['headers too large', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'headers-too-large'],
    ['no host', 'GET /health/live HTTP/1.1\r\n\r\n', 400, 'malformed-request'],
    [
      'two lengths',
      'POST /v1/json HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n',
      400,
      'malformed-request',
    ],
    ['a tunnel', 'CONNECT a:1 HTTP/1.1\r\nhost: a\r\n\r\n', 400, 'malformed-request'],
  ])('answers problem+json to %s', async (_, bytes, status, code) => {
    expect(await raw(bytes)).toEqual([status, code]);
  });

  it('answers problem+json to a chunk that is none, and gives its bytes back', async () => {
    const headers = ['transfer-encoding: chunked', 'content-type: application/json'];
    const socket = begin('POST /v1/json', [bearer(tokenOf('operator')), ...headers], '5\r\n{"rea\r\nzz\r\n');
    expect((await answerOf(socket)).problem.code).toBe('malformed-request');
    await vi.waitFor(() => expect(taken()).toBe(0));
  });

  it('ends a stream rather than write a problem into it', async () => {
    const socket = begin('GET /v1/stream', [bearer(tokenOf('viewer'))]);
    await once(socket, 'readable');
    socket.write('nonsense\r\n\r\n');
    const streamed = await text(socket).catch(() => '');
    expect(streamed).not.toContain('malformed-request');
  });
});

describe('bounding connections without a token', () => {
  it('closes the oldest of more than a thousand, and none that is known', async () => {
    const token = tokenOf('viewer');
    const known = begin('GET /v1/list/a', [bearer(token)]);
    await once(known, 'data');
    const strangers: Socket[] = [];
    let closed = 0;
    for (let n = 0; n < 1_050; n += 1) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      socket.once('close', () => (closed += 1));
      socket.resume();
      strangers.push(socket);
      await once(socket, 'connect');
    }
    await vi.waitFor(() => expect(closed).toBeGreaterThanOrEqual(50));
    expect(strangers[0]?.closed).toBe(true);
    expect(strangers.at(-1)?.closed).toBe(false);
    known.write(`GET /v1/list/b HTTP/1.1\r\nhost: sluice\r\n${bearer(token)}\r\n\r\n`);
    const [data] = (await once(known, 'data')) as [Buffer];
    expect(String(data)).toContain('HTTP/1.1 200');
    const newcomer = begin('GET /v1/list/c', [bearer(token), 'connection: close']);
    expect((await answerOf(newcomer)).status).toBe(200);
    for (const socket of [known, ...strangers]) socket.destroy();
  });

  it('answers one request of a caller without a token, and any number of one with', async () => {
    const unknown = await answerOf(begin('GET /v1/open', []));
    expect([unknown.status, unknown.headers.get('connection')]).toEqual([204, 'close']);
    const known = begin('GET /v1/list/a', [bearer(tokenOf('viewer'))]);
    for (const line of ['GET /v1/open', 'GET /v1/nothing', 'GET /v1/stream']) {
      const [data] = (await once(known, 'data')) as [Buffer];
      expect(String(data).toLowerCase()).toContain('connection: keep-alive');
      known.write(`${line} HTTP/1.1\r\nhost: sluice\r\n\r\n`);
    }
    known.destroy();
  });
});
