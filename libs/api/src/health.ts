import { platforms } from '@sluice/contracts/primitives';
import { Amount, Build, Count, Id, Model, OneOf, Part, Tally, Time } from './fields.ts';

const SERIES_POINTS_DEFAULT = 200;
const SERIES_POINTS_MAX = 1000;

/** The query of GET /v1/health. */
export class HealthQuery {
  @Id()
  readonly patchId!: string;
}

/** Install trials of a patch in one slice. */
export class HealthCell {
  @Id()
  readonly patchId!: string;

  @OneOf(platforms, 'Platform')
  readonly platform!: (typeof platforms)[number];

  @Model()
  readonly model!: string;

  @Build()
  readonly base!: string;

  @Tally()
  readonly trials!: number;

  @Tally()
  readonly failures!: number;

  @Tally()
  readonly fine!: number;

  @Tally({ description: 'Failures without a start whose deadline still runs.' })
  readonly pending!: number;
}

export class HolderTotals {
  @Tally()
  readonly holders!: number;

  @Tally()
  readonly removed!: number;

  @Tally()
  readonly removalsFailed!: number;
}

/** The health of one patch over all shards and buckets so far. */
export class PatchHealth {
  @Id()
  readonly patchId!: string;

  @Time({ optional: true, description: 'The end of the latest bucket that told of the patch.' })
  readonly through?: string;

  @Part(() => HealthCell, { list: { max: 1_000_000 } })
  readonly cells!: readonly HealthCell[];

  @Part(() => HolderTotals)
  readonly holders!: HolderTotals;
}

/** The query of GET /v1/fleet/series. */
export class SeriesQuery {
  @Id()
  readonly patchId!: string;

  @Time({ optional: true, description: 'The first instant; the first count of the patch if not given.' })
  readonly from?: string;

  @Time({ optional: true, description: 'The last instant; the last count if not given.' })
  readonly to?: string;

  @Count({
    ...{ min: 2, max: SERIES_POINTS_MAX, inQuery: true, optional: true, default: SERIES_POINTS_DEFAULT },
    description: 'At most so many points.',
  })
  readonly points: number = SERIES_POINTS_DEFAULT;
}

/** How many devices it was, by then. */
export class SeriesPoint {
  @Time()
  readonly at!: string;

  @Tally({ description: 'Known devices that held the patch.' })
  readonly holders!: number;

  @Tally({ description: 'Install trials begun so far.' })
  readonly started!: number;

  @Tally()
  readonly failed!: number;

  @Tally()
  readonly fine!: number;

  @Tally({ description: 'Removed so far, for whatever cause.' })
  readonly removed!: number;

  @Tally()
  readonly removalsFailed!: number;
}

/** A patch in the fleet over time, as the health buckets of all shards have counted it. */
export class FleetSeries {
  @Id()
  readonly patchId!: string;

  @Time({ nullable: true, description: 'The end of the latest bucket that told of the patch; null when none did.' })
  readonly through!: string | null;

  @Amount({
    ...{ min: 0, max: Number.MAX_SAFE_INTEGER, nullable: true },
    description:
      'Seconds between two points; the older the patch is in the fleet, the more. The last may follow sooner.',
  })
  readonly stepSeconds!: number | null;

  @Part(() => SeriesPoint, { list: { max: SERIES_POINTS_MAX }, nullable: true })
  readonly points!: readonly SeriesPoint[] | null;
}
