import type * as Api from '@opentelemetry/api';
import type * as Sdk from '@opentelemetry/sdk-trace';

/** Traces that requests may begin or continue: of all callers together, and of one, so that nobody uses up those of all. */
const OF_ALL: Rate = { perSecond: 20, atOnce: 100 };
const OF_ONE: Rate = { perSecond: 4, atOnce: 20 };
/** Callers whose rate is remembered; of more, those who came last. */
const CALLERS_MAX = 1_000;
/** Who sends a request, as the first attributes of its span say. */
const CALLER = 'sluice.actor';

interface Rate {
  readonly perSecond: number;
  readonly atOnce: number;
}

/** What it needs of OpenTelemetry, which is loaded only where something is exported. */
export type Loaded = Pick<typeof Api, 'trace' | 'SpanKind' | 'TraceFlags'> & Pick<typeof Sdk, 'SamplingDecision'>;

/**
 * A span whose parent is not sampled is not sampled. What begins a trace in this process, or continues one with a request, is
 * sampled as long as not too many came in this second, of all and of its caller; what follows from it, always.
 */
export class BoundedSampler implements Sdk.Sampler {
  private readonly room: Room;
  private readonly roomOf = new Map<string, Room>();

  constructor(
    private readonly loaded: Loaded,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.room = new Room(OF_ALL, nowMs());
  }

  shouldSample(
    context: Api.Context,
    _traceId: string,
    _name: string,
    kind: Api.SpanKind,
    attributes: Api.Attributes,
    _links: Api.Link[],
  ): Sdk.SamplingResult {
    const { trace, SpanKind, TraceFlags, SamplingDecision } = this.loaded;
    const { RECORD_AND_SAMPLED, NOT_RECORD } = SamplingDecision;
    const parent = trace.getSpanContext(context);
    if (parent !== undefined && (parent.traceFlags & TraceFlags.SAMPLED) === 0) return { decision: NOT_RECORD };
    if (parent !== undefined && kind !== SpanKind.SERVER) return { decision: RECORD_AND_SAMPLED };
    return { decision: this.hasRoom(attributes[CALLER]) ? RECORD_AND_SAMPLED : NOT_RECORD };
  }

  toString(): string {
    return `BoundedSampler{${String(OF_ALL.perSecond)}/s}`;
  }

  private hasRoom(caller: unknown): boolean {
    const nowMs = this.nowMs();
    const isAllowed = typeof caller !== 'string' || this.ofCaller(caller, nowMs).claim(nowMs);
    return isAllowed && this.room.claim(nowMs);
  }

  private ofCaller(caller: string, nowMs: number): Room {
    const room = this.roomOf.get(caller) ?? new Room(OF_ONE, nowMs);
    this.roomOf.delete(caller);
    this.roomOf.set(caller, room);
    if (this.roomOf.size > CALLERS_MAX) {
      const [idlest = ''] = this.roomOf.keys();
      this.roomOf.delete(idlest);
    }
    return room;
  }
}

class Room {
  private left: number;

  constructor(
    private readonly rate: Rate,
    private filledMs: number,
  ) {
    this.left = rate.atOnce;
  }

  claim(nowMs: number): boolean {
    const { perSecond, atOnce } = this.rate;
    this.left = Math.min(this.left + ((nowMs - this.filledMs) / 1000) * perSecond, atOnce);
    this.filledMs = nowMs;
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}
