import { setImmediate } from 'node:timers/promises';
import { Envelopes, publicationOf } from '@sluice/event-feed';
import { BEGINNING, type Commit, type Position, toEdge } from '@sluice/event-sourcing';
import { type FeedCriteria } from './feed-filter.ts';
import { eventText, type FeedReading, FeedWalk } from './feed-walk.ts';

/** A page that has looked for so long answers what it has found, and where to go on. */
const PAGE_MS_MAX = 1000;
const PAGE_CHARACTERS_MAX = 8 * 1024 * 1024;
/** A reader that goes backwards reads parts of the store of so many positions at first, and at most. */
const PART_POSITIONS_FIRST = 100n;
const PART_POSITIONS_MAX = 25_600n;
/** The store may be written by several, whose clocks differ: the end of a time is looked for beyond it. */
const CLOCKS_DIFFER_MS = 300_000;

/** What a page is asked for. `signs` is what the service says of itself, as JSON. */
export interface PageRequest {
  readonly kind: 'page';
  readonly criteria: FeedCriteria;
  readonly order: 'oldest' | 'newest';
  /** Behind this position, with `newest` before it. */
  readonly from: Position;
  readonly limit: number;
  readonly signs: string;
}

export interface StreamPageRequest {
  readonly kind: 'stream-page';
  readonly stream: string;
  readonly fromRevision: number;
  readonly limit: number;
}

/** A page as JSON. Throws what the store throws. */
export function readPage(reading: FeedReading, request: PageRequest | StreamPageRequest): Promise<string> {
  if (request.kind === 'stream-page') return pageOfStream(reading, request);
  return request.order === 'newest' ? newestFirst(reading, request) : oldestFirst(reading, request);
}

async function oldestFirst(reading: FeedReading, request: PageRequest): Promise<string> {
  const walk = new FeedWalk(reading, request.criteria, request.from);
  const page = new PageText(reading.lineage, request);
  let next = request.from;
  for (;;) {
    const step = await walk.step();
    if (step.kind === 'stop') continue;
    if (step.kind === 'through') {
      next = step.position;
      if (step.atEnd) return page.close(next, true);
    } else {
      if (isBehind(request.criteria.until, step.recordedAt)) return page.close(next, true);
      page.add(step.events);
      next = step.position;
    }
    if (page.isFull()) return page.close(next, false);
    await page.breathe();
  }
}

/** Part by part, each of them read forwards: a store is read forwards only. A part is as long as its commits are few. */
async function newestFirst(reading: FeedReading, request: PageRequest): Promise<string> {
  const walk = new FeedWalk(reading, request.criteria, BEGINNING);
  const page = new PageText(reading.lineage, request);
  let [next, length] = [BigInt(request.from), PART_POSITIONS_FIRST];
  while (next > 1n) {
    const after = next - 1n > length ? next - 1n - length : 0n;
    const commits = await walk.commitsBetween(String(after), String(next));
    for (const commit of commits.toReversed()) {
      if (isBefore(request.criteria.since, commit)) return page.close(commit.position, true);
      page.add((await walk.eventsOf(commit)).toReversed());
      walk.forget(commit.stream);
      if (page.isFull()) return page.close(commit.position, false);
      await page.breathe();
    }
    next = after + 1n;
    if (page.isLate()) break;
    length = clamp(commits.length < PART_POSITIONS_FIRST / 4n ? length * 4n : length);
  }
  return page.close(String(next), next <= 1n);
}

async function pageOfStream(
  { store, publications, publish, lineage }: FeedReading,
  { stream, fromRevision, limit }: StreamPageRequest,
): Promise<string> {
  const envelopes = new Envelopes(store, publish);
  const publication = publicationOf(stream, publications);
  const texts: string[] = [];
  if (publication === undefined) return '{"events":[]}';
  for await (const commit of store.readStream(stream, fromRevision)) {
    if (texts.length >= limit) return `{"events":[${texts.join()}],"next":${String(commit.revision)}}`;
    for (const event of await envelopes.publish(commit, publication)) texts.push(eventText(event, lineage));
    await setImmediate();
  }
  return `{"events":[${texts.join()}]}`;
}

/** The JSON of a page as it grows. A commit is never cut in two. */
class PageText {
  private readonly texts: string[] = [];
  private characters = 0;
  private readonly lateMs = performance.now() + PAGE_MS_MAX;
  private breathedMs = performance.now();

  constructor(
    private readonly lineage: string,
    private readonly request: PageRequest,
  ) {}

  add(events: readonly Parameters<typeof eventText>[0][]): void {
    for (const event of events) {
      const text = eventText(event, this.lineage);
      this.texts.push(text);
      this.characters += text.length;
    }
  }

  isFull(): boolean {
    return this.texts.length >= this.request.limit || this.characters >= PAGE_CHARACTERS_MAX || this.isLate();
  }

  isLate(): boolean {
    return performance.now() >= this.lateMs;
  }

  /** Lets others have the thread now and then. */
  async breathe(): Promise<void> {
    if (performance.now() - this.breathedMs < BREATHE_EVERY_MS) return;
    await setImmediate();
    this.breathedMs = performance.now();
  }

  close(next: Position, caughtUp: boolean): string {
    const position = JSON.stringify(toEdge(this.lineage, next));
    return `{"events":[${this.texts.join()}],"next":${position},"caughtUp":${String(caughtUp)},"signs":${this.request.signs}}`;
  }
}

const BREATHE_EVERY_MS = 5;

function isBehind(until: string | undefined, recordedAt: string): boolean {
  return until !== undefined && Date.parse(recordedAt) - CLOCKS_DIFFER_MS > Date.parse(until);
}

function isBefore(since: string | undefined, { recordedAt }: Commit): boolean {
  return since !== undefined && Date.parse(recordedAt) + CLOCKS_DIFFER_MS < Date.parse(since);
}

function clamp(length: bigint): bigint {
  return length > PART_POSITIONS_MAX ? PART_POSITIONS_MAX : length;
}
