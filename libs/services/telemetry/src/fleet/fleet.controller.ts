import { Readable } from 'node:stream';
import { Controller, Get, HttpCode, Param, ParseIntPipe, Post, Query, Req, StreamableFile } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiExcludeEndpoint, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import {
  BUILD_PATTERN,
  ID_PATTERN,
  LABEL_PATTERN,
  MODEL_PATTERN,
  parseTime,
  platforms,
  tracks,
} from '@sluice/contracts';
import {
  type DeviceFilter,
  type DeviceFlag,
  deviceFlags,
  type DeviceView,
  type PatchState,
  patchStates,
} from '@sluice/domain-fleet';
import { type CommandContext } from '@sluice/event-sourcing';
import { IsTime, Optional, ProblemError, RequestContext, Roles } from '@sluice/platform';
import { Type } from 'class-transformer';
import { IsIn, IsInt, Matches, Max, Min } from 'class-validator';
import { FleetReplay } from './fleet-folds.ts';
import { type FleetAnswer, FleetQueries, placeOf, textOf } from './fleet-queries.ts';
import { type PeerRequest, Peers } from '../shard/peers.ts';
import { RetireDevice } from './retire-device.handler.ts';
import { ShardTakeover } from '../shard/shard-takeover.ts';

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;

class AtQuery {
  @ApiPropertyOptional({ format: 'date-time', description: 'As of this instant, in recorded time; now if not given.' })
  @Optional()
  @IsTime()
  at?: string;
}

class DevicesFilter {
  @ApiPropertyOptional()
  @Optional()
  @Matches(new RegExp(ID_PATTERN))
  patchId?: string;

  @ApiPropertyOptional({ enum: patchStates, description: 'Devices with a patch (or this patch) in this state.' })
  @Optional()
  @IsIn(patchStates)
  state?: PatchState;

  @ApiPropertyOptional({
    minimum: 1,
    maximum: 255,
    description: 'That failed so often to remove a patch, or this one.',
  })
  @Optional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(255)
  failedRemovals?: number;

  @ApiPropertyOptional({ enum: platforms })
  @Optional()
  @IsIn(platforms)
  platform?: string;

  @ApiPropertyOptional({ description: 'Base build.' })
  @Optional()
  @Matches(new RegExp(BUILD_PATTERN))
  base?: string;

  @ApiPropertyOptional()
  @Optional()
  @Matches(new RegExp(MODEL_PATTERN))
  model?: string;

  @ApiPropertyOptional({ enum: tracks })
  @Optional()
  @IsIn(tracks)
  track?: string;

  @ApiPropertyOptional()
  @Optional()
  @Matches(new RegExp(LABEL_PATTERN))
  ring?: string;

  @ApiPropertyOptional()
  @Optional()
  @Matches(new RegExp(LABEL_PATTERN))
  region?: string;

  @ApiPropertyOptional({ enum: deviceFlags, description: 'Devices of which this is odd.' })
  @Optional()
  @IsIn(deviceFlags)
  flag?: DeviceFlag;

  @ApiPropertyOptional({ format: 'date-time', description: 'Devices not heard of since then.' })
  @Optional()
  @IsTime()
  silentSince?: string;

  @ApiPropertyOptional({ description: 'Devices whose id begins so.' })
  @Optional()
  @Matches(new RegExp(ID_PATTERN))
  q?: string;
}

class DevicesQuery extends DevicesFilter {
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

function filterOf({ silentSince, q, ...filter }: DevicesFilter): DeviceFilter {
  return { ...filter, idPrefix: q, ...(silentSince !== undefined && { silentSince: parseTime(silentSince) }) };
}

/** What the fleet looks like, now or at any instant before; any instance answers for all of it. */
@ApiTags('fleet')
@Controller('v1')
export class FleetController {
  constructor(
    private readonly queries: FleetQueries,
    private readonly replay: FleetReplay,
    private readonly peers: Peers,
    private readonly commands: CommandBus,
  ) {}

  @Get('fleet')
  @Roles('viewer', 'publisher', 'operator', 'responder')
  async summary(
    @Query() { at }: AtQuery,
    @RequestContext() context: CommandContext,
    @Req() request: PeerRequest,
  ): Promise<FleetAnswer> {
    if (at === undefined) return this.queries.summary(context, this.peers.handedOn(request));
    const { position, summary, asOf } = await this.replay.fleetAt(at);
    return { asOf, position, ...summary };
  }

  @Get('devices')
  @Roles('viewer', 'publisher', 'operator', 'responder')
  async list(
    @Query() { cursor, limit, ...query }: DevicesQuery,
    @RequestContext() askedFor: CommandContext,
    @Req() request: PeerRequest,
  ) {
    const handedOn = this.peers.handedOn(request);
    const filter = filterOf(query);
    const page = { from: placeOf(cursor), limit };
    const { items, next } = await this.queries.list(filter, page, { askedFor, handedOn });
    // Told with the first page: it is the same for the others, as far as it can be the same while devices report.
    const total = cursor === undefined && { total: await this.queries.count(filter, askedFor, handedOn) };
    return { items, ...total, ...(next && { nextCursor: textOf(next) }) };
  }

  @Get('devices/:id')
  @Roles('viewer', 'publisher', 'operator', 'responder')
  async find(
    @Param('id') deviceId: string,
    @Query() { at }: AtQuery,
    @RequestContext() context: CommandContext,
    @Req() request: PeerRequest,
  ): Promise<DeviceView> {
    const device =
      at === undefined
        ? await this.queries.device(deviceId, context, this.peers.handedOn(request))
        : await this.replay.deviceAt(deviceId, at);
    if (device === undefined) throw new ProblemError('device-not-found', deviceId);
    return device;
  }

  @Post('devices/:id/retire')
  @HttpCode(200)
  @Roles('operator', 'peer')
  async retire(
    @Param('id') deviceId: string,
    @RequestContext() context: CommandContext,
    @Req() request: PeerRequest,
  ): Promise<DeviceView> {
    const handedOn = this.peers.handedOn(request);
    const elsewhere = await this.queries.retireElsewhere(deviceId, context, handedOn);
    if (elsewhere !== undefined) return elsewhere;
    const { actor } = handedOn ?? context;
    return this.commands.execute(new RetireDevice(deviceId, { ...context, actor }));
  }
}

/** What instances ask each other for when a shard goes from one to the next. */
@Controller('v1/shards')
export class ShardsController {
  constructor(
    private readonly takeover: ShardTakeover,
    private readonly queries: FleetQueries,
    private readonly peers: Peers,
  ) {}

  @Get('device-count')
  @Roles('peer')
  @ApiExcludeEndpoint()
  async count(
    @Query() query: DevicesFilter,
    @RequestContext() askedFor: CommandContext,
    @Req() request: PeerRequest,
  ): Promise<{ total: number | null }> {
    return { total: await this.queries.count(filterOf(query), askedFor, this.peers.handedOn(request)) };
  }

  @Get(':shard/snapshot')
  @Roles('peer')
  @ApiExcludeEndpoint()
  async snapshot(@Param('shard', ParseIntPipe) shard: number): Promise<StreamableFile> {
    const { bytes, pieces } = await this.takeover.snapshot(shard);
    return new StreamableFile(Readable.from(pieces, { objectMode: false }), { length: bytes });
  }
}
