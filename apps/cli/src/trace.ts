import { type Tracer } from '@opentelemetry/api';
import { toTraceparent } from '@sluice/contracts/traceparent';
import { type Terminal } from './output.ts';
import { usageError } from './errors.ts';

/** What a command line adds to the trace of its requests. */
export interface Trace {
  /** Headers of a request that is part of the trace. */
  begin(request: Request): { readonly end: (status: number | undefined) => void };
  end(failure?: string): Promise<void>;
}

/**
 * Begins a trace of this command line where SLUICE_TRACES (or OTEL_TRACES_EXPORTER) says where it goes; undefined else, and
 * then nothing of OpenTelemetry is loaded. Prints the id, by which the services' part of it is found.
 */
export async function beginTrace(name: string, { env, stderr }: Terminal): Promise<Trace | undefined> {
  const target = env['SLUICE_TRACES'] ?? '';
  if (target === '' && env['OTEL_TRACES_EXPORTER'] === undefined) return undefined;
  const { isTraceTarget, openTraceExport, UnwritableTraces } = await import('@sluice/trace-export');
  if (!isTraceTarget(target)) {
    throw usageError(`SLUICE_TRACES is ${JSON.stringify(target)}.`, 'It takes otlp, off, or file: and a path.');
  }
  const exporting = await openTraceExport({ target, service: 'sluice-cli', env }).catch((error: unknown) => {
    if (!(error instanceof UnwritableTraces)) throw error;
    throw usageError(error.message, 'SLUICE_TRACES names it: file: and a path in a folder that is there.');
  });
  if (exporting === undefined) return undefined;
  const trace = await spansOf(name, exporting.tracer, () => exporting.close());
  stderr.write(`Trace ${trace.id}\n`);
  return trace;
}

async function spansOf(
  name: string,
  tracer: Tracer,
  close: () => Promise<void>,
): Promise<Trace & { readonly id: string }> {
  const { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } = await import('@opentelemetry/api');
  const root = tracer.startSpan(name, { kind: SpanKind.INTERNAL }, ROOT_CONTEXT);
  return {
    id: root.spanContext().traceId,
    begin(request) {
      const parent = trace.setSpan(ROOT_CONTEXT, root);
      const span = tracer.startSpan(request.method, { kind: SpanKind.CLIENT }, parent);
      // The path may have the id of a device in it.
      span.setAttributes({ 'http.request.method': request.method, 'server.address': new URL(request.url).host });
      request.headers.set('traceparent', toTraceparent(span.spanContext()));
      return {
        end: (status) => {
          if (status !== undefined) span.setAttribute('http.response.status_code', status);
          if (status === undefined || status >= 400) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
    end(failure) {
      if (failure !== undefined) root.setStatus({ code: SpanStatusCode.ERROR, message: failure });
      root.end();
      return close();
    },
  };
}
