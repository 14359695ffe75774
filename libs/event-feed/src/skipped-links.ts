import { type FeedEvent, type StreamPlace } from './event-feed.ts';

type Linked = Pick<FeedEvent, 'stream' | 'place' | 'previous'>;

/**
 * Closes the chain of `previous` over events that this version skips, so that they do not look like holes that the owner
 * would be asked to fill.
 */
export class SkippedLinks {
  /** The last event of a stream, where it was skipped. */
  private readonly skipped = new Map<string, Linked>();

  skip(event: Linked): void {
    this.skipped.set(event.stream, this.link(event));
  }

  /** The event with the place of the last one before it that was not skipped. */
  link<Event extends Linked>(event: Event): Event {
    const { previous, ...rest } = event;
    const skipped = this.skipped.get(event.stream);
    if (skipped === undefined || previous === undefined || !isSame(previous, skipped.place)) return event;
    return { ...rest, ...(skipped.previous !== undefined && { previous: skipped.previous }) } as Event;
  }
}

function isSame(place: StreamPlace, other: StreamPlace): boolean {
  return place.revision === other.revision && place.index === other.index;
}
