import { type Position } from '@sluice/event-sourcing';
import { type DeadLetters } from './dead-letters.ts';
import { type SourceSigns } from './source-signs.ts';

/** The place of a public event in its source stream. */
export interface StreamPlace {
  readonly revision: number;
  readonly index: number;
}

/** True when a place lies behind another one of its stream; every place lies behind none. */
export function isAfter(place: StreamPlace, last: StreamPlace | undefined): boolean {
  return (
    last === undefined ||
    place.revision > last.revision ||
    (place.revision === last.revision && place.index > last.index)
  );
}

/** A public event on its way from its owner to a consumer: the CloudEvents attributes that Sluice needs, and the data. */
export interface FeedEvent<Data = unknown> {
  readonly source: string;
  readonly type: string;
  readonly stream: string;
  readonly place: StreamPlace;
  /** The place of the public event before this one in its stream, absent for the first: what was not seen shows as a hole. */
  readonly previous?: StreamPlace;
  /**
   * The id of its commit, as a header of Kafka can carry it; absent from an owner of a former version. The same place with
   * another id is another past.
   */
  readonly commitId?: string;
  readonly position: Position;
  readonly time: string;
  readonly actor: string;
  readonly correlationId: string;
  readonly causationId?: string;
  /** W3C trace context of the step that appended it, where that is traced. */
  readonly traceparent?: string;
  readonly data: Data;
}

/**
 * `progress` says that all up to the position was delivered; it also comes as a heartbeat while nothing happens. A lower
 * position than before says that the source may have lost what it had.
 */
export type FeedMessage =
  { readonly kind: 'event'; readonly event: FeedEvent } | { readonly kind: 'progress'; readonly position: Position };

export interface FeedRequest {
  /** The service whose events are wanted. */
  readonly source: string;
  readonly topics: readonly string[];
  readonly after: Position;
  readonly signal: AbortSignal;
  /** Nothing waits for these events: while they do not come, the process is ready all the same. */
  readonly mayLag?: boolean | undefined;
}

export interface StreamRequest {
  readonly source: string;
  readonly stream: string;
  readonly fromRevision: number;
  readonly signal: AbortSignal;
}

/**
 * The port through which one service hears another's public events, in order within each stream, at least once.
 * Adapters: the store itself (one process), the owner's `GET /v1/feed` (several), Kafka. Ends only when the signal aborts.
 */
export abstract class EventFeed {
  /** Where events go that their consumer cannot apply. Without, the first of them stops the consumer. */
  readonly deadLetters?: DeadLetters | undefined;

  abstract subscribe(request: FeedRequest): AsyncIterable<FeedMessage>;
  /** The public events of one stream, from its owner: what fills a hole. Waits for an owner that is away. */
  abstract readStream(request: StreamRequest): AsyncIterable<FeedEvent>;
  /**
   * The position of the last commit of the source, from its owner, BEGINNING when it has none. Waits for an owner that is
   * away; undefined when the signal aborted.
   */
  abstract headOf(request: Pick<FeedRequest, 'source' | 'signal'>): Promise<Position | undefined>;
  /** How long nothing, not even a heartbeat, was heard from the source (milliseconds of wall time; Infinity if never). */
  abstract silentForMs(source: string): number;
  /** What the source said of itself last; undefined when it has said nothing yet, or its version is too old for it. */
  abstract signsOf(source: string): SourceSigns | undefined;
}
