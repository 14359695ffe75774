import { connect, type Socket } from 'node:net';
import { Agent, type IncomingMessage, request } from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { startCrowdProcess } from '../crowd-process.ts';
import { quantile } from '../figure.ts';
import { paced } from '../paced.ts';
import { checkInOf, patchOf } from '../rollouts.ts';
import { postHead } from './request-head.ts';

/** Makes this program a crowd of devices until it is told to stop, or the program that started it is gone. */
export const CHECK_INS_FLAG = '--check-ins-at';

const PATH = '/v1/check-in';
const CONNECTIONS = 900;
/** Check-ins that are sent at once, one behind the other on one connection. */
const BLOCK = 4;
/** As many as the server takes of one connection. More that are due are kept back until answers come. */
const UNANSWERED_MAX = 16;
const WARM_UP_SECONDS = 3;
const CAPACITY_SECONDS = 3;
export const TIMES_CAPACITY = 3;
const PROBES_PER_SECOND = 25;
const STATUS_LINE = /HTTP\/1\.1 (\d{3})/g;
/** A status line that a piece ends in the middle of is counted with the next piece. */
const STATUS_LINE_LENGTH = 'HTTP/1.1 200'.length;

interface Role {
  readonly port: number;
  readonly token: string;
}

export interface CheckInTally {
  /** Answers a second while each connection waits for its answers. */
  readonly capacityPerSecond: number;
  /** That were due a second after that, sent, and answered by status. */
  readonly duePerSecond: number;
  readonly offeredPerSecond: number;
  readonly answeredPerSecond: Readonly<Record<string, number>>;
  /** Connections that the server ended. */
  readonly cut: number;
}

/** A crowd in a process of its own, told once it offers more than the server can answer. */
export function startCheckIns(role: Role): Promise<{ stop(): Promise<CheckInTally> }> {
  return startCrowdProcess(CHECK_INS_FLAG, role);
}

/** The other end. */
export async function playCheckIns(roleText: string): Promise<void> {
  const role = JSON.parse(roleText) as Role;
  process.on('disconnect', () => process.exit(0));
  const crowd = new DeviceCrowd(role);
  await crowd.connected();
  const capacityPerSecond = await crowd.capacity();
  process.send?.('there');
  const over = new AbortController();
  process.on('message', () => over.abort());
  const startedAt = performance.now();
  const [answeredBefore, cutBefore] = [crowd.answered(), crowd.cut];
  const blocksPerSecond = (capacityPerSecond * TIMES_CAPACITY) / BLOCK;
  let sent = 0;
  const due = await paced({ perSecond: blocksPerSecond, signal: over.signal }, (n) => {
    if (crowd.send(n)) sent += 1;
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const answeredPerSecond = Object.fromEntries(
    Object.entries(crowd.answered()).map(([status, count]) => [
      status,
      (count - (answeredBefore[status] ?? 0)) / seconds,
    ]),
  );
  const [duePerSecond, offeredPerSecond] = [(due * BLOCK) / seconds, (sent * BLOCK) / seconds];
  process.send?.({ capacityPerSecond, duePerSecond, offeredPerSecond, answeredPerSecond, cut: crowd.cut - cutBefore });
}

class DeviceCrowd {
  cut = 0;
  private readonly counts: Record<string, number> = {};
  private readonly sockets: Socket[] = [];
  private readonly unanswered: number[] = Array.from({ length: CONNECTIONS }, () => 0);
  private readonly blocks: readonly Buffer[];
  private isCapacityMeasured = false;

  constructor(private readonly role: Role) {
    this.blocks = Array.from({ length: CONNECTIONS }, (_, nth) => blockOf(nth, role.token));
  }

  async connected(): Promise<void> {
    for (let nth = 0; nth < CONNECTIONS; nth += 1) this.come(nth);
    await Promise.all(this.sockets.map((socket) => once(socket, 'connect')));
  }

  answered(): Readonly<Record<string, number>> {
    return { ...this.counts };
  }

  /** The next block on the next connection, unless too many of those before have no answer yet. */
  send(n: number): boolean {
    const nth = n % CONNECTIONS;
    const [block, waiting = 0] = [this.blocks[nth], this.unanswered[nth]];
    if (block === undefined || waiting + BLOCK > UNANSWERED_MAX) return false;
    this.unanswered[nth] = waiting + BLOCK;
    this.sockets[nth]?.write(block);
    return true;
  }

  async capacity(): Promise<number> {
    for (let nth = 0; nth < CONNECTIONS; nth += 1) this.send(nth);
    await sleep(WARM_UP_SECONDS * 1000);
    const [startedAt, before] = [performance.now(), this.counts['200'] ?? 0];
    await sleep(CAPACITY_SECONDS * 1000);
    this.isCapacityMeasured = true;
    return ((this.counts['200'] ?? 0) - before) / ((performance.now() - startedAt) / 1000);
  }

  private come(nth: number): void {
    const socket = connect(this.role.port, '127.0.0.1').setNoDelay();
    this.sockets[nth] = socket;
    this.unanswered[nth] = 0;
    let rest = '';
    socket.setEncoding('latin1').on('data', (piece: string) => {
      const said = rest + piece;
      let end = 0;
      for (const found of said.matchAll(STATUS_LINE)) {
        const [, status = ''] = found;
        this.counts[status] = (this.counts[status] ?? 0) + 1;
        this.unanswered[nth] = (this.unanswered[nth] ?? 1) - 1;
        end = found.index + STATUS_LINE_LENGTH;
      }
      if (!this.isCapacityMeasured && this.unanswered[nth] === 0) this.send(nth);
      rest = said.slice(Math.max(end, said.length - STATUS_LINE_LENGTH + 1));
    });
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.cut += 1;
      this.come(nth);
    });
  }
}

function blockOf(nth: number, token: string): Buffer {
  const requests = Array.from({ length: BLOCK }, (_, n) => {
    const body = JSON.stringify(checkInOf(patchOf(1), nth * BLOCK + n));
    return `${postHead({ path: PATH, bodyBytes: Buffer.byteLength(body), token })}${body}`;
  });
  return Buffer.from(requests.join(''));
}

/** Checks in beside a crowd, as one device after the other would, and tells how long those waited that were answered. */
export class CheckInProbe {
  private readonly over = new AbortController();
  private readonly tookMs: number[] = [];
  private shed = 0;
  private cut = 0;
  private readonly asked: Promise<void>[] = [];
  private readonly ended: Promise<number>;

  constructor(private readonly role: Role) {
    const agent = new Agent({ keepAlive: true });
    this.ended = paced({ perSecond: PROBES_PER_SECOND, signal: this.over.signal }, (n) => {
      this.asked.push(this.ask(n, agent).catch(() => void (this.cut += 1)));
    });
  }

  async stop(): Promise<{
    readonly p99Ms: number;
    readonly answered: number;
    readonly shed: number;
    readonly cut: number;
  }> {
    this.over.abort();
    await this.ended;
    await Promise.all(this.asked);
    return { p99Ms: quantile(this.tookMs, 0.99), answered: this.tookMs.length, shed: this.shed, cut: this.cut };
  }

  private async ask(n: number, agent: Agent): Promise<void> {
    const { port, token } = this.role;
    const body = JSON.stringify(checkInOf(patchOf(1), n));
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const startedAt = performance.now();
    const sent = request({ port, path: PATH, method: 'POST', headers, agent });
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    if (response.statusCode === 200) this.tookMs.push(performance.now() - startedAt);
    else this.shed += 1;
  }
}
