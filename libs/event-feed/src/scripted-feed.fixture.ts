import { type DeadLetters } from './dead-letters.ts';
import { EventFeed, type FeedEvent, type FeedMessage, type StreamPlace, type StreamRequest } from './event-feed.ts';

/** A feed that says what it is given, then waits for the end. Its owner may have more. */
export class ScriptedFeed extends EventFeed {
  readonly asked: string[] = [];
  head = '1000';

  constructor(
    private readonly messages: readonly FeedMessage[],
    private readonly owned: readonly FeedMessage[] = messages,
    override readonly deadLetters?: DeadLetters,
  ) {
    super();
  }

  override async *readStream({ stream, fromRevision }: StreamRequest): AsyncGenerator<FeedEvent> {
    this.asked.push(`${stream} from ${String(fromRevision)}`);
    for (const message of this.owned) {
      if (message.kind !== 'event' || message.event.stream !== stream) continue;
      if (message.event.place.revision >= fromRevision) yield message.event;
    }
  }

  override async *subscribe({ signal }: { signal: AbortSignal }): AsyncGenerator<FeedMessage> {
    yield* this.messages;
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }

  override async headOf(): Promise<string> {
    this.asked.push('head');
    return this.head;
  }

  override silentForMs(): number {
    return 0;
  }

  override signsOf(): undefined {}
}

/** An event of a stream; `previous` is the place before it. */
export function feedEvent(
  stream: string,
  revision: number,
  index: number,
  previous?: StreamPlace,
): { kind: 'event'; event: FeedEvent } {
  const [actor, correlationId, time] = ['tester', 'r-1', '2026-11-24T10:00:00.000Z'];
  const event = {
    source: 'catalog',
    type: 'Said',
    stream,
    place: { revision, index },
    position: '1',
    time,
    actor,
    correlationId,
  };
  return { kind: 'event', event: { ...event, data: {}, ...(previous && { previous }) } };
}
