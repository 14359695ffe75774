import { type IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { type ErrorCode, errorCodes, type FieldFault, isErrorCode, type Problem } from '@sluice/contracts/errors';
import { Rejection, RevisionConflict, StoreOverloaded, StoreUnavailable } from '@sluice/event-sourcing';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type Versioned } from './versioned.ts';

const RETRY_AFTER_SECONDS = 1;
export const CORRELATION_HEADER = 'x-correlation-id';
const CORRELATION_ID = /^[A-Za-z0-9._:-]{1,64}$/;
/**
 * A connection that is closed while its client still sends is reset, and the answer lost: so it stays for a while. What is
 * short is read and thrown away. What is long is not read at all: 36 clients that send 2 MiB each keep the thread that
 * answers pulls busy for half a second, and one that waits comes back less often.
 */
const LINGER_MS = 5_000;
/** Connections that came together are not closed together, because then they come back together, too. */
const LINGER_SPREAD = 0.5;
const LINGER_BYTES = 64 * 1024;

/** An error of the edge, by its code. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  /** Headers of the answer, beside those that follow from the code. */
  headers: Readonly<Record<string, string>> = {};

  constructor(
    readonly code: ErrorCode,
    readonly detail?: string,
    readonly errors?: readonly FieldFault[],
    /** What it is now, as an answer has it. */
    readonly current?: Versioned,
  ) {
    super(detail ?? errorCodes[code].title);
  }

  withHeader(name: string, value: string): this {
    this.headers = { ...this.headers, [name]: value };
    return this;
  }
}

/** A command that only another service takes; `owner` is where that one listens. */
export class NotTheOwner extends ProblemError {
  constructor(readonly owner: string) {
    super('not-the-owner', `send it to ${owner}`);
  }
}

/** Whether a client's correlation id is one that is taken over. */
export function isCorrelationId(given: unknown): given is string {
  return typeof given === 'string' && CORRELATION_ID.test(given);
}

/** The problem+json body of any error, the ETag of what is `current` in it, and whether it is a fault of Sluice and belongs in the log. */
export function toProblem(
  error: unknown,
  correlationId?: string,
): { readonly problem: Problem; readonly etag: string | undefined; readonly fault: boolean } {
  const { code, detail, errors, current } = describe(error);
  const owner = error instanceof NotTheOwner && { owner: error.owner };
  const { status, title } = errorCodes[code];
  return {
    problem: {
      type: `urn:sluice:error:${code}`,
      title,
      status,
      code,
      ...(detail === undefined ? {} : { detail }),
      ...(correlationId === undefined ? {} : { correlationId }),
      ...(errors === undefined ? {} : { errors }),
      ...(current === undefined ? {} : { current: current.view }),
      ...owner,
    },
    etag: current?.etag,
    fault: code === 'internal' || code === 'store-unavailable' || code === 'store-late',
  };
}

const codes = new WeakMap<FastifyRequest, ErrorCode>();

/** The code of the problem that the request was answered with, undefined where it was answered with none. */
export function problemCodeOf(request: FastifyRequest): ErrorCode | undefined {
  return codes.get(request);
}

const COUNT_PROBLEM = 'countProblem';
type CountProblem = (code: ErrorCode) => void;

/** Has every problem that the server answers with counted. To be called before the server is ready. */
export function countProblems(instance: FastifyInstance, count: CountProblem): void {
  instance.decorate(COUNT_PROBLEM, count);
}

/** Answers with the problem; the one place where errors become HTTP. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { problem, etag, fault } = toProblem(error, request.id);
  codes.set(request, problem.code);
  if (etag !== undefined) void reply.header('etag', etag);
  if (fault) request.log.error({ err: error }, 'request failed');
  countAnswered(reply.server, problem.code);
  void reply.headers(headersOf(error, problem, request.headers.authorization !== undefined));
  void reply.code(problem.status).type('application/problem+json');
  const text = JSON.stringify(problem);
  if (!isBodyComing(request.raw)) {
    void reply.send(text);
    return;
  }
  // The answer is whole for the client at once; the connection is closed a moment later.
  void reply.headers({ connection: 'close', 'content-length': String(Buffer.byteLength(text)) });
  void reply.send(Readable.from(lingering(text, request.raw)));
}

/** Counts a problem that was answered by other means than `sendProblem`. */
export function countAnswered(instance: FastifyInstance, code: ErrorCode): void {
  (instance as { [COUNT_PROBLEM]?: CountProblem } | undefined)?.[COUNT_PROBLEM]?.(code);
}

@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    sendProblem(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }
}

/** The headers of a problem beside its type. `hasToken`: whether the request came with anything that should be a token. */
export function headersOf(error: unknown, problem: Problem, hasToken: boolean): Record<string, string> {
  const retryAfter = retryAfterSeconds(error, problem);
  return {
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
    ...(problem.code === 'unauthenticated' && {
      'www-authenticate': hasToken ? 'Bearer error="invalid_token"' : 'Bearer',
    }),
    ...(error instanceof ProblemError && error.headers),
  };
}

/** Whether a body is announced, and not all of it is here. */
function isBodyComing({ complete, readableEnded, destroyed, headers }: IncomingMessage): boolean {
  if (complete || readableEnded || destroyed) return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

async function* lingering(text: string, raw: IncomingMessage): AsyncGenerator<string> {
  yield text;
  if (Number(raw.headers['content-length'] ?? Infinity) <= LINGER_BYTES) raw.resume();
  // Else each byte that trickles in costs a read. A request that is injected has no socket.
  else if (raw.socket instanceof Socket) raw.socket.pause();
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, LINGER_MS * (1 - LINGER_SPREAD * Math.random())).unref();
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    raw.once('end', end).once('close', end);
  });
}

function retryAfterSeconds(error: unknown, { status }: Problem): number | undefined {
  if (error instanceof Rejection && error.retryAfterSeconds !== undefined) return error.retryAfterSeconds;
  return status === 503 ? RETRY_AFTER_SECONDS : undefined;
}

function describe(error: unknown): Pick<Problem, 'code' | 'detail' | 'errors'> & { readonly current?: Versioned } {
  if (error instanceof ProblemError) {
    return {
      code: error.code,
      ...(error.detail === undefined ? {} : { detail: error.detail }),
      ...(error.errors === undefined ? {} : { errors: error.errors }),
      ...(error.current === undefined ? {} : { current: error.current }),
    };
  }
  if (error instanceof Rejection && isErrorCode(error.code)) {
    return error.detail === undefined ? { code: error.code } : { code: error.code, detail: error.detail };
  }
  if (error instanceof RevisionConflict) return { code: 'conflict' };
  if (error instanceof StoreOverloaded) return { code: 'overloaded', detail: error.message };
  if (error instanceof StoreUnavailable) return { code: 'store-unavailable', detail: error.message };
  if (isMalformedJson(error)) return { code: 'malformed-json', detail: error.message };
  const status = statusOf(error);
  const code = codeByStatus[status] ?? (status >= 400 && status < 500 ? 'invalid-request' : 'internal');
  return code === 'internal' ? { code } : { code, detail: error instanceof Error ? error.message : String(error) };
}

// What Nest and Fastify themselves refuse, before any of our code runs.
const codeByStatus: Readonly<Record<number, ErrorCode>> = {
  404: 'route-not-found',
  413: 'body-too-large',
  415: 'unsupported-media-type',
  503: 'overloaded',
};

// Nest wraps what Fastify's parser says, so the parser's code is not always there.
function isMalformedJson(error: unknown): error is Error {
  return error instanceof Error && statusOf(error) === 400 && error.message.includes('JSON');
}

function statusOf(error: unknown): number {
  if (error instanceof HttpException) return error.getStatus();
  if (error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number') return error.statusCode;
  return 500;
}
