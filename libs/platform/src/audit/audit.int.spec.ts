import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Body, Controller, HttpCode, Module, Param, Post } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type AuditEntry, type AuditPage } from '@sluice/api';
import { InMemoryEventStore, reject } from '@sluice/event-sourcing';
import { IsOptional, IsString } from 'class-validator';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { close, createApp, InlineFolds, ManualClock, ManualTimers, Roles, Settings, Tokens } from '../index.ts';

class ThingBody {
  @IsOptional()
  @IsString()
  reason?: string;

  @IsOptional()
  @IsString()
  patchId?: string;
}

@Controller('v1/things')
class ThingsController {
  @Post()
  @Roles('publisher')
  make(@Body() body: ThingBody) {
    return body;
  }

  @Post(':id/hand-on')
  @HttpCode(200)
  @Roles('peer')
  handOn(@Param('id') id: string) {
    return { id };
  }

  @Post(':id/stop')
  @HttpCode(200)
  @Roles('operator')
  stop(@Param('id') id: string, @Body() _: ThingBody) {
    if (id === 'gone') reject('patch-not-found', id);
    return { id };
  }
}

@Module({ controllers: [ThingsController] })
class ThingsModule {}

let folder: string;
let clock: ManualClock;
let timers: ManualTimers;
let tokens: Tokens;
let app: NestFastifyApplication;
let operator: string;

async function boot(): Promise<void> {
  const store = new InMemoryEventStore(clock);
  timers = new ManualTimers();
  const folds = new InlineFolds(store, {});
  const its = { settings: Settings.of(), clock, store, tokens, folds, publications: [], timers };
  app = await createApp([ThingsModule], { ...its, auditFolder: auditFolder() });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-audit-'));
  clock = new ManualClock(Date.parse('2026-03-17T10:00:00Z'));
  tokens = new Tokens(folder);
  operator = tokens.createLocal('olga', ['operator']);
  await boot();
});
afterEach(async () => {
  await close(app);
  rmSync(folder, { recursive: true });
});

const auditFolder = () => join(folder, 'audit');
const files = () => readdirSync(auditFolder()).sort();

function post(url: string, payload: object = {}, token: string | undefined = operator) {
  const headers = { 'x-correlation-id': 'c-1', ...(token !== '' && { authorization: `Bearer ${token}` }) };
  return app.inject({ method: 'POST', url, payload, headers });
}

async function read(query = ''): Promise<AuditPage> {
  const headers = { authorization: `Bearer ${tokens.adminToken()}` };
  return (await app.inject({ method: 'GET', url: `/v1/audit${query}`, headers })).json<AuditPage>();
}

const short = (entries: readonly AuditEntry[]) => entries.map(({ actor, code, count }) => [actor, code, count]);

/** Ends the service in good order, and starts it again. */
async function restart(): Promise<void> {
  await close(app);
  await boot();
}

describe('noting commands', () => {
  it('tells who did what, from where, why, and what came of it', async () => {
    await post('/v1/things/a/stop', { reason: 'it hurts' });
    await post('/v1/things/gone/stop');
    await post('/v1/things', { patchId: 'p-1' });
    await post('/v1/things/a/stop', { reason: 1 });
    const common = { at: '2026-03-17T10:00:00.000Z', actor: 'olga', roles: ['operator'], correlationId: 'c-1' };
    const stop = { ...common, tokenId: 'local', from: '127.0.0.1', operation: 'POST /v1/things/{id}/stop' };
    expect((await read()).items).toEqual([
      { number: 4, ...stop, target: 'a', code: 'invalid-request' },
      // Who may not call is refused before the body is read, which names the patch.
      { number: 3, ...stop, operation: 'POST /v1/things', code: 'forbidden' },
      { number: 2, ...stop, target: 'gone', code: 'patch-not-found' },
      { number: 1, ...stop, target: 'a', reason: 'it hurts', code: 'ok' },
    ]);
  });

  it('notes nothing that is no command, and no command that another instance handed on', async () => {
    await app.inject({ method: 'GET', url: '/v1/feed' });
    await post('/v1/nothing');
    await post('/v1/things/a/hand-on', {}, tokens.peerToken());
    expect((await read()).items).toEqual([]);
  });

  it('notes what a peer was refused, as of everybody else', async () => {
    for (let each = 0; each < 3; each += 1) await post('/v1/things/gone/stop', {}, tokens.peerToken());
    const { items } = await read();
    expect(items).toHaveLength(3);
    const stop = { operation: 'POST /v1/things/{id}/stop' };
    expect(items[0]).toMatchObject({
      ...stop,
      actor: 'system:peer',
      roles: ['peer'],
      from: '127.0.0.1',
      code: 'forbidden',
    });
  });

  it('is for operators and responders', async () => {
    for (const [role, status] of [
      ['operator', 200],
      ['responder', 200],
      ['viewer', 403],
      ['publisher', 403],
    ] as const) {
      const headers = { authorization: `Bearer ${tokens.createLocal(role, [role])}` };
      expect((await app.inject({ method: 'GET', url: '/v1/audit', headers })).statusCode).toBe(status);
    }
  });

  it('keeps the beginning of what is long', async () => {
    await post('/v1/things/a/stop', { reason: 'x'.repeat(5_000) });
    expect((await read()).items[0]?.reason).toBe(`${'x'.repeat(199)}…`);
  });
});

describe('bounding what is kept', () => {
  it('counts the refusals of strangers, one entry a minute', async () => {
    for (let each = 0; each < 500; each += 1) await post('/v1/things', {}, each % 2 === 0 ? '' : 'slc_unknown');
    expect((await read()).items).toEqual([]);
    timers.advance(60_000);
    expect(short((await read()).items)).toEqual([['unknown', 'unauthenticated', 500]]);
    timers.advance(60_000);
    expect((await read()).items).toHaveLength(1);
  });

  it('writes sixty refusals of a token a minute, and counts the others', async () => {
    for (let each = 0; each < 100; each += 1) await post('/v1/things');
    timers.advance(60_000);
    const { items } = await read();
    expect(short(items.slice(0, 2))).toEqual([
      ['olga', 'forbidden', 40],
      ['olga', 'forbidden', undefined],
    ]);
    expect(items).toHaveLength(61);
  });

  it('writes every command that is taken', async () => {
    for (let each = 0; each < 150; each += 1) await post('/v1/things/a/stop');
    expect((await read('?limit=1000')).items).toHaveLength(150);
  });

  it('deletes the oldest files', { timeout: 60_000 }, async () => {
    const entry = { at: '2026-01-01T00:00:00Z', actor: 'a', roles: [], from: '::1', operation: '*', code: 'ok' };
    const line = (number: number) => `${JSON.stringify({ number, ...entry })}\n`;
    await close(app);
    for (let each = 1; each <= 16; each += 1) {
      writeFileSync(join(auditFolder(), `${String(each * 10).padStart(16, '0')}.jsonl`), line(each * 10));
    }
    appendFileSync(join(auditFolder(), files().at(-1) ?? ''), ' '.repeat(4 * 1024 * 1024));
    await boot();
    await post('/v1/things/a/stop');
    await restart();
    expect(files()).toHaveLength(16);
    expect(files().at(0)).toBe('0000000000000020.jsonl');
    expect((await read()).items[0]).toMatchObject({ actor: 'olga', number: 161 });
  });
});

describe('keeping the audit', () => {
  it('is there after a restart, in a file for its owner only, and goes on counting', async () => {
    await post('/v1/things/a/stop');
    await restart();
    await post('/v1/things/b/stop');
    expect((await read()).items.map(({ number, target }) => [number, target])).toEqual([
      [2, 'b'],
      [1, 'a'],
    ]);
    expect(statSync(join(auditFolder(), files()[0] ?? '')).mode & 0o777).toBe(0o600);
  });

  it('passes over a line that a crash has cut off', async () => {
    await post('/v1/things/a/stop');
    await close(app);
    appendFileSync(join(auditFolder(), files()[0] ?? ''), '{"number":2,"at":"2026');
    await boot();
    await post('/v1/things/b/stop');
    await restart();
    expect((await read()).items.map(({ target }) => target)).toEqual(['b', 'a']);
  });

  it('goes on where the disk does not take it, says so, and writes it later', async () => {
    await close(app);
    rmSync(auditFolder(), { recursive: true });
    writeFileSync(auditFolder(), '');
    await boot();
    expect((await post('/v1/things/a/stop')).statusCode).toBe(200);
    const ready = async () => (await app.inject('/health/ready')).json<{ troubles?: string[] }>().troubles ?? [];
    expect((await ready()).join()).toMatch(/audit/);
    expect((await read()).items.map(({ target }) => target)).toEqual(['a']);
    rmSync(auditFolder());
    await restart();
    await post('/v1/things/b/stop');
    await close(app);
    expect(readFileSync(join(auditFolder(), files()[0] ?? ''), 'utf8')).toContain('"target":"b"');
    await boot();
  });
});

describe('asking for entries', () => {
  beforeEach(async () => {
    for (let each = 0; each < 7; each += 1) {
      await clock.advanceTo(Date.parse(`2026-03-17T11:0${String(each)}:00Z`));
      await post(`/v1/things/${each % 2 === 0 ? 'even' : 'odd'}/stop`);
    }
    await post('/v1/things');
  });

  it.each([
    ['code=forbidden', 1],
    ['code=ok', 7],
    ['target=even', 4],
    ['actor=olga', 8],
    ['actor=somebody', 0],
    ['operation=/stop', 7],
    ['operation=POST+/v1/things&code=forbidden', 1],
    ['from=2026-03-17T11:03:00Z&to=2026-03-17T11:04:00Z', 2],
    ['from=2026-03-17T11:03:00Z&target=odd', 2],
  ])('finds by %s', async (query, found) => {
    expect((await read(`?${query}`)).items).toHaveLength(found);
    await restart();
    expect((await read(`?${query}`)).items).toHaveLength(found);
  });

  it('gives pages that go on where they were, while more comes', async () => {
    const first = await read('?limit=3&code=ok');
    await post('/v1/things/late/stop');
    await restart();
    const second = await read(`?limit=3&code=ok&cursor=${first.nextCursor ?? ''}`);
    const third = await read(`?limit=3&code=ok&cursor=${second.nextCursor ?? ''}`);
    expect([first, second, third].map(({ items }) => items.map(({ number }) => number))).toEqual([
      [7, 6, 5],
      [4, 3, 2],
      [1],
    ]);
    expect(third.nextCursor).toBeUndefined();
  });

  it('refuses what it does not understand', async () => {
    expect(await read('?cursor=x')).toMatchObject({ status: 400, code: 'unknown-cursor' });
    for (const query of ['limit=0', 'from=yesterday', 'colour=red']) {
      expect(await read(`?${query}`)).toMatchObject({ status: 400, code: 'invalid-request' });
    }
  });
});
