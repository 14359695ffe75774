import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { repository } from '../broker.ts';
import { DEVICE_PREFIX } from '../examples.ts';
import { type Figure, inWords, quantile } from '../figure.ts';
import { paced, until } from '../paced.ts';
import { patchOf, publicationOf } from '../rollouts.ts';
import { type CrowdName, crowds, type CrowdTally, startCrowd } from './crowd.ts';

const PULLS = 100;
const PULLS_PER_SECOND = 5;
const TARGET_P99_MS = 100;
const SETTLE_MS = 2_000;
const MEMORY_EVERY_MS = 200;
const MIB = 2 ** 20;

interface Case {
  readonly what: string;
  readonly crowd?: CrowdName;
  readonly isKnown?: boolean;
}

const cases: readonly Case[] = [
  { what: 'no load' },
  { what: 'beside 1,000 connections without a token, each with 2 MB announced and trickled', crowd: 'trickled' },
  { what: 'beside 36 × 2 MB without a token, over and over', crowd: 'posts' },
  { what: 'beside imports of 32 MB by a device token, 4 at once, over and over', crowd: 'imports', isKnown: true },
];

interface Measured {
  readonly tookMs: readonly number[];
  readonly memory: { readonly before: number; readonly highest: number; readonly after: number };
  readonly tally?: CrowdTally;
}

/** How long a pull takes whoever crowds the door, each on a connection of its own, with the embedded store. */
export async function measureDoor(folder: string): Promise<Figure[]> {
  await using server = await DoorServer.start(join(folder, 'door'));
  await publishAll(server);
  const device = await server.call<{ token: string }>('/v1/tokens', {
    ...{ name: 'bench', roles: ['device'], devicePrefix: DEVICE_PREFIX },
  });
  // The first calls of a process are slow, whatever crowds there are.
  await pulls(server, cases.length * PULLS);
  const figures: Figure[] = [];
  let alone: Measured | undefined;
  for (const [n, each] of cases.entries()) {
    process.stderr.write(`  ${each.what}…\n`);
    const measured = await measure(server, each, { from: n * PULLS, token: device.token });
    alone ??= measured;
    figures.push(figureOf(each, measured, alone));
  }
  return figures;
}

async function publishAll(server: DoorServer): Promise<void> {
  for (let n = 0; n < (cases.length + 1) * PULLS; n += 1)
    await server.call('/v1/patches', publicationOf(patchOf(n + 1)));
}

async function measure(
  server: DoorServer,
  { crowd, isKnown }: Case,
  { from, token }: { readonly from: number; readonly token: string },
): Promise<Measured> {
  const before = server.residentBytes();
  let highest = before;
  const watch = setInterval(() => (highest = Math.max(highest, server.residentBytes())), MEMORY_EVERY_MS);
  const there =
    crowd === undefined
      ? undefined
      : await startCrowd({ name: crowd, port: server.port, ...(isKnown === true && { token }) });
  try {
    const tookMs = await pulls(server, from);
    const tally = await there?.stop();
    await sleep(SETTLE_MS);
    const memory = { before, highest, after: server.residentBytes() };
    return { tookMs, memory, ...(tally !== undefined && { tally }) };
  } finally {
    clearInterval(watch);
  }
}

/** So many pulls at their pace, whatever becomes of those before. */
async function pulls(server: DoorServer, from: number): Promise<number[]> {
  const tookMs: Promise<number>[] = [];
  await paced({ perSecond: PULLS_PER_SECOND, calls: PULLS }, (n) => {
    tookMs.push(server.pull(patchOf(from + n + 1).patchId));
  });
  return Promise.all(tookMs);
}

function figureOf({ what, crowd }: Case, { tookMs, memory, tally }: Measured, alone: Measured): Figure {
  const inMs = (values: readonly number[]) =>
    `p50 ${inWords(quantile(values, 0.5))}, p99 ${inWords(quantile(values, 0.99))}, max ${inWords(Math.max(...values))} ms`;
  const [before, highest, after] = [memory.before, memory.highest, memory.after].map((bytes) => inWords(bytes / MIB));
  const resident = `resident memory ${String(before)} MiB before, ${String(highest)} at most, ${String(after)} after`;
  const answers = Object.entries(tally?.answers ?? {}).map(([status, count]) => `${inWords(count)} × ${status}`);
  return {
    what: `pull ${what}, p99 of ${String(PULLS)}`,
    value: quantile(tookMs, 0.99),
    unit: 'ms',
    target: TARGET_P99_MS,
    beside: crowd === undefined ? inMs(tookMs) : `${inMs(tookMs)}; without load ${inMs(alone.tookMs)}`,
    limitedBy:
      tally === undefined || crowd === undefined
        ? resident
        : `${resident}; ${String(crowds[crowd].connections)} at once, ${inWords(tally.connected)} came, answered ${answers.join(', ')}, ${inWords(tally.cut)} closed without`,
  };
}

/** All of Sluice in a process of its own, as it is started for use. */
class DoorServer implements AsyncDisposable {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
    private readonly token: string,
  ) {}

  static async start(data: string): Promise<DoorServer> {
    const script = join(repository, 'dist', 'standalone', 'main.js');
    const flags = ['--empty', '--port', '0', '--data', data, '--log-level', 'error'];
    const child = spawn(process.execPath, [...process.execArgv, script, ...flags], { stdio: ['ignore', 2, 'pipe'] });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => (said += piece));
    const portOf = () => Number(/listens at http:\/\/[^:]+:(\d+)/.exec(said)?.[1] ?? 0);
    await until('Sluice listens', () => portOf() > 0 || child.exitCode !== null);
    if (child.exitCode !== null) throw new Error(`Sluice did not start: ${said}`);
    const server = new DoorServer(child, portOf(), readFileSync(join(data, 'admin-token'), 'utf8').trim());
    await until('Sluice is ready', async () => (await server.send('GET', '/health/ready')).status === 200);
    return server;
  }

  /** Of the process, as `ps` has it. */
  residentBytes(): number {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(this.child.pid)}/status`, 'utf8'))?.[1];
    return Number(kib) * 1024;
  }

  /** On a connection of its own, as a responder's would be. Resolves with how long the answer took (ms). */
  async pull(patchId: string): Promise<number> {
    const startedAt = performance.now();
    await this.call(`/v1/patches/${patchId}/pull`, { mode: 'withdraw', reason: 'bench' });
    return performance.now() - startedAt;
  }

  async call<Answer>(path: string, body: object): Promise<Answer> {
    const answer = await this.send('POST', path, body);
    if (answer.status >= 300) throw new Error(`${path} was answered with ${String(answer.status)}: ${answer.text}`);
    return JSON.parse(answer.text) as Answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
  }

  private async send(method: string, path: string, body?: object): Promise<{ status: number; text: string }> {
    const payload = body === undefined ? '' : JSON.stringify(body);
    const headers = {
      authorization: `Bearer ${this.token}`,
      ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }),
    };
    const agent = new Agent({ keepAlive: false });
    const sent = request({ host: '127.0.0.1', port: this.port, method, path, headers, agent });
    sent.end(payload);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode ?? 0, text: await text(response) };
  }
}
