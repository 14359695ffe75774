import {
  type Append,
  type Clock,
  type Commit,
  type CommitBody,
  type EventStore,
  type ReadOptions,
  type SubscriptionMessage,
} from '@sluice/event-sourcing';

/** A clock that a test sets by hand, for stores: it has no ticks. */
export class StoppedClock implements Pick<Clock, 'kind' | 'nowText'> {
  readonly kind = 'manual';
  time = '2026-11-24T10:00:00.000Z';

  nowText(): string {
    return this.time;
  }
}

/** An append with everything that a test does not care about filled in: any revision, one event named after the commit. */
export function appendOf(fields: Partial<Append> & Pick<Append, 'stream' | 'commitId'>): Append {
  return {
    expected: 'any',
    metadata: { actor: 'tester', correlationId: 'correlation-1' },
    body: eventsBody(fields.commitId),
    ...fields,
  };
}

/** A body of one event that says the words. */
export function eventsBody(words: string): CommitBody {
  return { kind: 'events', events: [{ type: 'Said', words } as { type: string }] };
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** Consumes a subscription in the background and keeps what came; `until` waits for a condition on that. */
export class Listener {
  readonly messages: SubscriptionMessage[] = [];
  readonly ended: Promise<void>;
  private readonly abort = new AbortController();
  private changed: (() => void) | undefined;

  constructor(
    store: Pick<EventStore, 'subscribe'>,
    options: ReadOptions = {},
    private readonly each: () => Promise<unknown> = () => Promise.resolve(),
  ) {
    this.ended = this.listen(store.subscribe({ ...options, signal: this.abort.signal }));
  }

  get commits(): Commit[] {
    return this.messages.flatMap((message) => (message.kind === 'commit' ? [message.commit] : []));
  }

  /** The highest position that the subscription has said to have covered. */
  get covered(): string | undefined {
    return this.messages.findLast((message) => message.kind === 'caught-up')?.position;
  }

  async until(condition: (listener: this) => boolean): Promise<void> {
    while (!condition(this)) await new Promise<void>((resolve) => (this.changed = resolve));
  }

  stop(): Promise<void> {
    this.abort.abort();
    return this.ended;
  }

  private async listen(subscription: AsyncIterable<SubscriptionMessage>): Promise<void> {
    for await (const message of subscription) {
      this.messages.push(message);
      this.changed?.();
      await this.each();
    }
  }
}
