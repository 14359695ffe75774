import { toPointerToken } from '@sluice/contracts/errors';
import { type FastifyInstance, type FastifyRequest } from 'fastify';
import { admit } from '../auth/auth.ts';
import { type Tokens } from '../auth/tokens.ts';
import { type Timers } from '../time/timers.ts';
import { type BodyBudget } from './body-budget.ts';
import { checkAnnounced, readBodies } from './bodies.ts';
import {
  boundStrangers,
  holdContinue,
  isStranger,
  letContinue,
  recognize,
  refuseTunnels,
  rememberAnswer,
} from './connections.ts';
import { ProblemError, sendProblem } from './problem.ts';
import { type RouteRules, rulesOf } from './route-rules.ts';

export interface Guards {
  readonly tokens: Tokens;
  readonly budget: BodyBudget;
  readonly timers: Timers;
}

/**
 * What every request passes, in this order (design §4): route, token and role, query, what it announces, then its body.
 * So no byte of a body is held for anybody who may not send it. To be called before the routes are registered.
 */
export function guardRoutes(instance: FastifyInstance, { tokens, budget, timers }: Guards): void {
  const methods = new PathMethods(instance);
  const { server } = instance;
  boundStrangers(server);
  holdContinue(server);
  refuseTunnels(server);
  let isClosing = false;
  instance.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  instance.addHook('onRequest', (request, reply, done) => {
    rememberAnswer(request.raw.socket, reply.raw);
    try {
      if (isClosing) throw new ProblemError('shutting-down');
      if (request.is404) throw notFound(request, methods.of(request.url));
      const rules = rulesOf(request);
      if (admit(tokens, request, rules) !== undefined) recognize(request.raw.socket);
      checkHead(request, rules);
      checkAnnounced(request);
      if (isStranger(request.raw.socket)) void reply.header('connection', 'close');
      done();
    } catch (error) {
      if (isClosing || isStranger(request.raw.socket)) void reply.header('connection', 'close');
      sendProblem(error, request, reply);
    }
  });
  instance.addHook('preParsing', (request, reply, _, done) => {
    letContinue(request.raw, reply.raw);
    done();
  });
  readBodies(instance, budget, timers);
}

function notFound(request: FastifyRequest, allowed: readonly string[]): ProblemError {
  return allowed.length === 0
    ? new ProblemError('route-not-found', `${request.method} ${request.url.split('?')[0] ?? ''}`)
    : new ProblemError('method-not-allowed', `takes ${allowed.join(', ')}`).withHeader('allow', allowed.join(', '));
}

/** Throws 'malformed-request' without a host, 'invalid-request' for a parameter that the route does not take, or twice. */
function checkHead({ raw, query }: FastifyRequest, { takesQuery = false }: RouteRules): void {
  if (raw.headers.host === undefined && raw.httpVersion === '1.1') {
    throw new ProblemError('malformed-request', 'a Host is missing');
  }
  const faults = Object.entries(query as Record<string, unknown>).flatMap(([name, value]) => {
    const path = `/${toPointerToken(name)}`;
    if (Array.isArray(value)) return [{ path, code: 'repeated', detail: `${name} was given more than once` }];
    // What no object has as a field of its own, no class that checks a query sees.
    if (takesQuery && !(name in Object.prototype)) return [];
    return [{ path, code: 'whitelist-validation', detail: `property ${name} should not exist` }];
  });
  if (faults.length > 0) throw new ProblemError('invalid-request', undefined, faults);
}

/** Which methods each path takes. Fastify's own router tells only whether it takes one. */
class PathMethods {
  private readonly methods = new Map<string, { readonly path: RegExp; readonly methods: Set<string> }>();

  constructor(instance: FastifyInstance) {
    instance.addHook('onRoute', ({ url, method }) => {
      const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replaceAll('.', '\\.')));
      const known = this.methods.get(url) ?? { path: new RegExp(`^${parts.join('/')}$`), methods: new Set() };
      for (const each of [method].flat()) known.methods.add(each);
      this.methods.set(url, known);
    });
  }

  of(url: string): string[] {
    const path = url.split('?')[0] ?? '';
    return [...this.methods.values()].flatMap((each) => (each.path.test(path) ? [...each.methods] : []));
  }
}
