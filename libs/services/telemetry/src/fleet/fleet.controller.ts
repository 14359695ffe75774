import { Readable } from 'node:stream';
import {
  AtQuery,
  DevicePage,
  DevicePath,
  DevicesFilter,
  DevicesQuery,
  DeviceTimeline,
  DeviceTimelineQuery,
  DeviceView,
  FleetView,
  HealthQuery,
  Operation,
} from '@sluice/api';
import {
  Controller,
  Get,
  Header,
  HttpCode,
  Param,
  ParseIntPipe,
  Post,
  Query,
  Req,
  StreamableFile,
} from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiExcludeEndpoint, ApiTags } from '@nestjs/swagger';
import { type HoldersAnswer } from '@sluice/contracts/holders-answer';
import { parseTime } from '@sluice/contracts/times';
import { type DeviceFilter } from '@sluice/domain-fleet';
import { type CommandContext } from '@sluice/event-sourcing';
import { ProblemError, readCursor, RequestContext, Roles, writeCursor } from '@sluice/platform';
import { type FactPlace, FleetReplay, type RecordedFact } from './fleet-folds.ts';
import { cursorOf, cursorText, DeviceLists } from './device-lists.ts';
import { Fleet } from './fleet.ts';
import { HolderCounts } from './holder-counts.ts';
import { FleetQueries } from './fleet-queries.ts';
import { type PeerRequest, Peers } from '../shard/peers.ts';
import { RetireDevice } from './retire-device.handler.ts';
import { ShardTakeover } from '../shard/shard-takeover.ts';

const TIMELINE = 'device-timeline';

function filterOf({ silentSince, q, ...filter }: DevicesFilter): DeviceFilter {
  return { ...filter, idPrefix: q, ...(silentSince !== undefined && { silentSince: parseTime(silentSince) }) };
}

/** What the fleet looks like, now or at any instant before; any instance answers for all of it. */
@ApiTags('fleet')
@Controller('v1')
export class FleetController {
  constructor(
    private readonly queries: FleetQueries,
    private readonly lists: DeviceLists,
    private readonly fleet: Fleet,
    private readonly replay: FleetReplay,
    private readonly peers: Peers,
    private readonly commands: CommandBus,
  ) {}

  @Get('fleet')
  @Roles('viewer', 'publisher', 'operator', 'responder')
  @Operation({
    id: 'showFleet',
    summary: 'How many devices there are, of what kind, and what they have',
    answers: { 200: FleetView },
    problems: ['at-in-future', 'shard-without-owner'],
  })
  async summary(
    @Query() { at }: AtQuery,
    @RequestContext() context: CommandContext,
    @Req() request: PeerRequest,
  ): Promise<FleetView> {
    if (at === undefined) return this.queries.summary(context, this.peers.handedOn(request));
    const { position, summary, asOf } = await this.replay.fleetAt(at);
    return { asOf, position: this.queries.edge(position), ...summary };
  }

  @Get('devices')
  @Header('content-type', 'application/json; charset=utf-8')
  @Roles('viewer', 'publisher', 'operator', 'responder')
  @Operation({
    id: 'listDevices',
    summary: 'List known devices',
    answers: { 200: DevicePage },
    problems: ['unknown-cursor', 'shard-without-owner'],
  })
  async list(
    @Query() { cursor, limit, ...query }: DevicesQuery,
    @RequestContext() askedFor: CommandContext,
    @Req() request: PeerRequest,
  ): Promise<string> {
    const handedOn = this.peers.handedOn(request);
    const filter = filterOf(query);
    const asking = { askedFor, handedOn };
    const place = cursor === undefined ? undefined : cursorOf(cursor, this.fleet.shards);
    const from = place?.from ?? { shard: 0, device: 0 };
    const { items, next } = await this.lists.list(filter, { from, limit }, asking);
    // Counted with the first page: it is the same for the others, as far as it can be the same while devices report.
    const total = place === undefined ? await this.lists.count(filter, asking) : place.total;
    const rest = JSON.stringify({ total, ...(next && { nextCursor: cursorText({ from: next, total }) }) });
    return `{"items":[${items.join()}],${rest.slice(1)}`;
  }

  @Get('devices/:id')
  @Roles('viewer', 'publisher', 'operator', 'responder')
  @Operation({
    id: 'showDevice',
    summary: 'Show a device as its reports have it',
    answers: { 200: DeviceView },
    problems: ['device-not-found', 'at-in-future', 'shard-without-owner'],
  })
  async find(
    @Param() { id: deviceId }: DevicePath,
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

  @Get('devices/:id/timeline')
  @Roles('viewer', 'publisher', 'operator', 'responder')
  @Operation({
    id: 'showDeviceTimeline',
    summary: 'What was heard of a device, the newest first',
    description: 'Read from the store, by any instance, whoever owns the device.',
    answers: { 200: DeviceTimeline },
    problems: ['device-not-found', 'unknown-cursor'],
  })
  async timeline(
    @Param() { id: deviceId }: DevicePath,
    @Query() { cursor, ...span }: DeviceTimelineQuery,
  ): Promise<DeviceTimeline> {
    const page = cursor === undefined ? undefined : timelineCursor(cursor);
    const timeline = await this.replay.timelineOf(deviceId, { ...span, ...(page && { before: page.before }) });
    if (timeline === undefined) throw new ProblemError('device-not-found', deviceId);
    const { facts, hasMore } = timeline;
    // Counted with the first page, so that the next ones need not read what is behind them.
    const total = page?.total ?? timeline.total;
    const last = facts.at(-1)?.place;
    const next = last && writeCursor(TIMELINE, [last.revision, last.index, total].map(String));
    return { items: facts.map(viewFact), total, ...(hasMore && next !== undefined && { nextCursor: next }) };
  }

  @Post('devices/:id/retire')
  @HttpCode(200)
  @Roles('operator', 'peer')
  @Operation({
    id: 'retireDevice',
    summary: 'Say that a device will not be heard of again; a report of it makes it known anew',
    answers: { 200: DeviceView },
    problems: ['device-not-found', 'shard-without-owner'],
  })
  async retire(
    @Param() { id: deviceId }: DevicePath,
    @RequestContext() context: CommandContext,
    @Req() request: PeerRequest,
  ): Promise<DeviceView> {
    const handedOn = this.peers.handedOn(request);
    const elsewhere = await this.queries.retireElsewhere(deviceId, context, handedOn);
    if (elsewhere !== undefined) return elsewhere;
    const { actor, commitId = context.commitId } = handedOn ?? context;
    return this.commands.execute(new RetireDevice(deviceId, { ...context, actor, commitId }));
  }
}

function timelineCursor(cursor: string): { readonly before: FactPlace; readonly total: number } {
  const parts = readCursor(TIMELINE, cursor, 3).map(Number);
  const [revision = NaN, index = NaN, total = NaN] = parts;
  if (!parts.every(Number.isSafeInteger)) throw new ProblemError('unknown-cursor');
  return { before: { revision, index }, total };
}

function viewFact({ fact, recordedAt }: RecordedFact): DeviceTimeline['items'][number] {
  if (fact.type === 'DeviceRetired') return { recordedAt, occurredAt: fact.occurredAt, kind: fact.type };
  const { type: kind, deviceId: _, receivedAt: __, platform: ___, ...said } = fact;
  return { recordedAt, kind, ...said };
}

/** What instances ask each other for when a shard goes from one to the next, and the orchestrator about all of them. */
@Controller('v1/shards')
export class ShardsController {
  constructor(
    private readonly takeover: ShardTakeover,
    private readonly lists: DeviceLists,
    private readonly holderCounts: HolderCounts,
    private readonly peers: Peers,
  ) {}

  @Get('holders')
  @Roles('peer')
  @ApiExcludeEndpoint()
  holders(
    @Query() { patchId }: HealthQuery,
    @RequestContext() askedFor: CommandContext,
    @Req() request: PeerRequest,
  ): Promise<HoldersAnswer> {
    return this.holderCounts.of(patchId, askedFor, this.peers.handedOn(request));
  }

  @Get('device-count')
  @Roles('peer')
  @ApiExcludeEndpoint()
  async count(
    @Query() query: DevicesFilter,
    @RequestContext() askedFor: CommandContext,
    @Req() request: PeerRequest,
  ): Promise<{ total: number | null }> {
    return { total: await this.lists.count(filterOf(query), { askedFor, handedOn: this.peers.handedOn(request) }) };
  }

  @Get(':shard/snapshot')
  @Roles('peer')
  @ApiExcludeEndpoint()
  async snapshot(@Param('shard', ParseIntPipe) shard: number): Promise<StreamableFile> {
    const { bytes, pieces } = await this.takeover.snapshot(shard);
    return new StreamableFile(Readable.from(pieces, { objectMode: false }), { length: bytes });
  }
}
