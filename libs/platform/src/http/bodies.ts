import { applyDecorators, type Type } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiBody } from '@nestjs/swagger';
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { authenticate } from '../auth/auth.ts';
import { type Tokens } from '../auth/tokens.ts';
import { sendProblem } from './problem.ts';

const RAW_BODY = 'application/octet-stream';

/** How a route reads its body. `json`, where a route says nothing, is Fastify's own parser. */
type BodyConfig = { readonly body: 'file'; readonly bodyLimitBytes: number } | { readonly body: 'stop' };

/**
 * A route whose body is a file, handed on as a Buffer without looking at its content type: it may be larger than other
 * bodies, and parsing it is not the business of the thread that answers requests.
 */
export const FileRoute = (limitBytes: number) =>
  RouteConfig({ body: 'file', bodyLimitBytes: limitBytes } satisfies BodyConfig);

/**
 * A route that stops something. It needs no body and no content type: what is no JSON object counts as no words, and the
 * stop is taken with its default reason. A JSON object is checked like any other body, against the class of the body.
 */
export const StopRoute = (body: Type) =>
  applyDecorators(RouteConfig({ body: 'stop' } satisfies BodyConfig), ApiBody({ type: body, required: false }));

/** Reads the bodies of files and stops. To be called before the routes are registered. */
export function readBodies(instance: FastifyInstance, tokens: Tokens): void {
  instance.addHook('onRoute', (route) => {
    const config = route.config as BodyConfig | undefined;
    if (config?.body === 'file') route.bodyLimit = config.bodyLimitBytes;
  });
  instance.addHook('onRequest', (request, reply, done) => {
    const kind = kindOf(request);
    // Whatever a client calls the body (curl: a web form), it is bytes here.
    if (kind !== 'json') request.headers['content-type'] = RAW_BODY;
    if (kind !== 'file') {
      done();
      return;
    }
    try {
      // The guard comes after the body, and nobody unknown may have us hold a large one.
      authenticate(tokens, request);
      done();
    } catch (error) {
      sendProblem(error, request, reply);
    }
  });
  const parseJson = instance.getDefaultJsonParser('remove', 'remove');
  instance.addContentTypeParser<Buffer>(RAW_BODY, { parseAs: 'buffer' }, (request, body, done) => {
    switch (kindOf(request)) {
      case 'file':
        done(null, body);
        return;
      case 'stop':
        void parseJson(request, body.toString('utf8'), (_, value?: unknown) =>
          done(null, isObject(value) ? value : {}),
        );
        return;
      case 'json':
        done(Object.assign(new Error(`not ${RAW_BODY}`), { statusCode: 415 }));
    }
  });
}

/** Whether the route stops something. */
export function isStop(request: FastifyRequest): boolean {
  return kindOf(request) === 'stop';
}

function kindOf(request: FastifyRequest): 'json' | BodyConfig['body'] {
  return (request.routeOptions.config as Partial<BodyConfig> | undefined)?.body ?? 'json';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
