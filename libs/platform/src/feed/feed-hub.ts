import { setImmediate } from 'node:timers/promises';
import { comparePositions, type Position } from '@sluice/event-sourcing';
import { toProblem } from '../http/problem.ts';
import { criteriaKey, type FeedCriteria } from './feed-filter.ts';
import { type PageRequest, readPage, type StreamPageRequest } from './feed-pages.ts';
import { FeedCursor, type FeedReading, type Piece } from './feed-walk.ts';

/** What is on its way to a reader and was not taken yet; more is not sent. */
export const READER_BYTES_MAX = 256 * 1024;
/** What is on its way to the thread that writes, for all readers: that thread writes so much in a turn, and goes on to others. */
const UNWRITTEN_BYTES_MAX = 512 * 1024;
const PAGES_AT_ONCE_MAX = 4;
/** Of the readers that are behind: what is new is read in between, and never waits for all of them. */
const READERS_AT_ONCE_MAX = 4;

/** What the thread that answers requests says to the one that reads. */
export type ToHub =
  | { readonly kind: 'open'; readonly reader: number; readonly criteria: FeedCriteria; readonly after: Position }
  | { readonly kind: 'close'; readonly reader: number }
  /** Bytes that were written, for all readers, and what each reader has taken of it. */
  | {
      readonly kind: 'taken';
      readonly writtenBytes: number;
      readonly readers: readonly (readonly [reader: number, bytes: number])[];
    }
  /** The store has more than it had. */
  | { readonly kind: 'moved' }
  | { readonly kind: 'ask-page'; readonly id: number; readonly request: PageRequest | StreamPageRequest };

/** What comes back. `covered`: the readers have all that there is up to this position. */
export type FromHub =
  | {
      readonly kind: 'frames';
      readonly readers: readonly number[];
      readonly bytes: Uint8Array<ArrayBuffer>;
      readonly covered?: Position;
    }
  | ({ readonly kind: 'failed'; readonly reader: number } & Failure)
  | { readonly kind: 'page'; readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | ({ readonly kind: 'page-failed'; readonly id: number } & Failure);

/** An error that crosses threads. */
export interface Failure {
  readonly code: ReturnType<typeof toProblem>['problem']['code'];
  readonly detail: string;
}

interface Reader {
  readonly id: number;
  readonly criteria: FeedCriteria;
  /** Behind: it reads for itself. Waiting: it has come to the end, and its group has not come there yet. Live: the group reads for it. */
  state: 'behind' | 'waiting' | 'live' | 'closed';
  cursor: FeedCursor;
  /** Read, and waits for room. */
  held: Encoded | undefined;
  /** Bytes that it has not taken yet. */
  bytes: number;
  isReading: boolean;
}

interface Encoded {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly covered: Position | undefined;
}

/** Readers at the end of the store that want the same: what is new is read and encoded once for all of them. */
interface Group {
  readonly cursor: FeedCursor;
  readonly members: Set<Reader>;
  /** Those that are ahead of the group, with the position that they are at. */
  readonly waiting: Map<Reader, Position>;
  isReading: boolean;
  hasMore: boolean;
}

const encoder = new TextEncoder();

/**
 * Reads the store for all readers of the feed, each at its own pace until it is at the end, from there on once for all that
 * want the same. A reader whose room is used up is not written to: it falls behind, and goes on where it was when it has
 * taken something.
 */
export class FeedHub {
  private readonly readers = new Map<number, Reader>();
  private readonly groups = new Map<string, Group>();
  private readonly pages = new Turns(PAGES_AT_ONCE_MAX);
  private readonly turns = new Turns(READERS_AT_ONCE_MAX);
  private unwrittenBytes = 0;
  private waitingToWrite: (() => void)[] = [];

  constructor(
    private readonly reading: FeedReading,
    private readonly send: (message: FromHub) => void,
  ) {}

  receive(message: ToHub): void {
    switch (message.kind) {
      case 'open':
        this.open(message);
        return;
      case 'close':
        this.close(message.reader);
        return;
      case 'taken':
        for (const [id, bytes] of message.readers) this.taken(id, bytes);
        this.unwrittenBytes -= message.writtenBytes;
        for (const goOn of this.waitingToWrite.splice(0)) goOn();
        return;
      case 'moved':
        for (const [key, group] of this.groups) this.advance(key, group);
        return;
      case 'ask-page':
        void this.page(message.id, message.request);
    }
  }

  private open({ reader: id, criteria, after }: Extract<ToHub, { kind: 'open' }>): void {
    const cursor = new FeedCursor(this.reading, criteria, { after });
    const reader: Reader = { id, criteria, state: 'behind', cursor, held: undefined, bytes: 0, isReading: false };
    this.readers.set(id, reader);
    void this.read(reader);
  }

  private close(id: number): void {
    const reader = this.readers.get(id);
    if (reader === undefined) return;
    reader.state = 'closed';
    this.readers.delete(id);
    const key = criteriaKey(reader.criteria);
    const group = this.groups.get(key);
    group?.members.delete(reader);
    group?.waiting.delete(reader);
    if (group !== undefined && group.members.size + group.waiting.size === 0) this.groups.delete(key);
  }

  private taken(id: number, bytes: number): void {
    const reader = this.readers.get(id);
    if (reader === undefined) return;
    reader.bytes -= bytes;
    if (reader.state === 'behind') void this.read(reader);
  }

  // A piece a turn: all readers that are behind get on at the same pace, and messages come through in between.
  private async read(reader: Reader): Promise<void> {
    if (reader.isReading) return;
    reader.isReading = true;
    try {
      while (reader.state === 'behind') {
        reader.held ??= await this.turns.run(async () => encode(await reader.cursor.piece()));
        const { bytes, covered } = reader.held;
        while (this.unwrittenBytes >= UNWRITTEN_BYTES_MAX)
          await new Promise<void>((resolve) => this.waitingToWrite.push(resolve));
        if (isClosed(reader) || !hasRoom(reader, bytes.length)) break;
        this.sendFrames([reader], bytes, covered);
        reader.held = undefined;
        if (covered !== undefined) this.join(reader, covered);
        await setImmediate();
      }
    } catch (error) {
      this.fail(reader, error);
    } finally {
      reader.isReading = false;
    }
  }

  private sendFrames(readers: readonly Reader[], bytes: Uint8Array<ArrayBuffer>, covered: Position | undefined): void {
    if (readers.length === 0 || (bytes.length === 0 && covered === undefined)) return;
    for (const reader of readers) reader.bytes += bytes.length;
    this.unwrittenBytes += bytes.length * readers.length;
    const ids = readers.map(({ id }) => id);
    this.send({ kind: 'frames', readers: ids, bytes, ...(covered !== undefined && { covered }) });
  }

  /** The reader is at the end: from here on it hears with the others that want the same. */
  private join(reader: Reader, at: Position): void {
    const key = criteriaKey(reader.criteria);
    let group = this.groups.get(key);
    if (group === undefined) {
      const cursor = new FeedCursor(this.reading, reader.criteria, { after: at });
      group = { cursor, members: new Set(), waiting: new Map(), isReading: false, hasMore: false };
      this.groups.set(key, group);
    }
    reader.state = 'waiting';
    group.waiting.set(reader, at);
    // The store may have moved on between the last look and now.
    this.advance(key, group);
  }

  private advance(key: string, group: Group): void {
    group.hasMore = true;
    if (!group.isReading) void this.readFor(key, group);
  }

  private async readFor(key: string, group: Group): Promise<void> {
    group.isReading = true;
    try {
      while (group.hasMore && this.groups.get(key) === group) {
        group.hasMore = false;
        for (let isDone = false; !isDone && this.groups.get(key) === group;) {
          isDone = await this.readPieceFor(group);
          if (group.members.size + group.waiting.size === 0) this.groups.delete(key);
          await setImmediate();
        }
      }
    } catch (error) {
      this.groups.delete(key);
      for (const reader of [...group.members, ...group.waiting.keys()]) this.fail(reader, error);
    } finally {
      group.isReading = false;
    }
  }

  /** True at the end of the store. */
  private async readPieceFor(group: Group): Promise<boolean> {
    this.settleWaiting(group);
    const before = group.cursor.place();
    const stopAt = [...group.waiting.values()].sort(comparePositions)[0];
    const piece = await group.cursor.piece(stopAt);
    const { bytes, covered } = encode(piece);
    const full = [...group.members].filter((each) => !hasRoom(each, bytes.length));
    for (const reader of full) {
      group.members.delete(reader);
      reader.state = 'behind';
      reader.cursor = new FeedCursor(this.reading, reader.criteria, before);
    }
    const isMore = bytes.length > 0 || covered !== before.after;
    if (isMore) this.sendFrames([...group.members], bytes, covered);
    for (const reader of full) void this.read(reader);
    if (stopAt !== undefined && piece.stopped) this.admit(group, stopAt);
    return covered !== undefined;
  }

  // The group may have gone beyond the place of a reader before it came to stop there: such a one reads on for itself.
  private settleWaiting(group: Group): void {
    const { after, inside } = group.cursor.place();
    if (inside === undefined) this.admit(group, after);
    const front = inside?.position ?? after;
    for (const [reader, position] of group.waiting) {
      if (comparePositions(position, front) >= 0) continue;
      group.waiting.delete(reader);
      reader.state = 'behind';
      void this.read(reader);
    }
  }

  private admit(group: Group, reached: Position): void {
    for (const [reader, position] of group.waiting) {
      if (position !== reached) continue;
      group.waiting.delete(reader);
      group.members.add(reader);
      reader.state = 'live';
    }
  }

  private fail(reader: Reader, error: unknown): void {
    if (isClosed(reader)) return;
    this.close(reader.id);
    this.send({ kind: 'failed', reader: reader.id, ...failureOf(error) });
  }

  private async page(id: number, request: PageRequest | StreamPageRequest): Promise<void> {
    try {
      const text = await this.pages.run(() => readPage(this.reading, request));
      this.send({ kind: 'page', id, bytes: encoder.encode(text) });
    } catch (error) {
      this.send({ kind: 'page-failed', id, ...failureOf(error) });
    }
  }
}

/** So many at once, the others in the order in which they came. */
class Turns {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly most: number) {}

  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.running >= this.most) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running += 1;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      // The one that waits takes over the place of this one.
      if (next === undefined) this.running -= 1;
      else next();
    }
  }
}

function encode({ text, covered }: Piece): Encoded {
  return { bytes: encoder.encode(text), covered };
}

function hasRoom({ bytes }: Reader, more: number): boolean {
  return bytes === 0 || bytes + more <= READER_BYTES_MAX;
}

// A call, because the type checker takes what it saw before an await for still true.
function isClosed({ state }: Reader): boolean {
  return state === 'closed';
}

function failureOf(error: unknown): Failure {
  const { code, title, detail } = toProblem(error).problem;
  return { code, detail: detail ?? title };
}
