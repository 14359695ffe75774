import {
  type CallHandler,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { map, type Observable } from 'rxjs';
import { ProblemError } from './problem.ts';
import { Versioned } from './versioned.ts';

/** Entity tags of RFC 9110, weak ones too, one after the other; many more than anybody has seen are refused. */
const TAG_LIST = /^(?:W\/)?"[\x21\x23-\x7e]*"(?:[ \t]*,[ \t]*(?:W\/)?"[\x21\x23-\x7e]*"){0,63}$/;
/** A tag that a version has here. */
const VERSION_TAGS = /(?<![\w/])"(\d{1,15})"/g;

/**
 * What `If-Match` says, by RFC 9110: versions, any of which will do. A weak tag, or one that was never given, matches
 * none. Undefined without the header, and for `*`, which asks only that the thing is there. Throws 'invalid-request'.
 */
export type SeenVersions = readonly number[] | undefined;

/** The versions that the caller names in `If-Match`: see `SeenVersions`. */
export const IfMatch = createParamDecorator((_: unknown, context: ExecutionContext): SeenVersions => {
  return versionsIn(context.switchToHttp().getRequest<FastifyRequest>().headers['if-match']);
});

export function versionsIn(header: string | undefined): SeenVersions {
  if (header === undefined || header === '*') return undefined;
  if (!TAG_LIST.test(header)) {
    const detail = 'is the ETag of an answer, such as "3"';
    throw new ProblemError('invalid-request', undefined, [{ path: '/if-match', code: 'if-match', detail }]);
  }
  return [...header.matchAll(VERSION_TAGS)].map(([, version]) => Number(version));
}

/** Sends the version of a `Versioned` answer as its ETag. */
@Injectable()
export class EntityTags implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return next.handle().pipe(
      map((answer: unknown): unknown => {
        if (!(answer instanceof Versioned)) return answer;
        if (answer.etag !== undefined) void reply.header('etag', answer.etag);
        return answer.view;
      }),
    );
  }
}
