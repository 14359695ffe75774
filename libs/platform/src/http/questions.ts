import { type Server } from 'node:http';
import { type HttpAdapterHost } from '@nestjs/core';
import { type Timers } from '../time/timers.ts';
import { type Tokens } from '../auth/tokens.ts';
import { injectInto } from './inject.ts';

const ANSWER_WITHIN_MS = 2_000;
/** Of the past: the asked service folds it first, in a thread that may have to begin, and nobody waits for it but a person. */
const PAST_WITHIN_MS = 10_000;
/** Questions that wait for their answers at once. */
const WAITING_MAX = 64;

/** Who can be asked. */
export type AskedService = 'catalog' | 'orchestrator' | 'telemetry';
export type ServiceAddresses = Readonly<Record<AskedService, string>>;

/** What came of a question; `because` says why nobody answered. */
export type Reply =
  | { readonly kind: 'answer'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'silence'; readonly because: string };

interface Surroundings {
  /** Where the services listen; undefined where all of them are this process. */
  readonly addresses: ServiceAddresses | undefined;
  readonly tokens: Tokens;
  readonly timers: Timers;
  readonly host: HttpAdapterHost;
}

/**
 * Questions to another service over HTTP with a peer token, never commands: whoever asks goes on without an answer. A service
 * of this process is asked by the same routes and rules, without a socket.
 */
export class Questions {
  private waiting = 0;

  constructor(private readonly surroundings: Surroundings) {}

  /**
   * Asks for a path, as `GET`; with `at` (RFC 3339) for what it was then. Never throws: after two seconds, of the past ten,
   * nobody has answered.
   */
  async ask(service: AskedService, path: string, at?: string): Promise<Reply> {
    const within = at === undefined ? ANSWER_WITHIN_MS : PAST_WITHIN_MS;
    const query = at === undefined ? '' : `?at=${encodeURIComponent(at)}`;
    if (this.waiting >= WAITING_MAX) return silence(`${String(this.waiting)} questions wait for their answers`);
    const over = new AbortController();
    const { promise: tooLate, resolve } = Promise.withResolvers<Reply>();
    const callOff = this.surroundings.timers.after(within, () => {
      over.abort();
      resolve(silence(`${service} did not answer within ${String(within / 1000)} s`));
    });
    this.waiting += 1;
    try {
      return await Promise.race([this.send(service, `${path}${query}`, over.signal), tooLate]);
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      return silence(`${service} did not answer: ${cause instanceof Error ? cause.message : String(cause)}`);
    } finally {
      callOff();
      this.waiting -= 1;
    }
  }

  private async send(service: AskedService, path: string, signal: AbortSignal): Promise<Reply> {
    const { addresses, tokens, host } = this.surroundings;
    const headers = { authorization: `Bearer ${tokens.peerToken()}`, accept: 'application/json' };
    if (addresses === undefined) {
      const server = host.httpAdapter.getHttpServer() as Server;
      const { statusCode, body } = await injectInto(server, { method: 'GET', url: path, headers, signal });
      return { kind: 'answer', status: statusCode, body: JSON.parse(body) as unknown };
    }
    // A token is not carried on to where somebody else says.
    const response = await fetch(`${addresses[service]}${path}`, { headers, redirect: 'error', signal });
    return { kind: 'answer', status: response.status, body: await response.json() };
  }
}

function silence(because: string): Reply {
  return { kind: 'silence', because };
}
