import {
  BEGINNING,
  type Commit,
  comparePositions,
  matchesPrefix,
  type Position,
  type ReadOptions,
  type SubscriptionMessage,
} from './event-store.ts';

/** A live subscriber that falls this many commits behind reads them from the store again instead of from memory. */
export const LIVE_BUFFER_COMMITS_MAX = 1024;

type Read = (options: ReadOptions) => AsyncIterable<Commit>;

/**
 * The live half of `subscribe` for stores that know of every commit: catch up by reading, then deliver what `publish` hands
 * on, which must leave nothing out. Where something may have been appended by others, `invalidate` has it read.
 */
export class Broadcast {
  private readonly subscribers = new Set<Subscriber>();

  /** Hands new commits, in order of position, to those who want them. */
  publish(commits: readonly Commit[]): void {
    for (const subscriber of this.subscribers) subscriber.offer(commits);
  }

  /** Has every subscriber read from the store again, from where it is. */
  invalidate(): void {
    for (const subscriber of this.subscribers) subscriber.readAgain();
  }

  async *subscribe(
    options: ReadOptions & { readonly signal: AbortSignal },
    read: Read,
    head: () => Promise<Position>,
  ): AsyncGenerator<SubscriptionMessage> {
    const subscriber = new Subscriber(options.prefixes);
    const stop = () => subscriber.wake();
    const aborted = () => options.signal.aborted;
    options.signal.addEventListener('abort', stop);
    this.subscribers.add(subscriber);
    let position = options.after ?? BEGINNING;
    try {
      while (!aborted()) {
        if (subscriber.takeOverflow()) {
          const covered = await head();
          for await (const commit of read({ ...options, after: position })) {
            if (aborted()) return;
            position = commit.position;
            yield { kind: 'commit', commit };
          }
          if (comparePositions(covered, position) > 0) position = covered;
          yield { kind: 'caught-up', position };
        }
        const live = subscriber.drain();
        for (const commit of live.commits) {
          if (aborted()) return;
          if (comparePositions(commit.position, position) <= 0) continue;
          position = commit.position;
          yield { kind: 'commit', commit };
        }
        if (comparePositions(live.covered, position) >= 0 && live.covered !== BEGINNING) {
          position = live.covered;
          yield { kind: 'caught-up', position };
        }
        await subscriber.waitForMore(options.signal);
      }
    } finally {
      this.subscribers.delete(subscriber);
      options.signal.removeEventListener('abort', stop);
    }
  }
}

class Subscriber {
  private commits: Commit[] = [];
  private covered: Position = BEGINNING;
  // The first catch-up is the same as one after an overflow: read from the store.
  private overflowed = true;
  private wakeUp: (() => void) | undefined;

  constructor(private readonly prefixes: readonly string[] | undefined) {}

  offer(commits: readonly Commit[]): void {
    for (const commit of commits) {
      this.covered = commit.position;
      if (this.overflowed || !matchesPrefix(commit.stream, this.prefixes)) continue;
      if (this.commits.length === LIVE_BUFFER_COMMITS_MAX) this.readAgain();
      else this.commits.push(commit);
    }
    this.wake();
  }

  readAgain(): void {
    this.commits = [];
    this.overflowed = true;
    this.wake();
  }

  /** True when the store has to be read; from here on new commits are buffered again. */
  takeOverflow(): boolean {
    const overflowed = this.overflowed;
    this.overflowed = false;
    return overflowed;
  }

  drain(): { commits: readonly Commit[]; covered: Position } {
    if (this.overflowed) return { commits: [], covered: BEGINNING };
    const taken = { commits: this.commits, covered: this.covered };
    this.commits = [];
    this.covered = BEGINNING;
    return taken;
  }

  wake(): void {
    this.wakeUp?.();
  }

  async waitForMore(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.overflowed || this.covered !== BEGINNING) return;
    await new Promise<void>((resolve) => (this.wakeUp = resolve));
    this.wakeUp = undefined;
  }
}
