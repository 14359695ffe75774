import { setImmediate } from 'node:timers/promises';
import { publicationOf } from '@sluice/event-feed';
import { BEGINNING, type Commit, type Position, toEdge } from '@sluice/event-sourcing';
import { eventText } from './feed-events.ts';
import { type FeedCriteria } from './feed-filter.ts';
import { type FeedReading, FeedWalk } from './feed-walk.ts';

/** A page that has looked for so long, others' turns left out, answers what it has found, and where to go on. */
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
      if (page.isFull()) return page.close(commit.position, false);
      await page.breathe();
    }
    next = after + 1n;
    await page.breathe();
    if (page.isLate()) break;
    length = clamp(commits.length < PART_POSITIONS_FIRST / 4n ? length * 4n : length);
  }
  return page.close(String(next), next <= 1n);
}

async function pageOfStream(reading: FeedReading, { stream, fromRevision, limit }: StreamPageRequest): Promise<string> {
  const publication = publicationOf(stream, reading.publications);
  const texts: string[] = [];
  if (publication === undefined) return '{"events":[]}';
  for await (const commit of reading.readStream(stream, fromRevision)) {
    if (texts.length >= limit) return `{"events":[${texts.join()}],"next":${String(commit.revision)}}`;
    for (const event of await reading.eventsOf(commit, publication)) texts.push(eventText(event, reading.lineage));
    await setImmediate();
  }
  return `{"events":[${texts.join()}]}`;
}

/** The JSON of a page as it grows. A commit is never cut in two. */
class PageText {
  private readonly texts: string[] = [];
  private characters = 0;
  private workedMs = 0;
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
    return this.workedMs >= PAGE_MS_MAX;
  }

  /** Lets others have the thread now and then. */
  async breathe(): Promise<void> {
    const sliceMs = performance.now() - this.breathedMs;
    if (sliceMs < BREATHE_EVERY_MS) return;
    this.workedMs += sliceMs;
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
