import { type FleetEvent, topics } from '@sluice/contracts/events';
import { platforms, tracks } from '@sluice/contracts/primitives';
import { AsOf, Build, ByName, Count, Flag, Id, Label, Model, OneOf, Part, Tally, Time, Words } from './fields.ts';
import { Cursor, PAGE_ITEMS_DEFAULT, PAGE_LIMIT, pageOf, PageQuery } from './paging.ts';

const SHARDS_MAX = 1024;

export const patchStates = ['started', 'installed', 'failed', 'rolledBack', 'replaced'] as const;
const factKinds = topics.fleet.events.map(({ properties }) => properties.type.const);
export const removalCauses = ['recall', 'user', 'failure'] as const;
export const deviceFlags = ['clock-ahead', 'clock-behind', 'id-used-twice'] as const;

type Platform = (typeof platforms)[number];
type Track = (typeof tracks)[number];
type PatchState = (typeof patchStates)[number];
type DeviceFlag = (typeof deviceFlags)[number];

export class AtQuery {
  @AsOf()
  readonly at?: string;
}

export class DevicePath {
  @Id({ description: 'The id of a device.' })
  readonly id!: string;
}

/** The filters of GET /v1/devices. */
export class DevicesFilter {
  @Id({ optional: true })
  readonly patchId?: string;

  @OneOf(patchStates, 'PatchState', {
    optional: true,
    description: 'Devices with a patch (or this patch) in this state.',
  })
  readonly state?: PatchState;

  @Count({
    min: 1,
    max: 255,
    optional: true,
    inQuery: true,
    description: 'That failed so often to remove a patch, or this one.',
  })
  readonly failedRemovals?: number;

  @OneOf(platforms, 'Platform', { optional: true })
  readonly platform?: Platform;

  @Build({ optional: true, description: 'Base build.' })
  readonly base?: string;

  @Model({ optional: true })
  readonly model?: string;

  @OneOf(tracks, 'Track', { optional: true })
  readonly track?: Track;

  @Label({ optional: true })
  readonly ring?: string;

  @Label({ optional: true })
  readonly region?: string;

  @OneOf(deviceFlags, 'DeviceFlag', { optional: true, description: 'Devices of which this is odd.' })
  readonly flag?: DeviceFlag;

  @Time({ optional: true, description: 'Devices not heard of since then.' })
  readonly silentSince?: string;

  @Id({ optional: true, description: 'Devices whose id begins so.' })
  readonly q?: string;
}

/** The query of GET /v1/devices. */
export class DevicesQuery extends DevicesFilter {
  @Count(PAGE_LIMIT)
  readonly limit: number = PAGE_ITEMS_DEFAULT;

  @Cursor('`nextCursor` of the page before; the first page if absent.')
  readonly cursor?: string;
}

/** How many devices have a patch, by its state on them. */
export class StateCounts {
  @Tally()
  readonly started!: number;

  @Tally({ description: 'Holders.' })
  readonly installed!: number;

  @Tally()
  readonly failed!: number;

  @Tally()
  readonly rolledBack!: number;

  @Tally()
  readonly replaced!: number;
}

/** Which shards an answer is about. */
export class ShardCover {
  @Tally()
  readonly total!: number;

  @Tally({
    list: { max: SHARDS_MAX },
    description: 'Those that are missing in the sum, because nobody owns them or their owner did not answer.',
  })
  readonly withoutOwner!: readonly number[];
}

export class FleetView {
  @Time()
  readonly asOf!: string;

  @Words()
  readonly position!: string;

  @Tally({ description: 'Reports ever accepted.' })
  readonly facts!: number;

  @Tally({ description: 'Known devices.' })
  readonly devices!: number;

  @ByName('count')
  readonly byPlatform!: Record<string, number>;

  @ByName('count')
  readonly byBase!: Record<string, number>;

  @ByName(() => StateCounts)
  readonly patches!: Record<string, StateCounts>;

  @Part(() => ShardCover, { optional: true, description: 'Present when the sum is not over all shards.' })
  readonly shards?: ShardCover;
}

/** How it is with a patch on a device. */
export class DevicePatch {
  @OneOf(patchStates, 'PatchState')
  readonly state!: PatchState;

  @Time({ description: 'Of a holder, when it last showed its build; else when it last said so.' })
  readonly at!: string;

  @OneOf(['build', 'report'], 'HeldBy', {
    optional: true,
    description: 'Why it counts as a holder: it runs the build, or says so and has yet to restart.',
  })
  readonly by?: 'build' | 'report';

  @Words({ nullable: true, description: 'What the device called its last failure; null when it gave no code.' })
  readonly failureCode!: string | null;

  @OneOf(removalCauses, 'RemovalCause', {
    ...{ optional: true, nullable: true },
    description: 'Of one that is rolled back: why, as the device said; null when it did not say.',
  })
  readonly cause?: (typeof removalCauses)[number] | null;

  @Tally({ optional: true, description: 'Present when there were any.' })
  readonly failedInstalls?: number;

  @Tally({ optional: true, description: 'Present when there were any.' })
  readonly failedRemovals?: number;

  @Time({ optional: true, description: 'When the device last failed to install or to remove it.' })
  readonly lastFailureAt?: string;
}

/** A device as its reports have it. */
export class DeviceView {
  @Id()
  readonly deviceId!: string;

  @OneOf(platforms, 'Platform')
  readonly platform!: Platform;

  @Model()
  readonly model!: string;

  @Words()
  readonly osVersion!: string;

  @Build()
  readonly osBuild!: string;

  @OneOf(tracks, 'Track')
  readonly track!: Track;

  @Label({ optional: true })
  readonly ring?: string;

  @Label({ optional: true })
  readonly region?: string;

  @Build({ description: 'The prerequisite of the patch whose build the device shows, else that build.' })
  readonly base!: string;

  @Time()
  readonly lastReportAt!: string;

  @Time({ optional: true, description: 'Present when the device was retired and has not reported since.' })
  readonly retiredAt?: string;

  @OneOf(deviceFlags, 'DeviceFlag', {
    optional: true,
    list: { min: 1, max: deviceFlags.length },
    description: 'What is odd about it.',
  })
  readonly flags?: readonly DeviceFlag[];

  @ByName(() => DevicePatch)
  readonly patches!: Readonly<Record<string, DevicePatch>>;
}

export class DevicePage extends pageOf(() => DeviceView) {}

/** The query of GET /v1/devices/{id}/timeline. */
export class DeviceTimelineQuery extends PageQuery {
  @Time({ optional: true, description: 'Recorded at this instant or after it.' })
  readonly from?: string;

  @Time({ optional: true, description: 'Recorded at this instant or before it.' })
  readonly to?: string;
}

/** One thing that a device said, or that was said of it. */
export class DeviceFact {
  @Time({ description: 'When it was recorded, which is what `at` of other calls goes by.' })
  readonly recordedAt!: string;

  @Time({ description: 'When it happened, by the clock of the device.' })
  readonly occurredAt!: string;

  @OneOf(factKinds, 'FactKind')
  readonly kind!: FleetEvent['type'];

  @Id({ optional: true })
  readonly patchId?: string;

  @Id({ optional: true })
  readonly rolloutId?: string;

  @OneOf(removalCauses, 'RemovalCause', { optional: true })
  readonly cause?: (typeof removalCauses)[number];

  @Words({ optional: true })
  readonly signal?: string;

  @Words({ optional: true })
  readonly failureCode?: string;

  @Words({ optional: true })
  readonly detail?: string;

  @Words({ optional: true })
  readonly osVersion?: string;

  @Build({ optional: true })
  readonly osBuild?: string;

  @Model({ optional: true })
  readonly model?: string;

  @OneOf(tracks, 'Track', { optional: true })
  readonly track?: Track;

  @Label({ optional: true })
  readonly ring?: string;

  @Label({ optional: true })
  readonly region?: string;

  @Flag({ optional: true, description: 'The clock of the device was ahead.' })
  readonly clockAhead?: boolean;
}

/** What was heard of a device, the newest first. */
export class DeviceTimeline extends pageOf(() => DeviceFact) {}
