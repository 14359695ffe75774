import { type FeedEvent } from './event-feed.ts';

/** An event that a consumer could not apply, or that waits behind such a one of its stream. */
export interface DeadLetter {
  readonly consumer: string;
  readonly event: FeedEvent;
  /** Why it could not be applied; absent for one that waits behind another. */
  readonly reason?: string;
}

/** `parked`: waits for somebody to decide. The others are past: it counts as applied, or as never there. */
export type LetterState = 'parked' | 'applied' | 'discarded';

/** The port to where dead letters are kept, so that they outlive the process. */
export abstract class DeadLetters {
  /** What earlier runs of the consumer made of its letters, by `letterId`. */
  abstract load(consumer: string, topics: readonly string[]): Promise<ReadonlyMap<string, LetterState>>;
  /** Waits before another attempt; false when there is to be none. Attempts count from 1. */
  abstract mayRetry(attempt: number): Promise<boolean>;
  /** Durable when it resolves. */
  abstract park(letter: DeadLetter): Promise<void>;
  /** Durable when it resolves. `actor` is who decided. */
  abstract settle(letter: DeadLetter, state: Exclude<LetterState, 'parked'>, actor: string): Promise<void>;
}

/** Tells letters apart for people and programs: `<consumer>/<stream>/<revision>/<index>`. */
export function letterId({ consumer, event }: Pick<DeadLetter, 'consumer' | 'event'>): string {
  const { stream, place } = event;
  return `${consumer}/${stream}/${String(place.revision)}/${String(place.index)}`;
}
