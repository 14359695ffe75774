import { randomUUID } from 'node:crypto';
import { type IncomingHttpHeaders } from 'node:http';
import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type CommandContext } from '@sluice/event-sourcing';
import { type FastifyRequest } from 'fastify';
import { ProblemError } from '../http/problem.ts';
import { type Caller, type Role, Tokens } from './tokens.ts';

const BEARER = /^bearer +(\S+) *$/i;
const ROLES = 'sluice:roles';
const callers = new WeakMap<FastifyRequest, Caller>();
const keyedCommits = new WeakMap<FastifyRequest, Pick<CommandContext, 'commitId' | 'keyed'>>();

/** Which roles may call the route: any one of them is enough. A route without it is for the admin token only. */
export const Roles = (...allowed: Role[]) => SetMetadata(ROLES, allowed);

/** A route that needs no token: health only. */
export const Public = () => SetMetadata(ROLES, 'public');

/** Actor, correlation id and commit id, to be handed to `handle`: a fresh id, unless the request has an `Idempotency-Key`. */
export const RequestContext = createParamDecorator((_: unknown, context: ExecutionContext): CommandContext => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  const commit = keyedCommits.get(request) ?? { commitId: randomUUID() };
  return { actor: actorOf(request), correlationId: request.id, ...commit };
});

/** Who sent the request, by the name of the token. */
export function actorOf(request: FastifyRequest): string {
  return callers.get(request)?.name ?? 'unknown';
}

/** Has `RequestContext` give the request this commit id. */
export function keepCommit(request: FastifyRequest, commit: Pick<CommandContext, 'commitId' | 'keyed'>): void {
  keyedCommits.set(request, commit);
}

@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly tokens: Tokens,
    private readonly reflector: Reflector,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    const allowed = this.reflector.get<readonly Role[] | 'public' | undefined>(ROLES, context.getHandler()) ?? [];
    if (allowed === 'public') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const caller = authenticate(this.tokens, request);
    callers.set(request, caller);
    const admitted = caller.isAdmin || allowed.some((role) => caller.has(role));
    if (!admitted) throw new ProblemError('forbidden', `needs ${allowed.join(' or ') || 'the admin token'}`);
    return true;
  }
}

/** The caller by the bearer token of the request. Throws 'unauthenticated'. */
export function authenticate(tokens: Tokens, { headers }: { readonly headers: IncomingHttpHeaders }): Caller {
  const token = BEARER.exec(headers.authorization ?? '')?.[1];
  const caller = token === undefined ? undefined : tokens.authenticate(token);
  if (caller === undefined) throw new ProblemError('unauthenticated');
  return caller;
}
