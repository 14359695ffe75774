import { stamp } from '@sluice/contracts/stored-events';
import { Envelopes, type FeedEvent, type Publication, type Publish } from '@sluice/event-feed';
import { type Commit, type CommitPage, type Position, type ReadOptions, toEdge } from '@sluice/event-sourcing';
import { type FeedStore } from '../replay/folds.ts';
import { StreamSubjects } from './feed-filter.ts';
import { type FeedReading } from './feed-walk.ts';

/** Many readers begin at the same place, and go on side by side: what one has read is there for the next. Some 20 MiB. */
const EVENTS_KEPT_MAX = 10_000;
const PAGES_KEPT_MAX = 32;

/** The events of a commit cannot be told here: another instance has its stream. */
export class StreamElsewhere extends Error {
  override readonly name = 'StreamElsewhere';
}

/** Where the events come from, and who can tell them. */
export interface FeedSource {
  readonly store: FeedStore;
  readonly lineage: string;
  readonly publications: readonly Publication[];
  /** Throws StreamElsewhere. */
  readonly publish: Publish;
  /** Fetches at once what publishing these commits will need. */
  prepare?(commits: readonly Commit[], publications: readonly Publication[]): Promise<void>;
  /** False for a stream that another instance has. */
  isHere(stream: string): boolean | Promise<boolean>;
}

/** The events of the store, read and put into envelopes once for readers that come by at about the same time. */
export class FeedEvents implements FeedReading {
  readonly lineage: string;
  readonly publications: readonly Publication[];
  readonly subjects: StreamSubjects;
  private readonly envelopes: Envelopes;
  private readonly kept = new Map<Position, Promise<readonly FeedEvent[]>>();
  private keptEvents = 0;
  private readonly pages = new Map<string, Promise<CommitPage>>();

  constructor(private readonly source: FeedSource) {
    ({ lineage: this.lineage, publications: this.publications } = source);
    this.subjects = new StreamSubjects(source.store);
    this.envelopes = new Envelopes(source.store, source.publish);
  }

  async readPage(options: ReadOptions): Promise<CommitPage> {
    const key = `${options.after ?? ''} ${options.prefixes?.join() ?? ''}`;
    const kept = this.pages.get(key);
    if (kept !== undefined) return kept;
    const reading = this.source.store.readPage(options);
    const [oldest] = this.pages.keys();
    if (this.pages.size >= PAGES_KEPT_MAX && oldest !== undefined) this.pages.delete(oldest);
    this.pages.set(key, reading);
    const page = await reading.catch((error: unknown) => {
      this.pages.delete(key);
      throw error;
    });
    // What has more behind it stays as it is; at the end of the store it is another one the next time.
    if (!page.more) this.pages.delete(key);
    return page;
  }

  readStream(stream: string, fromRevision: number): AsyncIterable<Commit> {
    return this.source.store.readStream(stream, fromRevision);
  }

  eventsOf(commit: Commit, publication: Publication, ahead: readonly Commit[] = []): Promise<readonly FeedEvent[]> {
    const { position } = commit;
    const kept = this.kept.get(position);
    if (kept !== undefined) return kept;
    const reading = this.read(commit, publication, ahead);
    this.kept.set(position, reading);
    reading.then(
      ({ length }) => this.makeRoom(length),
      () => this.kept.delete(position),
    );
    return reading;
  }

  private async read(
    commit: Commit,
    publication: Publication,
    ahead: readonly Commit[],
  ): Promise<readonly FeedEvent[]> {
    try {
      await this.source.prepare?.([commit, ...ahead], this.publications);
      if (await this.source.isHere(commit.stream)) return await this.envelopes.publish(commit, publication);
    } catch (error) {
      if (!(error instanceof StreamElsewhere)) throw error;
    }
    // It may come here at any time.
    this.kept.delete(commit.position);
    return [];
  }

  private makeRoom(events: number): void {
    this.keptEvents += events + 1;
    if (this.keptEvents <= EVENTS_KEPT_MAX) return;
    this.kept.clear();
    this.keptEvents = 0;
  }
}

const texts = new WeakMap<FeedEvent, string>();

/** An event as it leaves: its position with the lineage, its data with the version, as the store has it. */
export function eventText(event: FeedEvent, lineage: string): string {
  const known = texts.get(event);
  if (known !== undefined) return known;
  const { data } = event as FeedEvent<{ type: string }>;
  const text = JSON.stringify({ ...event, position: toEdge(lineage, event.position), data: stamp(data) });
  texts.set(event, text);
  return text;
}
