import { type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { applyDecorators, type Type } from '@nestjs/common';
import { ApiBody } from '@nestjs/swagger';
import { type ErrorCode } from '@sluice/contracts/errors';
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { type Timers } from '../time/timers.ts';
import { type BodyBudget, type BodyShare } from './body-budget.ts';
import { isObject, parseOperatorJson } from './operator-json.ts';
import { ProblemError } from './problem.ts';
import { routeRules, rulesOf } from './route-rules.ts';

const BYTES_FIRST = 64 * 1024;
const JSON_LIMIT_BYTES = 2 * 1024 * 1024;
/** A mode, an id and a reason. */
const STOP_LIMIT_BYTES = 64 * 1024;
/** A body comes whole within this time after its head, or not at all (design §4). */
export const BODY_WITHIN_MS = 10_000;
const RAW_BODY = 'application/octet-stream';

/**
 * A route whose body is a file, handed on as a Buffer without looking at its content type: it may be larger than other
 * bodies, and parsing it is not the business of the thread that answers requests.
 */
export const FileRoute = (limitBytes: number) => routeRules({ body: 'file', bodyLimitBytes: limitBytes });

/**
 * A route that stops something. It needs no body and no content type: what is no JSON object counts as no words, and the
 * stop is taken with its default reason. A JSON object is checked like any other body, against the class of the body.
 */
export const StopRoute = (body: Type) =>
  applyDecorators(
    routeRules({ body: 'stop', bodyLimitBytes: STOP_LIMIT_BYTES }),
    ApiBody({ type: body, required: false }),
  );

/** A route that is asked something with a body, and changes nothing: it is no command, and takes no key. */
export const QuestionRoute = () => routeRules({ isQuestion: true });

/** Whether the route stops something. */
export function isStop(request: FastifyRequest): boolean {
  return rulesOf(request).body === 'stop';
}

/** What a request announces is refused before any of its body is read. Throws 'body-too-large', 'unsupported-media-type'. */
export function checkAnnounced(request: FastifyRequest): void {
  const { body = 'json', bodyLimitBytes = JSON_LIMIT_BYTES } = rulesOf(request);
  const { headers } = request;
  if (!announcesBody(headers)) {
    delete headers['content-type'];
    return;
  }
  if (Number(headers['content-length'] ?? 0) > bodyLimitBytes) {
    throw new ProblemError('body-too-large', `more than ${String(bodyLimitBytes)} bytes`);
  }
  if (body === 'json' && headers['content-type']?.split(';')[0]?.trim().toLowerCase() !== 'application/json') {
    throw new ProblemError('unsupported-media-type');
  }
  // Whatever a client calls the body (curl: a web form), it is bytes here.
  headers['content-type'] = RAW_BODY;
}

/** Reads the bodies of all routes that Fastify has. */
export function readBodies(instance: FastifyInstance, budget: BodyBudget, timers: Timers): void {
  const shares = new WeakMap<FastifyRequest, BodyShare>();
  instance.removeAllContentTypeParsers();
  instance.addContentTypeParser(RAW_BODY, async (request: FastifyRequest, raw: IncomingMessage) => {
    const { body = 'json', bodyLimitBytes = JSON_LIMIT_BYTES } = rulesOf(request);
    const limits = { limitBytes: bodyLimitBytes, timers };
    // A stop waits for nobody else's bytes; those who hold its roles can keep little here.
    if (body === 'stop') return stopOf(await readBody(raw, limits));
    const share = shares.get(request);
    const bytes = await readBody(raw, { ...limits, ...(share !== undefined && { share }) });
    // The bytes of a file are handed on as they are, and are here until the answer.
    if (body === 'file') return bytes;
    share?.giveBack();
    return objectOf(bytes);
  });
  instance.addHook('preParsing', (request, { raw }, _, done) => {
    if (request.headers['content-type'] === RAW_BODY) {
      const share = budget.share();
      shares.set(request, share);
      raw.once('close', () => share.giveBack());
    }
    done();
  });
}

interface BodyLimits {
  readonly limitBytes: number;
  readonly timers: Timers;
  /** Where the bytes are counted; a body without one counts nowhere. */
  readonly share?: BodyShare;
}

/** Throws 'body-too-large', 'overloaded', 'request-too-slow', and 'malformed-request' for a body that breaks off. */
function readBody(raw: IncomingMessage, { limitBytes, timers, share }: BodyLimits): Promise<Buffer> {
  const announced = raw.headers['content-length'];
  return new Promise((resolve, reject) => {
    if (share?.claim(Number(announced ?? 0)) === false) {
      reject(new ProblemError('overloaded', 'too many bodies are on their way'));
      return;
    }
    // One piece of memory, because a body that comes in pieces of a byte would cost a hundred times its length.
    let bytes: Buffer = Buffer.allocUnsafe(Number(announced ?? BYTES_FIRST));
    let length = 0;
    const onData = (chunk: Buffer) => {
      if (length + chunk.length > limitBytes) fail('body-too-large', `more than ${String(limitBytes)} bytes`);
      else if (announced === undefined && share?.claim(chunk.length) === false) {
        fail('overloaded', 'too many bodies are on their way');
      } else {
        if (length + chunk.length > bytes.length) bytes = grown(bytes, length + chunk.length);
        length += chunk.copy(bytes, length);
      }
    };
    const onEnd = () => {
      stop();
      resolve(bytes.subarray(0, length));
    };
    const onClose = () => fail('malformed-request', 'the body broke off');
    const callOff = timers.after(BODY_WITHIN_MS, () => {
      fail('request-too-slow', `the body did not come within ${String(BODY_WITHIN_MS / 1000)} seconds`);
    });
    const stop = () => {
      callOff();
      raw.off('data', onData).off('end', onEnd).off('close', onClose);
    };
    const fail = (code: ErrorCode, detail: string) => {
      stop();
      share?.giveBack();
      reject(new ProblemError(code, detail));
    };
    raw.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

function grown(bytes: Buffer, least: number): Buffer {
  const larger = Buffer.allocUnsafe(Math.max(least, bytes.length * 2));
  bytes.copy(larger);
  return larger;
}

function objectOf(bytes: Buffer): object | undefined {
  if (bytes.length === 0) return undefined;
  const value = parseOperatorJson(bytes);
  if (isObject(value)) return value;
  const detail = 'the body must be an object';
  throw new ProblemError('invalid-request', undefined, [{ path: '', code: 'is-object', detail }]);
}

function stopOf(bytes: Buffer): object {
  try {
    const value = parseOperatorJson(bytes);
    return isObject(value) ? value : {};
  } catch (error) {
    if (error instanceof ProblemError && error.code === 'malformed-json') return {};
    throw error;
  }
}

function announcesBody(headers: IncomingHttpHeaders): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}
