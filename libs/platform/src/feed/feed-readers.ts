import { type ServerResponse } from 'node:http';
import { Injectable } from '@nestjs/common';
import { comparePositions, EventStore, type Position } from '@sluice/event-sourcing';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { authenticate, callerOf } from '../auth/auth.ts';
import { Tokens } from '../auth/tokens.ts';
import { Followers } from '../replay/followers.ts';
import { ProblemError, toProblem } from '../http/problem.ts';
import { Metrics } from '../observe/metrics.ts';
import { wallSleep } from '../observe/store-proof.ts';
import { Timers } from '../time/timers.ts';
import { type FeedCriteria } from './feed-filter.ts';
import { type Failure, type FromHub } from './feed-hub.ts';
import { type PageRequest, type StreamPageRequest } from './feed-pages.ts';
import { FeedSigns } from './feed-signs.ts';
import { type FeedLine, FeedThread } from './feed-thread.ts';
import { StreamShares } from './stream-shares.ts';

/** Beside those of peers: nobody who reads much keeps a service from hearing of a pull. */
const READERS_MAX = 100;
/** Pages that are being read, or that their readers have not taken yet. */
const PAGES_MAX = 64;
const TICK_MS = 1_000;
/** Also sent while nothing happens, so that a consumer can tell silence from a broken line. */
const HEARTBEAT_TICKS = 5;
/** A reader ends within 10 s of its token: known tokens are looked up anew after 5 s. */
const TOKEN_TICKS = 3;
/** A reader that has something to take and takes nothing for so long is cut. */
const STALLED_MS = 10_000;
/** What is left of a reader that was told why it ends is dropped after this time. */
const LINGER_MS = 2_000;
/** A store in the same process answers at once, another one within some milliseconds. */
const HEAD_MS_MAX = 500;
/** Readers hear of what is new at most so often: while much is written, they hear of it together. */
const MOVED_EVERY_MS = 10;
/** What reads is told at most so often what was written and taken, and sends on then: that is how fast all readers get on. */
const TAKEN_EVERY_MS = 4;

/** A stream of frames on its way to one client. */
interface Reader {
  readonly id: number;
  readonly raw: ServerResponse;
  readonly request: FastifyRequest;
  readonly isPeer: boolean;
  /** Written, and not yet with the operating system. */
  bytes: number;
  /** When it last took something, or was given something after a pause. */
  takenMs: number;
  /** It has all up to here; undefined before it has caught up once. */
  covered: Position | undefined;
}

interface WaitingPage {
  readonly resolve: (page: Buffer) => void;
  readonly reject: (reason: Error) => void;
}

/** The readers of the feed on the thread that answers requests: it writes finished frames, and counts what was taken. */
@Injectable()
export class FeedReaders {
  private readonly readers = new Map<number, Reader>();
  private readonly waitingPages = new Map<number, WaitingPage>();
  private openPages = 0;
  private lastId = 0;
  private line: FeedLine | undefined;
  private taken = new Map<number, number>();
  private writtenBytes = 0;
  private isTelling = false;
  private watch: { readonly abort: AbortController; readonly stopTicking: () => void } | undefined;

  constructor(
    private readonly thread: FeedThread,
    private readonly store: EventStore,
    private readonly shares: StreamShares,
    private readonly signs: FeedSigns,
    private readonly tokens: Tokens,
    private readonly timers: Timers,
    followers: Followers,
    metrics: Metrics,
  ) {
    metrics.gauge('sluice_feed_readers', 'Readers of the feed that are open', () => this.readers.size);
    this.countEnd = metrics.counter(
      'sluice_feed_readers_ended_total',
      'Readers of the feed that were ended, by error code',
      ['code'],
    );
    followers.onStop('feed readers', () => this.close());
  }

  private readonly countEnd: { inc(labels: { readonly code: string }): void };

  /** Answers with a stream of frames from behind the position on. Throws 'too-many-readers'. */
  open(
    criteria: FeedCriteria,
    after: Position,
    { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  ): void {
    const isPeer = callerOf(request)?.roles.includes('peer') === true;
    if (!isPeer && this.others() >= READERS_MAX) throw new ProblemError('too-many-readers');
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    raw.flushHeaders();
    const id = (this.lastId += 1);
    const takenMs = this.timers.monotonicMs();
    this.readers.set(id, { id, raw, request, isPeer, bytes: 0, takenMs, covered: undefined });
    raw.once('close', () => this.drop(id));
    this.start().send({ kind: 'open', reader: id, criteria, after });
    this.watch ??= this.beginWatch();
  }

  private others(): number {
    let count = 0;
    for (const { isPeer } of this.readers.values()) if (!isPeer) count += 1;
    return count;
  }

  /** A page as JSON, ready to be sent; `reply` tells when its client has taken it. Throws 'overloaded'. */
  async page(request: PageRequest | StreamPageRequest, reply: FastifyReply): Promise<Buffer> {
    if (this.openPages >= PAGES_MAX) throw new ProblemError('overloaded', `${String(PAGES_MAX)} pages are under way`);
    this.openPages += 1;
    reply.raw.once('close', () => (this.openPages -= 1));
    const id = (this.lastId += 1);
    return new Promise((resolve, reject) => {
      this.waitingPages.set(id, { resolve, reject });
      this.start().send({ kind: 'ask-page', id, request });
    });
  }

  private start(): FeedLine {
    this.line ??= this.thread.start({
      shares: this.shares,
      lineage: this.store.lineage,
      hear: (message) => this.hear(message),
      onLost: (reason) => this.lose(reason),
    });
    return this.line;
  }

  private hear(message: FromHub): void {
    switch (message.kind) {
      case 'frames':
        this.write(message);
        return;
      case 'failed': {
        const reader = this.readers.get(message.reader);
        if (reader !== undefined) this.end(reader, message);
        return;
      }
      case 'page':
        this.waitingPages.get(message.id)?.resolve(bufferOf(message.bytes));
        this.waitingPages.delete(message.id);
        return;
      case 'page-failed':
        this.waitingPages.get(message.id)?.reject(new ProblemError(message.code, message.detail));
        this.waitingPages.delete(message.id);
    }
  }

  private write({ readers, bytes, covered }: Extract<FromHub, { kind: 'frames' }>): void {
    const frames = bufferOf(bytes);
    const progress = covered === undefined ? '' : this.signs.progressFrame(covered);
    this.writtenBytes += frames.length * readers.length;
    this.tellTaken();
    for (const id of readers) {
      const reader = this.readers.get(id);
      if (reader === undefined) continue;
      if (frames.length > 0) this.put(reader, frames, () => this.acknowledge(id, frames.length));
      if (covered === undefined) continue;
      reader.covered = covered;
      this.put(reader, progress);
    }
  }

  private put(reader: Reader, frames: Buffer | string, onTaken?: () => void): void {
    const { length } = frames;
    if (reader.bytes === 0) reader.takenMs = this.timers.monotonicMs();
    reader.bytes += length;
    reader.raw.write(frames, () => {
      reader.bytes -= length;
      reader.takenMs = this.timers.monotonicMs();
      onTaken?.();
    });
  }

  private acknowledge(id: number, bytes: number): void {
    this.taken.set(id, (this.taken.get(id) ?? 0) + bytes);
    this.tellTaken();
  }

  private tellTaken(): void {
    if (this.isTelling) return;
    this.isTelling = true;
    this.timers.after(TAKEN_EVERY_MS, () => {
      const [readers, { writtenBytes }] = [[...this.taken], this];
      this.taken = new Map();
      this.writtenBytes = 0;
      this.isTelling = false;
      this.line?.send({ kind: 'taken', writtenBytes, readers });
    });
  }

  /** Ends a reader with a last frame that says why. What its client does not take soon is dropped. */
  private end(reader: Reader, { code, detail }: Failure): void {
    this.countEnd.inc({ code });
    this.drop(reader.id);
    const { raw } = reader;
    raw.end(`event: end\ndata: ${JSON.stringify({ code, detail })}\n\n`);
    this.timers.after(LINGER_MS, () => raw.destroy());
  }

  private drop(id: number): void {
    if (!this.readers.delete(id)) return;
    this.line?.send({ kind: 'close', reader: id });
    if (this.readers.size > 0) return;
    this.watch?.abort.abort();
    this.watch?.stopTicking();
    this.watch = undefined;
  }

  private lose(reason: Error): void {
    this.line = undefined;
    const failure = { code: 'internal', detail: reason.message } as const;
    for (const reader of [...this.readers.values()]) this.end(reader, failure);
    for (const { reject } of this.waitingPages.values()) reject(reason);
    this.waitingPages.clear();
  }

  private close(): void {
    for (const { id, raw } of [...this.readers.values()]) {
      this.drop(id);
      raw.end();
    }
    this.line?.close();
    this.lose(new ProblemError('not-ready', 'the process ends'));
  }

  /** What goes on beside the frames for as long as there are readers. */
  private beginWatch() {
    const abort = new AbortController();
    let stop: () => void = () => undefined;
    const tick = (count: number) => {
      stop = this.timers.after(TICK_MS, () => {
        tick(count + 1);
        this.look(count);
      });
    };
    tick(1);
    void this.followStore(abort.signal);
    void this.signs.follow(abort.signal, () => this.sayProgress({ isChange: true }));
    return { abort, stopTicking: () => stop() };
  }

  private look(count: number): void {
    for (const reader of [...this.readers.values()]) {
      const isStalled = reader.bytes > 0 && this.timers.monotonicMs() - reader.takenMs >= STALLED_MS;
      if (isStalled) this.end(reader, { code: 'reader-too-slow', detail: 'nothing was taken for ten seconds' });
      else if (count % TOKEN_TICKS === 0) this.checkToken(reader);
    }
    if (count % HEARTBEAT_TICKS === 0) void this.sayProgress({ isChange: false });
  }

  // A failure to look it up ends the reader, too: nobody is known to may read on.
  private checkToken(reader: Reader): void {
    try {
      const caller = authenticate(this.tokens, reader.request);
      if (!caller.isAdmin && !caller.has('viewer')) throw new ProblemError('forbidden');
    } catch (error) {
      const { code, title, detail = title } = toProblem(error).problem;
      this.end(reader, { code, detail });
    }
  }

  /** Has the feed read on when the store has moved on. A store that cannot say so is asked with each heartbeat. */
  private async followStore(signal: AbortSignal): Promise<void> {
    try {
      for await (const { kind } of this.store.subscribe({ after: await this.store.head(), prefixes: [], signal })) {
        if (kind === 'caught-up') this.line?.send({ kind: 'moved' });
        await wallSleep(MOVED_EVERY_MS, signal);
      }
    } catch {
      // Readers of a store that is away are told so by what reads it for them.
    }
  }

  /**
   * Tells readers that have all there is how things stand. A store that does not answer must not keep a change of the signs
   * back, which may say just that; but then it is no sign of life: what is stuck must not look like what has nothing to tell.
   */
  private async sayProgress({ isChange }: { readonly isChange: boolean }): Promise<void> {
    const head = await this.headInTime();
    const frames = new Map<string, string>();
    for (const reader of this.readers.values()) {
      const { covered } = reader;
      if (covered === undefined) continue;
      const isBehind = head === undefined || comparePositions(head, covered) > 0;
      if (isBehind && !isChange) continue;
      const key = `${covered} ${String(isBehind)}`;
      const frame = frames.get(key) ?? this.signs.progressFrame(covered, { isBehind });
      frames.set(key, frame);
      this.put(reader, frame);
    }
  }

  private headInTime(): Promise<Position | undefined> {
    const { promise, resolve } = Promise.withResolvers<Position | undefined>();
    const stop = this.timers.after(HEAD_MS_MAX, () => resolve(undefined));
    const answer = (head: Position | undefined) => {
      stop();
      resolve(head);
    };
    this.store.head().then(answer, () => answer(undefined));
    return promise;
  }
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array<ArrayBuffer>): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
