import { type FeedEvent } from '@sluice/event-feed';
import { comparePositions, type Position } from '@sluice/event-sourcing';
import { type Message } from 'kafkajs';
import { toCloudEvent, toProgressRecord } from './cloud-events.ts';
import { Bell } from './patience.ts';

/** As many events are sent at once; with those that wait, twice as many are in memory. */
const BATCH_EVENTS_MAX = 500;
const BATCH_BYTES_MAX = 512 * 1024;
/** What headers and the record's own fields take in memory besides the value, about. */
export const RECORD_OVERHEAD_BYTES = 600;
/** The rest of a commit is on its way when its first event is here. */
const LINGER_MS = 3;
/** Progress alone waits so long, so that many commits without public events make one record. */
const PROGRESS_GATHER_MS = 5;
/** What was in the store so long ago must have been read, else the relay is behind. */
const BEHIND_MS_MAX = 5_000;
/** While nothing happens, this says that the relay is there. */
export const HEARTBEAT_MS = 5_000;

export interface OutboxOptions {
  readonly source: string;
  readonly epoch: number;
  readonly from: Position;
  /** Those that this relay tells of its progress. */
  readonly partitions: readonly number[];
  /** Where all events go; undefined: where their key says. */
  readonly partition?: number | undefined;
  /** The least time between two parcels that have nothing but progress. */
  readonly progressDelayMs: number;
}

export interface Parcel {
  readonly messages: Message[];
  readonly events: number;
  /** Every public event up to this position was in this parcel or in one before it. */
  readonly upTo: Position;
  /** Those of the events that are traced. What is sent again from the beginning was traced when it happened. */
  readonly traced: readonly FeedEvent[];
}

/**
 * What there is to be sent: `nothing` → `progress` (a later position, no event) or `events` → `nothing` when it is taken.
 * `events` become urgent when the batch is full or all was read, and wait for the rest of their commit before that.
 */
type Content =
  | { readonly holds: 'nothing' }
  | { readonly holds: 'progress'; readonly sinceMs: number }
  | { readonly holds: 'events'; readonly sinceMs: number; readonly isUrgent: boolean };

/** What a relay has read and not sent yet, as records. Holds one batch at most. */
export class Outbox {
  private messages: Message[] = [];
  private traced: FeedEvent[] = [];
  private bytes = 0;
  private complete: Position;
  private current: Position;
  private announced: Position;
  private content: Content = { holds: 'nothing' };
  private isClosed = false;
  private takenAt = performance.now();
  /** The end of the store, when it was asked for and not all up to it was read. */
  private awaited: { readonly head: Position; readonly askedAt: number } | undefined;
  /** All that was in the store then has been read. */
  private freshAt = -Infinity;
  private hasCaughtUp = false;
  /** Until something else was said, nobody knows that the relay has read all. */
  private saidBehind = true;
  private readonly changed = new Bell();
  private readonly taken = new Bell();

  constructor(private readonly options: OutboxOptions) {
    this.complete = this.current = this.announced = options.from;
  }

  /** True when all that was read is also taken, and there was nothing more to read. */
  get isEmpty(): boolean {
    return this.content.holds === 'nothing';
  }

  /** True while something was in the store for too long that was not read, or it is not known whether. */
  get isBehind(): boolean {
    return performance.now() - this.freshAt > BEHIND_MS_MAX;
  }

  /** Since when the end of the store is known, and not reached; undefined when it was, or the first reading goes on. */
  get awaitedSince(): number | undefined {
    return this.hasCaughtUp ? this.awaited?.askedAt : undefined;
  }

  get isFull(): boolean {
    return this.messages.length >= BATCH_EVENTS_MAX || this.bytes >= BATCH_BYTES_MAX;
  }

  add(event: FeedEvent): void {
    // An event of a later commit shows that those before it were whole.
    if (event.position !== this.current) [this.complete, this.current] = [this.current, event.position];
    const { key, headers, value } = toCloudEvent(event, this.options.epoch);
    const { partition } = this.options;
    this.messages.push({ key, headers, value, ...(partition !== undefined && { partition }) });
    if (this.hasCaughtUp && event.traceparent !== undefined) this.traced.push(event);
    this.bytes += value.length + RECORD_OVERHEAD_BYTES;
    const isUrgent = this.isFull || (this.content.holds === 'events' && this.content.isUrgent);
    this.content = { holds: 'events', sinceMs: this.contentSince(), isUrgent };
    this.note();
  }

  caughtUp(position: Position): void {
    if (comparePositions(position, this.current) < 0) return;
    this.complete = this.current = position;
    this.hasCaughtUp = true;
    const sinceMs = this.contentSince();
    if (this.content.holds === 'events') this.content = { holds: 'events', sinceMs, isUrgent: true };
    else if (this.complete !== this.announced) this.content = { holds: 'progress', sinceMs };
    this.note();
  }

  /** This was the end of the store when it was asked for it. Until it is reached, a later end tells nothing more. */
  ends(head: Position, askedAt: number): void {
    this.awaited ??= { head, askedAt };
    this.note();
  }

  /** Resolves when there is room for another event. */
  async room(): Promise<void> {
    while (this.isFull && !this.isClosed) await this.taken.wait(Infinity);
  }

  /** Resolves when something is to be sent, if only a sign of life. */
  async due(): Promise<void> {
    while (!this.isClosed) {
      const waitMs = this.dueAt() - performance.now();
      if (waitMs <= 0) return;
      await this.changed.wait(waitMs);
    }
  }

  drain(): Parcel {
    const { messages, traced, complete: upTo } = this;
    const { source, epoch, partitions } = this.options;
    const { isBehind } = this;
    const { key, headers, value } = toProgressRecord(source, upTo, { relayEpoch: epoch, isBehind });
    // Sent again, it is as old as it was.
    const timestamp = String(Date.now());
    const progress = partitions.map((partition) => ({ key, headers, value, partition, timestamp }));
    this.saidBehind = isBehind;
    this.messages = [];
    this.traced = [];
    this.bytes = 0;
    this.announced = upTo;
    this.content = { holds: 'nothing' };
    this.takenAt = performance.now();
    this.taken.ring();
    return { messages: [...messages, ...progress], events: messages.length, upTo, traced };
  }

  /** Lets go of all who wait. */
  close(): void {
    this.isClosed = true;
    this.changed.ring();
    this.taken.ring();
  }

  private contentSince(): number {
    return this.content.holds === 'nothing' ? performance.now() : this.content.sinceMs;
  }

  private note(): void {
    if (this.awaited !== undefined && comparePositions(this.awaited.head, this.complete) <= 0) {
      this.freshAt = this.awaited.askedAt;
      this.awaited = undefined;
    }
    this.changed.ring();
  }

  private dueAt(): number {
    const { content } = this;
    const { progressDelayMs } = this.options;
    switch (content.holds) {
      case 'events':
        return content.isUrgent ? -Infinity : content.sinceMs + LINGER_MS;
      case 'progress':
        return Math.max(content.sinceMs + PROGRESS_GATHER_MS, this.takenAt + progressDelayMs);
      case 'nothing':
        if (this.saidBehind && !this.isBehind) return this.takenAt + progressDelayMs;
        // A sign of life of one that does not know whether it is behind would be none. The first reading may take long.
        return this.isBehind && this.hasCaughtUp ? Infinity : this.takenAt + HEARTBEAT_MS;
    }
  }
}
