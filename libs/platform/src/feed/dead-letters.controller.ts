import {
  DeadLetterDetails,
  DeadLetterPath,
  DeadLetters,
  type DeadLetterView,
  Operation,
  PageQuery,
  StillParked,
} from '@sluice/api';
import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type DeadLetter, type FeedInbox, letterId } from '@sluice/event-feed';
import { type CommandContext } from '@sluice/event-sourcing';
import { RequestContext, Roles } from '../auth/auth.ts';
import { Followers } from '../replay/followers.ts';
import { Metrics } from '../observe/metrics.ts';
import { paged } from '../http/paging.ts';
import { ProblemError } from '../http/problem.ts';

interface Found {
  readonly inbox: FeedInbox;
  readonly letter: DeadLetter;
}

/** Events of other services that could not be applied here, parked until somebody decides. */
@ApiTags('operations')
@Controller('v1/dead-letters')
export class DeadLettersController {
  constructor(
    private readonly followers: Followers,
    metrics: Metrics,
  ) {
    metrics.gauge('sluice_dead_letters', 'Events that are parked because they could not be applied', () =>
      this.followers.inboxes().reduce((sum, { letters }) => sum + letters.length, 0),
    );
  }

  @Get()
  @Roles('viewer', 'operator', 'responder')
  @Operation({
    id: 'listDeadLetters',
    summary: 'List parked events',
    answers: { 200: DeadLetters },
    problems: ['unknown-cursor'],
  })
  list(@Query() query: PageQuery): DeadLetters {
    const letters = this.followers.inboxes().flatMap((inbox) => [...inbox.letters]);
    const page = paged(letters, query, { list: 'dead-letters', keyOf: placeOf });
    return { ...page, items: page.items.map(inShort) };
  }

  @Get(':id')
  @Roles('viewer', 'operator', 'responder')
  @Operation({
    id: 'showDeadLetter',
    summary: 'Show a parked event',
    answers: { 200: DeadLetterDetails },
    problems: ['dead-letter-not-found'],
  })
  show(@Param() { id }: DeadLetterPath): DeadLetterDetails {
    const { letter } = this.find(id);
    return { ...inShort(letter), event: letter.event };
  }

  @Post(':id/retry')
  @HttpCode(200)
  @Roles('operator')
  @Operation({
    id: 'retryDeadLetter',
    summary: 'Apply a parked event again, and then those behind it',
    answers: { 200: StillParked },
    problems: ['dead-letter-not-found', 'dead-letter-behind'],
  })
  async retry(@Param() { id }: DeadLetterPath, @RequestContext() { actor }: CommandContext): Promise<StillParked> {
    const { inbox, letter } = this.findFirst(id);
    return stillParked(await inbox.retry(letter, actor));
  }

  @Post(':id/discard')
  @HttpCode(200)
  @Roles('operator')
  @Operation({
    id: 'discardDeadLetter',
    summary: 'Drop a parked event for good, and apply those behind it',
    answers: { 200: StillParked },
    problems: ['dead-letter-not-found', 'dead-letter-behind'],
  })
  async discard(@Param() { id }: DeadLetterPath, @RequestContext() { actor }: CommandContext): Promise<StillParked> {
    const { inbox, letter } = this.findFirst(id);
    return stillParked(await inbox.discard(letter, actor));
  }

  private find(id: string): Found {
    for (const inbox of this.followers.inboxes()) {
      const letter = inbox.letters.find((each) => letterId(each) === id);
      if (letter !== undefined) return { inbox, letter };
    }
    throw new ProblemError('dead-letter-not-found', id);
  }

  private findFirst(id: string): Found {
    const found = this.find(id);
    const first = found.inbox.letters.find(({ event }) => event.stream === found.letter.event.stream);
    if (first !== undefined && first !== found.letter) throw new ProblemError('dead-letter-behind', letterId(first));
    return found;
  }
}

/** Consumer by consumer and stream by stream, in each of them the oldest first. */
function placeOf({ consumer, event }: DeadLetter): readonly string[] {
  const { stream, place } = event;
  return [consumer, stream, ...[place.revision, place.index].map((each) => String(each).padStart(16, '0'))];
}

function inShort(letter: DeadLetter): DeadLetterView {
  const { consumer, event, reason } = letter;
  const { type, stream, place, time } = event;
  return { id: letterId(letter), consumer, type, stream, ...place, time, ...(reason !== undefined && { reason }) };
}

function stillParked(letters: readonly DeadLetter[]): StillParked {
  return { parked: letters.map(inShort) };
}
