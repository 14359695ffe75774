import { open } from 'node:fs/promises';
import { type Tracer } from '@opentelemetry/api';
import { type SpanExporter, type SpanProcessor } from '@opentelemetry/sdk-trace';
import { BoundedSampler } from './bounded-sampler.ts';
import { PRIVATE_FILE_MODE, SpanFile } from './span-file.ts';

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

interface SpanCounts {
  ended: number;
  exported: number;
  lost: number;
}

/** Where spans go. */
export interface TraceExport {
  readonly tracer: Tracer;
  /** Spans since the start. `lost`: given up, because the exporter was too slow or failed. The others wait. */
  counts(): Readonly<SpanCounts>;
  /** The code of why the last batch was lost; undefined when it was not. */
  failing(): string | undefined;
  /** Waits for what is under way, but not for long. */
  close(): Promise<void>;
}

/** The file for traces cannot be written; `message` is for people. */
export class UnwritableTraces extends Error {
  override readonly name = 'UnwritableTraces';

  constructor(path: string, cause: unknown) {
    super(`Traces cannot be written to ${path}: ${cause instanceof Error ? cause.message : String(cause)}.`, { cause });
  }
}

/** Whether the text is a target of traces. */
export function isTraceTarget(text: string): boolean {
  return ['', 'off', 'otlp'].includes(text) || (text.startsWith(FILE) && text.length > FILE.length);
}

/**
 * Opens what the target names; undefined where nothing is to be exported, and then nothing of OpenTelemetry's SDK is loaded.
 * `otlp` goes by HTTP to where the standard variables OTEL_EXPORTER_OTLP_* say, normally http://localhost:4318.
 * Throws UnwritableTraces.
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
  const taken = new TakenSpans();
  const counter: SpanProcessor = {
    onStart: () => undefined,
    onEnd: () => taken.end(),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  const batches = new BatchSpanProcessor({
    exporter: await counting(exporter, taken),
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
    counts: () => ({ ...taken.counts }),
    failing: () => taken.failing,
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
    await mustBeWritable(target.slice(FILE.length));
    return new SpanFile(target.slice(FILE.length), { ExportResultCode, JsonTraceSerializer });
  }
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  return new OTLPTraceExporter({ timeoutMillis: EXPORT_TIMEOUT_MS });
}

/** Throws UnwritableTraces. */
async function mustBeWritable(path: string): Promise<void> {
  try {
    await (await open(path, 'a', PRIVATE_FILE_MODE)).close();
  } catch (error) {
    throw new UnwritableTraces(path, error);
  }
}

async function counting(exporter: SpanExporter, taken: TakenSpans): Promise<SpanExporter> {
  const { SUCCESS } = (await import('@opentelemetry/core')).ExportResultCode;
  return {
    export: (spans, done) => {
      taken.handOver(spans.length);
      exporter.export(spans, (result) => {
        if (result.code === SUCCESS) taken.exported(spans.length);
        else taken.lose(spans.length, result.error);
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}

/** What becomes of spans, counted as the queue in front of the exporter has it, which drops those that it has no room for. */
class TakenSpans {
  readonly counts: SpanCounts = { ended: 0, exported: 0, lost: 0 };
  failing: string | undefined;
  private waiting = 0;

  end(): void {
    this.counts.ended += 1;
    if (this.waiting < SPANS_WAITING_MAX) this.waiting += 1;
    else this.counts.lost += 1;
  }

  handOver(spans: number): void {
    this.waiting -= spans;
  }

  exported(spans: number): void {
    this.counts.exported += spans;
    this.failing = undefined;
  }

  lose(spans: number, error: Error | undefined): void {
    this.counts.lost += spans;
    this.failing = error !== undefined && 'code' in error ? String(error.code) : (error?.name ?? 'unknown');
  }
}
