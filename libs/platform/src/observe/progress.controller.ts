import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { parseTime } from '@sluice/contracts';
import { FeedFollower } from '@sluice/event-feed';
import { Clock, EventStore, type Follower, type Position } from '@sluice/event-sourcing';
import { Matches } from 'class-validator';
import { Roles } from '../auth/auth.ts';
import { ManualClock } from '../clock.ts';
import { Followers } from '../followers.ts';
import { ProblemError } from '../http/problem.ts';
import { IsTime, Optional } from '../http/validation.ts';

const POSITION = /^\d{1,20}$/;
/** Who waits longer than that for a follower is told so, and may ask again. */
const WAIT_MS_MAX = 20_000;

class ClockBody {
  @ApiProperty({ format: 'date-time', description: 'The new time; not before the present one.' })
  @IsTime()
  now!: string;
}

class AppliedQuery {
  @ApiPropertyOptional({ description: 'Answer once all that follows the catalog has applied this position of it.' })
  @Optional()
  @Matches(POSITION)
  catalog?: string;

  @ApiPropertyOptional({ description: 'The same for positions of telemetry.' })
  @Optional()
  @Matches(POSITION)
  telemetry?: string;

  @ApiPropertyOptional({ description: 'The same for the own store.' })
  @Optional()
  @Matches(POSITION)
  own?: string;
}

/** How far the service has come, and, for a scenario on several processes, the clock that it lives by. */
@ApiTags('operations')
@Controller('v1')
export class ProgressController {
  constructor(
    private readonly clock: Clock,
    private readonly store: EventStore,
    private readonly followers: Followers,
  ) {}

  /** Answers when all that is done at the new time has been done. */
  @Post('clock')
  @HttpCode(200)
  @Roles()
  async setClock(@Body() { now }: ClockBody) {
    if (!(this.clock instanceof ManualClock)) throw new ProblemError('clock-not-manual');
    const ms = parseTime(now);
    if (!(ms >= this.clock.now())) {
      const detail = `is not a time from ${this.clock.nowText()} on`;
      throw new ProblemError('invalid-request', undefined, [{ path: '/now', code: 'time', detail }]);
    }
    await this.clock.advanceTo(ms);
    return { now: this.clock.nowText() };
  }

  @Get('applied')
  @Roles('viewer')
  async applied(@Query() wanted: AppliedQuery) {
    const followers = this.followers.all();
    const tooLong = new AbortController();
    const timer = setTimeout(() => tooLong.abort(), WAIT_MS_MAX);
    try {
      await Promise.all(
        followers.flatMap((follower) => {
          const position = wanted[sourceOf(follower) as keyof AppliedQuery];
          return position === undefined ? [] : [follower.reached(position, tooLong.signal)];
        }),
      );
      await this.followers.idle();
    } finally {
      clearTimeout(timer);
    }
    if (tooLong.signal.aborted) throw new ProblemError('not-ready', followers.map(describe).join('; '));
    return {
      now: this.clock.nowText(),
      head: await this.store.head(),
      followers: followers.map((follower) => ({
        name: follower.name,
        source: sourceOf(follower),
        position: follower.position,
        caughtUp: follower.caughtUp,
      })),
    };
  }
}

function sourceOf(follower: Follower<unknown>): string {
  return follower instanceof FeedFollower ? follower.inbox.consumer.source : 'own';
}

function describe(follower: Follower<unknown>): string {
  const position: Position = follower.position;
  return `${follower.name} has applied ${sourceOf(follower)} up to ${position}`;
}
