/** The double's truth: one log of events, as EventStoreDB keeps it, in memory. */

export interface ProposedEvent {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface LoggedEvent extends ProposedEvent {
  readonly stream: string;
  readonly revision: number;
  /** Where the record begins in the log. A write of one event has the same prepare and commit position. */
  readonly position: bigint;
  readonly createdMs: number;
}

export type ExpectedVersion = number | 'no-stream' | 'any' | 'stream-exists';

export type WriteOutcome =
  | { readonly kind: 'written'; readonly revision: number; readonly position: bigint }
  | { readonly kind: 'wrong-version'; readonly current: number }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'too-large' };

export interface LogPage {
  readonly events: readonly LoggedEvent[];
  /** How many events were looked at, wanted or not. */
  readonly considered: number;
  /** Where the next page begins. */
  readonly next: number;
  readonly endOfStream: boolean;
}

export const NO_STREAM = -1;
/** `MaxAppendSize` of a server that nobody has configured. */
export const APPEND_BYTES_MAX = 1024 * 1024;
/** The server compares ids of appends that expect any revision only with those that it still has in its cache. */
const CACHED_IDS_MAX = 1000;
const RECORD_OVERHEAD_BYTES = 120n;

interface LoggedStream {
  readonly events: LoggedEvent[];
  tombstoned: boolean;
  /** Deleted softly: events before this revision are gone, and numbers go on from there. */
  truncateBefore: number;
}

export class DoubleLog {
  readonly events: LoggedEvent[] = [];
  private readonly streams = new Map<string, LoggedStream>();
  private readonly cachedIds = new Map<string, LoggedEvent>();
  private readonly listeners = new Set<(event: LoggedEvent) => void>();
  private end = 0n;

  constructor() {
    // A server that was just started is not empty either.
    for (const stream of ['$scavenges', '$users', '$user-admin', '$user-ops']) this.note(stream);
  }

  /** An event of the server's own, as its statistics are. */
  note(stream: string): void {
    this.write(stream, 'any', [
      {
        id: crypto.randomUUID(),
        type: '$noted',
        contentType: 'application/json',
        data: bytes('{}'),
        metadata: bytes(''),
      },
    ]);
  }

  onEvent(listener: (event: LoggedEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get lastPosition(): bigint {
    return this.events.at(-1)?.position ?? -1n;
  }

  /** The index of the first event at or after the position. */
  indexAt(position: bigint): number {
    let [low, high] = [0, this.events.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.events[middle]?.position ?? 0n) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  write(name: string, expected: ExpectedVersion, proposed: readonly ProposedEvent[]): WriteOutcome {
    const stream = this.streams.get(name) ?? { events: [], tombstoned: false, truncateBefore: 0 };
    if (stream.tombstoned) return { kind: 'deleted' };
    if (proposed.reduce((sum, event) => sum + sizeOnDisk(event), 0) > APPEND_BYTES_MAX) return { kind: 'too-large' };
    const repeated = this.check(stream, name, expected, proposed);
    if (repeated !== undefined) return repeated;
    let last: LoggedEvent | undefined;
    for (const event of proposed) {
      last = { ...event, stream: name, revision: stream.events.length, position: this.end, createdMs: Date.now() };
      this.end += RECORD_OVERHEAD_BYTES + BigInt(sizeOnDisk(event) + Buffer.byteLength(name) * 2);
      stream.events.push(last);
      this.events.push(last);
      this.remember(last);
    }
    this.streams.set(name, stream);
    for (const event of this.events.slice(this.events.length - proposed.length)) {
      for (const listener of this.listeners) listener(event);
    }
    return { kind: 'written', revision: stream.events.length - 1, position: last?.position ?? this.lastPosition };
  }

  /** The events of a stream that can be read; undefined when there is none, 'deleted' when it is tombstoned. */
  readable(name: string): readonly LoggedEvent[] | 'deleted' | undefined {
    const stream = this.streams.get(name);
    if (stream?.tombstoned) return 'deleted';
    const first = stream === undefined ? 0 : Math.max(stream.truncateBefore, this.firstKept(name, stream));
    const events = stream?.events.slice(first) ?? [];
    return events.length === 0 ? undefined : events;
  }

  delete(name: string, expected: ExpectedVersion, forever: boolean): WriteOutcome {
    const stream = this.streams.get(name) ?? { events: [], tombstoned: false, truncateBefore: 0 };
    if (stream.tombstoned) return { kind: 'deleted' };
    const current = stream.events.length - 1;
    if (typeof expected === 'number' && expected !== current) return { kind: 'wrong-version', current };
    if (forever) stream.tombstoned = true;
    else stream.truncateBefore = stream.events.length;
    this.streams.set(name, stream);
    return { kind: 'written', revision: current, position: this.lastPosition };
  }

  /** Up to `count` wanted events from an index on, having looked at up to `window` events. */
  page(from: number, isWanted: (event: LoggedEvent) => boolean, limits: { count: number; window: number }): LogPage {
    const events: LoggedEvent[] = [];
    let next = from;
    while (next < this.events.length && events.length < limits.count && next - from < limits.window) {
      const event = this.events[next];
      next += 1;
      if (event !== undefined && isWanted(event)) events.push(event);
    }
    return { events, considered: next - from, next, endOfStream: next >= this.events.length };
  }

  /** Whoever has restarted the server has emptied its cache of ids. */
  forgetIds(): void {
    this.cachedIds.clear();
  }

  /** What the server's index writer decides: undefined to write, or what it answers instead. */
  private check(
    stream: LoggedStream,
    name: string,
    expected: ExpectedVersion,
    proposed: readonly ProposedEvent[],
  ): WriteOutcome | undefined {
    const current = stream.events.length - 1;
    if (expected === 'stream-exists' && current < 0) return { kind: 'wrong-version', current };
    const known = proposed.map(({ id }) => this.cachedIds.get(`${name} ${id}`));
    if (expected === 'any' || expected === 'stream-exists') {
      const last = known.at(-1);
      if (known[0] === undefined || last === undefined) return undefined;
      return { kind: 'written', revision: last.revision, position: last.position };
    }
    const version = expected === 'no-stream' ? NO_STREAM : expected;
    if (version > current) return { kind: 'wrong-version', current };
    if (version === current) return undefined;
    const there = stream.events.slice(version + 1, version + 1 + proposed.length);
    const last = there.at(-1);
    if (last === undefined || there.length < proposed.length) return { kind: 'wrong-version', current };
    if (there.some(({ id }, index) => id !== proposed[index]?.id)) return { kind: 'wrong-version', current };
    return { kind: 'written', revision: last.revision, position: last.position };
  }

  private firstKept(name: string, { events }: LoggedStream): number {
    const latest = this.streams.get(`$$${name}`)?.events.at(-1);
    if (latest === undefined) return 0;
    const { $maxCount } = JSON.parse(Buffer.from(latest.data).toString()) as { $maxCount?: number };
    return $maxCount === undefined ? 0 : Math.max(0, events.length - $maxCount);
  }

  private remember(event: LoggedEvent): void {
    this.cachedIds.set(`${event.stream} ${event.id}`, event);
    const [oldest] = this.cachedIds.keys();
    if (this.cachedIds.size > CACHED_IDS_MAX && oldest !== undefined) this.cachedIds.delete(oldest);
  }
}

/** How the server counts an event against its limit. */
function sizeOnDisk({ type, data, metadata }: ProposedEvent): number {
  return data.length + metadata.length + type.length * 2;
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
