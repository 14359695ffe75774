import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { Body, Controller, Get, HttpCode, Module, type OnModuleInit, Param, Post } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { InMemoryEventStore, reject } from '@sluice/event-sourcing';
import { IsString } from 'class-validator';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  close,
  createApp,
  DeviceRoutes,
  InlineFolds,
  inject,
  ManualClock,
  ManualTimers,
  type Role,
  Roles,
  Settings,
  Tokens,
} from '../index.ts';
import { SpanTraces } from './traces.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';

class GadgetBody {
  @IsString()
  reason!: string;
}

@Controller('v1/gadgets')
class GadgetsController implements OnModuleInit {
  constructor(private readonly routes: DeviceRoutes) {}

  onModuleInit(): void {
    const schemas = { summary: 's', body: {}, answer: {} };
    const route = { path: '/v1/gadget-asks', status: 200, bodyLimitBytes: 100, kind: 'check-ins' as const };
    this.routes.post({ ...schemas, ...route, handle: () => ({}) });
  }

  @Post(':id/retire')
  @HttpCode(200)
  @Roles('operator')
  retire(@Param('id') id: string, @Body() _: GadgetBody) {
    if (id === 'broken') reject('patch-unknown', 'secret detail');
    return {};
  }

  @Get(':id')
  @Roles('viewer')
  show() {
    return {};
  }
}

@Module({ controllers: [GadgetsController] })
class GadgetsModule {}

let folder: string;
let app: NestFastifyApplication;
let tokens: Tokens;
let timers: ManualTimers;
let text: string;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-request-log-'));
  timers = new ManualTimers();
  tokens = new Tokens(folder);
  text = '';
  const lines = new Writable({
    write: (chunk: Buffer, _, done) => {
      text += chunk.toString();
      done();
    },
  });
  const clock = new ManualClock(Date.parse('2026-03-17T10:00:00Z'));
  const store = new InMemoryEventStore(clock);
  const folds = new InlineFolds(store, {});
  const given = { settings: Settings.of(), clock, store, tokens, folds, publications: [], timers };
  app = await createApp([GadgetsModule], { ...given, traces: new SpanTraces() }, pino({ level: 'info' }, lines));
});
afterEach(async () => {
  await close(app);
  rmSync(folder, { recursive: true, force: true });
});

function send(method: 'GET' | 'POST', url: string, role?: Role, headers: Record<string, string> = {}) {
  const token = role === undefined ? 'nobody-knows-this' : tokens.createLocal(`name-of-${role}`, [role]);
  const payload = method === 'POST' ? { reason: 'secret reason' } : undefined;
  const all = { authorization: `Bearer ${token}`, ...headers };
  return inject(app, { method, url, headers: all, ...(payload && { payload }) });
}

/** The lines with this text so far, without what pino adds. */
function logged(text_: string): Record<string, unknown>[] {
  const all = text
    .trim()
    .split('\n')
    .filter((line) => line !== '');
  return all.flatMap((line) => {
    const { msg, level: _l, time: _t, pid: _p, hostname: _h, ...fields } = JSON.parse(line) as Record<string, unknown>;
    return msg === text_ ? [fields] : [];
  });
}

describe('logging requests', () => {
  it('says who called which route, what came of it, how long it took, and in which trace', async () => {
    const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;
    await send('POST', '/v1/gadgets/secret-device/retire', 'operator', { traceparent, 'x-correlation-id': 'c-1' });
    await send('POST', '/v1/gadgets/broken/retire', 'operator', { 'x-correlation-id': 'c-2' });
    await send('POST', '/v1/gadgets/secret-device/retire', 'viewer', { 'x-correlation-id': 'c-3' });
    const command = { method: 'POST', route: '/v1/gadgets/{id}/retire' };
    expect(logged('request')).toEqual([
      {
        ...{ actor: 'name-of-operator', roles: ['operator'], ...command, status: 200 },
        ...{ ms: expect.any(Number), traceId: TRACE, correlationId: 'c-1' },
      },
      {
        ...{ actor: 'name-of-operator', roles: ['operator'], ...command, status: 409, code: 'patch-unknown' },
        ...{ ms: expect.any(Number), correlationId: 'c-2' },
      },
      {
        ...{ actor: 'name-of-viewer', roles: ['viewer'], ...command, status: 403, code: 'forbidden' },
        ...{ ms: expect.any(Number), correlationId: 'c-3' },
      },
    ]);
  });

  it('names neither bodies, tokens, details nor devices', async () => {
    await send('POST', '/v1/gadgets/secret-device/retire?secret-query', 'operator');
    await send('POST', '/v1/gadgets/broken/retire', 'operator');
    await send('GET', '/secret-path', 'operator');
    await send('GET', '/v1/gadgets/secret-device', 'device');
    await send('POST', '/v1/gadgets/secret-device/retire');
    expect(logged('request').map(({ actor, route, status }) => [actor, route, status])).toEqual([
      ['name-of-operator', '/v1/gadgets/{id}/retire', 400],
      ['name-of-operator', '/v1/gadgets/{id}/retire', 409],
      ['unknown', 'none', 404],
      ['a device', '/v1/gadgets/{id}', 403],
      ['unknown', '/v1/gadgets/{id}/retire', 401],
    ]);
    expect(text).not.toMatch(/secret|slc_|nobody-knows|name-of-device/);
  });

  it('has a bounded number of lines of each kind, and says how many were left out', async () => {
    for (let n = 0; n < 130; n += 1) await send('GET', '/v1/gadgets/d', 'viewer');
    for (let n = 0; n < 50; n += 1) await send('GET', '/v1/gadgets/d');
    await send('POST', '/v1/gadgets/d/retire', 'operator');
    const statuses = () => logged('request').map(({ status }) => status);
    expect(statuses().filter((status) => status === 401)).toHaveLength(20);
    expect(statuses().filter((status) => status === 200)).toHaveLength(101);
    timers.advance(60_000);
    const sums = () => logged('requests without a line of their own');
    expect(sums()).toEqual([{ leftOut: { reads: 30, strangers: 30 }, devices: [] }]);
    await send('GET', '/v1/gadgets/d');
    expect(statuses()).toHaveLength(122);
    timers.advance(600_000);
    expect(sums()).toHaveLength(1);
  });

  it('has sums of device routes only', async () => {
    for (let n = 0; n < 3; n += 1) await send('POST', '/v1/gadget-asks', 'gateway');
    await send('POST', '/v1/gadget-asks', 'viewer');
    timers.advance(60_000);
    await send('POST', '/v1/gadget-asks', 'gateway');
    timers.advance(60_000);
    expect(logged('request')).toEqual([]);
    expect(logged('requests without a line of their own')).toEqual([
      { leftOut: {}, devices: [{ path: '/v1/gadget-asks', answered: 3, refused: 1 }] },
      { leftOut: {}, devices: [{ path: '/v1/gadget-asks', answered: 1, refused: 0 }] },
    ]);
  });
});
