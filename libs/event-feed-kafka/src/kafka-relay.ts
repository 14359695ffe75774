import { kafkaTopic, type Topic } from '@sluice/contracts';
import { type Publication, StoreFeed } from '@sluice/event-feed';
import {
  CheckpointConflict,
  type Checkpoints,
  comparePositions,
  type EventStore,
  type Position,
} from '@sluice/event-sourcing';
import { type Producer } from 'kafkajs';
import { setImmediate as yieldToOthers } from 'node:timers/promises';
import { type KafkaClient } from './kafka-client.ts';
import { connectProducer, send } from './kafka-producer.ts';
import { ensureTopics, type KafkaTopicSettings, offsetsOf } from './kafka-topics.ts';
import { Backoff, Bell, isAborted, letGo, pause, reasonOf, whenAborted } from './patience.ts';
import { Lease, whenAbandoned } from './relay-lease.ts';
import { HEARTBEAT_MS, Outbox } from './relay-outbox.ts';

export interface KafkaRelayOptions {
  readonly client: KafkaClient;
  /** What is relayed: the own store, and its public events of one topic. */
  readonly store: EventStore;
  readonly publication: Publication;
  /** Where the relay keeps how far it got; those of the store, if not given. */
  readonly checkpoints?: Checkpoints;
  readonly topics: KafkaTopicSettings;
  /** For the fleet's topic: the one shard, whose owner this process is. */
  readonly shard?: number;
  /** A standby takes over when the checkpoint has not moved for so long (default 15 s). */
  readonly abandonedAfterMs?: number;
}

export type RelayState = 'starting' | 'running' | 'standby' | 'broker-away' | 'stopped';

export interface RelayStatus {
  readonly state: RelayState;
  /** When the state began, milliseconds of wall time ago. */
  readonly forMs: number;
  /** All up to here is in Kafka. */
  readonly position: Position;
  /** For how long something has been waiting to be relayed; 0 when nothing is. */
  readonly behindMs: number;
  readonly sentEvents: number;
  /** What ended the last attempt, while none works. */
  readonly reason?: string;
}

const ABANDONED_AFTER_MS = 15_000;
const SAVE_EVERY_MS = 200;
/** How often the store is asked how far it goes. */
const WATCH_MS = 1_000;
/** A subscription that brings nothing for so long, though there is something, is dead; so is a store that does not answer. */
const UNREAD_MS_MAX = 10_000;
/** Followers of control topics wait for progress; those of the fleet do not. */
const PROGRESS_DELAY_MS = 15;
const FLEET_PROGRESS_DELAY_MS = 1_000;

/**
 * Brings the public events of the own store into one topic, each at least once, in order, and keeps at it for as long as
 * the process lives. Of several relays of one topic one runs, the others stand by.
 */
export class KafkaRelay {
  private readonly name: string;
  private readonly topic: string;
  private readonly checkpoints: Checkpoints;
  private readonly stopping = new AbortController();
  private running: Promise<void> | undefined;
  private state: RelayState = 'starting';
  private since = performance.now();
  private caughtUpAt: number | undefined = performance.now();
  private acked: Position = '0';
  private sentEvents = 0;
  private reason: string | undefined;

  constructor(private readonly options: KafkaRelayOptions) {
    const { publication, shard, store, topics } = options;
    this.name = shard === undefined ? `relay-${publication.topic}` : `relay-${publication.topic}-${String(shard)}`;
    this.topic = kafkaTopic(publication.topic as Topic, topics.prefix);
    this.checkpoints = options.checkpoints ?? store.checkpoints;
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Resolves when the last send has been answered and its checkpoint saved. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.enter('stopped');
  }

  status(): RelayStatus {
    const now = performance.now();
    const { state, acked: position, sentEvents, reason } = this;
    const behindMs = this.caughtUpAt === undefined ? 0 : now - this.caughtUpAt;
    return { state, forMs: now - this.since, position, behindMs, sentEvents, ...(reason !== undefined && { reason }) };
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const backoff = new Backoff();
    while (!isAborted(signal)) {
      const startedAt = performance.now();
      try {
        await this.relay();
      } catch (error) {
        if (isAborted(signal)) return;
        if (error instanceof CheckpointConflict) await this.standBy();
        else {
          this.fail(error);
          if (performance.now() - startedAt > HEARTBEAT_MS) backoff.reset();
          await backoff.pause(signal);
        }
      }
    }
  }

  private async standBy(): Promise<void> {
    this.enter('standby');
    this.options.client.log('info', `${this.name}: another relay has taken over, standing by`, {});
    const { signal } = this.stopping;
    const afterMs = this.options.abandonedAfterMs ?? ABANDONED_AFTER_MS;
    try {
      await whenAbandoned(this.checkpoints, this.name, { afterMs, signal });
    } catch (error) {
      this.fail(error);
    }
  }

  // One life of a producer: it ends when the broker or the store fails, another relay takes over, or this one is stopped.
  private async relay(): Promise<void> {
    const { client, publication, topics } = this.options;
    const producer = await connectProducer(client, this.stopping.signal);
    try {
      await ensureTopics(client, [publication.topic as Topic], topics);
      const partitions = await this.partitions();
      const lease = await Lease.take(this.checkpoints, this.name, partitions.areUnwritten);
      await new RelaySession(this.options, { producer, lease, topic: this.topic, partitions: partitions.all }).run({
        signal: this.stopping.signal,
        onRunning: () => {
          this.acked = lease.position;
          this.enter('running');
        },
        onSent: (position, events, isCaughtUp) => {
          this.acked = position;
          this.sentEvents += events;
          this.caughtUpAt = isCaughtUp ? undefined : (this.caughtUpAt ?? performance.now());
        },
      });
    } finally {
      this.caughtUpAt ??= performance.now();
      await letGo(() => producer.disconnect());
    }
  }

  /** A topic that nothing was ever written to belongs to a new broker, or to one that lost its data: it is filled anew. */
  private async partitions(): Promise<{ all: readonly number[]; areUnwritten: boolean }> {
    const { shard, client } = this.options;
    const offsets = (await offsetsOf(client, this.topic)) ?? [];
    const mine = shard === undefined ? offsets : offsets.filter(({ partition }) => partition === shard);
    if (mine.length === 0) throw new Error(`${this.topic} has no partition for ${this.name}`);
    return { all: mine.map(({ partition }) => partition), areUnwritten: mine.every(({ high }) => high === 0n) };
  }

  private fail(error: unknown): void {
    this.enter('broker-away');
    const reason = reasonOf(error);
    if (reason !== this.reason) this.options.client.log('warn', `${this.name}: stopped, trying again`, { reason });
    this.reason = reason;
  }

  private enter(state: RelayState): void {
    if (state === 'running') {
      this.options.client.log('info', `${this.name}: running`, { position: this.acked });
      this.reason = undefined;
    }
    if (state !== this.state) this.since = performance.now();
    this.state = state;
  }
}

interface Session {
  readonly producer: Producer;
  readonly lease: Lease;
  readonly topic: string;
  readonly partitions: readonly number[];
}

interface SessionRun {
  readonly signal: AbortSignal;
  readonly onRunning: () => void;
  readonly onSent: (position: Position, events: number, isCaughtUp: boolean) => void;
}

/** Reading, sending and saving, side by side, until one of them fails. */
class RelaySession {
  private readonly outbox: Outbox;
  private readonly sent = new Bell();
  private acked: Position;
  private savedAt = performance.now();
  private readAt = performance.now();

  constructor(
    private readonly options: KafkaRelayOptions,
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
      const { messages, events, upTo } = this.outbox.take();
      await send(producer, topic, messages);
      this.acked = upTo;
      this.sent.ring();
      onSent(upTo, events, this.outbox.isEmpty);
      // Facts of the fleet come by the hundred thousand; who takes reports in has the same processor, and goes first.
      if (this.isFleet && events > 0) await pause(performance.now() - startedAt, signal);
      else await yieldToOthers();
    }
  }

  private async save(signal: AbortSignal): Promise<void> {
    const { lease } = this.session;
    while (!isAborted(signal)) {
      const dueInMs = this.savedAt + HEARTBEAT_MS - performance.now();
      if (comparePositions(this.acked, lease.position) > 0 || dueInMs <= 0) await this.saveNow();
      await pause(SAVE_EVERY_MS, signal);
      if (comparePositions(this.acked, lease.position) <= 0 && !isAborted(signal)) {
        await this.sent.wait(Math.max(this.savedAt + HEARTBEAT_MS - performance.now(), 0));
      }
    }
  }

  private async saveNow(): Promise<void> {
    await this.session.lease.save(this.acked);
    this.savedAt = performance.now();
  }
}
