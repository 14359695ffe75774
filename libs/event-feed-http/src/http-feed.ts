import { setTimeout as sleep } from 'node:timers/promises';
import { checkPublicEvent } from '@sluice/contracts/feed-check';
import { toHeaderText } from '@sluice/contracts/header-text';
import { checkSigns } from '@sluice/contracts/source-signs';
import { understandOne } from '@sluice/contracts/stored-events';
import { isTraceparent } from '@sluice/contracts/traceparent';
import {
  EventFeed,
  type FeedEvent,
  type FeedMessage,
  type FeedRequest,
  mergeSigns,
  SkippedLinks,
  type SourceSigns,
  type StreamRequest,
} from '@sluice/event-feed';
import { fromEdge, type Position, toEdge } from '@sluice/event-sourcing';
import { EventSourceParserStream } from 'eventsource-parser/stream';

const RECONNECT_FIRST_MS = 200;
const RECONNECT_MAX_MS = 5_000;
/** Three heartbeats of the owner missed: the line is dead, though the socket may not know. */
const SILENCE_MAX_MS = 15_000;
const FRAME_CHARACTERS_MAX = 16 * 1024 * 1024;

/** Such a request is wrong, and stays so. */
const neverAnswered = new Set([400, 404, 409, 410, 422]);

export interface HttpFeedOptions {
  /** Where each source listens: { catalog: 'http://127.0.0.1:4601', … }. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Asked at every connection, so that a token may be replaced while running. */
  readonly token: () => string;
  /** Told why a connection ended; the feed connects again by itself. */
  readonly onDisconnect?: (source: string, reason: unknown) => void;
}

/** The owner spoke, but what it said is against the contract: nothing after it can be trusted. */
export class FeedFault extends Error {
  override readonly name = 'FeedFault';
}

/** The feed of another process: its `GET /v1/feed` as server-sent events, with reconnection. */
export class HttpFeed extends EventFeed {
  private readonly lastSignAt = new Map<string, number>();
  private readonly signs = new Map<string, SourceSigns>();
  /** The past of each source, as far as it named one: positions are numbers in here, and all of them are of that past. */
  private readonly lineages = new Map<string, string>();

  constructor(private readonly options: HttpFeedOptions) {
    super();
  }

  override silentForMs(source: string): number {
    return performance.now() - (this.lastSignAt.get(source) ?? -Infinity);
  }

  override signsOf(source: string): SourceSigns | undefined {
    return this.signs.get(source);
  }

  override async *subscribe(request: FeedRequest): AsyncGenerator<FeedMessage> {
    const { source, signal } = request;
    const links = new SkippedLinks();
    let after = request.after;
    let delayMs = RECONNECT_FIRST_MS;
    while (!signal.aborted) {
      try {
        for await (const { message, resumeAfter } of this.connect(request, after, links)) {
          after = resumeAfter;
          delayMs = RECONNECT_FIRST_MS;
          yield message;
        }
      } catch (error) {
        if (error instanceof FeedFault) throw error;
        if (!isAborted(signal)) this.options.onDisconnect?.(source, error);
      }
      await sleep(delayMs, undefined, { signal }).catch(() => undefined);
      delayMs = Math.min(delayMs * 2, RECONNECT_MAX_MS);
    }
  }

  override async *readStream(request: StreamRequest): AsyncGenerator<FeedEvent> {
    for (let next: number | undefined = request.fromRevision; next !== undefined;) {
      const page: StreamPage | undefined = await this.page(request, next);
      if (page === undefined) return;
      for (const sent of page.events) {
        const event = understood(this.checkEnvelope(request.source, sent));
        if (event !== undefined) yield event;
      }
      ({ next } = page);
    }
  }

  override async headOf({ source, signal }: Pick<FeedRequest, 'source' | 'signal'>): Promise<Position | undefined> {
    return this.answer({ source, signal }, 'from=end', (text) => this.positionOf(source, parse(text)['next']));
  }

  /** The number of a position. Throws FeedFault for none, and for one of another past than was heard of before. */
  private positionOf(source: string, sent: unknown): Position {
    const place = typeof sent === 'string' ? fromEdge(sent) : undefined;
    if (place === undefined) throw new FeedFault(`${source} sent ${JSON.stringify(sent)} as a position`);
    const { lineage, position } = place;
    const known = this.lineages.get(source);
    if (lineage === undefined || lineage === known) return position;
    if (known !== undefined) {
      throw new FeedFault(
        `${source} has another past (${lineage}) than was applied (${known}): restart this process to read it anew`,
      );
    }
    this.lineages.set(source, lineage);
    return position;
  }

  private checkEnvelope(source: string, value: unknown): FeedEvent {
    const event = checkEnvelope(value);
    return { ...event, position: this.positionOf(source, event.position) };
  }

  private page({ source, stream, signal }: StreamRequest, fromRevision: number): Promise<StreamPage | undefined> {
    const query = `stream=${encodeURIComponent(stream)}&fromRevision=${String(fromRevision)}`;
    return this.answer({ source, signal }, query, readPage);
  }

  /** What the owner answers; undefined when the signal aborted while it was away. */
  private async answer<Answer>(
    { source, signal }: Pick<FeedRequest, 'source' | 'signal'>,
    query: string,
    read: (text: string) => Answer,
  ): Promise<Answer | undefined> {
    for (let delayMs = RECONNECT_FIRST_MS; !isAborted(signal); delayMs = Math.min(delayMs * 2, RECONNECT_MAX_MS)) {
      try {
        const timeout = AbortSignal.timeout(SILENCE_MAX_MS);
        const response = await this.request(source, query, 'application/json', AbortSignal.any([signal, timeout]));
        return read(await response.text());
      } catch (error) {
        if (error instanceof FeedFault) throw error;
        if (!isAborted(signal)) this.options.onDisconnect?.(source, error);
      }
      await sleep(delayMs, undefined, { signal }).catch(() => undefined);
    }
    return undefined;
  }

  // Where to resume lies one commit back until its successor shows that the last one was whole.
  private async *connect({ source, topics, signal }: FeedRequest, after: Position, links: SkippedLinks) {
    let [resumeAfter, current] = [after, after];
    for await (const { event, data } of this.frames(source, topics, after, signal)) {
      if (event === 'progress') {
        const { sent, isBehind, signs } = readProgress(data);
        const position = this.positionOf(source, sent);
        if (signs !== undefined) this.signs.set(source, mergeSigns(this.signs.get(source), signs));
        if (isBehind) continue;
        // Events alone may be of the past: only who has heard all of it knows how things stand.
        this.lastSignAt.set(source, performance.now());
        resumeAfter = current = position;
        yield { message: { kind: 'progress', position } as const, resumeAfter };
      } else if (event === 'end') {
        const { code, detail } = parse(data);
        throw new Error(`${source} ended the line: ${String(code)}, ${String(detail)}`);
      } else if (event === 'event') {
        const envelope = this.checkEnvelope(source, parse(data));
        if (envelope.position !== current) [resumeAfter, current] = [current, envelope.position];
        const feedEvent = understood(envelope);
        if (feedEvent === undefined) links.skip(envelope);
        else yield { message: { kind: 'event', event: links.link(feedEvent) } as const, resumeAfter };
      }
    }
  }

  private async *frames(source: string, topics: readonly string[], after: Position, signal: AbortSignal) {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE_MAX_MS);
    try {
      const lineage = this.lineages.get(source);
      const from = lineage === undefined ? after : toEdge(lineage, after);
      const query = `from=${from}&topics=${topics.join(',')}`;
      const both = AbortSignal.any([signal, silence.signal]);
      const response = await this.request(source, query, 'text/event-stream', both);
      if (response.body === null) throw new Error(`${source} answered without a body`);
      const parser = new EventSourceParserStream({ maxBufferSize: FRAME_CHARACTERS_MAX });
      for await (const frame of response.body.pipeThrough(new TextDecoderStream()).pipeThrough(parser)) {
        clearTimeout(timer);
        timer = setTimeout(() => silence.abort(), SILENCE_MAX_MS);
        yield frame;
      }
    } finally {
      clearTimeout(timer);
      silence.abort();
    }
  }

  private async request(source: string, query: string, accept: string, signal: AbortSignal): Promise<Response> {
    const address = this.options.addresses[source];
    if (address === undefined) throw new FeedFault(`no address is configured for ${source}`);
    const headers = { authorization: `Bearer ${this.options.token()}`, accept };
    const response = await fetch(`${address}/v1/feed?${query}`, { headers, signal });
    if (response.ok) return response;
    const answered = `${source} answered ${String(response.status)} to ${query}`;
    if (!neverAnswered.has(response.status)) throw new Error(answered);
    // It is there, and will say the same whenever it is asked.
    const why = reasonOf(await response.json().catch(() => undefined));
    throw new FeedFault(`${answered}${why}: put it right, then restart this process to read ${source} anew`);
  }
}

/** What a problem+json says beyond its status. */
function reasonOf(problem: unknown): string {
  const { detail, errors = [] } = (problem ?? {}) as { detail?: unknown; errors?: readonly { detail?: unknown }[] };
  const said = [detail, ...errors.map((each) => each.detail)].filter((each) => typeof each === 'string');
  return said.map((each) => ` (${each})`).join('');
}

interface StreamPage {
  readonly events: readonly unknown[];
  readonly next?: number;
}

// A call, because the type checker takes what it saw before an await for still true.
function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

interface Progress {
  readonly sent: unknown;
  /** The owner does not know whether all that it has was sent. */
  readonly isBehind: boolean;
  /** Absent in what an older owner sends. */
  readonly signs: SourceSigns | undefined;
}

function readProgress(text: string): Progress {
  const { position: sent, isBehind = false, signs } = parse(text);
  if (signs === undefined) return { sent, isBehind: isBehind !== false, signs };
  const checked = checkSigns(signs);
  if ('fault' in checked) throw new FeedFault(`a progress frame at ${String(sent)}: ${checked.fault}`);
  return { sent, isBehind: isBehind !== false, signs: checked.signs };
}

function readPage(text: string): StreamPage {
  const { events, next } = parse(text);
  if (!Array.isArray(events)) throw new FeedFault('a page of a stream without events');
  if (next === undefined) return { events };
  if (!Number.isSafeInteger(next)) throw new FeedFault('a page of a stream that goes on nowhere');
  return { events, next: next as number };
}

function checkEnvelope(value: unknown): FeedEvent {
  const event = (typeof value === 'object' && value !== null ? value : {}) as Partial<FeedEvent>;
  const { stream, type, position, place } = event;
  if (typeof stream !== 'string' || typeof type !== 'string' || typeof position !== 'string') {
    throw new FeedFault('an event without stream, type or position');
  }
  if (!Number.isSafeInteger(place?.revision) || !Number.isSafeInteger(place?.index)) {
    throw new FeedFault(`${type} at ${position} has no place in its stream`);
  }
  const { commitId, traceparent, ...rest } = event;
  return {
    ...(rest as FeedEvent),
    // Over Kafka the same event comes with the same id.
    ...(typeof commitId === 'string' && { commitId: toHeaderText(commitId) }),
    // A trace that something on the way garbled is no reason to lose an event.
    ...(isTraceparent(traceparent) && { traceparent }),
  };
}

/** The event with its data as this version has it, undefined when a later Sluice wrote it. Throws FeedFault. */
function understood(event: FeedEvent): FeedEvent | undefined {
  const { type, position, data: sent } = event;
  if (!isVersioned(sent) || sent.type !== type) throw new FeedFault(`at ${position}: the data is not that of ${type}`);
  const data = understandOrRefuse(sent, position);
  if (data === undefined) return undefined;
  const checked = checkPublicEvent(data);
  if ('fault' in checked) throw new FeedFault(`at ${position}: ${checked.fault}`);
  return data === sent ? event : { ...event, data };
}

function understandOrRefuse(sent: VersionedData, position: Position): object | undefined {
  try {
    return understandOne(sent);
  } catch (error) {
    throw new FeedFault(`at ${position}: ${sent.type} cannot be brought to the current version: ${String(error)}`);
  }
}

interface VersionedData {
  readonly type: string;
  readonly v?: number;
}

function isVersioned(data: unknown): data is VersionedData {
  if (typeof data !== 'object' || data === null || !('type' in data)) return false;
  return typeof data.type === 'string' && (!('v' in data) || Number.isSafeInteger(data.v));
}

function parse(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new FeedFault('a frame that is not JSON');
  }
}
