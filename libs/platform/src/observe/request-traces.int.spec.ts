import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Controller, Get, HttpCode, Module, Param, Post } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import {
  InMemorySpanExporter,
  type Sampler,
  SamplingDecision,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { type CommandContext, InMemoryEventStore, reject } from '@sluice/event-sourcing';
import { afterEach, describe, expect, it } from 'vitest';
import { close, createApp, InlineFolds, ManualClock, RequestContext, Roles, Settings, Tokens } from '../index.ts';
import { type Companion } from '../replay/followers.ts';
import { ExportingTraces, SpanTraces } from './traces.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const CALLER = `00-${TRACE}-${SPAN}-01`;

/** Answers with the context that a command would be appended with. */
@Controller('v1/gadgets')
class GadgetsController {
  @Post(':id/retire')
  @HttpCode(200)
  @Roles('operator')
  retire(@Param('id') id: string, @RequestContext() { traceparent }: CommandContext) {
    if (id === 'nobody') reject('patch-unknown', 'x'.repeat(5_000));
    return { traceparent };
  }

  @Get(':id')
  @Roles('viewer')
  show() {
    return {};
  }
}

@Module({ controllers: [GadgetsController] })
class GadgetsModule {}

const folder = mkdtempSync(join(tmpdir(), 'sluice-request-traces-'));
const spans = new InMemorySpanExporter();
const tracer = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }).getTracer('t');
let app: NestFastifyApplication;
let tokens: Tokens;

afterEach(async () => {
  await close(app);
  spans.reset();
  rmSync(folder, { recursive: true, force: true });
});

async function start(traces = new SpanTraces(tracer), companions: readonly Companion[] = []): Promise<void> {
  const clock = new ManualClock(Date.parse('2026-03-17T10:00:00Z'));
  const store = new InMemoryEventStore(clock);
  tokens = new Tokens(folder);
  const folds = new InlineFolds(store, {});
  const settings = Settings.of();
  app = await createApp([GadgetsModule], {
    settings,
    clock,
    store,
    tokens,
    folds,
    publications: [],
    traces,
    companions,
  });
}

async function retire(headers: Record<string, string> = {}, id = 'secret-device') {
  const authorization = `Bearer ${tokens.createLocal('ops', ['operator'])}`;
  const response = await app.inject({
    method: 'POST',
    url: `/v1/gadgets/${id}/retire`,
    headers: { authorization, ...headers },
  });
  return response.json<{ traceparent?: string }>();
}

describe('tracing requests', () => {
  it("makes a command a step of its caller's trace, and says its route and never whom it is about", async () => {
    await start();
    const { traceparent } = await retire({ traceparent: CALLER });
    const [span] = spans.getFinishedSpans();
    expect(span?.name).toBe('POST /v1/gadgets/{id}/retire');
    expect(span?.parentSpanContext).toMatchObject({ traceId: TRACE, spanId: SPAN });
    expect(traceparent).toBe(`00-${TRACE}-${span?.spanContext().spanId ?? ''}-01`);
    expect(span?.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/v1/gadgets/{id}/retire',
      'http.response.status_code': 200,
      'sluice.actor': 'ops',
    });
  });

  it('tells the sampler whose request it is', async () => {
    const asked: unknown[] = [];
    const sampler = {
      shouldSample: (...[, , , , attributes]: Parameters<Sampler['shouldSample']>) => {
        asked.push(attributes['sluice.actor']);
        return { decision: SamplingDecision.NOT_RECORD };
      },
    };
    await start(new SpanTraces(new TracerProvider({ sampler }).getTracer('t')));
    await retire();
    expect(asked).toEqual(['ops']);
  });

  it('tells how a command was refused by its code, and not in its words', async () => {
    await start();
    await retire({}, 'nobody');
    const [span] = spans.getFinishedSpans();
    expect(span?.attributes).toMatchObject({ 'sluice.code': 'patch-unknown', 'http.response.status_code': 409 });
    expect(JSON.stringify([span?.attributes, span?.status])).not.toMatch(/nobody|xxx/);
  });

  it.each([
    '',
    'x',
    `00-${TRACE}-${SPAN}-01, 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `ff-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
  ])('begins a trace of its own where the given context is %j', async (traceparent) => {
    await start();
    await retire({ traceparent });
    const [span] = spans.getFinishedSpans();
    expect(span?.parentSpanContext).toBeUndefined();
    expect(span?.spanContext().traceId).not.toBe(TRACE);
  });

  it('believes nothing that strangers say', async () => {
    await start();
    await retire({ authorization: 'Bearer nobody', traceparent: CALLER });
    await app.inject({ method: 'POST', url: '/v1/gadgets/d/retire', headers: { traceparent: CALLER } });
    await app.inject({ method: 'GET', url: '/health/live', headers: { traceparent: CALLER } });
    expect(spans.getFinishedSpans()).toEqual([]);
  });

  it('makes a step of what only reads when it continues a trace', async () => {
    await start();
    const authorization = `Bearer ${tokens.createLocal('reader', ['viewer'])}`;
    const get = { method: 'GET', url: '/v1/gadgets/d', headers: { authorization } } as const;
    await app.inject(get);
    expect(spans.getFinishedSpans()).toEqual([]);
    await app.inject({ ...get, headers: { ...get.headers, traceparent: CALLER } });
    expect(spans.getFinishedSpans().map(({ name }) => name)).toEqual(['GET /v1/gadgets/{id}']);
  });

  it('without an exporter begins nothing, and hands on what a caller began', async () => {
    await start(new SpanTraces());
    expect(await retire()).toEqual({});
    expect(await retire({ traceparent: CALLER })).toEqual({ traceparent: CALLER });
    expect(await retire({ traceparent: CALLER.replace(/01$/, '00') })).toEqual({});
    expect(spans.getFinishedSpans()).toEqual([]);
  });
});

describe('exporting beside the services', () => {
  it('counts what becomes of spans, and says in health why they are lost', async () => {
    const counts = { ended: 7, exported: 4, lost: 2 };
    let failing: string | undefined = 'ENOSPC';
    const exporting = { counts: () => counts, failing: () => failing, close: () => Promise.resolve() };
    await start(new SpanTraces(), [new ExportingTraces(exporting)]);
    const health = async () => (await app.inject('/health/ready')).json<{ troubles?: string[] }>().troubles;
    expect(await health()).toEqual(['traces are lost: ENOSPC']);
    failing = undefined;
    expect(await health()).toBeUndefined();
    const headers = { authorization: `Bearer ${tokens.createLocal('watch', ['viewer'])}` };
    const { payload } = await app.inject({ url: '/metrics', headers });
    for (const [name, count] of Object.entries(counts)) {
      expect(payload).toContain(
        `# TYPE sluice_spans_${name}_total counter\nsluice_spans_${name}_total ${String(count)}\n`,
      );
    }
  });
});
