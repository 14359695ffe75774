import { type IncomingMessage, type ServerResponse } from 'node:http';
import { type Socket } from 'node:net';
import { type ErrorCode } from '@sluice/contracts/errors';
import { Rejection } from '@sluice/event-sourcing';
import { type Logger } from 'pino';
import { authenticate } from '../auth/auth.ts';
import { type Caller } from '../auth/caller.ts';
import { type Tokens } from '../auth/tokens.ts';
import { type BodyBudget, type BodyShare } from '../http/body-budget.ts';
import { isStranger, letContinue, recognize } from '../http/connections.ts';
import { CORRELATION_HEADER, headersOf, isCorrelationId, ProblemError, toProblem } from '../http/problem.ts';
import { type CountedSeries } from '../observe/metrics.ts';
import { type BodyDeadlines, type Coming } from './body-deadlines.ts';
import { parseDeviceJson } from './device-json.ts';
import { type Parking } from './parking.ts';
import { type Turns, type Waiting } from './turns.ts';

/** How long requests may wait for their turn before new ones of their kind are turned away (ms): design §4's order of shedding. */
const PATIENCE_MS = { 'check-ins': 250, reports: 2000 } as const;

export type DeviceKind = keyof typeof PATIENCE_MS;

/**
 * So many requests of one connection may wait for their answers; one more, and it is closed. Clients send one after the
 * other, or a few. Node parses all that has come on a connection at once, so those who send hundreds would hold up pulls.
 */
export const UNANSWERED_MAX = 16;

const JSON_TYPE = 'application/json';
const JSON_TYPE_WITH_PARAMETERS = /^application\/json *(;|$)/i;
const ANSWER_TYPE = 'application/json; charset=utf-8';
const PROBLEM_TYPE = 'application/problem+json';
const NOTHING = Buffer.alloc(0);

/** A request as routes see it. */
export interface DeviceRequest {
  readonly headers: IncomingMessage['headers'];
  /** The correlation id. */
  readonly id: string;
}

export interface DeviceRoute {
  readonly path: string;
  /** For the OpenAPI document: JSON Schemas of the body and the answer, and a line of text. */
  readonly summary: string;
  readonly body: object;
  readonly answer: object;
  readonly status: number;
  readonly bodyLimitBytes: number;
  /** Under overload check-ins are turned away before reports are. */
  readonly kind: DeviceKind;
  /** Answers with a value, or throws what `toProblem` knows. `body` is JSON, not validated. */
  handle(body: unknown, caller: Caller, request: DeviceRequest): unknown;
}

/** A route with its metrics: how long requests took, by how they ended (seconds). */
export interface TimedRoute extends DeviceRoute {
  readonly answered: CountedSeries;
  readonly refused: CountedSeries;
}

/** How many requests of a connection have no answer yet. */
const unanswered = Symbol('unanswered');

type CountingSocket = Socket & { [unanswered]?: number };

/** What all exchanges share. */
export interface Door {
  readonly tokens: Tokens;
  readonly budget: BodyBudget;
  readonly deadlines: BodyDeadlines;
  readonly turns: Turns;
  readonly parking: Parking;
  isClosing: boolean;
  nowMs(): number;
  nextId(): string;
  /** After how long a device that is turned away may come back: devices of one instant at different times. */
  nextRetrySeconds(): number;
  countProblem(code: ErrorCode): void;
  /** A connection was closed because it has too many unanswered requests. */
  countCut(): void;
  log: Logger;
}

/**
 * `reading`: the body comes, and is kept. `waiting`: it is there, and waits for its turn. `handling`: the route has it.
 * `late`: it did not come in time. `dropping`: the request was refused before its body had come, which is thrown away as it comes.
 * `over`: nothing is left to do.
 */
type Stage = 'reading' | 'waiting' | 'handling' | 'late' | 'dropping' | 'over';

/** One request of a device, from its head to its answer, straight on node's http. */
export class Exchange implements Waiting, Coming, DeviceRequest {
  readonly cameAtMs: number;
  private stage: Stage = 'reading';
  private caller: Caller | undefined;
  private chunks: Buffer[] = [];
  private sizeBytes = 0;
  /** What it holds of the bytes that all bodies share. */
  private readonly share: BodyShare;
  /** What the head announces; undefined for a chunked body. */
  private declaredBytes: number | undefined;
  private correlationId: string | undefined;

  constructor(
    private readonly door: Door,
    private readonly route: TimedRoute,
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
  ) {
    this.cameAtMs = door.nowMs();
    this.share = door.budget.share();
  }

  get headers(): IncomingMessage['headers'] {
    return this.request.headers;
  }

  get id(): string {
    return (this.correlationId ??= this.givenId() ?? this.door.nextId());
  }

  /** Makes the cheap checks first: a request that fails one is answered before the next, and before its body is read. */
  begin(): void {
    const { request } = this;
    const socket = request.socket as CountingSocket;
    // What came with the request for which the connection was closed.
    if (socket.destroyed) return;
    socket[unanswered] = (socket[unanswered] ?? 0) + 1;
    if (socket[unanswered] > UNANSWERED_MAX) {
      this.door.countCut();
      socket.destroy();
      return;
    }
    this.door.parking.begins(this.cameAtMs);
    request.on('end', this.onEnd);
    request.on('close', this.onClose);
    try {
      this.admit();
    } catch (error) {
      this.noteRead();
      if (!this.door.turns.refuse(() => this.refuse(error))) socket.destroy();
      return;
    }
    letContinue(request, this.response);
    this.door.deadlines.add(this, this.cameAtMs);
    request.on('data', this.onData);
  }

  work(): void {
    // Who is gone hears no answer, and sends again what it wants to have been taken.
    if (this.request.socket.destroyed || this.response.destroyed) {
      this.finish();
      return;
    }
    this.stage = 'handling';
    try {
      const body = this.parse();
      const answer = this.route.handle(body, this.caller as Caller, this);
      // A promise costs an answer that is there already another turn.
      if (answer instanceof Promise) void answer.then(this.succeed, this.refuse);
      else this.succeed(answer);
    } catch (error) {
      this.refuse(error);
    }
  }

  expire(): void {
    if (this.door.parking.isParked(this.request.socket)) {
      // It could not be heard, and may be there.
      this.door.deadlines.add(this, this.door.nowMs());
      return;
    }
    if (this.stage === 'reading') {
      this.stage = 'late';
      this.refuse(new ProblemError('request-too-slow'));
      return;
    }
    // A client that sends so slowly must not hold a connection either.
    this.finish();
    if (this.response.writableEnded) this.request.destroy();
    else this.response.end();
  }

  private admit(): void {
    const { door, route, request } = this;
    const { headers } = request;
    this.declaredBytes = declaredLength(headers);
    if (request.method !== 'POST') {
      throw new ProblemError('method-not-allowed', 'takes POST').withHeader('allow', 'POST');
    }
    if (door.isClosing) throw new ProblemError('shutting-down');
    const caller = authenticate(door.tokens, request);
    recognize(request.socket);
    // A gateway's brings it with it.
    if (!caller.has('device')) throw new ProblemError('forbidden', 'needs device or gateway');
    this.caller = caller;
    if (this.declaredBytes !== undefined && this.declaredBytes > route.bodyLimitBytes) {
      throw new ProblemError('body-too-large');
    }
    const type = headers['content-type'];
    if (type !== JSON_TYPE && !JSON_TYPE_WITH_PARAMETERS.test(type ?? '')) {
      throw new ProblemError('unsupported-media-type');
    }
    const delayMs = door.turns.delayMs(this.cameAtMs);
    if (delayMs > PATIENCE_MS[route.kind] || door.parking.isToShed(request.socket, route.kind)) {
      throw new Rejection('overloaded', 'too many devices ask at once', door.nextRetrySeconds());
    }
    this.reserve(this.declaredBytes ?? 0);
  }

  private reserve(bytes: number): void {
    if (!this.share.claim(bytes)) throw new ProblemError('overloaded', 'too many bodies are on their way');
  }

  private readonly onData = (chunk: Buffer): void => {
    if (this.stage !== 'reading') return;
    this.sizeBytes += chunk.length;
    try {
      if (this.sizeBytes > this.route.bodyLimitBytes) throw new ProblemError('body-too-large');
      if (this.declaredBytes === undefined) this.reserve(chunk.length);
      this.chunks.push(chunk);
    } catch (error) {
      this.refuse(error);
    }
  };

  private readonly onEnd = (): void => {
    this.door.deadlines.remove(this);
    this.noteRead();
    if (this.stage === 'reading') {
      this.stage = 'waiting';
      this.door.turns.add(this);
    } else if (this.stage === 'dropping') {
      this.finish();
      if (!this.response.writableEnded) this.response.end();
    }
  };

  /** The connection may be parked now. */
  private noteRead(): void {
    const { caller, door, route } = this;
    // Those who may read for people, and peers, may have a pull on this connection next.
    if (caller !== undefined && !caller.has('viewer')) door.parking.came(this.request.socket, route.kind);
  }

  /** The sender is gone, or all is done. */
  private readonly onClose = (): void => {
    if (this.stage === 'reading' || this.stage === 'dropping') this.finish();
  };

  private parse(): unknown {
    try {
      const [only = NOTHING] = this.chunks;
      return parseDeviceJson((this.chunks.length === 1 ? only : Buffer.concat(this.chunks)).toString());
    } finally {
      this.giveBack();
    }
  }

  private readonly succeed = (answer: unknown): void => {
    this.route.answered.observe((this.door.nowMs() - this.cameAtMs) / 1000);
    this.send(this.route.status, ['content-type', ANSWER_TYPE], JSON.stringify(answer));
  };

  private readonly refuse = (error: unknown): void => {
    const { door, route } = this;
    route.refused.observe((door.nowMs() - this.cameAtMs) / 1000);
    const { problem, fault } = toProblem(error, this.id);
    if (fault) door.log.error({ err: error, reqId: this.id }, 'request failed');
    door.countProblem(problem.code);
    const headers = headersOf(error, problem, this.headers.authorization !== undefined);
    this.send(
      problem.status,
      ['content-type', PROBLEM_TYPE, ...Object.entries(headers).flat()],
      JSON.stringify(problem),
    );
  };

  private send(status: number, headers: string[], text: string): void {
    const { stage, response } = this;
    this.finish();
    if (response.destroyed) return;
    const isLast =
      this.door.isClosing ||
      stage === 'late' ||
      (stage === 'reading' && !this.isShort()) ||
      isStranger(this.request.socket);
    if (isLast) headers.push('connection', 'close');
    const bytes = Buffer.byteLength(text);
    headers.push('content-length', String(bytes));
    response.writeHead(status, headers);
    if (stage === 'reading') this.drop(text, isLast);
    // Text of ASCII only, which is nearly all of it, goes out without being encoded.
    else response.end(text, bytes === text.length ? 'latin1' : 'utf8');
  }

  /** Answers before the body is there. Closing at once would reset the connection of a client that still sends, and lose the answer. */
  private drop(text: string, isLast: boolean): void {
    this.stage = 'dropping';
    this.door.deadlines.add(this, this.door.nowMs());
    if (isLast) this.response.write(text);
    else this.response.end(text);
    this.request.resume();
  }

  /** Whether the rest of the body is sure to come, and so small that the connection is worth it. */
  private isShort(): boolean {
    // A client that asked whether to send its body, and is refused, may send it or not.
    if (this.request.headers.expect !== undefined) return false;
    return this.declaredBytes !== undefined && this.declaredBytes <= this.route.bodyLimitBytes;
  }

  private finish(): void {
    // What is dropped has had its answer, and was counted then.
    if (this.stage !== 'over' && this.stage !== 'dropping') {
      const socket = this.request.socket as CountingSocket;
      socket[unanswered] = (socket[unanswered] ?? 1) - 1;
    }
    this.stage = 'over';
    this.door.deadlines.remove(this);
    this.giveBack();
  }

  private giveBack(): void {
    this.share.giveBack();
    this.chunks = [];
  }

  private givenId(): string | undefined {
    const given = this.request.headers[CORRELATION_HEADER];
    return isCorrelationId(given) ? given : undefined;
  }
}

/** Bytes of the body as its head announces them, 0 without a body, undefined where only the end will tell. */
function declaredLength(headers: IncomingMessage['headers']): number | undefined {
  const length = headers['content-length'];
  if (length !== undefined) return Number(length);
  return headers['transfer-encoding'] === undefined ? 0 : undefined;
}
