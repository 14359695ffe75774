import { platforms } from '@sluice/contracts/primitives';
import { Build, Id, Model, OneOf, Part, Tally, Time } from './fields.ts';

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
