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
import { ReportStream } from '../report-stream.ts';
import { patchOf, publicationOf } from '../rollouts.ts';
import { type CrowdName, crowds, type ReadingTally, startReaders } from './reading-crowd.ts';

const PULLS = 100;
const PULLS_PER_SECOND = 5;
const TARGET_P99_MS = 100;
const SETTLE_MS = 2_000;
const MEMORY_EVERY_MS = 200;
const MIB = 2 ** 20;
/** Of a thousand reports each. */
const REPORT_BODIES = 250;

const cases: readonly { readonly what: string; readonly crowd?: CrowdName }[] = [
  { what: 'no load' },
  { what: 'beside 500 readers of the feed, each from the beginning, over and over', crowd: 'feed' },
  { what: 'beside ten parallel pages of 10,000 events, over and over', crowd: 'pages' },
  { what: 'beside ten parallel pages of 1,000 devices, over and over', crowd: 'devices' },
  { what: 'beside ten parallel pages of devices, found among 100,000 by their ids', crowd: 'filtered' },
];

interface Measured {
  readonly tookMs: readonly number[];
  readonly memory: { readonly before: number; readonly highest: number; readonly after: number };
  readonly seconds: number;
  readonly tally?: ReadingTally;
}

/** How long a pull takes beside those who read much, each on a connection of its own, with the embedded store. */
export async function measureReaders(folder: string): Promise<Figure[]> {
  await using server = await Server.start(join(folder, 'readers'));
  const events = await fill(server);
  // The first calls of a process are slow, whoever reads.
  await pulls(server, cases.length * PULLS);
  const figures: Figure[] = [];
  let alone: Measured | undefined;
  for (const [n, { what, crowd }] of cases.entries()) {
    process.stderr.write(`  ${what}…\n`);
    const measured = await measure(server, crowd, n * PULLS);
    alone ??= measured;
    figures.push(figureOf({ what, crowd, events }, measured, alone));
  }
  return figures;
}

/** Facts of 100,000 devices, and patches to be pulled. Returns how many events are in the store. */
async function fill(server: Server): Promise<number> {
  for (let n = 0; n < (cases.length + 1) * PULLS; n += 1)
    await server.call('/v1/patches', JSON.stringify(publicationOf(patchOf(n + 1))));
  const { token } = await server.call<{ token: string }>(
    '/v1/tokens',
    JSON.stringify({ name: 'bench', roles: ['device'], devicePrefix: DEVICE_PREFIX }),
  );
  const stream = new ReportStream(Date.now(), REPORT_BODIES);
  let accepted = 0;
  for (let n = 0; n < REPORT_BODIES; n += 1)
    accepted += (await server.call<{ accepted: number }>('/v1/reports', stream.next(), token)).accepted;
  return accepted + (cases.length + 1) * PULLS;
}

async function measure(server: Server, crowd: CrowdName | undefined, from: number): Promise<Measured> {
  const before = server.residentBytes();
  let highest = before;
  const watch = setInterval(() => (highest = Math.max(highest, server.residentBytes())), MEMORY_EVERY_MS);
  const { url, token } = server;
  const there = crowd === undefined ? undefined : await startReaders({ name: crowd, url, token });
  const startedAt = performance.now();
  try {
    const tookMs = await pulls(server, from);
    const tally = await there?.stop();
    const seconds = (performance.now() - startedAt) / 1000;
    await sleep(SETTLE_MS);
    const memory = { before, highest, after: server.residentBytes() };
    return { tookMs, memory, seconds, ...(tally !== undefined && { tally }) };
  } finally {
    clearInterval(watch);
  }
}

/** So many pulls at their pace, whatever becomes of those before. */
async function pulls(server: Server, from: number): Promise<number[]> {
  const tookMs: Promise<number>[] = [];
  await paced({ perSecond: PULLS_PER_SECOND, calls: PULLS }, (n) => {
    tookMs.push(server.pull(patchOf(from + n + 1).patchId));
  });
  return Promise.all(tookMs);
}

function figureOf(
  { what, crowd, events }: { readonly what: string; readonly crowd: CrowdName | undefined; readonly events: number },
  { tookMs, memory, tally, seconds }: Measured,
  alone: Measured,
): Figure {
  const inMs = (values: readonly number[]) =>
    `p50 ${inWords(quantile(values, 0.5))}, p99 ${inWords(quantile(values, 0.99))}, max ${inWords(Math.max(...values))} ms`;
  const [before, highest, after] = [memory.before, memory.highest, memory.after].map((bytes) => inWords(bytes / MIB));
  const resident = `resident memory ${String(before)} MiB before, ${String(highest)} at most, ${String(after)} after`;
  const read =
    tally === undefined || crowd === undefined
      ? ''
      : `; ${inWords(crowds[crowd].readers)} readers, ${inWords(tally.bytes / MIB / seconds)} MiB a second, ${inWords(tally.read)} read to the end, ${inWords(tally.refused)} refused with 503, ${inWords(tally.cut)} cut`;
  return {
    what: `pull ${what}, p99 of ${String(PULLS)}`,
    value: quantile(tookMs, 0.99),
    unit: 'ms',
    target: TARGET_P99_MS,
    beside: crowd === undefined ? inMs(tookMs) : `${inMs(tookMs)}; without load ${inMs(alone.tookMs)}`,
    limitedBy: `${inWords(events)} events in the store; ${resident}${read}`,
  };
}

/** All of Sluice in a process of its own, as it is started for use. */
class Server implements AsyncDisposable {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    readonly token: string,
  ) {}

  static async start(data: string): Promise<Server> {
    const script = join(repository, 'dist', 'standalone', 'main.js');
    const flags = ['--empty', '--port', '0', '--data', data, '--log-level', 'error'];
    const child = spawn(process.execPath, [...process.execArgv, script, ...flags], { stdio: ['ignore', 2, 'pipe'] });
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => (said += piece));
    const url = () => /listens at (\S+)/.exec(said)?.[1];
    await until('Sluice listens', () => url() !== undefined || child.exitCode !== null);
    if (child.exitCode !== null) throw new Error(`Sluice did not start: ${said}`);
    const server = new Server(child, url() ?? '', readFileSync(join(data, 'admin-token'), 'utf8').trim());
    await until('Sluice is ready', async () => (await fetch(`${server.url}/health/ready`)).ok);
    return server;
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
