import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { repository } from './broker.ts';
import { type Figure, inWords, quantile } from './figure.ts';
import { paced, until } from './paced.ts';
import { patchOf, publicationOf } from './rollouts.ts';

/** Of each case. */
export const PULLS = 100;
export const MIB = 2 ** 20;
const PULLS_PER_SECOND = 5;
const TARGET_P99_MS = 100;
const SETTLE_MS = 2_000;
const MEMORY_EVERY_MS = 200;

/** Others that are at work beside the pulls, in another process, and what they count in the end. */
export interface Crowd<Tally> {
  stop(): Promise<Tally>;
}

export interface Beside<Tally> {
  readonly tookMs: readonly number[];
  readonly memory: { readonly before: number; readonly highest: number; readonly after: number };
  readonly seconds: number;
  readonly tally?: Tally;
}

/** Publishes as many patches as so many cases pull, and pulls some, for the first calls of a process are slow. */
export async function preparePulls(server: PulledServer, cases: number): Promise<void> {
  for (let n = 0; n < (cases + 1) * PULLS; n += 1)
    await server.call('/v1/patches', JSON.stringify(publicationOf(patchOf(n + 1))));
  await pulls(server, cases);
}

/** What the pulls of one case take, counted from 0, and what the process needs meanwhile. */
export async function measureBeside<Tally>(
  server: PulledServer,
  nth: number,
  start?: () => Promise<Crowd<Tally>>,
): Promise<Beside<Tally>> {
  const before = server.residentBytes();
  let highest = before;
  const watch = setInterval(() => (highest = Math.max(highest, server.residentBytes())), MEMORY_EVERY_MS);
  const crowd = await start?.();
  const startedAt = performance.now();
  try {
    const tookMs = await pulls(server, nth);
    const tally = await crowd?.stop();
    const seconds = (performance.now() - startedAt) / 1000;
    await sleep(SETTLE_MS);
    const memory = { before, highest, after: server.residentBytes() };
    return { tookMs, memory, seconds, ...(tally !== undefined && { tally }) };
  } finally {
    clearInterval(watch);
  }
}

/** `alone`: the same without a crowd, undefined of that itself. */
export function pullFigure<Tally>(
  what: string,
  { tookMs, memory }: Beside<Tally>,
  alone: Beside<Tally> | undefined,
  crowd: string | undefined,
): Figure {
  const inMs = (values: readonly number[]) =>
    `p50 ${inWords(quantile(values, 0.5))}, p99 ${inWords(quantile(values, 0.99))}, max ${inWords(Math.max(...values))} ms`;
  const [before, highest, after] = [memory.before, memory.highest, memory.after].map((bytes) => inWords(bytes / MIB));
  const resident = `resident memory ${String(before)} MiB before, ${String(highest)} at most, ${String(after)} after`;
  return {
    what: `pull ${what}, p99 of ${String(PULLS)}`,
    value: quantile(tookMs, 0.99),
    unit: 'ms',
    target: TARGET_P99_MS,
    beside: alone === undefined ? inMs(tookMs) : `${inMs(tookMs)}; without load ${inMs(alone.tookMs)}`,
    limitedBy: crowd === undefined ? resident : `${resident}; ${crowd}`,
  };
}

/** So many pulls at their pace, whatever becomes of those before. */
async function pulls(server: PulledServer, nth: number): Promise<number[]> {
  const tookMs: Promise<number>[] = [];
  await paced({ perSecond: PULLS_PER_SECOND, calls: PULLS }, (n) => {
    tookMs.push(server.pull(patchOf(nth * PULLS + n + 1).patchId));
  });
  return Promise.all(tookMs);
}

/** All of Sluice in a process of its own, as it is started for use. */
export class PulledServer implements AsyncDisposable {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    readonly token: string,
  ) {}

  static async start(data: string): Promise<PulledServer> {
    const script = join(repository, 'dist', 'standalone', 'main.js');
    const flags = ['--empty', '--port', '0', '--data', data, '--log-level', 'error'];
    const child = spawn(process.execPath, [...process.execArgv, script, ...flags], { stdio: ['ignore', 2, 'pipe'] });
    // Also when this program is told to end.
    process.once('exit', () => child.kill());
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => (said += piece));
    const url = () => /listens at (\S+)/.exec(said)?.[1];
    await until('Sluice listens', () => url() !== undefined || child.exitCode !== null);
    if (child.exitCode !== null) throw new Error(`Sluice did not start: ${said}`);
    const server = new PulledServer(child, url() ?? '', readFileSync(join(data, 'admin-token'), 'utf8').trim());
    await until('Sluice is ready', async () => (await fetch(`${server.url}/health/ready`)).ok);
    return server;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  /** Of the process, as the kernel has it. */
  residentBytes(): number {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(this.child.pid)}/status`, 'utf8'))?.[1];
    return Number(kib) * 1024;
  }

  /** On a connection of its own, as a responder's would be. Resolves with how long the answer took (ms). */
  async pull(patchId: string): Promise<number> {
    const startedAt = performance.now();
    await this.call(`/v1/patches/${patchId}/pull`, JSON.stringify({ mode: 'withdraw', reason: 'bench' }));
    return performance.now() - startedAt;
  }

  /** Makes the token of a device that speaks for all whose id starts so. */
  async deviceToken(devicePrefix: string): Promise<string> {
    const body = JSON.stringify({ name: 'bench', roles: ['device'], devicePrefix });
    return (await this.call<{ token: string }>('/v1/tokens', body)).token;
  }

  /** Reads an answer to its end. Resolves with how many bytes it had. Throws when it is no success. */
  async get(path: string): Promise<number> {
    const response = await fetch(`${this.url}${path}`, { headers: { authorization: `Bearer ${this.token}` } });
    const answer = await response.arrayBuffer();
    if (!response.ok)
      throw new Error(`${path} was answered with ${String(response.status)}: ${Buffer.from(answer).toString()}`);
    return answer.byteLength;
  }

  /** Throws when the answer is no success. */
  async call<Answer>(path: string, body: string | Buffer, token = this.token): Promise<Answer> {
    const headers = {
      ...{ authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      'content-length': Buffer.byteLength(body),
    };
    const agent = new Agent({ keepAlive: false });
    const sent = request(`${this.url}${path}`, { method: 'POST', headers, agent });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const answer = await text(response);
    if (response.statusCode === undefined || response.statusCode >= 300)
      throw new Error(`${path} was answered with ${String(response.statusCode)}: ${answer}`);
    return JSON.parse(answer) as Answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
  }
}
