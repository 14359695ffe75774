import { comparePositions, type Position } from '@sluice/event-sourcing';
import { type EventFeed, type FeedEvent, isAfter, type StreamPlace } from './event-feed.ts';

/** The questions that wait. When more places differ from what was applied, it is no forged record but another past. */
const QUESTIONS_MAX = 100;
const REMEDY = 'restart this process to read it anew';

/** The last event that was seen of a stream. */
export interface Seen extends StreamPlace {
  readonly commitId: string | undefined;
}

interface Question {
  /** Records that wait for the answer. */
  records: number;
  /** True when the record is nobody's: what was applied is what the owner has. */
  readonly ask: () => Promise<boolean>;
}

/**
 * What speaks against that a consumer has applied what its source has. The owner is asked, one question at a time and none
 * twice, beside the events: an owner that is away holds nothing up, and shows as silence.
 */
export class OwnerDoubts {
  /** Why the consumer must not be believed any more. Set for good: only who reads the owner anew gets rid of it. */
  contradiction: string | undefined;
  /** Records at the place of another event that the owner does not have. */
  dropped = 0;
  /** Called with the words of a contradiction, and for the first record that is dropped at a place. */
  onTrouble: (words: string) => void = () => undefined;
  private readonly questions = new Map<string, Question>();
  private readonly confirmed = new WeakSet<Seen>();
  private isAsking = false;

  constructor(
    private readonly feed: Pick<EventFeed, 'readStream' | 'headOf'>,
    private readonly source: string,
  ) {}

  /** An event at the place of the last one that was seen. Nothing is in doubt unless both name their commits. */
  met(event: FeedEvent, seen: Seen, signal: AbortSignal): void {
    const { commitId } = event;
    if (commitId === undefined || seen.commitId === undefined || commitId === seen.commitId) return;
    if (this.confirmed.has(seen)) this.dropped += 1;
    else this.doubt(placeName(event), () => this.isForged(event, seen, signal), signal);
  }

  /** The source says that it has come less far than it was heard of before. */
  wentBack(position: Position, applied: Position, signal: AbortSignal): void {
    const ask = async () => {
      const head = await this.feed.headOf({ source: this.source, signal });
      if (head !== undefined && comparePositions(head, applied) < 0) {
        this.contradict(
          `${this.source} ends at ${head}, and ${applied} was applied, as if its store had been restored`,
        );
      }
      return false;
    };
    this.doubt(`progress ${position}`, ask, signal);
  }

  private doubt(name: string, ask: Question['ask'], signal: AbortSignal): void {
    if (this.contradiction !== undefined) return;
    const waiting = this.questions.get(name);
    if (waiting !== undefined) waiting.records += 1;
    else if (this.questions.size < QUESTIONS_MAX) this.questions.set(name, { records: 1, ask });
    else this.contradict(`${this.source} differs in more than ${String(QUESTIONS_MAX)} places from what was applied`);
    void this.askAll(signal);
  }

  private async askAll(signal: AbortSignal): Promise<void> {
    if (this.isAsking) return;
    this.isAsking = true;
    for (const [name, question] of this.questions) {
      if (signal.aborted || this.contradiction !== undefined) break;
      try {
        if (await question.ask()) this.dropped += question.records;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        this.contradict(`${this.source} cannot say what is true of ${name}: ${reason}`);
      }
      this.questions.delete(name);
    }
    this.isAsking = false;
  }

  // One of the two commits is not the owner's. An owner of a former version that names none cannot tell which.
  private async isForged(event: FeedEvent, seen: Seen, signal: AbortSignal): Promise<boolean> {
    const { stream, place } = event;
    for await (const own of this.feed.readStream({
      source: this.source,
      stream,
      fromRevision: place.revision,
      signal,
    })) {
      if (isAfter(place, own.place)) continue;
      if (isAfter(own.place, place)) break;
      if (own.commitId === undefined) return false;
      if (own.commitId !== seen.commitId) break;
      this.confirmed.add(seen);
      this.onTrouble(
        `${this.source} knows nothing of a record at ${placeName(event)}: it is dropped. Who can write it?`,
      );
      return true;
    }
    if (!signal.aborted) this.contradict(`${this.source} has another event at ${placeName(event)} than was applied`);
    return false;
  }

  private contradict(words: string): void {
    if (this.contradiction !== undefined) return;
    this.contradiction = `${words}: ${REMEDY}`;
    this.questions.clear();
    this.onTrouble(this.contradiction);
  }
}

function placeName({ stream, place }: FeedEvent): string {
  return `${stream}/${String(place.revision)}/${String(place.index)}`;
}
