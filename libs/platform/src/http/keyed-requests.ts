import { hash, randomUUID } from 'node:crypto';
import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  Logger,
  type NestInterceptor,
  SetMetadata,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { type CommandContext, EventStore, Rejection } from '@sluice/event-sourcing';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { lastValueFrom, type Observable, of } from 'rxjs';
import { actorOf, keepCommit } from '../auth/auth.ts';
import { Timers } from '../time/timers.ts';
import { isStop } from './bodies.ts';
import { isObject } from './operator-json.ts';
import { ProblemError, toProblem } from './problem.ts';
import { isReading } from './route-rules.ts';
import { type KeptAnswer, type UsedKey, UsedKeys } from './used-keys.ts';

const KEY_HEADER = 'idempotency-key';
const KEY = /^[\x20-\x7e]{1,128}$/;
/** A larger answer is not kept: the command is asked again, and says what it did. EventStoreDB takes 1 MiB an append. */
const KEPT_CHARACTERS_MAX = 256 * 1024;
/** A store that says nothing of a key by then is not waited for: the command itself finds out what is wrong with the store. */
const KEY_ANSWERED_WITHIN_MS = 1000;
/** A stop waits for no more than a read. */
const STOP_KEY_ANSWERED_WITHIN_MS = 200;
const NOT_KEPT = 'sluice:answer-not-kept';

/**
 * A route whose answer holds a secret, so that it is not kept for those who send the request again under the same key. It is
 * carried out again then, with the same commit id, and has to answer by what it did the first time.
 */
export const AnswerNotKept = () => SetMetadata(NOT_KEPT, true);

interface Keyed {
  /** Hash of caller, operation and key. */
  readonly key: string;
  /** Hash of the path with its ids, the query and the body. */
  readonly request: string;
  readonly isStop: boolean;
  readonly isKept: boolean;
}

/**
 * `Idempotency-Key` on every command of every controller: the same request under the same key is answered as it was the first
 * time, word for word, and carried out once; another request under the key is refused with key-reused. It holds for
 * all instances on one store, for ever. A request that was refused has not used its key. The answer may be lost, with
 * the process or with the store: then the command is carried out again with the same commit id, which its stream knows.
 * A stop is never refused or delayed for its key: one that is malformed, or stands for another request, counts as none.
 */
@Injectable()
export class KeyedRequests implements NestInterceptor {
  private readonly log = new Logger('keys');
  private readonly keys: UsedKeys;
  /** The last request under each key that is being answered here. */
  private readonly underWay = new Map<string, Promise<unknown>>();

  constructor(
    store: EventStore,
    private readonly timers: Timers,
    private readonly reflector: Reflector,
  ) {
    this.keys = new UsedKeys(store);
  }

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const isKept = this.reflector.get<true | undefined>(NOT_KEPT, context.getHandler()) === undefined;
    const keyed = keyedOf(request, isKept);
    if (keyed === undefined) return next.handle();
    const answer = () => this.answer(keyed, { request, reply: http.getResponse<FastifyReply>(), next });
    return of(await (keyed.isStop ? answer() : this.inTurn(keyed, answer)));
  }

  /** Equal requests at once go one after the other, so that the second one finds the answer of the first. */
  private async inTurn<Result>({ key }: Keyed, answer: () => Promise<Result>): Promise<Result> {
    const before = this.underWay.get(key) ?? Promise.resolve();
    const mine = before.then(answer);
    const settled = mine.catch(() => undefined);
    this.underWay.set(key, settled);
    try {
      return await mine;
    } finally {
      if (this.underWay.get(key) === settled) this.underWay.delete(key);
    }
  }

  private async answer(
    keyed: Keyed,
    { request, reply, next }: { request: FastifyRequest; reply: FastifyReply; next: CallHandler },
  ): Promise<unknown> {
    const cause = { actor: actorOf(request), correlationId: request.id };
    const { used, isClaimed } = await this.look(keyed, cause);
    const before = answerIn(used, keyed);
    if (before !== undefined) return give(before, reply);
    keepCommit(request, { commitId: commitIdOf(keyed), keyed: isClaimed ? 'first' : 'maybe-again' });
    let body: unknown;
    try {
      body = await lastValueFrom(next.handle(), { defaultValue: undefined });
    } catch (error) {
      if (isClaimed && toProblem(error).problem.status < 500) {
        await this.inTime(keyed, this.keys.release(keyed.key, keyed.request, freshly(cause)));
      }
      throw error;
    }
    const kept = await this.keep(keyed, toKept(reply, body), cause);
    return kept === undefined ? body : give(kept, reply);
  }

  /** A stop only looks: what it is under is known by its commit id, and nothing is written before it is in force. */
  private async look(keyed: Keyed, cause: Cause): Promise<{ readonly used: UsedKey; readonly isClaimed: boolean }> {
    const { key, request, isStop: onlyLooks } = keyed;
    const unknown: UsedKey = { status: 'free' };
    if (onlyLooks) return { used: (await this.inTime(keyed, this.keys.find(key))) ?? unknown, isClaimed: false };
    const claimed = await this.inTime(keyed, this.keys.claim(key, request, freshly(cause)));
    return claimed ?? { used: unknown, isClaimed: false };
  }

  /** The answer that counts: another instance may have kept its own first. Undefined when none could be kept. */
  private async keep(keyed: Keyed, answer: KeptAnswer | undefined, cause: Cause): Promise<KeptAnswer | undefined> {
    if (answer === undefined || !keyed.isKept) return undefined;
    const { key, request } = keyed;
    const used = await this.inTime(keyed, this.keys.keep(key, { request, answer }, freshly(cause)));
    return used && answerIn(used, keyed);
  }

  /** Undefined when the store cannot, or does not in time. Throws Rejection. */
  private async inTime<Result>({ isStop: stops }: Keyed, work: Promise<Result>): Promise<Result | undefined> {
    const withinMs = stops ? STOP_KEY_ANSWERED_WITHIN_MS : KEY_ANSWERED_WITHIN_MS;
    let callOff: (() => void) | undefined;
    const late = new Promise<undefined>((resolve) => {
      callOff = this.timers.after(withinMs, () => resolve(undefined));
    });
    const done = work.catch((error: unknown) => {
      if (error instanceof Rejection) throw error;
      this.log.warn(`what a key stands for is not known: ${String(error)}`);
      return undefined;
    });
    try {
      return await Promise.race([done, late]);
    } finally {
      callOff?.();
    }
  }
}

type Cause = Pick<CommandContext, 'actor' | 'correlationId'>;

/** Undefined where there is no key that counts. Throws 'invalid-request'. */
function keyedOf(request: FastifyRequest, isKept: boolean): Keyed | undefined {
  const { [KEY_HEADER]: given } = request.headers;
  if (given === undefined || isReading(request)) return undefined;
  const stops = isStop(request);
  if (typeof given !== 'string' || !KEY.test(given)) {
    if (stops) return undefined;
    const detail = 'is 1 to 128 printable characters of ASCII';
    throw new ProblemError('invalid-request', undefined, [{ path: `/${KEY_HEADER}`, code: KEY_HEADER, detail }]);
  }
  const operation = `${request.method} ${request.routeOptions.url ?? request.url}`;
  return {
    key: hashOf([actorOf(request), operation, given]),
    request: hashOf([request.url, textOf(request.body)]),
    isStop: stops,
    isKept,
  };
}

function hashOf(parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts), 'hex');
}

/** The same text for the same JSON, whatever the order of its fields. */
function textOf(body: unknown): string {
  if (body instanceof Uint8Array) return hash('sha256', body, 'hex');
  // A request without a body has none that is JSON.
  if (body === undefined) return '';
  return JSON.stringify(body, (_, value: unknown) => (isObject(value) ? sorted(value) : value));
}

function sorted(fields: object): object {
  return Object.fromEntries(Object.entries(fields).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/**
 * A UUID (version 8) of key and request, which a store keeps in 16 bytes. The request is part of it, so that a stop under a
 * key that stands for another stop is never taken for that one.
 */
function commitIdOf({ key, request }: Keyed): string {
  const hex = hashOf([key, request]);
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}

function freshly(cause: Cause): CommandContext {
  return { ...cause, commitId: randomUUID() };
}

function answerIn(used: UsedKey, { request }: Keyed): KeptAnswer | undefined {
  return used.status === 'answered' && used.request === request ? used.answer : undefined;
}

/** Undefined when it is too large to be kept. */
function toKept(reply: FastifyReply, body: unknown): KeptAnswer | undefined {
  const json = JSON.stringify(body) as string | undefined;
  if (json !== undefined && json.length > KEPT_CHARACTERS_MAX) return undefined;
  const etag = reply.getHeader('etag');
  return {
    status: reply.statusCode,
    ...(typeof etag === 'string' && { etag }),
    ...(json !== undefined && { body: JSON.parse(json) as unknown }),
  };
}

function give({ status, etag, body }: KeptAnswer, reply: FastifyReply): unknown {
  void reply.status(status);
  if (etag !== undefined) void reply.header('etag', etag);
  return body;
}
