import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Body, Controller, Delete, Get, HttpCode, Module, Param, Post, Query, Res } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  type Append,
  type CommandContext,
  type Decider,
  EventStore,
  handle,
  InMemoryEventStore,
  load,
  reject,
  StoreUnavailable,
} from '@sluice/event-sourcing';
import { IsIn, IsInt, IsOptional, IsString } from 'class-validator';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  AnswerNotKept,
  close,
  createApp,
  InlineFolds,
  ManualClock,
  ManualTimers,
  RequestContext,
  Roles,
  Settings,
  StopRoute,
  Tokens,
  Versioned,
} from '../index.ts';

type Counted = { readonly type: 'Counted'; readonly by: number };

/** A count that may not go beyond ten: a command that is judged anew on what it made is refused. */
const counter: Decider<number, { readonly by: number }, Counted> = {
  initialState: 0,
  decide: ({ by }, count) => {
    if (count + by > 10) reject('rollout-over');
    return by === 0 ? [] : [{ type: 'Counted', by }];
  },
  evolve: (count, { by }) => count + by,
};

class CountBody {
  @IsInt()
  by!: number;
}

class CountQuery {
  @IsOptional()
  @IsString()
  note?: string;
}

class StopBody {
  @IsString()
  @IsIn(['lunch', 'harm'])
  reason = 'harm';
}

@Controller('v1/counters')
class CountersController {
  constructor(private readonly store: EventStore) {}

  @Post(':id/count')
  @Roles('operator')
  async count(
    @Param('id') id: string,
    @Body() { by }: CountBody,
    @Query() _: CountQuery,
    @RequestContext() context: CommandContext,
    @Res({ passthrough: true }) reply: { status(code: number): unknown },
  ) {
    const { state, events } = await this.change(id, by, context);
    reply.status(events.length > 0 ? 201 : 200);
    return new Versioned({ count: state }, state);
  }

  @Post(':id/stop')
  @StopRoute(StopBody)
  @HttpCode(200)
  @Roles('operator')
  async stop(@Param('id') id: string, @Body() { reason }: StopBody, @RequestContext() context: CommandContext) {
    const { state } = await this.change(id, 1, context);
    return { count: state, reason };
  }

  @Post(':id/secret')
  @AnswerNotKept()
  @Roles('operator')
  async secret(@Param('id') id: string, @RequestContext() context: CommandContext) {
    await this.change(id, 1, context);
    return { secret: `of ${context.commitId}` };
  }

  /** Counts what is missing. */
  @Post(':id/fill')
  @HttpCode(200)
  @Roles('operator')
  async fill(@Param('id') id: string, @Body() { by: upTo }: CountBody, @RequestContext() context: CommandContext) {
    const { state } = await load(this.store, counter, `counter-${id}`);
    await this.change(id, upTo - state, context);
    return { missing: upTo - state };
  }

  /** Has no commit that could be recognized. */
  @Post(':id/count-anew')
  @HttpCode(200)
  @Roles('operator')
  async countAnew(@Param('id') id: string, @RequestContext() context: CommandContext) {
    const { state } = await this.change(id, 1, { ...context, commitId: randomUUID() });
    return { count: state };
  }

  @Delete(':id')
  @HttpCode(204)
  @Roles('operator')
  async empty(@Param('id') id: string, @RequestContext() context: CommandContext): Promise<void> {
    await this.change(id, 1, context);
  }

  @Get(':id')
  @Roles('operator')
  show(@Param('id') id: string, @RequestContext() { commitId }: CommandContext) {
    return { id, commitId };
  }

  private change(id: string, by: number, context: CommandContext) {
    return handle(this.store, counter, `counter-${id}`, { by }, context);
  }
}

@Module({ controllers: [CountersController] })
class CountersModule {}

const clock = new ManualClock(Date.parse('2026-03-17T00:00:00Z'));
const folder = mkdtempSync(join(tmpdir(), 'sluice-keys-'));
const tokens = new Tokens(folder);
const operator = tokens.createLocal('olga', ['operator']);
let store: InMemoryEventStore;
let timers: ManualTimers;
let instances: NestFastifyApplication[];

async function boot(): Promise<NestFastifyApplication> {
  const app = await createApp([CountersModule], {
    ...{ settings: Settings.of(), clock, store, tokens, folds: new InlineFolds(store, {}), publications: [], timers },
  });
  instances.push(app);
  return app;
}

beforeEach(async () => {
  store = new InMemoryEventStore(clock);
  timers = new ManualTimers();
  instances = [];
  await boot();
});
afterEach(async () => {
  for (const each of instances) await close(each);
});

interface Sent {
  readonly key?: string;
  readonly body?: unknown;
  readonly token?: string;
  readonly instance?: number;
  readonly method?: 'POST' | 'DELETE' | 'GET';
}

async function send(url: string, { key, body, token = operator, instance = 0, method = 'POST' }: Sent = {}) {
  const headers = { authorization: `Bearer ${token}`, ...(key !== undefined && { 'idempotency-key': key }) };
  const response = await instances[instance]?.inject({
    ...{ method, url: `/v1/counters/${url}`, headers },
    ...(body !== undefined && { payload: body as object }),
  });
  if (response === undefined) throw new Error('no such instance');
  const { statusCode: status, body: text } = response;
  const answer = text === '' ? undefined : (JSON.parse(text) as Record<string, unknown>);
  // The correlation id is that of the request.
  delete answer?.['correlationId'];
  return { status, etag: response.headers.etag, body: answer };
}

const count = (by: number, sent: Sent = {}) => send('a/count', { ...sent, body: { by } });

async function counted(): Promise<number[]> {
  const by: number[] = [];
  for await (const { body } of store.readAll({ prefixes: ['counter-'] })) {
    if (body.kind === 'events') by.push(...body.events.map((event) => (event as Counted).by));
  }
  return by;
}

/** The next appends to such a stream do this instead. */
function instead(prefix: string, act: (append: Append, go: () => Promise<unknown>) => Promise<never>, times = 1): void {
  const append = store.append.bind(store);
  let left = times;
  store.append = (each) => {
    if (!each.stream.startsWith(prefix) || left === 0) return append(each);
    left -= 1;
    return act(each, () => append(each));
  };
  onTestFinished(() => {
    store.append = append;
  });
}

const fails = () => Promise.reject(new StoreUnavailable('the disk is full'));
const hangs = () => new Promise<never>(() => undefined);

describe('sending a command again under its key', () => {
  it('answers as the first time, word for word, and does nothing more', async () => {
    const first = await count(2, { key: 'k' });
    expect(first).toEqual({ status: 201, etag: '"2"', body: { count: 2 } });
    await count(3);
    expect(await count(2, { key: 'k' })).toEqual(first);
    expect(await counted()).toEqual([2, 3]);
  });

  it('answers so where the first time changed nothing, where the answer has no body, and after a restart', async () => {
    const first = await count(0, { key: 'k' });
    expect(first).toEqual({ status: 200, etag: '"0"', body: { count: 0 } });
    const emptied = await send('a', { method: 'DELETE', key: 'k' });
    expect(emptied).toMatchObject({ status: 204, body: undefined });
    await boot();
    expect(await count(0, { key: 'k', instance: 1 })).toEqual(first);
    expect(await send('a', { method: 'DELETE', key: 'k', instance: 1 })).toEqual(emptied);
    expect(await counted()).toEqual([1]);
  });

  it('does not do later what there was nothing to do for the first time', async () => {
    await count(5);
    const fill = () => send('a/fill', { key: 'k', body: { by: 5 } });
    const first = await fill();
    await count(-3);
    expect(await fill()).toEqual(first);
    expect(await counted()).toEqual([5, -3]);
  });

  it('judges a command without a key by the state', async () => {
    await count(6);
    expect(await count(6)).toMatchObject({ status: 409 });
  });

  it('takes a body with its fields in another order for the same one', async () => {
    const ordered = async (payload: string) => {
      const headers = {
        ...{ authorization: `Bearer ${operator}`, 'content-type': 'application/json', 'idempotency-key': 'o' },
      };
      const answer = await instances[0]?.inject({ method: 'POST', url: '/v1/counters/a/stop', headers, payload });
      return answer?.json<unknown>();
    };
    expect(await ordered('{"reason":"lunch"}')).toEqual(await ordered(' { "reason" : "lunch" } '));
    expect(await counted()).toEqual([1]);
  });

  it('gives a read no meaning of it', async () => {
    const one = await send('a', { method: 'GET', key: 'k' });
    expect(await send('a', { method: 'GET', key: 'k' })).not.toEqual(one);
  });
});

describe('using a key for another request', () => {
  it.each([
    ['another body', 'a/count', { by: 2 }],
    ['another thing', 'b/count', { by: 1 }],
    ['another query', 'a/count?note=again', { by: 1 }],
  ])('is refused: %s', async (_, url, body) => {
    await count(1, { key: 'k' });
    expect(await send(url, { key: 'k', body })).toMatchObject({ status: 422, body: { code: 'key-reused' } });
    expect(await counted()).toEqual([1]);
  });

  it('keeps the keys of callers and of operations apart', async () => {
    const other = tokens.createLocal('otto', ['operator']);
    await count(1, { key: 'k' });
    expect(await count(2, { key: 'k', token: other })).toMatchObject({ status: 201, body: { count: 3 } });
    expect(await send('a/stop', { key: 'k' })).toMatchObject({ status: 200, body: { count: 4 } });
  });

  it('may use the key of a request that was refused', async () => {
    expect(await count(11, { key: 'k' })).toMatchObject({ status: 409 });
    expect(await send('a/count', { key: 'k', body: { by: 'two' } })).toMatchObject({ status: 400 });
    expect(await count(2, { key: 'k' })).toMatchObject({ status: 201, body: { count: 2 } });
  });

  it.each(['', 'x'.repeat(129), 'caf\u00e9', 'tab\there'])('refuses %j as a key', async (key) => {
    expect(await count(1, { key })).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', errors: [{ path: '/idempotency-key', code: 'idempotency-key' }] },
    });
    expect(await counted()).toEqual([]);
  });
});

describe('sending a body that is nested too deep', () => {
  const nested = `{"by":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
  const sendNested = (url: string) => {
    const headers = { authorization: `Bearer ${operator}`, 'content-type': 'application/json', 'idempotency-key': 'k' };
    return instances[0]?.inject({ method: 'POST', url, headers, payload: nested });
  };

  it('is refused', async () => {
    expect((await sendNested('/v1/counters/a/count'))?.json()).toMatchObject({ status: 400, code: 'nested-too-deep' });
    expect(await count(1, { key: 'k' })).toMatchObject({ status: 201 });
  });
});

describe('losing the answer', () => {
  it('answers with what was done when the answer could not be kept, and judges it by no later state', async () => {
    instead('key-', fails, 2);
    expect(await count(6, { key: 'k' })).toMatchObject({ status: 201, body: { count: 6 } });
    expect(await count(6, { key: 'k' })).toMatchObject({ status: 201, body: { count: 6 } });
    expect(await counted()).toEqual([6]);
  });

  it('answers with what was done when the process ended between the two', async () => {
    // The command is stored, and the process gets no further.
    instead('counter-', async (_, go) => {
      await go();
      return hangs();
    });
    void count(6, { key: 'k' });
    await expect.poll(counted).toEqual([6]);
    await boot();
    expect(await count(6, { key: 'k', instance: 1 })).toMatchObject({ status: 201, body: { count: 6 } });
    expect(await counted()).toEqual([6]);
    expect(await count(5, { key: 'k', instance: 1 })).toMatchObject({ status: 422 });
  });

  it('keeps no secret, and has the command say what it did', async () => {
    const first = await send('a/secret', { key: 'k' });
    expect(await send('a/secret', { key: 'k' })).toEqual(first);
    expect(await counted()).toEqual([1]);
    for await (const commit of store.readAll()) expect(JSON.stringify(commit.body)).not.toContain('secret');
  });

  it('says that the store cannot write when it cannot', async () => {
    instead('', fails, 2);
    expect(await count(1, { key: 'k' })).toMatchObject({ status: 503, body: { code: 'store-unavailable' } });
    expect(await count(1, { key: 'k' })).toMatchObject({ status: 201, body: { count: 1 } });
  });
});

describe('sending equal requests at once', () => {
  it('does it once, and answers all the same, at one instance and at two', async () => {
    await boot();
    for (let round = 0; round < 50; round += 1) {
      const sent = [0, 1, 0, 1].map((instance) =>
        send(`${String(round)}/count`, { key: `k${String(round)}`, body: { by: 6 }, instance }),
      );
      const [first, ...others] = await Promise.all(sent);
      expect(first).toEqual({ status: 201, etag: '"6"', body: { count: 6 } });
      for (const other of others) expect(other).toEqual(first);
    }
    expect(await counted()).toEqual(Array.from({ length: 50 }, () => 6));
  });

  it('does it once at one instance also where nothing tells the two apart but the key', async () => {
    const sent = [1, 2, 3].map(() => send('a/count-anew', { key: 'k' }));
    for (const answer of await Promise.all(sent)) expect(answer).toMatchObject({ status: 200, body: { count: 1 } });
    expect(await counted()).toEqual([1]);
  });

  it('counts each key once, whatever is sent again, when and where', async () => {
    await boot();
    let runs = 0;
    const sendings = fc.array(fc.record({ key: fc.nat(4), instance: fc.nat(1), waits: fc.boolean() }), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(sendings, async (all) => {
        runs += 1;
        const run = String(runs);
        const answers = new Map<number, Set<string>>();
        const underWay = all.map(({ key, instance, waits }) => ({
          key,
          waits,
          answer: () => send(`p${run}/count`, { key: `${run}-${String(key)}`, body: { by: key % 3 }, instance }),
        }));
        const pending: Promise<unknown>[] = [];
        for (const { key, waits, answer } of underWay) {
          const answered = answer().then((each) => {
            answers.set(key, (answers.get(key) ?? new Set()).add(JSON.stringify(each)));
          });
          pending.push(answered);
          if (waits) await answered;
        }
        await Promise.all(pending);
        for (const each of answers.values()) expect(each.size).toBe(1);
        const by: number[] = [];
        for await (const { body } of store.readStream(`counter-p${run}`)) {
          if (body.kind === 'events') by.push(...body.events.map((event) => (event as Counted).by));
        }
        const keys = new Set(all.map(({ key }) => key));
        expect(by.sort()).toEqual(
          [...keys]
            .map((key) => key % 3)
            .filter((each) => each > 0)
            .sort(),
        );
      }),
      { numRuns: 60 },
    );
  });
});

describe('stopping under a key', () => {
  it('answers as the first time, and stops nothing anew', async () => {
    const first = await send('a/stop', { key: 'k' });
    await count(1);
    expect(await send('a/stop', { key: 'k' })).toEqual(first);
    expect(await counted()).toEqual([1, 1]);
  });

  it.each(['', 'x'.repeat(129), 'tab\there'])('needs no sound key: %j', async (key) => {
    expect(await send('a/stop', { key })).toMatchObject({ status: 200, body: { count: 1 } });
    expect(await send('a/stop', { key })).toMatchObject({ status: 200, body: { count: 2 } });
  });

  it('is carried out under a key that stands for another stop', async () => {
    await send('a/stop', { key: 'k' });
    expect(await send('a/stop', { key: 'k', body: { reason: 'lunch' } })).toMatchObject({
      status: 200,
      body: { count: 2 },
    });
    expect(await send('b/stop', { key: 'k' })).toMatchObject({ status: 200, body: { count: 1 } });
    expect(await send('b/stop', { key: 'k' })).toMatchObject({ status: 200, body: { count: 1 } });
  });

  it('waits for no key: the store may hang, or be unable to write', async () => {
    instead('key-', hangs, 1);
    const stopped = send('a/stop', { key: 'k' });
    await expect.poll(counted).toEqual([1]);
    timers.advance(200);
    expect(await stopped).toMatchObject({ status: 200 });
    instead('key-', fails, 1);
    expect(await send('b/stop', { key: 'k2' })).toMatchObject({ status: 200 });
  });
});
