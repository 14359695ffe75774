import { AcceptClockBody, Applied, AppliedQuery, ClockSet, ClockView, Operation, SetClockBody } from '@sluice/api';
import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { parseTime } from '@sluice/contracts/times';
import { EventFeed, FeedFollower, OwnSigns } from '@sluice/event-feed';
import {
  BEGINNING,
  Clock,
  EventStore,
  type Follower,
  fromEdge,
  type Position,
  toEdge,
  toTimeText,
} from '@sluice/event-sourcing';
import { Roles } from '../auth/auth.ts';
import { ManualClock, WallClock } from '../time/clock.ts';
import { Followers } from '../replay/followers.ts';
import { ProblemError } from '../http/problem.ts';
import { wallSleep } from './store-proof.ts';

/** Who waits longer than that for a follower is told so, and may ask again. */
const WAIT_MS_MAX = 20_000;
const SIGNS_POLL_MS = 5;

/** How far the service has come, and, for a scenario on several processes, the clock that it lives by. */
@ApiTags('operations')
@Controller('v1')
export class ProgressController {
  constructor(
    private readonly clock: Clock,
    private readonly store: EventStore,
    private readonly followers: Followers,
    private readonly feed: EventFeed,
    private readonly signs: OwnSigns,
  ) {}

  @Post('clock')
  @HttpCode(200)
  @Roles()
  @Operation({
    id: 'setClock',
    summary: 'Move a manual clock; answers when all that is done at the new time has been done',
    answers: { 200: ClockSet },
    problems: ['clock-not-manual'],
  })
  async setClock(@Body() { now }: SetClockBody): Promise<ClockSet> {
    if (!(this.clock instanceof ManualClock)) throw new ProblemError('clock-not-manual');
    const ms = parseTime(now);
    if (!(ms >= this.clock.now())) {
      const detail = `is not a time from ${this.clock.nowText()} on`;
      throw new ProblemError('invalid-request', undefined, [{ path: '/now', code: 'time', detail }]);
    }
    await this.clock.advanceTo(ms);
    return { now: this.clock.nowText() };
  }

  @Get('clock')
  @Roles('viewer', 'operator', 'responder')
  @Operation({
    id: 'showClock',
    summary: 'Whose time it is, what the wall says, and whether it is believed',
    answers: { 200: ClockView },
  })
  showClock(): ClockView {
    const soundness = this.clock.soundness();
    const shown = { kind: this.clock.kind, now: this.clock.nowText(), sound: soundness.sound };
    if (soundness.sound) {
      const aheadSeconds = Math.floor(soundness.aheadMs / 1000);
      return { ...shown, ...(aheadSeconds > 0 && { aheadSeconds }) };
    }
    const { because, wallMs, differenceMs } = soundness;
    return { ...shown, because, wall: toTimeText(wallMs), differenceSeconds: Math.round(differenceMs / 1000) };
  }

  @Post('clock/accept')
  @HttpCode(200)
  @Roles('operator')
  @Operation({
    id: 'acceptClock',
    summary: 'Believe the wall, if its difference is still the one that was shown',
    description: 'A second jump is not accepted unseen.',
    answers: { 200: ClockView },
    problems: ['clock-is-sound', 'clock-moved-on'],
  })
  acceptClock(@Body() { differenceSeconds }: AcceptClockBody): ClockView {
    if (!(this.clock instanceof WallClock) || this.clock.soundness().sound) throw new ProblemError('clock-is-sound');
    if (!this.clock.accept(differenceSeconds * 1000)) throw new ProblemError('clock-moved-on');
    return this.showClock();
  }

  @Get('applied')
  @Roles('viewer')
  @Operation({
    id: 'showApplied',
    summary: 'How far the service has come; waits for the positions that are named',
    answers: { 200: Applied },
  })
  async applied(@Query() wanted: AppliedQuery): Promise<Applied> {
    const followers = this.followers.all();
    const { lineage } = this.store;
    const own = fromEdge(wanted.own ?? BEGINNING)?.lineage ?? lineage;
    if (own !== lineage) throw new ProblemError('other-lineage', `${own} is another past than ${lineage}`);
    const tooLong = new AbortController();
    const timer = setTimeout(() => tooLong.abort(), WAIT_MS_MAX);
    try {
      await Promise.all(
        followers.flatMap((follower) => {
          const sent: unknown = Object.entries(wanted).find(([name]) => name === sourceOf(follower))?.[1];
          const place = typeof sent === 'string' ? fromEdge(sent) : undefined;
          return place === undefined ? [] : [follower.reached(place.position, tooLong.signal)];
        }),
      );
      const health = this.followers.healthSource;
      if (wanted.through !== undefined && health !== undefined)
        await this.countedThrough(health, wanted.through, tooLong.signal);
      await this.followers.idle();
    } finally {
      clearTimeout(timer);
    }
    if (tooLong.signal.aborted) throw new ProblemError('not-ready', followers.map(describe).join('; '));
    return {
      now: this.clock.nowText(),
      head: toEdge(lineage, await this.store.head()),
      through: this.signs.current().through,
      followers: followers.map((follower) => ({
        name: follower.name,
        source: sourceOf(follower),
        position: follower.position,
        caughtUp: follower.caughtUp,
      })),
    };
  }

  // What a source says of itself has no position to wait for.
  private async countedThrough(source: string, wantedMs: number, signal: AbortSignal): Promise<void> {
    const isCounted = () => {
      const through = this.feed.signsOf(source)?.through ?? [];
      return through[0]?.shards === through.length && through.every(({ throughMs }) => throughMs >= wantedMs);
    };
    while (!isCounted() && !signal.aborted) await wallSleep(SIGNS_POLL_MS, signal);
  }
}

function sourceOf(follower: Follower<unknown>): string {
  return follower instanceof FeedFollower ? follower.inbox.consumer.source : 'own';
}

function describe(follower: Follower<unknown>): string {
  const position: Position = follower.position;
  return `${follower.name} has applied ${sourceOf(follower)} up to ${position}`;
}
