import { subscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { faultOf, type SentAnswer } from './documented-answers.ts';

/**
 * Every answer of every service that a spec starts in its process, by inject or by a socket, has to be one that the OpenAPI
 * document lists for its operation: the status, the code of a problem, and every field. Fastify tells of each of its
 * servers on a channel of Node, so that no spec and no service knows of this.
 */

interface Server {
  addHook(
    name: 'onSend',
    hook: (
      request: SentRequest,
      reply: SentReply,
      payload: unknown,
      done: (error: null, payload: unknown) => void,
    ) => void,
  ): void;
}

interface SentRequest {
  readonly method: string;
  readonly url: string;
  readonly routeOptions?: { readonly url?: string | undefined };
}

interface SentReply {
  readonly statusCode: number;
  getHeader(name: string): unknown;
}

const file = join(import.meta.dirname, '..', '..', '..', 'docs', 'reference', 'openapi.json');
let document: object | undefined;
const faults: string[] = [];

subscribe('fastify.initialization', (message) => {
  const { fastify } = message as { readonly fastify: Server };
  fastify.addHook('onSend', (request, reply, payload, done) => {
    document ??= JSON.parse(readFileSync(file, 'utf8')) as object;
    const fault = faultOf(document, answerOf(request, reply, payload));
    if (fault !== undefined) faults.push(fault);
    done(null, payload);
  });
});

afterEach(() => {
  expect(faults.splice(0), 'answers that docs/reference/openapi.json does not list').toEqual([]);
});

function answerOf(request: SentRequest, reply: SentReply, payload: unknown): SentAnswer {
  const contentType = reply.getHeader('content-type');
  return {
    method: request.method,
    route: request.routeOptions?.url,
    status: reply.statusCode,
    contentType: typeof contentType === 'string' ? contentType : '',
    payload: typeof payload === 'string' || Buffer.isBuffer(payload) ? payload.toString() : undefined,
  };
}
