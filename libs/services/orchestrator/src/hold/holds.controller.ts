import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { PageQuery } from '@sluice/api';
import { ID_PATTERN } from '@sluice/contracts';
import { coveredDevices, type HoldTerms } from '@sluice/domain-rollout';
import { Clock, type CommandContext, Rejection } from '@sluice/event-sourcing';
import {
  IfMatch,
  IsTime,
  Optional,
  paged,
  ProblemError,
  RequestContext,
  Roles,
  type SeenVersions,
  StopRoute,
  Versioned,
  withCurrent,
} from '@sluice/platform';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsObject, IsString, IsUrl, Matches, MaxLength, ValidateNested } from 'class-validator';
import { ChangeHold } from '../commands.ts';
import { type KnownHold } from '../policy/policy.projection.ts';
import { Views } from '../views.ts';
import { AudienceBody, ReasonBody, StopBody } from '../rollout/rollout-bodies.ts';
import { publishedPatch } from '../rollout/rollout-rules.ts';
import { Stops } from '../rollout/stops.ts';

/** `POST /v1/holds`. Without a slice and a patch it stops everything. */
class PlaceHoldBody extends ReasonBody {
  @ApiProperty()
  @Matches(ID_PATTERN)
  holdId!: string;

  @ApiPropertyOptional()
  @Optional()
  @Matches(ID_PATTERN)
  patchId?: string;

  @ApiPropertyOptional()
  @Optional()
  @IsObject()
  @ValidateNested()
  @Type(() => AudienceBody)
  slice?: AudienceBody;

  @ApiPropertyOptional()
  @Optional()
  @IsString()
  @MaxLength(2000)
  @IsUrl({ require_tld: false, protocols: ['http', 'https'], require_protocol: true })
  url?: string;

  @ApiPropertyOptional({ format: 'date-time' })
  @Optional()
  @IsTime()
  expiresAt?: string;
}

const statuses = ['active', 'lifted', 'expired'] as const satisfies readonly KnownHold['status'][];

class HoldsQuery extends PageQuery {
  @ApiPropertyOptional({ enum: statuses })
  @Optional()
  @IsIn(statuses)
  status?: KnownHold['status'];
}

@ApiTags('holds')
@Controller('v1/holds')
export class HoldsController {
  constructor(
    private readonly views: Views,
    private readonly stops: Stops,
    private readonly commands: CommandBus,
    private readonly clock: Clock,
  ) {}

  @Post()
  @Roles('operator', 'responder')
  async place(@Body() { holdId, slice, ...rest }: PlaceHoldBody, @RequestContext() context: CommandContext) {
    // Whoever means everything leaves the slice out: a selector that came out empty must not stop everything.
    if (slice !== undefined && Object.values(slice).every((each) => each === undefined)) {
      const detail = 'names nothing; leave it out to mean all devices';
      throw new ProblemError('invalid-request', undefined, [{ path: '/slice', code: 'empty', detail }]);
    }
    if (rest.patchId !== undefined) await publishedPatch(this.views, rest.patchId);
    const terms: HoldTerms = { ...rest, slice: slice ?? {}, owner: context.actor };
    await this.stops.placeHold({ holdId, terms, at: this.clock.nowText() }, context);
    const { view, version } = this.show(holdId);
    const knownDevices = devicesCovered(view, this.views);
    const note = knownDevices === 0 && { note: 'covers-no-known-device' };
    return new Versioned({ ...view, knownDevices, ...note }, version);
  }

  @Get()
  @Roles('viewer', 'operator', 'responder')
  list(@Query() query: HoldsQuery) {
    const wanted = this.views.policy.holds().filter(({ status }) => (query.status ?? status) === status);
    const page = paged(wanted, query, { list: 'holds', keyOf: ({ placedAt, holdId }) => [placedAt, holdId] });
    return { ...page, items: page.items.map(({ holdId }) => this.show(holdId).view) };
  }

  @Post(':id/lift')
  @HttpCode(200)
  @Roles('operator', 'responder')
  async lift(
    @Param('id') holdId: string,
    @Body() { reason }: ReasonBody,
    @RequestContext() context: CommandContext,
    @IfMatch() seen: SeenVersions,
  ) {
    const lift = { type: 'LiftHold', holdId, reason, at: this.clock.nowText() } as const;
    await withCurrent(
      () => this.commands.execute(new ChangeHold(lift, context, undefined, seen)),
      () => this.show(holdId),
    );
    return this.show(holdId);
  }

  /** With the revision that its ETag has: a list has no ETag for each. */
  private show(holdId: string) {
    const revision = this.views.versionOf(`hold-${holdId}`);
    return new Versioned({ ...this.known(holdId), revision }, revision);
  }

  private known(holdId: string): KnownHold {
    const hold = this.views.policy.hold(holdId);
    if (hold.status === 'absent') throw new ProblemError('hold-not-found', holdId);
    return hold;
  }
}

/** `POST /v1/stop`. */
class StopEverythingBody extends StopBody {
  @ApiPropertyOptional({
    default: false,
    description: 'Devices keep what was recalled, too, until the stop is lifted.',
  })
  @IsBoolean()
  removals = false;
}

/** The stop of everything: a hold without patch and slice, that a person lifts. */
@ApiTags('holds')
@Controller('v1/stop')
export class StopController {
  constructor(
    private readonly views: Views,
    private readonly stops: Stops,
    private readonly clock: Clock,
  ) {}

  /** Ordered twice, or by two people, it is one stop: the one that is in force answers. */
  @Post()
  @StopRoute(StopEverythingBody)
  @HttpCode(200)
  @Roles('operator', 'responder')
  async stop(@Body() { reason, removals }: StopEverythingBody, @RequestContext() context: CommandContext) {
    const holdId = this.stopId(removals);
    const terms: HoldTerms = { slice: {}, reason, owner: context.actor, ...(removals && { removals }) };
    if (this.views.policy.hold(holdId).status !== 'active') {
      try {
        await this.stops.placeHold({ holdId, terms, at: this.clock.nowText() }, context);
      } catch (error) {
        // Somebody else has ordered the same stop in this moment, with other words.
        if (!(error instanceof Rejection) || error.code !== 'hold-exists') throw error;
      }
    }
    const hold = this.views.policy.hold(holdId);
    const lift = `sluice hold lift ${holdId} --reason "<why it may go on>"`;
    return new Versioned({ ...hold, lift }, this.views.versionOf(`hold-${holdId}`));
  }

  // The stop in force, or the first number that is free: two people at once mean the same one.
  // A stop of offers is no stop of removals: the wider one is another hold.
  private stopId(removals: boolean): string {
    for (let number = 1; ; number += 1) {
      const holdId = `stop-${String(number)}`;
      const hold = this.views.policy.hold(holdId);
      if (hold.status === 'absent') return holdId;
      if (hold.status === 'active' && (!removals || hold.removals === true)) return holdId;
    }
  }
}

function devicesCovered({ patchId, slice }: KnownHold, { policy, gates }: Views): number {
  const published = patchId === undefined ? undefined : policy.publishedPatch(patchId);
  return coveredDevices(slice, published, gates.census());
}
