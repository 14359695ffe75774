import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { BUILD_PATTERN, ID_PATTERN, parseTime, platforms, TIME_PATTERN } from '@sluice/contracts';
import { type PatchState, patchStates } from '@sluice/domain-fleet';
import { Clock, type CommandContext, toTimeText } from '@sluice/event-sourcing';
import { Optional, ProblemError, RequestContext, Roles } from '@sluice/platform';
import { Type } from 'class-transformer';
import { IsIn, IsInt, Matches, Max, Min } from 'class-validator';
import { type DeviceAnswer, type DevicePlace, Fleet, withBase } from './fleet.ts';
import { FleetReplay } from './fleet-folds.ts';
import { RetireDevice } from './retire-device.handler.ts';

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;

class AtQuery {
  @ApiPropertyOptional({ format: 'date-time', description: 'As of this instant, in recorded time; now if not given.' })
  @Optional()
  @Matches(new RegExp(TIME_PATTERN))
  at?: string;
}

class DevicesQuery {
  @ApiPropertyOptional()
  @Optional()
  @Matches(new RegExp(ID_PATTERN))
  patchId?: string;

  @ApiPropertyOptional({ enum: patchStates, description: 'Devices with a patch (or this patch) in this state.' })
  @Optional()
  @IsIn(patchStates)
  state?: PatchState;

  @ApiPropertyOptional({ enum: platforms })
  @Optional()
  @IsIn(platforms)
  platform?: string;

  @ApiPropertyOptional({ description: 'Base build.' })
  @Optional()
  @Matches(new RegExp(BUILD_PATTERN))
  base?: string;

  @ApiPropertyOptional({ minimum: 1, maximum: PAGE_MAX })
  @Optional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(PAGE_MAX)
  limit = PAGE_DEFAULT;

  @ApiPropertyOptional({ description: '`nextCursor` of the page before.' })
  @Optional()
  @Matches(/^\d{1,4}\.\d{1,10}$/)
  cursor?: string;
}

/** What the fleet looks like, now or at any instant before. */
@ApiTags('fleet')
@Controller('v1')
export class FleetController {
  constructor(
    private readonly fleet: Fleet,
    private readonly replay: FleetReplay,
    private readonly clock: Clock,
    private readonly commands: CommandBus,
  ) {}

  @Get('fleet')
  @Roles('viewer', 'publisher', 'operator', 'responder')
  async summary(@Query() { at }: AtQuery) {
    if (at === undefined) return this.fleet.summary();
    const asOf = this.instant(at);
    const { position, summary } = await this.replay.fleetAt(asOf);
    return { asOf, position, ...summary };
  }

  @Get('devices')
  @Roles('viewer', 'publisher', 'operator', 'responder')
  list(@Query() { cursor, limit, ...filter }: DevicesQuery) {
    const { items, next } = this.fleet.list(filter, { from: placeOf(cursor), limit });
    return { items, ...(next && { nextCursor: `${String(next.shard)}.${String(next.device)}` }) };
  }

  @Get('devices/:id')
  @Roles('viewer', 'publisher', 'operator', 'responder')
  async find(@Param('id') deviceId: string, @Query() { at }: AtQuery): Promise<DeviceAnswer> {
    const device = at === undefined ? this.fleet.device(deviceId) : await this.deviceAt(deviceId, this.instant(at));
    if (device === undefined) throw new ProblemError('device-not-found', deviceId);
    return device;
  }

  @Post('devices/:id/retire')
  @HttpCode(200)
  @Roles('operator')
  retire(@Param('id') deviceId: string, @RequestContext() context: CommandContext): Promise<DeviceAnswer> {
    return this.commands.execute(new RetireDevice(deviceId, context));
  }

  private async deviceAt(deviceId: string, at: string): Promise<DeviceAnswer | undefined> {
    const view = await this.replay.deviceAt(deviceId, at);
    return view && withBase(view, this.fleet.catalog.baseOf);
  }

  private instant(at: string): string {
    const ms = parseTime(at);
    if (Number.isNaN(ms)) {
      throw new ProblemError('invalid-request', undefined, [{ path: '/at', code: 'time', detail: 'no such time' }]);
    }
    if (ms > this.clock.now())
      throw new ProblemError('at-in-future', `${at} is after ${this.clock.nowText()}, which is now here`);
    return toTimeText(ms);
  }
}

function placeOf(cursor: string | undefined): DevicePlace {
  const [shard = 0, device = 0] = cursor?.split('.').map(Number) ?? [];
  return { shard, device };
}
