import { setImmediate } from 'node:timers/promises';
import { type FeedEvent, type Publication, publicationOf } from '@sluice/event-feed';
import {
  type Commit,
  type CommitPage,
  comparePositions,
  type Position,
  type ReadOptions,
  toEdge,
} from '@sluice/event-sourcing';
import { eventText } from './feed-events.ts';
import { type FeedCriteria, FeedFilter, publicationsOf, type StreamSubjects } from './feed-filter.ts';

/** After so long the thread does something else for once. */
const SLICE_MS = 5;
/** Of commits behind the present one, what has to be asked elsewhere is asked together. */
const COMMITS_AHEAD = 16;
/** What a piece of a stream holds, but for its last event. */
export const PIECE_CHARACTERS = 64 * 1024;

/** What a feed is read from, in whichever thread. All readers share it. */
export interface FeedReading {
  readonly lineage: string;
  readonly publications: readonly Publication[];
  readonly subjects: StreamSubjects;
  readPage(options: ReadOptions): Promise<CommitPage>;
  readStream(stream: string, fromRevision: number): AsyncIterable<Commit>;
  /** The public events of a commit; none where another instance has its stream. `ahead`: what is likely to be wanted next. */
  eventsOf(commit: Commit, publication: Publication, ahead?: readonly Commit[]): Promise<readonly FeedEvent[]>;
}

/** Where a reader is: it has all up to `after`, and of one commit behind that some events already. */
export interface FeedPlace {
  readonly after: Position;
  readonly inside?: { readonly position: Position; readonly events: number };
}

/** What a walk meets: the wanted events of the next commit, or that nothing more is wanted up to a position. */
export type Step =
  | {
      readonly kind: 'commit';
      readonly position: Position;
      readonly recordedAt: string;
      readonly events: readonly FeedEvent[];
    }
  | { readonly kind: 'through'; readonly position: Position; readonly atEnd: boolean }
  /** The next commit lies behind the position that the walk was to stop at. */
  | { readonly kind: 'stop' };

/** Reads the commits that a reader wants, oldest first, a bounded step at a time. */
export class FeedWalk {
  private readonly filter: FeedFilter;
  private readonly prefixes: readonly string[];
  private readonly publications: readonly Publication[];
  private page: CommitPage | undefined;
  private next = 0;

  constructor(
    private readonly reading: FeedReading,
    criteria: FeedCriteria,
    private after: Position,
  ) {
    this.filter = new FeedFilter(criteria, reading.subjects);
    this.publications = publicationsOf(criteria, reading.publications);
    this.prefixes = this.publications.flatMap(({ streams }) => streams);
  }

  async step(stopAt?: Position): Promise<Step> {
    this.page ??= await this.reading.readPage({ after: this.after, prefixes: this.prefixes });
    const commit = this.page.commits[this.next];
    if (commit === undefined) {
      const { through, more } = this.page;
      this.page = undefined;
      this.next = 0;
      this.after = through;
      return { kind: 'through', position: through, atEnd: !more };
    }
    if (stopAt !== undefined && comparePositions(commit.position, stopAt) > 0) return { kind: 'stop' };
    this.next += 1;
    const { position, recordedAt } = commit;
    const ahead = this.page.commits.slice(this.next, this.next + COMMITS_AHEAD);
    return { kind: 'commit', position, recordedAt, events: await this.eventsOf(commit, ahead) };
  }

  /** The wanted events of a commit. */
  async eventsOf(commit: Commit, ahead: readonly Commit[] = []): Promise<readonly FeedEvent[]> {
    const publication = publicationOf(commit.stream, this.publications);
    if (publication === undefined || !this.filter.mayWant(commit)) return [];
    const wanted = ahead.filter((each) => this.filter.mayWant(each));
    return this.filter.wanted(await this.reading.eventsOf(commit, publication, wanted));
  }

  /** The wanted commits of a part of the store, all at once. */
  async commitsBetween(after: Position, before: Position): Promise<readonly Commit[]> {
    const found: Commit[] = [];
    for (let [from, more] = [after, true]; more;) {
      const page = await this.reading.readPage({ after: from, prefixes: this.prefixes });
      found.push(...page.commits.filter(({ position }) => comparePositions(position, before) < 0));
      from = page.through;
      more = page.more && comparePositions(from, before) < 0;
      await setImmediate();
    }
    return found;
  }
}

/** Some frames for readers that want the same. */
export interface Piece {
  readonly text: string;
  /** The reader has all that there is up to here. */
  readonly covered?: Position;
  /** The cursor has come to the position that it was to stop at. */
  readonly stopped: boolean;
}

/** Turns what a walk meets into frames, piece by piece, each of them bounded in size and in time. */
export class FeedCursor {
  private readonly walk: FeedWalk;
  private after: Position;
  private resumed: FeedPlace['inside'];
  private current: { readonly position: Position; readonly events: readonly FeedEvent[]; sent: number } | undefined;

  constructor(
    private readonly reading: FeedReading,
    criteria: FeedCriteria,
    { after, inside }: FeedPlace,
  ) {
    this.walk = new FeedWalk(reading, criteria, after);
    this.after = after;
    this.resumed = inside;
  }

  place(): FeedPlace {
    const { after, current } = this;
    if (current === undefined) return { after };
    return { after, inside: { position: current.position, events: current.sent } };
  }

  /** The next frames; with `stopAt`, none of commits behind that position. Throws what the store throws. */
  async piece(stopAt?: Position): Promise<Piece> {
    const untilMs = performance.now() + SLICE_MS;
    let text = '';
    while (text.length < PIECE_CHARACTERS && performance.now() < untilMs) {
      if (this.current !== undefined) {
        text += this.framesOf(this.current, PIECE_CHARACTERS - text.length);
        continue;
      }
      const step = await this.walk.step(stopAt);
      if (step.kind === 'stop') return { text, stopped: true };
      if (step.kind === 'commit') this.enter(step);
      else {
        this.after = step.position;
        const stopped = stopAt !== undefined && comparePositions(step.position, stopAt) >= 0;
        if (step.atEnd) return { text, covered: this.after, stopped };
        if (stopped) return { text, stopped };
      }
    }
    return { text, stopped: false };
  }

  private enter({ position, events }: Extract<Step, { kind: 'commit' }>): void {
    const sent = this.resumed?.position === position ? this.resumed.events : 0;
    this.resumed = undefined;
    if (sent < events.length) this.current = { position, events, sent };
    else this.after = position;
  }

  // An id says that all up to it was delivered: a line that breaks within a commit is taken up before it.
  private framesOf(current: NonNullable<FeedCursor['current']>, charactersMax: number): string {
    const { lineage } = this.reading;
    let text = '';
    while (text.length < charactersMax) {
      const event = current.events[current.sent];
      if (event === undefined) break;
      current.sent += 1;
      const isLast = current.sent === current.events.length;
      if (isLast) this.after = current.position;
      text += `id: ${toEdge(lineage, this.after)}\nevent: event\ndata: ${eventText(event, lineage)}\n\n`;
      if (isLast) this.current = undefined;
    }
    return text;
  }
}
