import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCrowdProcess } from '../crowd-process.ts';

/** Makes this program a crowd of readers until it is told to stop, or the program that started it is gone. */
export const READERS_FLAG = '--readers-of';

/** As `Retry-After` says, with jitter: clients that come back all at once are no readers of a feed. */
const REFUSED_AGAIN_AFTER_MS = { least: 500, most: 1_500 };
const CAUGHT_UP = 'event: progress';

export const crowds = {
  /** Each reads the feed from its beginning; who has all of it begins anew. */
  feed: { readers: 500, path: '/v1/feed', isStream: true },
  /** Each follows the pages of the feed to their end, and begins anew. */
  pages: { readers: 10, path: '/v1/feed?limit=10000', isStream: false },
  devices: { readers: 10, path: '/v1/devices?limit=1000', isStream: false },
  filtered: { readers: 10, path: '/v1/devices?limit=1000&q=device-9', isStream: false },
  tokens: { readers: 10, path: '/v1/tokens?limit=1000', isStream: false },
} as const satisfies Record<string, { readers: number; path: string; isStream: boolean }>;

export type CrowdName = keyof typeof crowds;

interface Role {
  readonly name: CrowdName;
  readonly url: string;
  readonly token: string;
}

export interface ReadingTally {
  /** Answers that were read to the end, or up to the end of the store. */
  read: number;
  bytes: number;
  /** Refused with 503. */
  refused: number;
  /** Cut in the middle. */
  cut: number;
}

/** A crowd in a process of its own, told when all of it is there. */
export function startReaders(role: Role): Promise<{ stop(): Promise<ReadingTally> }> {
  return startCrowdProcess(READERS_FLAG, role);
}

/** The other end. */
export async function playReaders(roleText: string): Promise<void> {
  const role = JSON.parse(roleText) as Role;
  const tally: ReadingTally = { read: 0, bytes: 0, refused: 0, cut: 0 };
  process.on('disconnect', () => process.exit(0));
  process.on('message', () => process.send?.(tally));
  for (let n = 0; n < crowds[role.name].readers; n += 1) void readForEver(role, tally);
  process.send?.('there');
  await once(process, 'disconnect');
}

async function readForEver(role: Role, tally: ReadingTally): Promise<never> {
  const { path, isStream } = crowds[role.name];
  const agent = new Agent({ keepAlive: true });
  let next = path as string;
  for (;;) {
    const response = await ask(role, next, { agent, isStream }).catch(() => undefined);
    if (response?.statusCode !== 200) {
      if (response?.statusCode === 503) tally.refused += 1;
      else tally.cut += 1;
      response?.resume();
      const { least, most } = REFUSED_AGAIN_AFTER_MS;
      await sleep(least + Math.random() * (most - least));
      continue;
    }
    next = isStream ? await readStream(response, path, tally) : await readPage(response, path, tally);
  }
}

async function ask(
  { url, token }: Role,
  path: string,
  { agent, isStream }: { readonly agent: Agent; readonly isStream: boolean },
): Promise<IncomingMessage> {
  const headers = { authorization: `Bearer ${token}`, ...(isStream && { accept: 'text/event-stream' }) };
  const request = get(`${url}${path}`, { headers, agent });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

async function readStream(response: IncomingMessage, path: string, tally: ReadingTally): Promise<string> {
  try {
    for await (const piece of response as AsyncIterable<Buffer>) {
      tally.bytes += piece.length;
      if (!piece.includes(CAUGHT_UP)) continue;
      tally.read += 1;
      response.destroy();
      return path;
    }
  } catch {
    // Told by the tally.
  }
  tally.cut += 1;
  return path;
}

/** The path of the next page, the first one again at the end. */
async function readPage(response: IncomingMessage, path: string, tally: ReadingTally): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
  const body = Buffer.concat(pieces);
  tally.read += 1;
  tally.bytes += body.length;
  const { next, caughtUp, nextCursor } = JSON.parse(body.toString()) as {
    readonly next?: string;
    readonly caughtUp?: boolean;
    readonly nextCursor?: string;
  };
  if (nextCursor !== undefined) return `${path}&cursor=${nextCursor}`;
  return next === undefined || caughtUp === true ? path : `${path}&from=${next}`;
}
