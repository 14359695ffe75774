import { type Commit, type EventStore } from '@sluice/event-sourcing';
import { EventFeed, type FeedEvent, type FeedMessage, type FeedRequest } from './event-feed.ts';

/** What a service tells the world of one topic: which of its streams, and how a commit reads from outside. */
export interface Publication {
  readonly source: string;
  readonly topic: string;
  readonly streams: readonly string[];
  /** The public events of a commit, each at the index that it has within the commit. */
  publish(commit: Commit): readonly { readonly index: number; readonly data: { readonly type: string } }[];
}

/** The feed of one process: reads the public events straight from the store that holds them. */
export class StoreFeed extends EventFeed {
  constructor(
    private readonly store: EventStore,
    private readonly publications: readonly Publication[],
  ) {
    super();
  }

  override async *subscribe({ topics, after, signal }: Omit<FeedRequest, 'source'>): AsyncGenerator<FeedMessage> {
    const wanted = this.publications.filter((each) => topics.includes(each.topic));
    const prefixes = wanted.flatMap((each) => each.streams);
    for await (const message of this.store.subscribe({ after, prefixes, signal })) {
      if (message.kind === 'caught-up') {
        yield { kind: 'progress', position: message.position };
        continue;
      }
      const { commit } = message;
      const publication = wanted.find((each) => each.streams.some((prefix) => commit.stream.startsWith(prefix)));
      if (publication === undefined) continue;
      for (const event of toFeedEvents(commit, publication)) yield { kind: 'event', event };
    }
  }

  // The source is this very process.
  override silentForMs(): number {
    return 0;
  }
}

/** The public events of one commit in their envelopes. */
export function toFeedEvents(commit: Commit, publication: Publication): FeedEvent[] {
  const { stream, revision, position, recordedAt, metadata } = commit;
  return publication.publish(commit).map(({ index, data }) => ({
    source: publication.source,
    type: data.type,
    stream,
    place: { revision, index },
    position,
    time: recordedAt,
    ...metadata,
    data,
  }));
}

/** The publication of streams whose domain events are public as they are. */
export function publishAsIs(source: string, topic: string, streams: readonly string[]): Publication {
  return {
    source,
    topic,
    streams,
    publish: ({ body }) => (body.kind === 'events' ? body.events.map((data, index) => ({ index, data })) : []),
  };
}
