import { once } from 'node:events';
import { type ServerResponse } from 'node:http';
import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { stamp, topics } from '@sluice/contracts';
import { type FeedEvent, type FeedMessage, StoreFeed } from '@sluice/event-feed';
import { BEGINNING, comparePositions, EventStore, type Position } from '@sluice/event-sourcing';
import { Type } from 'class-transformer';
import { IsInt, Matches, Max, Min } from 'class-validator';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { ACCESS_STREAM } from '../auth/access.follower.ts';
import { callerOf, Roles } from '../auth/auth.ts';
import { Followers } from '../followers.ts';
import { wallSleep } from '../observe/store-proof.ts';
import { ProblemError } from '../http/problem.ts';
import { FeedSigns } from './feed-signs.ts';
import { StreamShares } from './stream-shares.ts';
import { Optional } from '../http/validation.ts';

/** Also sent while nothing happens, so that a consumer can tell silence from a broken line. */
const FEED_HEARTBEAT_SECONDS = 5;
/** A store in the same process answers at once, another one within some milliseconds. */
const HEAD_MS_MAX = 500;
const PAGE_EVENTS_DEFAULT = 1000;
const PAGE_EVENTS_MAX = 10_000;
const STREAM_PATTERN = /^([a-z]+-[A-Za-z0-9._:-]{1,64}|access)$/;
const topicList = Object.keys(topics).join('|');
/** What anybody who may read the feed gets without asking for it by name. */
const openTopics = Object.keys(topics).filter((topic) => topic !== 'access');

class FeedQuery {
  @ApiPropertyOptional({
    description: 'Events after this position; `end` for those to come only; from the beginning if absent.',
  })
  @Optional()
  @Matches(/^(\d{1,20}|end)$/)
  from?: string;

  @ApiPropertyOptional({
    description: `Comma-separated topics of this service; all but \`access\` if absent. (${topicList}) \`access\` is for peers and admins. Where instances share the fleet, the topic fleet holds the facts of those shards only that this instance owns at that moment; a place before that was not seen is to be read as a stream, or from Kafka.`,
  })
  @Optional()
  @Matches(new RegExp(`^(${topicList})(,(${topicList}))*$`))
  topics?: string;

  @ApiPropertyOptional({
    description:
      'Only this stream, from `fromRevision` on (JSON only); `from` and `topics` do not count then. Any instance answers.',
  })
  @Optional()
  @Matches(STREAM_PATTERN)
  stream?: string;

  @ApiPropertyOptional({ description: 'With `stream`: from this commit of it on; from its first if absent.' })
  @Optional()
  @Type(() => Number)
  @IsInt()
  @Min(0)
  fromRevision?: number;

  @ApiPropertyOptional({ description: 'Events a page (JSON only); a commit is never cut in two.' })
  @Optional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(PAGE_EVENTS_MAX)
  limit?: number;
}

/** The public events of this process: a page of JSON, or with `Accept: text/event-stream` all of them and then live. */
@ApiTags('operations')
@Controller('v1/feed')
export class FeedController {
  private readonly open = new Set<AbortController>();

  constructor(
    private readonly feed: StoreFeed,
    private readonly store: EventStore,
    private readonly shares: StreamShares,
    private readonly signs: FeedSigns,
    followers: Followers,
  ) {
    followers.onStop('feed readers', () => {
      for (const reader of this.open) reader.abort();
    });
  }

  @Get()
  @Roles('viewer')
  async read(@Query() query: FeedQuery, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (isAboutAccess(query) && callerOf(request)?.has('peer') !== true) {
      throw new ProblemError('forbidden', 'needs peer, or the admin token, for the events of tokens');
    }
    if (query.stream !== undefined) {
      await reply.send(await this.answerOfStream(query.stream, query, request));
      return;
    }
    const after = await this.positionOf(query.from);
    const abort = new AbortController();
    this.open.add(abort);
    request.raw.once('close', () => {
      abort.abort();
    });
    const messages = this.feed.subscribe({
      topics: query.topics?.split(',') ?? openTopics,
      after,
      signal: abort.signal,
      isWanted: (each) => this.shares.isHere(each),
    });
    try {
      if (request.headers.accept?.includes('text/event-stream') === true)
        await this.stream(messages, reply, abort.signal);
      else await reply.send({ ...(await page(messages, after, query.limit)), signs: this.signs.current() });
    } finally {
      abort.abort();
      this.open.delete(abort);
    }
  }

  // Each write waits for the reader's socket: a slow reader costs no memory here.
  private async stream(messages: AsyncIterable<FeedMessage>, reply: FastifyReply, signal: AbortSignal): Promise<void> {
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    raw.flushHeaders();
    let position: Position | undefined;
    const heartbeat = setInterval(() => {
      void this.isAtHead(position).then((isCurrent) => {
        if (isCurrent && position !== undefined && !signal.aborted) raw.write(this.signs.progressFrame(position));
      });
    }, FEED_HEARTBEAT_SECONDS * 1000);
    void this.sendSigns(raw, () => position, signal);
    try {
      for await (const message of messages) {
        if (message.kind === 'progress') position = message.position;
        const frame =
          message.kind === 'progress' ? this.signs.progressFrame(message.position) : eventFrame(message.event);
        if (!raw.write(frame)) await once(raw, 'drain', { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      clearInterval(heartbeat);
      raw.end();
    }
  }

  // A store that does not answer must not keep the signs back: they may say just that.
  private async sendSigns(raw: ServerResponse, position: () => Position | undefined, signal: AbortSignal) {
    await this.signs.follow(signal, async () => {
      const covered = position();
      if (covered === undefined) return;
      const isCurrent = await Promise.race([this.isAtHead(covered), wallSleep(HEAD_MS_MAX, signal)]);
      if (raw.writableNeedDrain) await once(raw, 'drain', { signal }).catch(() => undefined);
      if (!signal.aborted) raw.write(this.signs.progressFrame(covered, { isBehind: isCurrent !== true }));
    });
  }

  // A subscription that is stuck must not look like one that has nothing to tell.
  private async isAtHead(position: Position | undefined): Promise<boolean> {
    if (position === undefined) return false;
    const head = await this.store.head().catch(() => undefined);
    return head !== undefined && comparePositions(head, position) <= 0;
  }

  private answerOfStream(stream: string, { fromRevision, limit }: FeedQuery, request: FastifyRequest) {
    const elsewhere = this.shares.elsewhere(stream);
    if (elsewhere === undefined) return this.pageOfStream(stream, fromRevision, limit);
    const given = Object.entries({ stream, fromRevision, limit }).filter(([, value]) => value !== undefined);
    const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    return elsewhere.askElsewhere(stream, `/v1/feed?${query.toString()}`, request);
  }

  /** `next` is the revision to go on from, absent at the present end of the stream. */
  private async pageOfStream(stream: string, fromRevision = 0, limit = PAGE_EVENTS_DEFAULT) {
    const events: FeedEvent[] = [];
    for await (const event of this.feed.readStream({ stream, fromRevision })) {
      const { revision } = event.place;
      if (events.length >= limit && revision !== events.at(-1)?.place.revision) return { events, next: revision };
      events.push(stamped(event));
    }
    return { events };
  }

  private async positionOf(from: string | undefined): Promise<Position> {
    if (from === undefined) return BEGINNING;
    const head = await this.store.head();
    if (from === 'end') return head;
    if (comparePositions(from, head) <= 0) return from;
    const detail = 'this store has not come so far: was it replaced? Read it from the beginning';
    throw new ProblemError('invalid-request', undefined, [{ path: '/from', code: 'beyond-end', detail }]);
  }
}

// Its events have the hashes of secrets.
function isAboutAccess({ topics: wanted, stream }: FeedQuery): boolean {
  return stream === ACCESS_STREAM || wanted?.split(',').includes('access') === true;
}

async function page(messages: AsyncIterable<FeedMessage>, after: Position, limit = PAGE_EVENTS_DEFAULT) {
  const events: FeedEvent[] = [];
  let next: Position = after;
  for await (const message of messages) {
    if (message.kind === 'progress') return { events, next: message.position, caughtUp: true };
    if (events.length >= limit && message.event.position !== next) break;
    events.push(stamped(message.event));
    next = message.event.position;
  }
  return { events, next, caughtUp: false };
}

function eventFrame(event: FeedEvent): string {
  return `event: event\ndata: ${JSON.stringify(stamped(event))}\n\n`;
}

// As in the store: a consumer of another version than this one must see which version the data is of.
function stamped(event: FeedEvent): FeedEvent {
  const { data } = event as FeedEvent<{ type: string }>;
  const withVersion = stamp(data);
  return withVersion === data ? event : { ...event, data: withVersion };
}
