import type * as Api from '@opentelemetry/api';
import type * as Sdk from '@opentelemetry/sdk-trace';

/** Of those who may send a token, each may ask for traces; more than that many a second are not taken. */
const TRACES_PER_SECOND = 20;
const TRACES_AT_ONCE = 100;

/** What it needs of OpenTelemetry, which is loaded only where something is exported. */
export type Loaded = Pick<typeof Api, 'trace' | 'SpanKind' | 'TraceFlags'> & Pick<typeof Sdk, 'SamplingDecision'>;

/**
 * A span whose parent is not sampled is not sampled. What begins a trace in this process, or continues one with a request, is
 * sampled as long as not too many came in this second; what follows from it, always.
 */
export class BoundedSampler implements Sdk.Sampler {
  private room = TRACES_AT_ONCE;
  private filledMs: number;

  constructor(
    private readonly loaded: Loaded,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.filledMs = nowMs();
  }

  shouldSample(
    context: Api.Context,
    _traceId: string,
    _name: string,
    kind: Api.SpanKind,
    _attributes: Api.Attributes,
    _links: Api.Link[],
  ): Sdk.SamplingResult {
    const { trace, SpanKind, TraceFlags, SamplingDecision } = this.loaded;
    const { RECORD_AND_SAMPLED, NOT_RECORD } = SamplingDecision;
    const parent = trace.getSpanContext(context);
    if (parent !== undefined && (parent.traceFlags & TraceFlags.SAMPLED) === 0) return { decision: NOT_RECORD };
    if (parent !== undefined && kind !== SpanKind.SERVER) return { decision: RECORD_AND_SAMPLED };
    return { decision: this.hasRoom() ? RECORD_AND_SAMPLED : NOT_RECORD };
  }

  toString(): string {
    return `BoundedSampler{${String(TRACES_PER_SECOND)}/s}`;
  }

  private hasRoom(): boolean {
    const nowMs = this.nowMs();
    const came = ((nowMs - this.filledMs) / 1000) * TRACES_PER_SECOND;
    this.room = Math.min(this.room + came, TRACES_AT_ONCE);
    this.filledMs = nowMs;
    if (this.room < 1) return false;
    this.room -= 1;
    return true;
  }
}
