import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { RouteConfig } from '@nestjs/platform-fastify';
import { type FastifyRequest } from 'fastify';
import { type Role } from '../auth/caller.ts';

/** What the door has to know of a route before any of its body is read; the decorators of the route say it. */
export interface RouteRules {
  /** Any one of the roles is enough. Without any, and where a route says nothing, it is for the admin only. */
  readonly access?: 'public' | readonly Role[];
  /** How the body is read. */
  readonly body?: 'json' | 'file' | 'stop';
  readonly bodyLimitBytes?: number;
  /** Whether a class checks the query; elsewhere each parameter is one too many. */
  readonly takesQuery?: boolean;
  /** It asks and changes nothing, though what is asked comes as a body. */
  readonly isQuestion?: boolean;
}

const readingMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

const rulesOfHandlers = new WeakMap<object, RouteRules>();

/** Adds to what is known of a route. Several decorators may each say a part, in any order. */
export const routeRules =
  (rules: RouteRules): MethodDecorator =>
  (target, name, descriptor) => {
    const handler = descriptor.value as object;
    const takesQuery = hasQuery(target.constructor, name);
    const all = { ...rulesOfHandlers.get(handler), ...rules, takesQuery };
    rulesOfHandlers.set(handler, all);
    RouteConfig(all)(target, name, descriptor);
  };

/** The path of the route, with the names of its parameters in place of what came: `/v1/patches/{id}/pull`. */
export function patternOf({ routeOptions: { url = '' } }: FastifyRequest): string {
  return url.replaceAll(/:(\w+)/g, '{$1}');
}

/** Whether the request asks for something, and changes nothing. */
export function isReading({ method, routeOptions }: FastifyRequest): boolean {
  return readingMethods.has(method) || (routeOptions.config as RouteRules | undefined)?.isQuestion === true;
}

export function rulesOf(request: FastifyRequest): RouteRules {
  return request.routeOptions.config as RouteRules;
}

/** Decorators of parameters run before those of their method. */
function hasQuery(controller: object, name: string | symbol): boolean {
  const parameters = Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name) as object | undefined;
  return Object.keys(parameters ?? {}).some((key) => key.startsWith(`${String(RouteParamtypes.QUERY)}:`));
}
