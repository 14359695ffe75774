import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Logger } from 'pino';
import { callerOf } from '../auth/auth.ts';
import { type Companion } from '../replay/followers.ts';
import { problemCodeOf } from '../http/problem.ts';
import { isReading, patternOf } from '../http/route-rules.ts';
import { type Timers } from '../time/timers.ts';
import { traceparentOf } from './request-traces.ts';

/** Lines a second, and so many at once; one kind of request keeps no other out of the log. */
const RATES = {
  commands: { perSecond: 20, atOnce: 200 },
  reads: { perSecond: 10, atOnce: 100 },
  strangers: { perSecond: 1, atOnce: 20 },
} as const;
const SUM_EVERY_MS = 60_000;
const NO_ROUTE = 'none';
const STRANGER = 'unknown';

type Kind = keyof typeof RATES;

/** How many requests of one device route were answered and refused, since the start. */
export interface DeviceSums {
  readonly path: string;
  readonly answered: number;
  readonly refused: number;
}

/**
 * A line for each request of an operator: who, which route, what came of it, how long it took, in which trace. Beyond a rate,
 * requests are counted; so are those of devices, which have no lines. Neither bodies nor tokens nor ids of devices are in it.
 */
export class RequestLog implements Companion {
  readonly name = 'request log';
  private readonly room = new Map<Kind, { lines: number; filledMs: number }>();
  private leftOut = new Map<Kind, number>();
  private sumsBefore = new Map<string, DeviceSums>();
  private callOff: (() => void) | undefined;

  constructor(
    private readonly log: Logger,
    private readonly timers: Timers,
    private readonly deviceSums: () => readonly DeviceSums[],
  ) {}

  /** To be called before the server is ready. */
  attach(instance: FastifyInstance): void {
    instance.addHook('onResponse', (request, reply, done) => {
      this.note(request, reply);
      done();
    });
  }

  start(): void {
    this.callOff = this.timers.after(SUM_EVERY_MS, () => {
      this.sum();
      this.start();
    });
  }

  stop(): Promise<void> {
    this.callOff?.();
    this.sum();
    return Promise.resolve();
  }

  notReady(): undefined {
    return undefined;
  }

  private note(request: FastifyRequest, reply: FastifyReply): void {
    const caller = callerOf(request);
    const kind = caller === undefined ? 'strangers' : isReading(request) ? 'reads' : 'commands';
    if (!this.hasRoom(kind)) {
      this.leftOut.set(kind, (this.leftOut.get(kind) ?? 0) + 1);
      return;
    }
    const [code, traceId] = [problemCodeOf(request), traceparentOf(request)?.split('-')[1]];
    this.log.info(
      {
        actor: caller?.loggedName ?? STRANGER,
        roles: caller?.roles ?? [],
        method: request.method,
        route: patternOf(request) || NO_ROUTE,
        status: reply.statusCode,
        ...(code !== undefined && { code }),
        ms: Math.round(reply.elapsedTime),
        ...(traceId !== undefined && { traceId }),
        correlationId: request.id,
      },
      'request',
    );
  }

  private hasRoom(kind: Kind): boolean {
    const { perSecond, atOnce } = RATES[kind];
    const nowMs = this.timers.monotonicMs();
    const { lines, filledMs } = this.room.get(kind) ?? { lines: atOnce, filledMs: nowMs };
    const free = Math.min(atOnce, lines + ((nowMs - filledMs) / 1000) * perSecond);
    this.room.set(kind, { lines: free < 1 ? free : free - 1, filledMs: nowMs });
    return free >= 1;
  }

  /** One line for all that had none in this minute. */
  private sum(): void {
    const devices = this.deviceSums().flatMap((now) => {
      const before = this.sumsBefore.get(now.path);
      this.sumsBefore.set(now.path, now);
      const [answered, refused] = [now.answered - (before?.answered ?? 0), now.refused - (before?.refused ?? 0)];
      return answered + refused === 0 ? [] : [{ path: now.path, answered, refused }];
    });
    const leftOut = Object.fromEntries(this.leftOut);
    if (devices.length === 0 && this.leftOut.size === 0) return;
    this.leftOut = new Map();
    this.log.info({ leftOut, devices }, 'requests without a line of their own');
  }
}
