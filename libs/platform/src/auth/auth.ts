import { randomUUID } from 'node:crypto';
import { type CanActivate, createParamDecorator, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type CommandContext } from '@sluice/event-sourcing';
import { type FastifyRequest } from 'fastify';
import { ProblemError } from '../http/problem.ts';
import { type Caller, type Role } from './caller.ts';
import { Tokens } from './tokens.ts';

const ROLES = 'sluice:roles';
const callers = new WeakMap<FastifyRequest, Caller>();

/** Which roles may call the route: any one of them is enough. A route without it is for the admin token only. */
export const Roles = (...allowed: Role[]) => SetMetadata(ROLES, allowed);

/** A route that needs no token: health only. */
export const Public = () => SetMetadata(ROLES, 'public');

/** Actor, correlation id and a fresh commit id, to be handed to `handle`. */
export const RequestContext = createParamDecorator((_: unknown, context: ExecutionContext): CommandContext => {
  const request = context.switchToHttp().getRequest<FastifyRequest>();
  return { actor: callers.get(request)?.name ?? 'unknown', correlationId: request.id, commitId: randomUUID() };
});

/** Who calls, once the guard has let the request in; undefined on routes that need no token. */
export function callerOf(request: FastifyRequest): Caller | undefined {
  return callers.get(request);
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
export function authenticate(tokens: Tokens, request: FastifyRequest): Caller {
  const header = request.headers.authorization;
  const caller = header?.startsWith('Bearer ') ? tokens.authenticate(header.slice('Bearer '.length)) : undefined;
  if (caller === undefined) throw new ProblemError('unauthenticated');
  return caller;
}
