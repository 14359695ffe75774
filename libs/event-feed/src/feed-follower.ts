import {
  comparePositions,
  type Followed,
  Follower,
  type Position,
  type Traces,
  untraced,
} from '@sluice/event-sourcing';
import { type EventFeed, type FeedEvent } from './event-feed.ts';
import { type FeedConsumer, FeedInbox } from './feed-inbox.ts';

/** A follower of a feed; what it cannot apply is in its inbox. */
export class FeedFollower extends Follower<FeedEvent> {
  traces: Traces = untraced;

  constructor(
    feed: EventFeed,
    readonly inbox: FeedInbox,
  ) {
    super(
      inbox.consumer.name,
      (after, signal) => messages(feed, inbox, after, signal),
      (event, signal) => this.accept(event, signal),
    );
  }

  // What is read again at a start was traced when it happened.
  private accept(event: FeedEvent, signal: AbortSignal): Promise<void> {
    const { name, source } = this.inbox.consumer;
    const parent = this.caughtUp ? event.traceparent : undefined;
    const details = { 'sluice.consumer': name, 'sluice.source': source, 'sluice.stream': event.stream };
    const work = () => this.inbox.accept(event, signal);
    return this.traces.during(`apply ${event.type}`, { parent, kind: 'consumer', details }, work);
  }

  /** Whether the process is ready without it. */
  get mayLag(): boolean {
    return this.inbox.consumer.mayLag === true;
  }
}

/** Consumes a feed from its beginning into an in-memory read model; every event is applied once, in order of its stream. */
export function followFeed(feed: EventFeed, consumer: FeedConsumer): FeedFollower {
  return new FeedFollower(feed, new FeedInbox(feed, consumer));
}

async function* messages(
  feed: EventFeed,
  inbox: FeedInbox,
  after: Position,
  signal: AbortSignal,
): AsyncGenerator<Followed<FeedEvent>> {
  const { source, topics, mayLag } = inbox.consumer;
  let highest = after;
  await inbox.recall();
  for await (const message of feed.subscribe({ source, topics, after, signal, mayLag })) {
    if (message.kind === 'progress' && comparePositions(message.position, highest) < 0) {
      inbox.doubts.wentBack(message.position, highest, signal);
    } else if (message.kind === 'progress') yield { kind: 'caught-up', position: (highest = message.position) };
    // The position moves with `progress` only: an event may be the first of several in its commit.
    else yield { kind: 'item', item: message.event, position: after };
  }
}
