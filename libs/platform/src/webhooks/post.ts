import { createHash } from 'node:crypto';
import { type Delivered } from '@sluice/event-sourcing';
import { Webhook } from 'standardwebhooks';
import { type Timers } from '../time/timers.ts';
import { type Receiver } from './receivers.ts';
import { bodyOf, type Shown, type TestNotice } from './templates.ts';

const ANSWER_WITHIN_MS = 10_000;
/** So much of what a receiver says is kept for people. */
const SAID_CHARACTERS_MAX = 200;
const SAID_BYTES_MAX = 4_096;
const ID_CHARACTERS = 27;
const GONE = 410;
/** Of those that say that the message is wrong, these say to come again: too slow, too early, too often. */
const COME_AGAIN: readonly number[] = [408, 425, 429];

/** What sending needs of the world. */
export interface PostPorts {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly timers: Pick<Timers, 'after'>;
  /** The wall's: receivers refuse what is signed too long ago. Milliseconds since 1970. */
  readonly wallMs: () => number;
}

export interface Message {
  readonly notice: Shown | TestNotice;
  /** The same whenever it is sent again: receivers know by it what they have had. */
  readonly webhookId: string;
  readonly sluiceUrl: string | undefined;
}

/** The id of a notice for receivers, which has no dot in it; the same notice of another store has another one. */
export function webhookIdOf(lineage: string, noticeId: string): string {
  const hash = createHash('sha256').update(`${lineage} ${noticeId}`).digest('base64url');
  return `msg_${hash.slice(0, ID_CHARACTERS)}`;
}

/** Sends it once, signed as Standard Webhooks asks for. A redirect is a failure: what is sent goes nowhere else. Never rejects. */
export async function post(
  { url, secret, format }: Receiver,
  { notice, webhookId, sluiceUrl }: Message,
  { fetch, timers, wallMs, signal }: PostPorts & { readonly signal: AbortSignal },
): Promise<Delivered> {
  const body = JSON.stringify(bodyOf(notice, format, sluiceUrl));
  const tooLong = new AbortController();
  const callOff = timers.after(ANSWER_WITHIN_MS, () => tooLong.abort());
  try {
    const response = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/json', ...signed({ webhookId, secret, body, wallMs }) },
      body,
      signal: AbortSignal.any([signal, tooLong.signal]),
    });
    if (response.ok) {
      await response.body?.cancel();
      return { kind: 'accepted' };
    }
    const because = `it answered ${String(response.status)}${await beginOf(response)}`;
    const kind = kindOf(response.status);
    return kind === 'failed' ? { kind, because, ...retryAfter(response) } : { kind, because };
  } catch (error) {
    if (tooLong.signal.aborted)
      return { kind: 'failed', because: `no answer within ${String(ANSWER_WITHIN_MS / 1000)} s` };
    return { kind: 'failed', because: causeOf(error) };
  } finally {
    callOff();
  }
}

function kindOf(status: number): 'failed' | 'refused' | 'gone' {
  if (status === GONE) return 'gone';
  return status >= 400 && status < 500 && !COME_AGAIN.includes(status) ? 'refused' : 'failed';
}

function signed(message: {
  readonly webhookId: string;
  readonly secret: string | undefined;
  readonly body: string;
  readonly wallMs: () => number;
}): Record<string, string> {
  const { webhookId, secret, body, wallMs } = message;
  const sentAt = new Date(wallMs());
  return {
    'webhook-id': webhookId,
    'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
    ...(secret !== undefined && { 'webhook-signature': new Webhook(secret).sign(webhookId, sentAt, body) }),
  };
}

/** What it says beside the status, as far as it is short; the rest is not read. */
async function beginOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let [text, bytes] = ['', 0];
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += part.length;
    text += decoder.decode(part.subarray(0, SAID_BYTES_MAX), { stream: true });
    if (bytes >= SAID_BYTES_MAX || text.length >= SAID_CHARACTERS_MAX) break;
  }
  const said = text.replaceAll(/\s+/g, ' ').trim().slice(0, SAID_CHARACTERS_MAX);
  return said === '' ? '' : `: ${said}`;
}

function retryAfter({ headers }: Response): { readonly retryAfterMs?: number } {
  const seconds = headers.get('retry-after') ?? '';
  return /^\d{1,6}$/.test(seconds) ? { retryAfterMs: Number(seconds) * 1000 } : {};
}

function causeOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}
