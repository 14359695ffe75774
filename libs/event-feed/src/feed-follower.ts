import { type Followed, Follower, type Position } from '@sluice/event-sourcing';
import { type EventFeed, type FeedEvent, type StreamPlace } from './event-feed.ts';

export interface FeedConsumer {
  readonly name: string;
  readonly source: string;
  readonly topics: readonly string[];
  apply(event: FeedEvent): void | Promise<void>;
}

/** Consumes a feed from its beginning into an in-memory read model; an event that comes twice is applied once. */
export function followFeed(feed: EventFeed, consumer: FeedConsumer): Follower<FeedEvent> {
  const applied = new Map<string, StreamPlace>();
  return new Follower<FeedEvent>(
    consumer.name,
    (after, signal) => messages(feed, consumer, after, signal),
    async (event) => {
      if (!isAfter(event.place, applied.get(event.stream))) return;
      await consumer.apply(event);
      applied.set(event.stream, event.place);
    },
  );
}

async function* messages(
  feed: EventFeed,
  { source, topics }: FeedConsumer,
  after: Position,
  signal: AbortSignal,
): AsyncGenerator<Followed<FeedEvent>> {
  for await (const message of feed.subscribe({ source, topics, after, signal })) {
    if (message.kind === 'progress') yield { kind: 'caught-up', position: message.position };
    // The position moves with `progress` only: an event may be the first of several in its commit.
    else yield { kind: 'item', item: message.event, position: after };
  }
}

function isAfter(place: StreamPlace, last: StreamPlace | undefined): boolean {
  return (
    last === undefined ||
    place.revision > last.revision ||
    (place.revision === last.revision && place.index > last.index)
  );
}
