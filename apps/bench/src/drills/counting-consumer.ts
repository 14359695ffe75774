import {
  EventFeed,
  type FeedEvent,
  type FeedFollower,
  followFeed,
  isAfter,
  type StreamPlace,
} from '@sluice/event-feed';
import { type EventStore, type Position } from '@sluice/event-sourcing';
import { type Counts } from './outcome.ts';

export interface CountingOptions {
  readonly source: string;
  readonly topic: string;
  /** Throws for an event that this consumer cannot apply. */
  readonly refuse?: (event: FeedEvent) => void;
}

/** A read model that is nothing but a count of each event, behind the inbox that every consumer has. */
export class CountingConsumer {
  readonly follower: FeedFollower;
  private readonly feed: ListeningFeed;
  private readonly applied = new Map<string, number>();
  private readonly places = new Map<string, StreamPlace>();
  private disordered = 0;
  private applications = 0;

  constructor(feed: EventFeed, { source, topic, refuse }: CountingOptions) {
    this.feed = new ListeningFeed(feed);
    this.follower = followFeed(this.feed, {
      name: `drill-${topic}`,
      source,
      topics: [topic],
      apply: (event) => {
        refuse?.(event);
        this.apply(event);
      },
    });
    this.follower.start();
  }

  get received(): number {
    return this.feed.received;
  }
  /** How many streams were asked of their owner. */
  get filled(): number {
    return this.feed.filled;
  }
  get distinct(): number {
    return this.applied.size;
  }

  reached(position: Position): Promise<void> {
    return this.follower.reached(position);
  }

  /** Every event of the store once, and in the order of its stream. */
  async compareWith(store: EventStore): Promise<Counts> {
    let [sent, lost] = [0, 0];
    for await (const { stream, revision, body } of store.readAll()) {
      const count = body.kind === 'events' ? body.events.length : body.count;
      for (let index = 0; index < count; index += 1) {
        sent += 1;
        if (!this.applied.has(nameOf(stream, { revision, index }))) lost += 1;
      }
    }
    return { ...this.compareCount(sent), lost };
  }

  /** The same where only the number of events is known. */
  compareCount(sent: number): Counts {
    const { received, distinct, disordered } = this;
    const twice = this.applications - distinct;
    const dropped = Math.max(0, received + this.feed.fetched - this.applications);
    return { sent, received, applied: distinct, lost: Math.max(0, sent - distinct), twice, disordered, dropped };
  }

  private apply({ stream, place }: FeedEvent): void {
    const name = nameOf(stream, place);
    this.applied.set(name, (this.applied.get(name) ?? 0) + 1);
    this.applications += 1;
    if (!isAfter(place, this.places.get(stream))) this.disordered += 1;
    this.places.set(stream, place);
  }
}

/** Counts what comes before anything is dropped. */
class ListeningFeed extends EventFeed {
  override readonly deadLetters;
  received = 0;
  filled = 0;
  fetched = 0;

  constructor(private readonly feed: EventFeed) {
    super();
    this.deadLetters = feed.deadLetters;
  }

  override async *subscribe(request: Parameters<EventFeed['subscribe']>[0]) {
    for await (const message of this.feed.subscribe(request)) {
      if (message.kind === 'event') this.received += 1;
      yield message;
    }
  }

  override async *readStream(request: Parameters<EventFeed['readStream']>[0]) {
    this.filled += 1;
    for await (const event of this.feed.readStream(request)) {
      this.fetched += 1;
      yield event;
    }
  }

  override headOf(request: Parameters<EventFeed['headOf']>[0]) {
    return this.feed.headOf(request);
  }

  override silentForMs(source: string): number {
    return this.feed.silentForMs(source);
  }

  override signsOf(source: string) {
    return this.feed.signsOf(source);
  }
}

function nameOf(stream: string, { revision, index }: StreamPlace): string {
  return `${stream}/${String(revision)}/${String(index)}`;
}
