import { type FastifyInstance } from 'fastify';
import { type HttpAdapterHost } from '@nestjs/core';
import { type Timers } from '../time/timers.ts';
import { type Tokens } from '../auth/tokens.ts';

/** A question that has no answer by then has none (design §3). */
export const QUESTION_WITHIN_MS = 2_000;

/** What came of a question: the JSON that was answered, or why there is none. */
export type Answered =
  { readonly kind: 'answered'; readonly body: unknown } | { readonly kind: 'unanswered'; readonly because: string };

/** Sends a GET to a service with the peers' token. Rejects when nothing comes back, or when it is aborted. */
export type Ask = (
  service: string,
  request: { readonly path: string; readonly token: string; readonly signal: AbortSignal },
) => Promise<{ readonly status: number; readonly text: string }>;

/**
 * Asks other services what only they know. A question changes nothing, is off the device routes, and nobody relies on an answer:
 * what nobody answered is unknown.
 */
export class Questions {
  constructor(
    private readonly send: Ask,
    private readonly tokens: Pick<Tokens, 'peerToken'>,
    private readonly timers: Timers,
  ) {}

  async ask(service: string, path: string): Promise<Answered> {
    const abort = new AbortController();
    let callOff: (() => void) | undefined;
    const late = new Promise<Answered>((resolve) => {
      callOff = this.timers.after(QUESTION_WITHIN_MS, () => {
        abort.abort();
        resolve(unanswered(`${service} did not answer within ${String(QUESTION_WITHIN_MS / 1000)} s`));
      });
    });
    try {
      return await Promise.race([this.answer(service, path, abort.signal), late]);
    } finally {
      callOff?.();
    }
  }

  private async answer(service: string, path: string, signal: AbortSignal): Promise<Answered> {
    try {
      const { status, text } = await this.send(service, { path, token: this.tokens.peerToken(), signal });
      if (status !== 200) return unanswered(`${service} answered ${String(status)}`);
      return { kind: 'answered', body: JSON.parse(text) };
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      return unanswered(`${service} did not answer: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }
}

/** Services that run apart, each at its address. */
export function askOverHttp(addresses: Readonly<Record<string, string>>): Ask {
  return async (service, { path, token, signal }) => {
    const address = addresses[service];
    if (address === undefined) throw new Error(`nobody knows where ${service} listens`);
    const headers = { authorization: `Bearer ${token}` };
    // A token is not carried on to where somebody else says.
    const response = await fetch(`${address}${path}`, { headers, redirect: 'error', signal });
    return { status: response.status, text: await response.text() };
  };
}

/** Services that are in this process: it asks itself. */
export function askHere(host: HttpAdapterHost): Ask {
  return async (_, { path, token }) => {
    const headers = { authorization: `Bearer ${token}` };
    const instance = host.httpAdapter.getInstance<FastifyInstance>();
    const { statusCode, body } = await instance.inject({ method: 'GET', url: path, headers });
    return { status: statusCode, text: body };
  };
}

function unanswered(because: string): Answered {
  return { kind: 'unanswered', because };
}
