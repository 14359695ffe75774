import { type DeadLetter, type DeadLetters, letterId, type LetterState } from './dead-letters.ts';
import { type EventFeed, type FeedEvent, isAfter } from './event-feed.ts';
import { OwnerDoubts, type Seen } from './owner-doubts.ts';

/** A consumer that cannot apply as many events has another trouble than single bad ones, and stops. */
const PARKED_EVENTS_MAX = 10_000;

export interface FeedConsumer {
  readonly name: string;
  readonly source: string;
  readonly topics: readonly string[];
  /** Nothing waits for it: the process is ready all the same while its events do not come. */
  readonly mayLag?: true;
  apply(event: FeedEvent): void | Promise<void>;
}

/**
 * What stands between a feed and one read model: each event once, in the order of its stream, none left out. What comes
 * twice is dropped, what is missing is fetched from its owner, what cannot be applied is parked with all that follows it
 * in its stream. A parked event counts as seen.
 */
export class FeedInbox {
  private readonly seen = new Map<string, Seen>();
  /** Whether what was applied is what the source has. */
  readonly doubts: OwnerDoubts;
  private readonly parked = new Map<string, DeadLetter[]>();
  private parkedEvents = 0;
  private known: ReadonlyMap<string, LetterState> = new Map();
  private readonly keeper: DeadLetters | undefined;
  private busy = false;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly feed: EventFeed,
    readonly consumer: FeedConsumer,
  ) {
    this.keeper = feed.deadLetters;
    this.doubts = new OwnerDoubts(feed, consumer.source);
  }

  /** All that is parked, the oldest of each stream first. */
  get letters(): readonly DeadLetter[] {
    return [...this.parked.values()].flat();
  }

  /** How many are parked; asked with every check-in. */
  get letterCount(): number {
    return this.parkedEvents;
  }

  /** How long nothing was heard from the source (milliseconds of wall time; Infinity if never). */
  get silentMs(): number {
    return this.feed.silentForMs(this.consumer.source);
  }

  /** Hears what earlier runs made of letters: what was discarded then stays discarded. */
  async recall(): Promise<void> {
    if (this.keeper !== undefined) this.known = await this.keeper.load(this.consumer.name, this.consumer.topics);
  }

  /** Throws what the consumer threw, when there is nowhere to park the event. */
  accept(event: FeedEvent, signal: AbortSignal): Promise<void> {
    return this.inTurn(async () => {
      const last = this.seen.get(event.stream);
      if (last !== undefined && !isAfter(event.place, last)) {
        if (!isAfter(last, event.place)) this.doubts.met(event, last, signal);
        return;
      }
      if (event.previous !== undefined && isAfter(event.previous, last)) await this.fill(event, signal);
      // Whoever stops has not heard all that is missing.
      if (!signal.aborted || event.previous === undefined) await this.receive(event);
    });
  }

  /**
   * Applies a parked event, and then those behind it in its stream. Returns what is still parked of the stream. Nothing
   * happens to another event, should somebody else have decided on this one meanwhile.
   */
  retry(letter: DeadLetter, actor: string): Promise<readonly DeadLetter[]> {
    const { stream } = letter.event;
    return this.inTurn(async () => (this.isFirst(letter) ? this.work(stream, actor) : this.parkedOf(stream)));
  }

  /** Drops a parked event for good, and applies those behind it. Returns what is still parked of the stream. */
  discard(letter: DeadLetter, actor: string): Promise<readonly DeadLetter[]> {
    const { stream } = letter.event;
    return this.inTurn(async () => {
      if (!this.isFirst(letter)) return this.parkedOf(stream);
      await this.keeper?.settle(letter, 'discarded', actor);
      this.shift(stream);
      return this.work(stream, actor);
    });
  }

  // The owner is the truth: what it does not have between the two is not missing.
  private async fill({ stream, place, source }: FeedEvent, signal: AbortSignal): Promise<void> {
    const fromRevision = this.seen.get(stream)?.revision ?? 0;
    for await (const missed of this.feed.readStream({ source, stream, fromRevision, signal })) {
      if (!isAfter(place, missed.place)) return;
      await this.receive(missed);
    }
  }

  private async receive(event: FeedEvent): Promise<void> {
    const { stream, place } = event;
    if (!isAfter(place, this.seen.get(stream))) return;
    const letter: DeadLetter = { consumer: this.consumer.name, event };
    const earlier = this.known.size === 0 ? undefined : this.known.get(letterId(letter));
    if (earlier !== 'discarded') await this.applyOrPark(letter, earlier);
    this.seen.set(stream, { ...place, commitId: event.commitId });
  }

  private async applyOrPark(letter: DeadLetter, earlier: LetterState | undefined): Promise<void> {
    const isBehind = this.parked.has(letter.event.stream);
    const reason = isBehind ? undefined : await this.attempt(letter.event);
    if (isBehind) await this.park(letter);
    else if (reason !== undefined) await this.park({ ...letter, reason });
    // What could not be applied in an earlier run may be applied by this version.
    else if (earlier === 'parked') await this.keeper?.settle(letter, 'applied', this.consumer.name);
  }

  /** Why the event cannot be applied, undefined when it was. */
  private async attempt(event: FeedEvent): Promise<string | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.consumer.apply(event);
        return undefined;
      } catch (error) {
        if (this.keeper === undefined) throw error;
        if (!(await this.keeper.mayRetry(attempt))) return error instanceof Error ? error.message : String(error);
      }
    }
  }

  private async park(letter: DeadLetter): Promise<void> {
    if (this.parkedEvents >= PARKED_EVENTS_MAX) {
      throw new Error(
        `${this.consumer.name} has parked ${String(PARKED_EVENTS_MAX)} events: sluice dlq list shows them`,
      );
    }
    if (this.known.get(letterId(letter)) !== 'parked') await this.keeper?.park(letter);
    const { stream } = letter.event;
    const behind = this.parked.get(stream);
    if (behind === undefined) this.parked.set(stream, [letter]);
    else behind.push(letter);
    this.parkedEvents += 1;
  }

  private async work(stream: string, actor: string): Promise<readonly DeadLetter[]> {
    for (let [first] = this.parked.get(stream) ?? []; first !== undefined; [first] = this.parked.get(stream) ?? []) {
      const reason = await this.attempt(first.event);
      if (reason !== undefined) {
        this.parked.get(stream)?.splice(0, 1, { ...first, reason });
        break;
      }
      await this.keeper?.settle(first, 'applied', actor);
      this.shift(stream);
    }
    return this.parkedOf(stream);
  }

  private parkedOf(stream: string): readonly DeadLetter[] {
    return this.parked.get(stream) ?? [];
  }

  private isFirst(letter: DeadLetter): boolean {
    const [first] = this.parkedOf(letter.event.stream);
    return first !== undefined && letterId(first) === letterId(letter);
  }

  private shift(stream: string): void {
    const letters = this.parked.get(stream);
    letters?.shift();
    this.parkedEvents -= 1;
    if (letters?.length === 0) this.parked.delete(stream);
  }

  // Somebody who decides on a letter, and the feed that brings the next event, take turns.
  private async inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.busy) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.busy = true;
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      // Whoever waits takes over the turn of this one.
      if (next === undefined) this.busy = false;
      else next();
    }
  }
}
