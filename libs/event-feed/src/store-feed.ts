import { type Commit, type EventStore, type Position } from '@sluice/event-sourcing';
import {
  EventFeed,
  type FeedEvent,
  type FeedMessage,
  type FeedRequest,
  type StreamPlace,
  type StreamRequest,
} from './event-feed.ts';
import { type OwnSigns, type SourceSigns } from './source-signs.ts';

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
    private readonly signs?: OwnSigns,
  ) {
    super();
  }

  /** `isWanted` leaves streams out, one by one. */
  override async *subscribe({
    topics,
    after,
    signal,
    isWanted,
  }: Omit<FeedRequest, 'source'> & { readonly isWanted?: (stream: string) => boolean }): AsyncGenerator<FeedMessage> {
    const wanted = this.publications.filter((each) => topics.includes(each.topic));
    const prefixes = wanted.flatMap((each) => each.streams);
    const envelopes = new Envelopes(this.store);
    for await (const message of this.store.subscribe({ after, prefixes, signal })) {
      if (message.kind === 'caught-up') {
        yield { kind: 'progress', position: message.position };
        continue;
      }
      const { stream } = message.commit;
      const publication = publicationOf(stream, wanted);
      if (publication === undefined || isWanted?.(stream) === false) continue;
      for (const event of await envelopes.publish(message.commit, publication)) yield { kind: 'event', event };
    }
  }

  /** Up to the present end of the stream. */
  override async *readStream({
    stream,
    fromRevision,
  }: Pick<StreamRequest, 'stream' | 'fromRevision'>): AsyncGenerator<FeedEvent> {
    const publication = publicationOf(stream, this.publications);
    if (publication === undefined) return;
    const envelopes = new Envelopes(this.store);
    for await (const commit of this.store.readStream(stream, fromRevision)) {
      yield* await envelopes.publish(commit, publication);
    }
  }

  override headOf(): Promise<Position> {
    return this.store.head();
  }

  // The source is this very process.
  override silentForMs(): number {
    return 0;
  }

  override signsOf(): SourceSigns | undefined {
    return this.signs?.current();
  }
}

/** How a commit reads from outside, where that may take a question. */
export type Publish = (
  commit: Commit,
  publication: Publication,
) => ReturnType<Publication['publish']> | Promise<ReturnType<Publication['publish']>>;

/** Commits of which the last place is kept; before any other one it is read when it is wanted. */
const PLACES_KEPT_MAX = 10_000;

/** Puts public events into their envelopes, each with the place of the one before it in its stream. */
export class Envelopes {
  /** By stream and revision: the last public place in the stream up to there. */
  private readonly places = new Map<string, StreamPlace | undefined>();

  constructor(
    private readonly store: Pick<EventStore, 'readStream'>,
    private readonly read: Publish = (commit, publication) => publication.publish(commit),
  ) {}

  /** The public events of one commit in their envelopes. */
  async publish(commit: Commit, publication: Publication): Promise<readonly FeedEvent[]> {
    const { stream, revision, position, commitId, recordedAt, metadata } = commit;
    const published = await this.read(commit, publication);
    const keyBefore = placeKey(stream, revision - 1);
    const isKept = revision === 0 || this.places.has(keyBefore);
    if (published.length === 0) {
      if (isKept) this.keep(placeKey(stream, revision), this.places.get(keyBefore));
      return [];
    }
    let previous = isKept ? this.places.get(keyBefore) : await this.placeBefore(commit, publication);
    const events = published.map(({ index, data }): FeedEvent => {
      const before = previous;
      const place = (previous = { revision, index });
      const linked = before !== undefined && { previous: before };
      return {
        source: publication.source,
        type: data.type,
        stream,
        place,
        ...linked,
        commitId,
        position,
        time: recordedAt,
        ...metadata,
        data,
      };
    });
    this.keep(placeKey(stream, revision), previous);
    return events;
  }

  private keep(key: string, place: StreamPlace | undefined): void {
    const oldest = this.places.keys().next().value;
    if (this.places.size >= PLACES_KEPT_MAX && oldest !== undefined) this.places.delete(oldest);
    this.places.set(key, place);
  }

  // Only for a stream that is met in its middle: the last commit before it that has something public, nearly always the last.
  // A stream may have many without, so that it is looked for in parts that grow.
  private async placeBefore({ stream, revision }: Commit, publication: Publication): Promise<StreamPlace | undefined> {
    for (let [end, length] = [revision, 1]; end > 0; length *= LOOK_BACK_GROWTH) {
      const from = Math.max(0, end - length);
      let found: StreamPlace | undefined;
      for await (const commit of this.store.readStream(stream, from)) {
        if (commit.revision >= end) break;
        const last = (await this.read(commit, publication)).at(-1);
        if (last !== undefined) found = { revision: commit.revision, index: last.index };
      }
      if (found !== undefined) return found;
      end = from;
    }
    return undefined;
  }
}

const LOOK_BACK_GROWTH = 8;

function placeKey(stream: string, revision: number): string {
  return `${stream}@${String(revision)}`;
}

/** Which of them publishes a stream; undefined when none does. */
export function publicationOf(stream: string, publications: readonly Publication[]): Publication | undefined {
  return publications.find((each) => each.streams.some((prefix) => stream.startsWith(prefix)));
}

/** The publication of streams whose domain events are public as they are. */
export function publishAsIs(source: string, topic: string, streams: readonly string[]): Publication {
  return {
    source,
    topic,
    streams,
    publish: ({ body }) =>
      body.kind === 'events' ? body.events.map((data, index) => ({ index: body.places?.[index] ?? index, data })) : [],
  };
}
