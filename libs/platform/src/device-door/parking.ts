import { Socket } from 'node:net';
import { type DeviceKind } from './exchange.ts';
import { type Turns } from './turns.ts';

/** How long one turn of the event loop may read and answer requests of devices; then their connections are parked (ms). */
const READ_MS = 4;
/** Connections that are let go in a turn: as many as the turns before had time for, at first and at most. */
const BATCH_FIRST = 8;
const BATCH_MAX = 1_024;
/** A connection on which nothing came for so long, or for twice as long, is taken for idle: it is not parked with the others. */
const IDLE_MS = 5_000;
/** Check-ins that waited for so long at their sender are too many: every second one is turned away, and comes back later. */
const CHECK_IN_MS_MAX = 2_000;
/** What is let go and says nothing for so long was not waiting. */
const SAYS_WITHIN_MS = 1_000;

/** In the order in which they are let go. `unread`: let go, and parked again before there was time to read them. */
const LINES = ['unread', 'reports', 'check-ins'] as const;
type Line = (typeof LINES)[number];

/** Since when each connection is parked (ms); the longest parked come first. */
type Parked = Map<Socket, number>;

/**
 * Bounds what one turn of the event loop reads of devices. Node parses all that has come on all connections before its next
 * turn, so that a pull, which takes some ten turns, waited for seconds beside a crowd. Once a turn has had its part, all
 * connections of devices that are not idle are parked: what comes on them waits at the sender. Each turn lets some go, and
 * parks them again when they were read, until nobody waits. Connections of people and of peers do not come here.
 */
export class Parking {
  private readonly parked: Readonly<Record<Line, Parked>> = {
    unread: new Map(),
    reports: new Map(),
    'check-ins': new Map(),
  };
  /** Connections that are read, by whether something came on them in this while, or only in the one before. */
  private free = { young: new Set<Socket>(), old: new Set<Socket>(), sinceMs: 0 };
  /** Those that were let go for the present turn, and that nothing came on yet. */
  private readonly batch = new Set<Socket>();
  /** What came last on each. */
  private readonly kinds = new WeakMap<Socket, DeviceKind>();
  private readonly readmissionOf = new WeakMap<Socket, { readonly waitedMs: number; readonly atMs: number }>();
  private readonly known = new WeakSet<Socket>();
  private batchMax = BATCH_FIRST;
  private isEverySecond = false;
  /** When the first request of this turn came, and the last; undefined before. */
  private read: { readonly fromMs: number; toMs: number } | undefined;
  private isScheduled = false;

  constructor(
    private readonly turns: Pick<Turns, 'isBehind' | 'delayMs'>,
    private readonly nowMs: () => number,
    private readonly atNextTurn: (call: () => void) => void = setImmediate,
  ) {}

  /** Connections that wait to be read. */
  get size(): number {
    return LINES.reduce((sum, line) => sum + this.parked[line].size, 0);
  }

  isParked(socket: Socket): boolean {
    return LINES.some((line) => this.parked[line].has(socket));
  }

  /** Whether a request that comes now on the connection is to be turned away. */
  isToShed(socket: Socket, kind: DeviceKind): boolean {
    const readmission = kind === 'check-ins' ? this.readmissionOf.get(socket) : undefined;
    if (readmission === undefined || readmission.waitedMs <= CHECK_IN_MS_MAX) return false;
    if (this.nowMs() - readmission.atMs > SAYS_WITHIN_MS) return false;
    return (this.isEverySecond = !this.isEverySecond);
  }

  /** To be called with the head of each request of a device. */
  begins(nowMs: number): void {
    if (this.read !== undefined) return;
    this.read = { fromMs: nowMs, toMs: nowMs };
    this.schedule();
  }

  /** To be called when a request of a device has come. */
  came(socket: Socket, kind: DeviceKind): void {
    const nowMs = this.nowMs();
    this.begins(nowMs);
    const { read = { fromMs: nowMs, toMs: nowMs } } = this;
    read.toMs = nowMs;
    // What does not come over a network cannot wait there; what is parked has come before that.
    if (!(socket instanceof Socket) || this.isParked(socket)) return;
    this.know(socket);
    this.kinds.set(socket, kind);
    this.batch.delete(socket);
    const isOver = nowMs - read.fromMs >= READ_MS;
    if (isOver) this.parkFree(nowMs);
    if (isOver || this.size > 0) this.park(socket, kind, nowMs);
    else this.free.young.add(socket);
  }

  /** Lets all be read, to hear that the server closes. */
  open(): void {
    for (const line of LINES) this.readmit(line, this.parked[line].size);
  }

  private parkFree(nowMs: number): void {
    const { young, old } = this.free;
    for (const socket of [...young, ...old]) this.park(socket, this.kinds.get(socket) ?? 'check-ins', nowMs);
    for (const socket of this.batch) this.park(socket, 'unread', nowMs);
  }

  private park(socket: Socket, line: Line, nowMs: number): void {
    this.forget(socket);
    this.parked[line].set(socket, nowMs);
    socket.pause();
  }

  private know(socket: Socket): void {
    if (this.known.has(socket)) return;
    this.known.add(socket);
    // Node lets a connection be read again for the rest of each body.
    socket.on('resume', () => {
      if (this.isParked(socket)) socket.pause();
    });
    socket.once('close', () => this.forget(socket));
  }

  private forget(socket: Socket): void {
    for (const line of LINES) this.parked[line].delete(socket);
    this.free.young.delete(socket);
    this.free.old.delete(socket);
    this.batch.delete(socket);
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    this.atNextTurn(this.turn);
  }

  private readonly turn = (): void => {
    this.isScheduled = false;
    const { read, free } = this;
    const nowMs = this.nowMs();
    this.read = undefined;
    const tookMs = read === undefined ? 0 : read.toMs - read.fromMs;
    if (tookMs >= READ_MS) this.batchMax = Math.max(1, this.batchMax >> 1);
    else if (tookMs < READ_MS / 2) this.batchMax = Math.min(this.batchMax * 2, BATCH_MAX);
    if (nowMs - free.sinceMs >= IDLE_MS) this.free = { young: new Set(), old: free.young, sinceMs: nowMs };
    for (const socket of this.batch) this.free.young.add(socket);
    this.batch.clear();
    if (this.size === 0) return;
    this.schedule();
    // First what was read is answered; where that takes long, those who wait are to hear that they come back later.
    if (this.turns.isBehind && this.turns.delayMs(nowMs) === 0) return;
    let left = this.batchMax - this.readmit('unread', this.batchMax);
    // Check-ins come last, but they come.
    left -= this.readmit('reports', Math.max(0, left - 1));
    this.readmit('check-ins', left);
  };

  /** Lets at most so many be read again; says how many there were. */
  private readmit(line: Line, max: number): number {
    const parked = this.parked[line];
    const nowMs = this.nowMs();
    let count = 0;
    for (const [socket, sinceMs] of parked) {
      if (count === max) break;
      count += 1;
      parked.delete(socket);
      this.batch.add(socket);
      this.readmissionOf.set(socket, { waitedMs: nowMs - sinceMs, atMs: nowMs });
      socket.resume();
    }
    return count;
  }
}
