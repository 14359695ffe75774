import { type Attributes, type Context, type Link, type SpanKind, type TraceAPI } from '@opentelemetry/api';
import { type Sampler, type SamplingResult } from '@opentelemetry/sdk-trace';

/** Of those who may send a token, each may ask for traces; more than that many a second are not taken. */
const TRACES_PER_SECOND = 20;
const TRACES_AT_ONCE = 100;

/** Of `SamplingDecision`, of `SpanKind` and of `TraceFlags`: this file loads nothing of OpenTelemetry. */
const NOT_RECORD = 0;
const RECORD_AND_SAMPLED = 2;
const SERVER: SpanKind = 1;
const SAMPLED = 1;

/**
 * A span whose parent is not sampled is not sampled. What begins a trace in this process, or continues one with a request, is
 * sampled as long as not too many came in this second; what follows from it, always.
 */
export class BoundedSampler implements Sampler {
  private room = TRACES_AT_ONCE;
  private filledMs: number;

  constructor(
    private readonly trace: TraceAPI,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.filledMs = nowMs();
  }

  shouldSample(
    context: Context,
    _traceId: string,
    _name: string,
    kind: SpanKind,
    _attributes: Attributes,
    _links: Link[],
  ): SamplingResult {
    const parent = this.trace.getSpanContext(context);
    if (parent !== undefined && (parent.traceFlags & SAMPLED) === 0) return { decision: NOT_RECORD };
    if (parent !== undefined && kind !== SERVER) return { decision: RECORD_AND_SAMPLED };
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
