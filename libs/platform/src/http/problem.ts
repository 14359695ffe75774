import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import { type ErrorCode, errorCodes, type FieldFault, isErrorCode, type Problem } from '@sluice/contracts';
import { Rejection, RevisionConflict, StoreOverloaded, StoreUnavailable } from '@sluice/event-sourcing';
import { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';

const RETRY_AFTER_SECONDS = 1;

/** An error of the edge, by its code. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(
    readonly code: ErrorCode,
    readonly detail?: string,
    readonly errors?: readonly FieldFault[],
    readonly current?: object,
  ) {
    super(detail ?? errorCodes[code].title);
  }
}

/** A command that only another service takes; `owner` is where that one listens. */
export class NotTheOwner extends ProblemError {
  constructor(readonly owner: string) {
    super('not-the-owner', `send it to ${owner}`);
  }
}

/** The problem+json body of any error, and the error itself where it is a fault of Sluice and belongs in the log. */
export function toProblem(error: unknown, correlationId?: string): { problem: Problem; fault: boolean } {
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
      ...(current === undefined ? {} : { current }),
      ...owner,
    },
    fault: code === 'internal' || code === 'store-unavailable',
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
  const { problem, fault } = toProblem(error, request.id);
  codes.set(request, problem.code);
  if (fault) request.log.error({ err: error }, 'request failed');
  (reply.server as { [COUNT_PROBLEM]?: CountProblem } | undefined)?.[COUNT_PROBLEM]?.(problem.code);
  const retryAfter = retryAfterSeconds(error, problem);
  if (retryAfter !== undefined) void reply.header('retry-after', String(retryAfter));
  void reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
}

@Catch()
export class ProblemFilter implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    sendProblem(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }
}

function retryAfterSeconds(error: unknown, { status }: Problem): number | undefined {
  if (error instanceof Rejection && error.retryAfterSeconds !== undefined) return error.retryAfterSeconds;
  return status === 503 ? RETRY_AFTER_SECONDS : undefined;
}

function describe(error: unknown): Pick<Problem, 'code' | 'detail' | 'errors' | 'current'> {
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
  405: 'method-not-allowed',
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
