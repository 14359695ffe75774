import { Injectable, Logger } from '@nestjs/common';
import { type ErrorCode, isErrorCode } from '@sluice/contracts/errors';
import { type ShardOwner } from '@sluice/event-feed';
import { authenticate, type DeviceRequest, ProblemError, Settings, Tokens } from '@sluice/platform';
import { telemetrySettings } from '../settings.ts';
import { PeerHosts } from './peer-hosts.ts';

/** Says for whom another instance asks; whoever is asked so answers for its own shards and hands nothing on. */
const HANDED_ON_HEADER = 'x-sluice-handed-on';
/** The shards that a sum is asked over, comma-separated. */
const SHARDS_HEADER = 'x-sluice-shards';
const SHARD_PATTERN = /^\d{1,6}$/;
/** The commit id of a command. */
const COMMIT_HEADER = 'x-sluice-commit';
const COMMIT_ID = /^[0-9a-f-]{36}$/;
const CORRELATION_HEADER = 'x-correlation-id';
const ANSWER_WITHIN_MS = 5_000;
const SNAPSHOT_WITHIN_MS = 20_000;
/** An instance that gives up a shard at the same time may have to write what waits there first. */
const SNAPSHOT_BEGINS_WITHIN_MS = 3_000;
/** An owner of many shards that is gone is not waited for again for each of them. */
const SILENCE_REMEMBERED_MS = 30_000;
const SNAPSHOT_BYTES_MAX = 2 ** 31 - 1;
/** Calls to one instance that wait for their answers; whoever would be next is asked to come again. */
const WAITING_CALLS_MAX = 256;
/** Strangers are named once each in the log, and only so many of them. */
const STRANGERS_NAMED_MAX = 100;

/** What the owner of a shard may say no with, to be said again by whoever was asked first. */
const passedOn: ReadonlySet<ErrorCode> = new Set([
  'device-not-found',
  'overloaded',
  'store-unavailable',
  'shard-without-owner',
  'not-ready',
]);

/** A request as the platform hands it to routes. */
export type PeerRequest = DeviceRequest;

/** On whose behalf an instance asks another one. */
export interface AskedFor {
  readonly actor: string;
  readonly correlationId?: string;
  /** Of a command: the owner carries it out under this id, so that it counts once, whichever instance was asked. */
  readonly commitId?: string;
}

export interface PeerCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly shards?: readonly number[];
  readonly askedFor: AskedFor;
}

/** A request of another instance, which answers for its own shards only. */
export interface HandedOn {
  readonly actor: string;
  readonly commitId?: string;
  /** The shards that are asked after, where the request says so. */
  readonly shards?: readonly number[];
}

/** The other instances of this service over HTTP: how they are asked, and how their requests are recognized. */
@Injectable()
export class Peers {
  private readonly waiting = new Map<string, number>();
  private readonly silentSince = new Map<string, number>();
  /** The addresses where nobody answered when last asked. */
  private readonly unanswered = new Set<string>();
  private readonly hosts: PeerHosts;
  private readonly strangers = new Set<string>();
  private readonly log = new Logger('telemetry');

  constructor(
    private readonly settings: Settings,
    private readonly tokens: Tokens,
  ) {
    this.hosts = new PeerHosts(settings.of(telemetrySettings).peerHosts);
  }

  /**
   * What another instance handed on, undefined for a request from outside. Throws 'forbidden' when none may say so, and
   * 'invalid-request' when it names shards that are none.
   */
  handedOn(request: PeerRequest): HandedOn | undefined {
    const actor = request.headers[HANDED_ON_HEADER];
    if (typeof actor !== 'string') return undefined;
    if (!authenticate(this.tokens, request).has('peer')) {
      throw new ProblemError('forbidden', `${HANDED_ON_HEADER} is for other instances of this service`);
    }
    const { [SHARDS_HEADER]: shards, [COMMIT_HEADER]: commitId } = request.headers;
    return {
      actor: decodeActor(actor),
      ...(typeof commitId === 'string' && COMMIT_ID.test(commitId) && { commitId }),
      ...(typeof shards === 'string' && { shards: this.readShards(shards) }),
    };
  }

  /** On whose behalf another instance is asked when a request came from outside. Throws 'unauthenticated'. */
  askedFor(request: PeerRequest): AskedFor {
    return { actor: authenticate(this.tokens, request).name, correlationId: request.id };
  }

  /** Whether the owner did not answer when it was last asked, as far as it was asked at all. */
  isSilent({ address }: ShardOwner): boolean {
    return this.unanswered.has(address);
  }

  /** The answer of an instance. Throws its problem; 'shard-without-owner' when it does not answer, or not to us. */
  async ask<Answer>(owner: ShardOwner, call: PeerCall): Promise<Answer> {
    const waiting = this.waiting.get(owner.address) ?? 0;
    if (waiting >= WAITING_CALLS_MAX) {
      throw new ProblemError('overloaded', `${String(waiting)} requests wait for ${owner.instance}`);
    }
    this.waiting.set(owner.address, waiting + 1);
    try {
      const response = await this.send(owner, call, AbortSignal.timeout(ANSWER_WITHIN_MS));
      const answer = (await response.json()) as Answer;
      const problem = response.ok ? undefined : problemOf(response.status, answer);
      this.unanswered.delete(owner.address);
      if (problem === undefined) return answer;
      throw problem;
    } catch (error) {
      if (error instanceof ProblemError) throw error;
      this.unanswered.add(owner.address);
      throw silent(owner, error);
    } finally {
      this.waiting.set(owner.address, (this.waiting.get(owner.address) ?? 1) - 1);
    }
  }

  /** The snapshot of a shard that an instance has, undefined when it has none. Throws when it does not answer. */
  async snapshot(owner: ShardOwner, shard: number): Promise<Uint8Array | undefined> {
    const silentSince = this.silentSince.get(owner.address) ?? -Infinity;
    if (performance.now() - silentSince < SILENCE_REMEMBERED_MS) return undefined;
    const path = `/v1/shards/${String(shard)}/snapshot`;
    const call: PeerCall = { method: 'GET', path, askedFor: { actor: 'telemetry' } };
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(new Error('silence')), SNAPSHOT_BEGINS_WITHIN_MS);
    try {
      const response = await this.send(
        owner,
        call,
        AbortSignal.any([silence.signal, AbortSignal.timeout(SNAPSHOT_WITHIN_MS)]),
      );
      clearTimeout(timer);
      if (response.ok && Number(response.headers.get('content-length')) <= SNAPSHOT_BYTES_MAX)
        return await response.bytes();
      await response.body?.cancel();
      return undefined;
    } catch (error) {
      this.silentSince.set(owner.address, performance.now());
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private async send(owner: ShardOwner, call: PeerCall, signal: AbortSignal): Promise<Response> {
    const { method, path, body, shards, askedFor } = call;
    this.refuseStranger(owner);
    return fetch(`${owner.address}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.peerToken()}`,
        [HANDED_ON_HEADER]: encodeURIComponent(askedFor.actor),
        ...(askedFor.correlationId !== undefined && { [CORRELATION_HEADER]: askedFor.correlationId }),
        ...(askedFor.commitId !== undefined && { [COMMIT_HEADER]: askedFor.commitId }),
        ...(shards !== undefined && { [SHARDS_HEADER]: shards.join(',') }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body }),
      // A token is not carried on to where somebody else says.
      redirect: 'error',
      signal,
    });
  }

  // The address came in a message: whoever wrote that must not be sent a token.
  private refuseStranger({ instance, address }: ShardOwner): void {
    if (this.hosts.has(address)) return;
    const detail = `${instance} is said to be at ${address}, which --peer-hosts does not name`;
    if (!this.strangers.has(address) && this.strangers.size < STRANGERS_NAMED_MAX) {
      this.strangers.add(address);
      this.log.error(`${detail}: it is not asked`);
    }
    throw new ProblemError('shard-without-owner', detail);
  }

  private readShards(text: string): number[] {
    const { shards: count } = this.settings.values;
    const shards = text.split(',', count + 1).map((each) => (SHARD_PATTERN.test(each) ? Number(each) : count));
    if (shards.length <= count && shards.every((shard) => shard < count)) return shards;
    const detail = `is at most ${String(count)} shards, of 0 to ${String(count - 1)}`;
    throw new ProblemError('invalid-request', undefined, [{ path: `/${SHARDS_HEADER}`, code: 'shards', detail }]);
  }

  private peerToken(): string {
    try {
      return this.tokens.peerToken();
    } catch (error) {
      this.log.error(`other instances cannot be asked: ${String(error)}`);
      throw new ProblemError('shard-without-owner', 'this instance has no token to ask its owner with');
    }
  }
}

/** Nobody answers for a shard. */
export function withoutOwner(shard: number): ProblemError {
  return new ProblemError('shard-without-owner', `shard ${String(shard)}`);
}

function silent({ instance }: ShardOwner, error: unknown): ProblemError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ProblemError('shard-without-owner', `its owner ${instance} does not answer: ${reason}`);
}

/** Its problem. Throws when that is not for whoever asked here: an owner that does not understand us is silent to us. */
function problemOf(status: number, answer: unknown): ProblemError {
  const { code, detail } = answer as { code?: unknown; detail?: unknown };
  if (typeof code === 'string' && isErrorCode(code) && passedOn.has(code)) {
    return new ProblemError(code, typeof detail === 'string' ? detail : undefined);
  }
  throw new Error(`it said ${String(status)} ${String(code)}`);
}

function decodeActor(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
