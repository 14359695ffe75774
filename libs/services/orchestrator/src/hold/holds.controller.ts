import {
  HoldPage,
  HoldPath,
  HoldsQuery,
  HoldView,
  Operation,
  PlacedHold,
  PlaceHoldBody,
  ReasonBody,
  StopEverythingBody,
  StopInForce,
} from '@sluice/api';
import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { coveredDevices, type HoldTerms } from '@sluice/domain-rollout';
import { Clock, type CommandContext, Rejection } from '@sluice/event-sourcing';
import {
  IfMatch,
  type ListOrder,
  paged,
  ProblemError,
  RequestContext,
  Roles,
  type SeenVersions,
  StopRoute,
  Versioned,
  withCurrent,
} from '@sluice/platform';
import { AsOf } from '../as-of/as-of.ts';
import { ChangeHold } from '../commands.ts';
import { type KnownHold } from '../policy/policy.projection.ts';
import { Views } from '../views.ts';
import { publishedPatch } from '../rollout/rollout-rules.ts';
import { Stops } from '../rollout/stops.ts';

@ApiTags('holds')
@Controller('v1/holds')
export class HoldsController {
  constructor(
    private readonly views: Views,
    private readonly stops: Stops,
    private readonly commands: CommandBus,
    private readonly clock: Clock,
    private readonly past: AsOf,
  ) {}

  @Post()
  @Roles('operator', 'responder')
  @Operation({
    id: 'placeHold',
    summary: 'Stop a patch, or all patches, for some devices or all',
    answers: { 201: PlacedHold },
    etag: true,
    problems: ['hold-exists', 'expiry-in-past', 'patch-unknown', 'in-force-not-durable'],
  })
  async place(
    @Body() { holdId, slice, ...rest }: PlaceHoldBody,
    @RequestContext() context: CommandContext,
  ): Promise<Versioned<PlacedHold>> {
    if (rest.patchId !== undefined) await publishedPatch(this.views, rest.patchId);
    const terms: HoldTerms = { ...rest, slice: slice ?? {}, owner: context.actor };
    await this.stops.placeHold({ holdId, terms, at: this.clock.nowText() }, context);
    const { view, version } = show(this.views, holdId);
    const knownDevices = devicesCovered(view, this.views);
    const note = knownDevices === 0 && ({ note: 'covers-no-known-device' } as const);
    return new Versioned({ ...view, knownDevices, ...note }, version);
  }

  @Get()
  @Roles('viewer', 'operator', 'responder')
  @Operation({
    id: 'listHolds',
    summary: 'List holds, now or as of an instant',
    answers: { 200: HoldPage },
    problems: ['unknown-cursor', 'at-in-future', 'at-before-first-record'],
  })
  async list(@Query() { at, ...query }: HoldsQuery): Promise<HoldPage> {
    const isWanted = ({ status }: Pick<HoldView, 'status'>) => (query.status ?? status) === status;
    const order: ListOrder<Pick<HoldView, 'placedAt' | 'holdId'>> = {
      list: 'holds',
      keyOf: ({ placedAt, holdId }) => [placedAt, holdId],
    };
    if (at !== undefined) return paged((await this.past.ask('holds', at, {})).answer.filter(isWanted), query, order);
    const page = paged(this.views.policy.holds().filter(isWanted), query, order);
    return { ...page, items: page.items.map(({ holdId }) => show(this.views, holdId).view) };
  }

  @Post(':id/lift')
  @HttpCode(200)
  @Roles('operator', 'responder')
  @Operation({
    id: 'liftHold',
    summary: 'End a hold',
    answers: { 200: HoldView },
    etag: true,
    ifMatch: 'optional',
    problems: ['hold-not-found', 'hold-not-active'],
  })
  async lift(
    @Param() { id: holdId }: HoldPath,
    @Body() { reason }: ReasonBody,
    @RequestContext() context: CommandContext,
    @IfMatch() seen: SeenVersions,
  ): Promise<Versioned<HoldView>> {
    const lift = { type: 'LiftHold', holdId, reason, at: this.clock.nowText() } as const;
    await withCurrent(
      () => this.commands.execute(new ChangeHold(lift, context, undefined, seen)),
      () => show(this.views, holdId),
    );
    return show(this.views, holdId);
  }
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

  @Post()
  @StopRoute(StopEverythingBody)
  @HttpCode(200)
  @Roles('operator', 'responder')
  @Operation({
    id: 'stopEverything',
    summary: 'Offer nothing to anybody until a person lifts it',
    description: 'Ordered twice, or by two people, it is one stop: the one that is in force answers.',
    answers: { 200: StopInForce },
    etag: true,
    problems: ['in-force-not-durable'],
  })
  async stop(
    @Body() { reason, removals }: StopEverythingBody,
    @RequestContext() context: CommandContext,
  ): Promise<Versioned<StopInForce>> {
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
    const { view, version } = show(this.views, holdId);
    return new Versioned({ ...view, lift: `sluice hold lift ${holdId} --reason "<why it may go on>"` }, version);
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

/** With the revision that its ETag has: a list has no ETag for each. */
function show(views: Views, holdId: string): Versioned<KnownHold & { revision?: number }> {
  const hold = views.policy.hold(holdId);
  if (hold.status === 'absent') throw new ProblemError('hold-not-found', holdId);
  const revision = views.versionOf(`hold-${holdId}`);
  return new Versioned({ ...hold, ...(revision !== undefined && { revision }) }, revision);
}

function devicesCovered({ patchId, slice }: KnownHold, { policy, gates }: Views): number {
  const published = patchId === undefined ? undefined : policy.publishedPatch(patchId);
  return coveredDevices(slice, published, gates.census());
}
