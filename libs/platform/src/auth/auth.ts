import { randomUUID } from 'node:crypto';
import { type IncomingHttpHeaders } from 'node:http';
import { ShownRoles } from '@sluice/api';
import { applyDecorators, createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { type CommandContext } from '@sluice/event-sourcing';
import { type FastifyRequest } from 'fastify';
import { ProblemError } from '../http/problem.ts';
import { routeRules, type RouteRules } from '../http/route-rules.ts';
import { type Caller, type Role } from './caller.ts';
import { traceparentOf } from '../observe/request-traces.ts';
import { type Tokens } from './tokens.ts';

const BEARER = /^bearer +(\S+) *$/i;
const callers = new WeakMap<FastifyRequest, Caller>();
const keyedCommits = new WeakMap<FastifyRequest, Pick<CommandContext, 'commitId' | 'keyed'>>();

/** Which roles may call the route: any one of them is enough. A route without it is for the admin token only. */
export const Roles = (...allowed: Role[]) => applyDecorators(routeRules({ access: allowed }), ShownRoles(allowed));

/** A route that needs no token: health only. */
export const Public = () => applyDecorators(routeRules({ access: 'public' }), ShownRoles('public'));

/** Actor, correlation id and commit id, to be handed to `handle`: a fresh id, unless the request has an `Idempotency-Key`. */
export const RequestContext = createParamDecorator((_: unknown, context: ExecutionContext): CommandContext => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const commit = keyedCommits.get(request) ?? { commitId: randomUUID() };
  const traceparent = traceparentOf(request);
  const cause = {
    actor: actorOf(request),
    correlationId: request.id,
    ...(traceparent !== undefined && { traceparent }),
  };
  return { ...cause, ...commit };
});

/** Who sent the request, by the name of the token. */
export function actorOf(request: FastifyRequest): string {
  return callers.get(request)?.name ?? 'unknown';
}

/** Who calls, once the guard has let the request in; undefined on routes that need no token. */
export function callerOf(request: FastifyRequest): Caller | undefined {
  return callers.get(request);
}

/** Has `RequestContext` give the request this commit id. */
export function keepCommit(request: FastifyRequest, commit: Pick<CommandContext, 'commitId' | 'keyed'>): void {
  keyedCommits.set(request, commit);
}

/**
 * Lets a request in by its token and the roles of its route; `undefined` for a public route, where nobody is asked.
 * Throws 'unauthenticated' and 'forbidden'.
 */
export function admit(tokens: Tokens, request: FastifyRequest, { access = [] }: RouteRules): Caller | undefined {
  if (access === 'public') return undefined;
  const caller = authenticate(tokens, request);
  callers.set(request, caller);
  const isAdmitted = caller.isAdmin || access.some((role) => caller.has(role));
  if (!isAdmitted) throw new ProblemError('forbidden', `needs ${access.join(' or ') || 'the admin token'}`);
  return caller;
}

/** The caller by the bearer token of the request. Throws 'unauthenticated'. */
export function authenticate(tokens: Tokens, { headers }: { readonly headers: IncomingHttpHeaders }): Caller {
  const token = BEARER.exec(headers.authorization ?? '')?.[1];
  const caller = token === undefined ? undefined : tokens.authenticate(token);
  if (caller === undefined) throw new ProblemError('unauthenticated');
  return caller;
}
