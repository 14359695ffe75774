import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { PageQuery } from '@sluice/api';
import { type DeadLetter, type FeedInbox, letterId } from '@sluice/event-feed';
import { type CommandContext } from '@sluice/event-sourcing';
import { RequestContext, Roles } from '../auth/auth.ts';
import { Followers } from '../followers.ts';
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
  list(@Query() query: PageQuery) {
    const letters = this.followers.inboxes().flatMap((inbox) => [...inbox.letters]);
    const page = paged(letters, query, { list: 'dead-letters', keyOf: placeOf });
    return { ...page, items: page.items.map(inShort) };
  }

  @Get(':id')
  @Roles('viewer', 'operator', 'responder')
  show(@Param('id') id: string) {
    const { letter } = this.find(id);
    return { ...inShort(letter), event: letter.event };
  }

  /** Applies the event again, and then those behind it. */
  @Post(':id/retry')
  @HttpCode(200)
  @Roles('operator')
  async retry(@Param('id') id: string, @RequestContext() { actor }: CommandContext) {
    const { inbox, letter } = this.findFirst(id);
    return stillParked(await inbox.retry(letter, actor));
  }

  /** Drops the event for good, and applies those behind it. */
  @Post(':id/discard')
  @HttpCode(200)
  @Roles('operator')
  async discard(@Param('id') id: string, @RequestContext() { actor }: CommandContext) {
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

function inShort(letter: DeadLetter) {
  const { consumer, event, reason } = letter;
  const { type, stream, place, time } = event;
  return { id: letterId(letter), consumer, type, stream, ...place, time, ...(reason !== undefined && { reason }) };
}

function stillParked(letters: readonly DeadLetter[]) {
  return { parked: letters.map(inShort) };
}
