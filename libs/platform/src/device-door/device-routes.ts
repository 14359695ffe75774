import { randomBytes } from 'node:crypto';
import { type IncomingMessage, type ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { type ErrorCode } from '@sluice/contracts/errors';
import { type Logger } from 'pino';
import { Tokens } from '../auth/tokens.ts';
import { BodyBudget } from '../http/body-budget.ts';
import { rememberAnswer } from '../http/connections.ts';
import { Metrics } from '../observe/metrics.ts';
import { type DeviceSums } from '../observe/request-log.ts';
import { Timers } from '../time/timers.ts';
import { BodyDeadlines } from './body-deadlines.ts';
import { type DeviceRoute, type Door, Exchange, type TimedRoute } from './exchange.ts';
import { Parking } from './parking.ts';
import { Turns } from './turns.ts';

const LATENCY_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
/** Devices that are refused at the same instant come back over this time. */
const RETRY_SPREAD_SECONDS = 30;

/** What the door needs of the server around it. */
export interface DoorOptions {
  readonly log: Logger;
  readonly countProblem: (code: ErrorCode) => void;
}

/**
 * The routes that devices call, straight on node's http: no router, hooks, guards, pipes or log line a request, which
 * together cost more than half of the throughput. Metrics instead.
 */
@Injectable()
export class DeviceRoutes {
  readonly registered: DeviceRoute[] = [];
  private readonly byPath = new Map<string, TimedRoute>();
  private readonly latency;
  private readonly cut;
  private door: Door | undefined;

  constructor(
    private readonly tokens: Tokens,
    private readonly budget: BodyBudget,
    private readonly timers: Timers,
    metrics: Metrics,
  ) {
    this.latency = metrics.countedHistogram(
      'sluice_device_request_seconds',
      'Time from request to answer on device routes (seconds)',
      LATENCY_BUCKETS_SECONDS,
    );
    this.cut = metrics.counter(
      'sluice_device_connections_cut_total',
      'Connections of devices that were closed because more requests than 16 had no answer yet',
    );
    metrics.gauge(
      'sluice_device_connections_parked',
      'Connections of devices that are not read at this instant, because more comes than can be answered',
      () => this.parked,
    );
  }

  /** To be called while modules are initialised, before the server listens. */
  post(route: DeviceRoute): void {
    this.registered.push(route);
    const answered = this.latency.labels({ path: route.path, outcome: 'answered' });
    const refused = this.latency.labels({ path: route.path, outcome: 'refused' });
    this.byPath.set(route.path, { ...route, handle: (...asked) => route.handle(...asked), answered, refused });
  }

  /** Starts to answer. */
  open({ log, countProblem }: DoorOptions): void {
    const { tokens, budget, timers } = this;
    const nowMs = () => timers.monotonicMs();
    const turns = new Turns(nowMs);
    const [start, count] = [randomBytes(6).toString('hex'), { ids: 0, retries: 0 }];
    this.door = {
      ...{ tokens, budget, log, countProblem, nowMs, isClosing: false },
      countCut: () => this.cut.inc(),
      deadlines: new BodyDeadlines(timers),
      turns,
      parking: new Parking(turns, nowMs),
      nextId: () => `${start}-${(count.ids += 1).toString(36)}`,
      nextRetrySeconds: () => 1 + ((count.retries += 1) % RETRY_SPREAD_SECONDS),
    };
  }

  /** Connections of devices that are not read at this instant. */
  get parked(): number {
    return this.door?.parking.size ?? 0;
  }

  /** How many requests each route has answered and refused, since the start. */
  sums(): DeviceSums[] {
    return [...this.byPath].map(([path, { answered, refused }]) => ({
      path,
      answered: answered.count(),
      refused: refused.count(),
    }));
  }

  /** From now on an answer ends its connection, and new requests are refused. */
  startClosing(): void {
    if (this.door === undefined) return;
    this.door.isClosing = true;
    this.door.parking.open();
  }

  /** Answers a request to a device route, now or later. False for every other path: it is not touched. */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const { url = '' } = request;
    const route = this.byPath.get(url) ?? this.byPath.get(url.split('?', 1)[0] ?? '');
    if (route === undefined || this.door === undefined) return false;
    rememberAnswer(request.socket, response);
    new Exchange(this.door, route, request, response).begin();
    return true;
  }
}
