import { type Tracer } from '@opentelemetry/api';
import { type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { BoundedSampler } from './bounded-sampler.ts';
import { SpanFile } from './span-file.ts';

/** Spans that wait for the exporter, at some 2 KiB each; those beyond are dropped and counted. */
export const SPANS_WAITING_MAX = 2048;
const BATCH_SPANS_MAX = 256;
const BATCH_DELAY_MS = 1000;
/** A collector that does not answer in this time has not got the batch. */
const EXPORT_TIMEOUT_MS = 5000;
/** At the end nobody waits longer for a collector that is away. */
const CLOSE_TIMEOUT_MS = 2000;
const TEXT_MAX = 200;
const FILE = 'file:';

export interface TraceExportOptions {
  /** `otlp`, `file:PATH`, or `off`; empty: `otlp` where OTEL_TRACES_EXPORTER says so, else off. */
  readonly target: string;
  /** What the spans are of, where OTEL_SERVICE_NAME does not say it. */
  readonly service: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Where spans go. */
export interface TraceExport {
  readonly tracer: Tracer;
  /** Spans since the start. What ended, and is neither exported nor waiting, was given up: the exporter was too slow, or failed. */
  counts(): { readonly ended: number; readonly exported: number };
  /** Waits for what is under way, but not for long. */
  close(): Promise<void>;
}

/** Whether the text is a target of traces. */
export function isTraceTarget(text: string): boolean {
  return ['', 'off', 'otlp'].includes(text) || (text.startsWith(FILE) && text.length > FILE.length);
}

/**
 * Opens what the target names; undefined where nothing is to be exported, and then nothing of OpenTelemetry's SDK is loaded.
 * `otlp` goes by HTTP to where the standard variables OTEL_EXPORTER_OTLP_* say, normally http://localhost:4318.
 */
export async function openTraceExport({ target, service, env }: TraceExportOptions): Promise<TraceExport | undefined> {
  const chosen = target === '' && env['OTEL_TRACES_EXPORTER'] === 'otlp' ? 'otlp' : target;
  if (chosen === '' || chosen === 'off' || env['OTEL_SDK_DISABLED'] === 'true') return undefined;
  return exportTo(await openExporter(chosen), service, env);
}

/** Exports to this exporter, behind a queue that is bounded. */
export async function exportTo(
  exporter: SpanExporter,
  service: string,
  env: TraceExportOptions['env'] = {},
): Promise<TraceExport> {
  const { BatchSpanProcessor, SamplingDecision, TracerProvider } = await import('@opentelemetry/sdk-trace');
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  const { SpanKind, trace, TraceFlags } = await import('@opentelemetry/api');
  const counts = { ended: 0, exported: 0 };
  const counter: SpanProcessor = {
    onStart: () => undefined,
    onEnd: () => void (counts.ended += 1),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const batches = new BatchSpanProcessor({
    exporter: await counting(exporter, (spans) => void (counts.exported += spans)),
    maxQueueSize: SPANS_WAITING_MAX,
    maxExportBatchSize: BATCH_SPANS_MAX,
    scheduledDelayMillis: BATCH_DELAY_MS,
    exportTimeoutMillis: EXPORT_TIMEOUT_MS,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': env['OTEL_SERVICE_NAME'] ?? service }),
    sampler: new BoundedSampler({ trace, SpanKind, TraceFlags, SamplingDecision }),
    spanLimits: { attributeValueLengthLimit: TEXT_MAX },
    spanProcessors: [counter, batches],
  });
  return {
    tracer: provider.getTracer('sluice'),
    counts: () => ({ ...counts }),
    close: async () => {
      const late = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_TIMEOUT_MS).unref());
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
    },
  };
}

async function openExporter(target: string): Promise<SpanExporter> {
  if (target.startsWith(FILE)) {
    const { JsonTraceSerializer } = await import('@opentelemetry/otlp-transformer');
    const { ExportResultCode } = await import('@opentelemetry/core');
    return new SpanFile(target.slice(FILE.length), { ExportResultCode, JsonTraceSerializer });
  }
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  return new OTLPTraceExporter({ timeoutMillis: EXPORT_TIMEOUT_MS });
}

async function counting(exporter: SpanExporter, count: (spans: number) => void): Promise<SpanExporter> {
  const { SUCCESS } = (await import('@opentelemetry/core')).ExportResultCode;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code === SUCCESS) count(spans.length);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}
