import { type FeedEvent, type Publication, StoreFeed } from '@sluice/event-feed';
import {
  CheckpointConflict,
  comparePositions,
  type EventStore,
  failureCode,
  type Lease,
  type Position,
  type Step,
  type Traces,
  untraced,
} from '@sluice/event-sourcing';
import { type Producer } from 'kafkajs';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { send } from './kafka-producer.ts';
import { Bell, isAborted, pause, whenAborted } from './patience.ts';
import { HEARTBEAT_MS, Outbox } from './relay-outbox.ts';

const SAVE_EVERY_MS = 200;
/** How often the store is asked how far it goes. */
const WATCH_MS = 1_000;
/** A subscription that brings nothing for so long, though there is something, is dead; so is a store that does not answer. */
const UNREAD_MS_MAX = 10_000;
/** Followers of control topics wait for progress; those of the fleet do not. */
const PROGRESS_DELAY_MS = 15;
const FLEET_PROGRESS_DELAY_MS = 1_000;

/** What is relayed: a store's public events of one topic, or of one shard of it. */
export interface RelaySource {
  readonly store: EventStore;
  readonly publication: Publication;
  readonly shard?: number;
  readonly traces?: Traces;
}

export interface Session {
  readonly producer: Producer;
  readonly lease: Lease;
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface SessionRun {
  readonly signal: AbortSignal;
  readonly onRunning: () => void;
  readonly onSent: (position: Position, events: number, isCaughtUp: boolean) => void;
}

/** Reading, sending and saving, side by side, until one of them fails. */
export class RelaySession {
  private readonly outbox: Outbox;
  private readonly sent = new Bell();
  private acked: Position;
  private savedAt = performance.now();
  private hasSent = false;
  private readAt = performance.now();

  constructor(
    private readonly options: RelaySource,
    private readonly session: Session,
  ) {
    const { publication, shard } = options;
    const { lease, partitions } = session;
    this.acked = lease.position;
    this.outbox = new Outbox({
      source: publication.source,
      epoch: lease.epoch,
      from: lease.position,
      partitions,
      partition: shard,
      progressDelayMs: this.isFleet ? FLEET_PROGRESS_DELAY_MS : PROGRESS_DELAY_MS,
    });
  }

  private get isFleet(): boolean {
    return this.options.shard !== undefined;
  }

  async run({ signal, onRunning, onSent }: SessionRun): Promise<void> {
    const ended = new AbortController();
    const either = AbortSignal.any([signal, ended.signal]);
    void whenAborted(either).then(() => {
      this.outbox.close();
      this.sent.ring();
    });
    onRunning();
    const parts = [
      Promise.race([this.read(either), whenAborted(either)]),
      this.send(either, onSent),
      this.save(either),
      this.watch(either, onSent),
    ];
    // In the order in which they came: the first says why, others follow from it.
    const failures: unknown[] = [];
    const note = (reason: unknown) => void failures.push(reason);
    await Promise.all(parts.map((part) => part.catch(note).finally(() => ended.abort())));
    // Another relay's checkpoint comes first; it also says why this one ended.
    const conflict = failures.find((reason) => reason instanceof CheckpointConflict);
    if (conflict !== undefined) throw conflict;
    if (comparePositions(this.acked, this.session.lease.position) > 0) await this.saveNow();
    if (failures.length > 0) throw failures[0];
  }

  private async read(signal: AbortSignal): Promise<void> {
    const { store, publication, shard } = this.options;
    const stream = `${publication.streams[0] ?? ''}${String(shard)}`;
    const streams = shard === undefined ? publication.streams : [stream];
    const feed = new StoreFeed(store, [{ ...publication, streams }]);
    const isWanted = (each: string) => {
      this.readAt = performance.now();
      return shard === undefined || each === stream;
    };
    const request = { topics: [publication.topic], after: this.session.lease.position, signal, isWanted };
    for await (const message of feed.subscribe(request)) {
      this.readAt = performance.now();
      if (message.kind === 'progress') this.outbox.caughtUp(message.position);
      else this.outbox.add(message.event);
      if (this.outbox.isFull) await this.outbox.room();
      if (isAborted(signal)) return;
    }
  }

  // A subscription that has died without a word would let a heartbeat say that all is well.
  private async watch(signal: AbortSignal, onSent: SessionRun['onSent']): Promise<void> {
    const { store } = this.options;
    while (!isAborted(signal)) {
      const askedAt = performance.now();
      const answered = new AbortController();
      const tooLate = pause(UNREAD_MS_MAX, AbortSignal.any([signal, answered.signal]));
      const head = await Promise.race([store.head(), tooLate]).finally(() => answered.abort());
      if (isAborted(signal)) return;
      if (head === undefined) throw new Error(`the store has not answered for ${String(UNREAD_MS_MAX)} ms`);
      this.outbox.ends(head, askedAt);
      this.expectReading(onSent);
      await pause(WATCH_MS, signal);
    }
  }

  private expectReading(onSent: SessionRun['onSent']): void {
    const since = this.outbox.awaitedSince;
    // While it is full, reading waits for the broker.
    if (since === undefined || this.outbox.isFull) return;
    const unreadMs = performance.now() - Math.max(since, this.readAt);
    if (unreadMs > WATCH_MS) onSent(this.acked, 0, false);
    if (unreadMs > UNREAD_MS_MAX)
      throw new Error(`the store has more, but nothing was read for ${String(Math.round(unreadMs))} ms`);
  }

  private async send(signal: AbortSignal, onSent: SessionRun['onSent']): Promise<void> {
    const { producer, topic } = this.session;
    for (;;) {
      await this.outbox.due();
      if (isAborted(signal)) return;
      const startedAt = performance.now();
      const { messages, events, upTo, traced } = this.outbox.drain();
      const steps = traced.map((event) => this.beginStep(event));
      try {
        await send(producer, { topic, messages }, signal);
      } catch (error) {
        for (const step of steps) step.end(failureCode(error));
        throw error;
      }
      for (const step of steps) step.end();
      this.acked = upTo;
      this.hasSent = true;
      this.sent.ring();
      onSent(upTo, events, this.outbox.isEmpty);
      // Facts of the fleet come by the hundred thousand; who takes reports in has the same processor, and goes first.
      if (this.isFleet && events > 0) await pause(performance.now() - startedAt, signal);
      else await yieldToOthers();
    }
  }

  private beginStep({ type, stream, traceparent }: FeedEvent): Step {
    const details = { 'sluice.topic': this.session.topic, 'sluice.stream': stream };
    return (this.options.traces ?? untraced).begin(`relay ${type}`, traceparent, { kind: 'producer', details });
  }

  private async save(signal: AbortSignal): Promise<void> {
    const { lease } = this.session;
    while (!isAborted(signal)) {
      const isDue = this.savedAt + HEARTBEAT_MS - performance.now() <= 0;
      // One that cannot send does not save: another that stands by is to see that.
      if (comparePositions(this.acked, lease.position) > 0 || (isDue && this.hasSent)) await this.saveNow();
      await pause(SAVE_EVERY_MS, signal);
      if (comparePositions(this.acked, lease.position) <= 0 && !isAborted(signal)) {
        await this.sent.wait(this.hasSent ? Math.max(this.savedAt + HEARTBEAT_MS - performance.now(), 0) : Infinity);
      }
    }
  }

  private async saveNow(): Promise<void> {
    await this.session.lease.save(this.acked);
    this.savedAt = performance.now();
    this.hasSent = false;
  }
}
