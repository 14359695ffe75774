import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { ID_PATTERN } from '@sluice/contracts';
import { type HoldTerms } from '@sluice/domain-rollout';
import { Clock, type CommandContext } from '@sluice/event-sourcing';
import { IsTime, Optional, paged, PageQuery, ProblemError, RequestContext, Roles } from '@sluice/platform';
import { Type } from 'class-transformer';
import { IsIn, IsObject, IsString, IsUrl, Matches, MaxLength, ValidateNested } from 'class-validator';
import { ChangeHold } from '../commands.ts';
import { type KnownHold } from '../policy/policy.projection.ts';
import { Views } from '../views.ts';
import { AudienceBody, ReasonBody } from '../rollout/rollout-bodies.ts';

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
    private readonly commands: CommandBus,
    private readonly clock: Clock,
  ) {}

  @Post()
  @Roles('operator', 'responder')
  async place(@Body() { holdId, slice = {}, ...rest }: PlaceHoldBody, @RequestContext() context: CommandContext) {
    const terms: HoldTerms = { ...rest, slice, owner: context.actor };
    await this.commands.execute(
      new ChangeHold({ type: 'PlaceHold', holdId, terms, at: this.clock.nowText() }, context),
    );
    return this.known(holdId);
  }

  @Get()
  @Roles('viewer', 'operator', 'responder')
  list(@Query() query: HoldsQuery) {
    const wanted = this.views.policy.holds().filter(({ status }) => (query.status ?? status) === status);
    return paged(wanted, query, ({ holdId }) => holdId);
  }

  @Post(':id/lift')
  @HttpCode(200)
  @Roles('operator', 'responder')
  async lift(@Param('id') holdId: string, @Body() { reason }: ReasonBody, @RequestContext() context: CommandContext) {
    await this.commands.execute(
      new ChangeHold({ type: 'LiftHold', holdId, reason, at: this.clock.nowText() }, context),
    );
    return this.known(holdId);
  }

  private known(holdId: string): KnownHold {
    const hold = this.views.policy.hold(holdId);
    if (hold.status === 'absent') throw new ProblemError('hold-not-found', holdId);
    return hold;
  }
}
