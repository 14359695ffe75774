import { type Position } from '@sluice/event-sourcing';

/** The place of a public event in its source stream. */
export interface StreamPlace {
  readonly revision: number;
  readonly index: number;
}

/** A public event on its way from its owner to a consumer: the CloudEvents attributes that Sluice needs, and the data. */
export interface FeedEvent<Data = unknown> {
  readonly source: string;
  readonly type: string;
  readonly stream: string;
  readonly place: StreamPlace;
  readonly position: Position;
  readonly time: string;
  readonly actor: string;
  readonly correlationId: string;
  readonly causationId?: string;
  readonly data: Data;
}

/** `progress` says that all up to the position was delivered; it also comes as a heartbeat while nothing happens. */
export type FeedMessage =
  { readonly kind: 'event'; readonly event: FeedEvent } | { readonly kind: 'progress'; readonly position: Position };

export interface FeedRequest {
  /** The service whose events are wanted. */
  readonly source: string;
  readonly topics: readonly string[];
  readonly after: Position;
  readonly signal: AbortSignal;
}

/**
 * The port through which one service hears another's public events, in order within each stream, at least once.
 * Adapters: the store itself (one process), the owner's `GET /v1/feed` (several), Kafka. Ends only when the signal aborts.
 */
export abstract class EventFeed {
  abstract subscribe(request: FeedRequest): AsyncIterable<FeedMessage>;
  /** How long nothing, not even a heartbeat, was heard from the source (milliseconds of wall time; Infinity if never). */
  abstract silentForMs(source: string): number;
}
