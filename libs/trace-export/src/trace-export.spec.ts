import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT_CONTEXT, SpanKind, trace, TraceFlags } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { InMemorySpanExporter, SamplingDecision } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BoundedSampler } from './bounded-sampler.ts';
import { exportTo, isTraceTarget, openTraceExport, SPANS_WAITING_MAX, UnwritableTraces } from './index.ts';
import { SpanFile } from './span-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-traces-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const remote = (traceFlags: number) =>
  trace.setSpanContext(ROOT_CONTEXT, {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags,
    isRemote: true,
  });

/** A span that follows from a traced one. */
const followed = remote(1);

describe('opening an export of traces', () => {
  it('opens none unless somebody asks for it', async () => {
    for (const [target, env] of [
      ['', {}],
      ['', { OTEL_TRACES_EXPORTER: 'none' }],
      ['off', { OTEL_TRACES_EXPORTER: 'otlp' }],
      ['otlp', { OTEL_SDK_DISABLED: 'true' }],
    ] as const) {
      expect(await openTraceExport({ target, service: 's', env })).toBeUndefined();
    }
    const asked = await openTraceExport({ target: '', service: 's', env: { OTEL_TRACES_EXPORTER: 'otlp' } });
    expect(asked).toBeDefined();
    await asked?.close();
    expect(['', 'off', 'otlp', 'file:/tmp/x', 'file:', 'http://x'].map(isTraceTarget)).toEqual([
      ...[true, true, true, true],
      ...[false, false],
    ]);
  });

  it('writes OTLP in JSON lines for its user only, and keeps one file beside the present one', async () => {
    const path = join(folder, 'spans.jsonl');
    const file = new SpanFile(path, { ExportResultCode, JsonTraceSerializer }, 1200);
    const opened = await exportTo(file, 'sluice-test');
    for (let n = 0; n < 3; n += 1) {
      opened.tracer.startSpan(`span-${String(n)}`, {}, followed).end();
      await vi.waitFor(() => expect(opened.counts().exported).toBe(n + 1), { timeout: 5_000 });
    }
    await opened.close();
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    const former = readFileSync(`${path}.1`, 'utf8').trim().split('\n');
    expect(lines.length + former.length).toBe(3);
    expect(lines.at(-1)).toContain('"name":"span-2"');
    expect(lines.at(-1)).toContain('sluice-test');
    expect(statSync(path).size).toBeLessThanOrEqual(1200);
  });

  it('cuts texts that are long', async () => {
    const exporter = new InMemorySpanExporter();
    const opened = await exportTo(exporter, 's');
    const span = opened.tracer.startSpan('a', {}, followed).setAttribute('detail', 'x'.repeat(10_000));
    span.end();
    await vi.waitFor(() => expect(exporter.getFinishedSpans()).toHaveLength(1), { timeout: 5_000 });
    expect(String(exporter.getFinishedSpans()[0]?.attributes['detail'])).toHaveLength(200);
    await opened.close();
  });
});

describe('exporting to a file that cannot be written', () => {
  it('says so at once, and opens nothing', async () => {
    const target = `file:${join(folder, 'nowhere', 'spans.jsonl')}`;
    const opening = openTraceExport({ target, service: 's', env: {} });
    await expect(opening).rejects.toThrow(UnwritableTraces);
    await expect(opening).rejects.toThrow(/^Traces cannot be written to \S+spans\.jsonl: ENOENT.*\.$/);
  });

  it('counts what is lost later, and says why until it writes again', async () => {
    const path = join(folder, 'later', 'spans.jsonl');
    mkdirSync(join(folder, 'later'));
    const opened = await openTraceExport({ target: `file:${path}`, service: 's', env: {} });
    if (opened === undefined) throw new Error('nothing was opened');
    rmSync(join(folder, 'later'), { recursive: true });
    for (let n = 0; n < 3; n += 1) opened.tracer.startSpan('append', {}, followed).end();
    await vi.waitFor(() => expect(opened.counts()).toEqual({ ended: 3, exported: 0, lost: 3 }), { timeout: 5_000 });
    expect(opened.failing()).toBe('ENOENT');
    mkdirSync(join(folder, 'later'));
    opened.tracer.startSpan('append', {}, followed).end();
    await vi.waitFor(() => expect(opened.counts()).toEqual({ ended: 4, exported: 1, lost: 3 }), { timeout: 5_000 });
    expect(opened.failing()).toBeUndefined();
    await opened.close();
  });
});

describe('exporting to a collector that is dead', () => {
  let server: Server;
  const held: ServerResponse[] = [];
  let isDead = true;
  let received = 0;

  beforeEach(async () => {
    server = createServer((request, response) => {
      request.resume();
      if (isDead) held.push(response);
      else request.on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
      received += 1;
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', `http://127.0.0.1:${String(port)}`);
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('keeps so many spans and no more, does not slow who makes them, and ends in time', async () => {
    const opened = await openTraceExport({ target: 'otlp', service: 's', env: process.env });
    if (opened === undefined) throw new Error('nothing was opened');
    const spans = 50_000;
    const startedAt = performance.now();
    for (let n = 0; n < spans; n += 1) opened.tracer.startSpan('append', {}, followed).end();
    const usEach = ((performance.now() - startedAt) * 1000) / spans;
    await vi.waitFor(() => expect(received).toBeGreaterThan(0), { timeout: 5_000 });
    expect(opened.counts()).toEqual({ ended: spans, exported: 0, lost: expect.any(Number) as number });
    expect(opened.counts().lost).toBeGreaterThanOrEqual(spans - SPANS_WAITING_MAX - 256);
    // 2 to 6 µs on two cores; a wait for the collector would be seconds.
    expect(usEach).toBeLessThan(200);
    const closedAt = performance.now();
    await opened.close();
    expect(performance.now() - closedAt).toBeLessThan(4_000);
  });

  it('goes on with what is kept once the collector answers', async () => {
    isDead = false;
    const opened = await openTraceExport({ target: 'otlp', service: 's', env: process.env });
    if (opened === undefined) throw new Error('nothing was opened');
    for (let n = 0; n < 10_000; n += 1) opened.tracer.startSpan('append', {}, followed).end();
    const most = SPANS_WAITING_MAX + 256;
    await vi.waitFor(() => expect(opened.counts().exported).toBeGreaterThanOrEqual(SPANS_WAITING_MAX), {
      timeout: 15_000,
    });
    expect(opened.counts().exported).toBeLessThanOrEqual(most);
    await opened.close();
  });
});

describe('sampling', () => {
  it('takes a bounded number of requests a second, all that follows from them, and nothing that is not sampled', () => {
    let nowMs = 0;
    const sampler = new BoundedSampler({ trace, SpanKind, TraceFlags, SamplingDecision }, () => nowMs);
    const decide = (kind: SpanKind, context = ROOT_CONTEXT) =>
      sampler.shouldSample(context, 't', 'n', kind, {}, []).decision === SamplingDecision.RECORD_AND_SAMPLED;
    const count = (times: number, kind: SpanKind, context?: typeof ROOT_CONTEXT) =>
      Array.from({ length: times }, () => decide(kind, context)).filter(Boolean).length;
    expect(count(1_000, SpanKind.SERVER)).toBe(100);
    expect(count(1_000, SpanKind.SERVER, remote(1))).toBe(0);
    expect(count(1_000, SpanKind.CONSUMER, remote(1))).toBe(1_000);
    expect(count(1_000, SpanKind.CONSUMER, remote(0))).toBe(0);
    nowMs = 1_000;
    expect(count(1_000, SpanKind.SERVER, remote(1))).toBe(20);
    nowMs = 3_600_000;
    expect(count(1_000, SpanKind.SERVER, remote(0))).toBe(0);
    expect(count(1_000, SpanKind.SERVER)).toBe(100);
  });

  it('takes a part of them of each caller, so that nobody uses up those of all', () => {
    let nowMs = 0;
    const sampler = new BoundedSampler({ trace, SpanKind, TraceFlags, SamplingDecision }, () => nowMs);
    const count = (times: number, actor: string) =>
      Array.from({ length: times }, () => {
        const attributes = { 'sluice.actor': actor };
        return sampler.shouldSample(ROOT_CONTEXT, 't', 'n', SpanKind.SERVER, attributes, []).decision;
      }).filter((decision) => decision === SamplingDecision.RECORD_AND_SAMPLED).length;
    expect([count(1_000, 'viewer'), count(1_000, 'responder')]).toEqual([20, 20]);
    nowMs = 1_000;
    expect([count(1_000, 'viewer'), count(1_000, 'viewer'), count(1, 'responder')]).toEqual([4, 0, 1]);
    // Callers that are forgotten come back as new ones; all together have their bound still.
    nowMs = 10_000;
    let taken = 0;
    for (let n = 0; n < 2_000; n += 1) taken += count(1, `viewer-${String(n)}`);
    expect(taken).toBe(100);
  });
});
