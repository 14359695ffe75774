import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Body, Controller, HttpCode, Module, Post } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { InMemoryEventStore } from '@sluice/event-sourcing';
import { IsIn, IsString } from 'class-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Roles } from '../auth/auth.ts';
import { Tokens } from '../auth/tokens.ts';
import { ManualClock } from '../time/clock.ts';
import { InlineFolds } from '../replay/folds.ts';
import { Settings } from '../settings/settings.ts';
import { StopRoute } from './bodies.ts';
import { close, createApp } from './serve.ts';

class BrakeBody {
  @IsIn(['soft', 'hard'])
  mode = 'soft';

  @IsString()
  reason = 'no reason given';
}

@Controller('v1')
class BrakeController {
  @Post('brake')
  @StopRoute(BrakeBody)
  @HttpCode(200)
  @Roles('responder')
  brake(@Body() body: BrakeBody) {
    return body;
  }

  @Post('go')
  @Roles('operator')
  go(@Body() body: BrakeBody) {
    return body;
  }
}

@Module({ controllers: [BrakeController] })
class BrakeModule {}

const folder = mkdtempSync(join(tmpdir(), 'sluice-bodies-'));
const tokens = new Tokens(folder);
let app: NestFastifyApplication;
let port: number;

beforeAll(async () => {
  const clock = new ManualClock(0);
  const store = new InMemoryEventStore(clock);
  const folds = new InlineFolds(store, {});
  app = await createApp([BrakeModule], { settings: Settings.of(), clock, store, tokens, folds, publications: [] });
  await app.listen(0, '127.0.0.1');
  port = Number(new URL(await app.getUrl()).port);
});
afterAll(async () => {
  await close(app);
  rmSync(folder, { recursive: true, force: true });
});

/** A request as it goes over the wire, so that no client adds or corrects a header. */
async function send(path: string, headers: readonly string[], body = '') {
  const socket = connect(port, '127.0.0.1');
  const head = [`POST ${path} HTTP/1.1`, 'host: sluice', 'connection: close', ...headers];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
  const [top = '', ...rest] = (await text(socket)).split('\r\n\r\n');
  return { status: Number(top.split(' ')[1]), body: JSON.parse(rest.join('\r\n\r\n')) as unknown };
}

const authorized = () => `authorization: Bearer ${tokens.adminToken()}`;
const sized = (type: string | undefined, body: string) => [
  authorized(),
  ...(type === undefined ? [] : [`content-type: ${type}`]),
  `content-length: ${String(Buffer.byteLength(body))}`,
];

const types = [
  undefined,
  '',
  'application/json',
  'application/json; charset=utf-8',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'text/plain',
  'application/octet-stream',
  'image/png',
  'no type at all ;;;',
];
const byDefault = { status: 200, body: { mode: 'soft', reason: 'no reason given' } };

describe('stopping without words', () => {
  it.each(types)('takes a stop without a body, with the content type %j', async (type) => {
    expect(await send('/v1/brake', sized(type, ''))).toEqual(byDefault);
    const withoutLength = sized(type, '').filter((header) => !header.startsWith('content-length'));
    expect(await send('/v1/brake', withoutLength)).toEqual(byDefault);
    const chunked = [...withoutLength, 'transfer-encoding: chunked'];
    expect(await send('/v1/brake', chunked, '0\r\n\r\n')).toEqual(byDefault);
  });

  it.each(['{"mode":"ha', '{', 'null', '[]', '"hard"', '17', 'reason=it+smokes', '\u0000\u0001', '{} {}', ' '])(
    'takes a stop that says %j, with its default reason',
    async (body) => {
      for (const type of types) expect(await send('/v1/brake', sized(type, body), body)).toEqual(byDefault);
    },
  );

  it.each(types)('reads a JSON object, with the content type %j', async (type) => {
    const body = JSON.stringify({ mode: 'hard', reason: 'smoke' });
    expect(await send('/v1/brake', sized(type, body), body)).toEqual({
      status: 200,
      body: JSON.parse(body) as unknown,
    });
  });

  it('names the faults of a JSON object: what it asks for is not clear', async () => {
    const body = JSON.stringify({ mode: 'hrad', more: 1 });
    expect(await send('/v1/brake', sized('text/plain', body), body)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', errors: [{ path: '/more' }, { path: '/mode' }] },
    });
  });

  it('asks for a token nevertheless', async () => {
    expect(await send('/v1/brake', ['content-length: 0'])).toMatchObject({ status: 401 });
  });

  it('is stricter where nothing is stopped', async () => {
    expect(await send('/v1/go', sized('text/plain', 'x'), 'x')).toMatchObject({ status: 415 });
    expect(await send('/v1/go', sized('application/json', '{'), '{')).toMatchObject({
      status: 400,
      body: { code: 'malformed-json' },
    });
    expect(await send('/v1/go', sized('application/octet-stream', '{}'), '{}')).toMatchObject({ status: 415 });
  });
});
