import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiExtraModels, ApiTags, getSchemaPath } from '@nestjs/swagger';
import { FeedEnd, FeedEventView, FeedPage, FeedProgress, FeedQuery, FeedStreamPage, Operation } from '@sluice/api';
import { topics } from '@sluice/contracts/events';
import { parseTime } from '@sluice/contracts/times';
import {
  BEGINNING,
  comparePositions,
  EventStore,
  fromEdge,
  type Position,
  toEdge,
  toTimeText,
} from '@sluice/event-sourcing';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { ACCESS_STREAM } from '../auth/access.follower.ts';
import { callerOf, Roles } from '../auth/auth.ts';
import { ProblemError } from '../http/problem.ts';
import { type FeedCriteria } from './feed-filter.ts';
import { FeedReaders } from './feed-readers.ts';
import { FeedSigns } from './feed-signs.ts';
import { StreamShares } from './stream-shares.ts';

const LAST_EVENT_ID = 'last-event-id';
/** What anybody who may read the feed gets without asking for it by name. */
const openTopics = Object.keys(topics).filter((topic) => topic !== 'access');

/** The public events of this process: a page of JSON, or with `Accept: text/event-stream` all of them and then live. */
@ApiTags('operations')
@Controller('v1/feed')
export class FeedController {
  constructor(
    private readonly readers: FeedReaders,
    private readonly store: EventStore,
    private readonly shares: StreamShares,
    private readonly signs: FeedSigns,
  ) {}

  @Get()
  @Roles('viewer')
  @ApiExtraModels(FeedPage, FeedStreamPage, FeedEventView, FeedProgress, FeedEnd)
  @Operation({
    id: 'readFeed',
    summary: 'Read events: a page of them, or all and then live',
    answers: {
      200: {
        description:
          'A page, or frames: `event` with a FeedEventView, `progress` with a FeedProgress, at last `end` with a FeedEnd.',
        media: {
          'application/json': { anyOf: [FeedPage, FeedStreamPage].map((each) => ({ $ref: getSchemaPath(each) })) },
          'text/event-stream': { type: 'string' },
        },
      },
    },
    problems: ['other-lineage', 'beyond-end', 'too-many-readers', 'shard-without-owner'],
  })
  async read(@Query() query: FeedQuery, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (isAboutAccess(query) && callerOf(request)?.has('peer') !== true) {
      throw new ProblemError('forbidden', 'needs peer, or the admin token, for the events of tokens');
    }
    if (query.stream !== undefined) return this.answerOfStream(query.stream, query, { request, reply });
    const isStream = request.headers.accept?.includes('text/event-stream') === true;
    if (isStream && query.order === 'newest') {
      throw faultOf('/order', 'order', 'is of pages only: a stream of events goes from the oldest to the newest');
    }
    const criteria = criteriaOf(query);
    if (isStream) {
      this.readers.open(criteria, await this.startOf(query, request), { request, reply });
      return;
    }
    const [from, signs] = [await this.startOf(query, request), JSON.stringify(this.signs.current())];
    const { order, limit } = query;
    sendJson(reply, await this.readers.page({ kind: 'page', criteria, order, from, limit, signs }, reply));
  }

  private async answerOfStream(
    stream: string,
    { fromRevision = 0, limit }: FeedQuery,
    { request, reply }: { request: FastifyRequest; reply: FastifyReply },
  ): Promise<void> {
    const elsewhere = this.shares.elsewhere(stream);
    if (elsewhere === undefined) {
      sendJson(reply, await this.readers.page({ kind: 'stream-page', stream, fromRevision, limit }, reply));
      return;
    }
    const query = new URLSearchParams({ stream, fromRevision: String(fromRevision), limit: String(limit) });
    await reply.send(await elsewhere.askElsewhere(stream, `/v1/feed?${query.toString()}`, request));
  }

  /** Where to read from. A place of another past is refused, and one that this past has not come to. */
  private async startOf({ from: queried, order }: FeedQuery, request: FastifyRequest): Promise<Position> {
    const id = request.headers[LAST_EVENT_ID];
    const [from, path] = typeof id === 'string' && id !== '' ? [id, `/${LAST_EVENT_ID}`] : [queried, '/from'];
    const isNewest = order === 'newest';
    if (from === undefined && !isNewest) return BEGINNING;
    const head = await this.store.head();
    if (from === undefined || from === 'end') return isNewest ? next(head) : head;
    const place = fromEdge(from);
    if (place === undefined) throw faultOf(path, 'matches', 'is no position, as events tell it');
    const { lineage } = this.store;
    if (place.lineage !== undefined && place.lineage !== lineage) {
      throw new ProblemError('other-lineage', `${from} is of another past than ${lineage}, which this store holds`);
    }
    // Before the first newer event there is nothing: the position behind the last one is where newest begins.
    if (comparePositions(place.position, isNewest ? next(head) : head) <= 0) return place.position;
    throw new ProblemError('beyond-end', `${from} lies beyond ${toEdge(lineage, head)}, where this store ends`);
  }
}

// Its events have the hashes of secrets.
function isAboutAccess({ topics: wanted, stream }: FeedQuery): boolean {
  return stream === ACCESS_STREAM || wanted?.split(',').includes('access') === true;
}

function criteriaOf(query: FeedQuery): FeedCriteria {
  const { topics: wanted, types, patchId, deviceId, actor, since, until } = query;
  return {
    topics: wanted?.split(',') ?? openTopics,
    ...(types !== undefined && { types: types.split(',') }),
    ...(patchId !== undefined && { patchId }),
    ...(deviceId !== undefined && { deviceId }),
    ...(actor !== undefined && { actor }),
    ...(since !== undefined && { since: toTimeText(parseTime(since)) }),
    ...(until !== undefined && { until: toTimeText(parseTime(until)) }),
  };
}

function next(position: Position): Position {
  return String(BigInt(position) + 1n);
}

function sendJson(reply: FastifyReply, body: Buffer): void {
  void reply.type('application/json; charset=utf-8').send(body);
}

function faultOf(path: string, code: string, detail: string): ProblemError {
  return new ProblemError('invalid-request', undefined, [{ path, code, detail }]);
}
