import { ROOT_CONTEXT, type Span, SpanKind, SpanStatusCode, trace, type Tracer } from '@opentelemetry/api';
import { isTraceparent, toTraceparent } from '@sluice/contracts/traceparent';
import { type Step, type StepDetails, type StepKind, Traces } from '@sluice/event-sourcing';
import { type TraceExport } from '@sluice/trace-export';
import { type Companion, type CounterOfCompanion } from '../replay/followers.ts';

const SAMPLED = 1;
const TEXT_MAX = 200;
/** Whose request it is, by the name of the token. */
const ACTOR = 'sluice.actor';

const kinds: Readonly<Record<StepKind, SpanKind>> = {
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
};

/** Steps as spans of OpenTelemetry. Without an exporter its API makes none, and only hands on what came. */
export class SpanTraces extends Traces {
  constructor(private readonly tracer: Tracer = trace.getTracer('sluice')) {
    super();
  }

  override begin(
    name: string,
    parent: string | undefined,
    { kind = 'internal', details = {} }: { readonly kind?: StepKind; readonly details?: StepDetails } = {},
  ): Step {
    // The sampler goes by the actor, and by nothing that is added later.
    const attributes = { [ACTOR]: details[ACTOR] };
    const span = this.tracer.startSpan(name, { kind: kinds[kind], attributes }, contextOf(parent));
    const step = new SpanStep(span);
    step.add(details);
    return step;
  }
}

class SpanStep implements Step {
  constructor(private readonly span: Span) {}

  get traceparent(): string | undefined {
    const context = this.span.spanContext();
    return (context.traceFlags & SAMPLED) === 0 ? undefined : toTraceparent({ ...context, traceFlags: SAMPLED });
  }

  add(details: StepDetails): void {
    if (!this.span.isRecording()) return;
    for (const [name, value] of Object.entries(details)) {
      if (value !== undefined) this.span.setAttribute(name, typeof value === 'string' ? bounded(value) : value);
    }
  }

  end(failure?: string): void {
    if (failure !== undefined) this.span.setStatus({ code: SpanStatusCode.ERROR, message: bounded(failure) });
    this.span.end();
  }
}

function contextOf(traceparent: string | undefined) {
  if (!isTraceparent(traceparent)) return ROOT_CONTEXT;
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & SAMPLED,
    isRemote: true,
  });
}

/** The beginning of a text that others may have made as long as they like. */
export function bounded(text: string): string {
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX - 1)}…`;
}

/** The export of traces beside the services. That nobody takes them keeps nothing from working. */
export class ExportingTraces implements Companion {
  readonly name = 'traces';
  readonly counters: readonly CounterOfCompanion[];

  constructor(private readonly exporting: Pick<TraceExport, 'counts' | 'failing' | 'close'>) {
    this.counters = [
      {
        name: 'sluice_spans_ended_total',
        help: 'Spans of traces that have ended',
        read: () => exporting.counts().ended,
      },
      {
        name: 'sluice_spans_exported_total',
        help: 'Spans that the exporter has taken',
        read: () => exporting.counts().exported,
      },
      {
        name: 'sluice_spans_lost_total',
        help: 'Spans that were given up, because the exporter failed or was too slow',
        read: () => exporting.counts().lost,
      },
    ];
  }

  start(): void {
    // The exporter was there before the first step.
  }

  stop(): Promise<void> {
    return this.exporting.close();
  }

  notReady(): undefined {
    return undefined;
  }

  trouble(): string | undefined {
    const code = this.exporting.failing();
    return code === undefined ? undefined : `are lost: ${code}`;
  }
}
