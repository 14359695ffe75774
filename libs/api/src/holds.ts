import { SumEvidence } from '@sluice/contracts/event-shapes';
import { AsOf, Flag, Id, OneOf, Part, Shape, Tally, Time, WebAddress, Words } from './fields.ts';
import { PageQuery, pageOf } from './paging.ts';
import { Audience, ReasonBody, StopBody } from './plans.ts';

export const holdStatuses = ['active', 'lifted', 'expired'] as const;
type HoldStatus = (typeof holdStatuses)[number];

/**
 * The body of POST /v1/holds. Without a slice and a patch it stops everything; a selector that came out empty must not, so an
 * empty slice is refused.
 */
export class PlaceHoldBody extends ReasonBody {
  @Id({ example: 'h1' })
  readonly holdId!: string;

  @Id({ optional: true, description: 'This patch only; every patch if absent.' })
  readonly patchId?: string;

  @Part(() => Audience, { optional: true, isFilled: true, description: 'These devices only; all if absent.' })
  readonly slice?: Audience;

  @WebAddress({ optional: true, description: 'Where to read more.' })
  readonly url?: string;

  @Time({ optional: true, description: 'When it ends by itself.' })
  readonly expiresAt?: string;
}

/** The body of POST /v1/stop. */
export class StopEverythingBody extends StopBody {
  @Flag({
    optional: true,
    default: false,
    description: 'Devices keep what was recalled, too, until the stop is lifted.',
  })
  readonly removals: boolean = false;
}

export class HoldPath {
  @Id({ description: 'The id of a hold.' })
  readonly id!: string;
}

/** The query of GET /v1/holds. */
export class HoldsQuery extends PageQuery {
  @OneOf(holdStatuses, 'HoldStatus', { optional: true })
  readonly status?: HoldStatus;

  @AsOf()
  readonly at?: string;
}

/** A hold: what it stops, why, and whether it is in force. */
export class HoldView {
  @Id()
  readonly holdId!: string;

  @OneOf(holdStatuses, 'HoldStatus')
  readonly status!: HoldStatus;

  @Id({ optional: true, description: 'Absent where it is for every patch.' })
  readonly patchId?: string;

  @Part(() => Audience, { description: 'Empty where it is for all devices.' })
  readonly slice!: Audience;

  @Words()
  readonly reason!: string;

  @Words({ description: 'Who placed it: a name, or `gate`.' })
  readonly owner!: string;

  @Words({ optional: true })
  readonly url?: string;

  @Time({ optional: true })
  readonly expiresAt?: string;

  @Flag({ optional: true, description: 'Of a hold on everything: removals of recalled patches stop as well.' })
  readonly removals?: boolean;

  @Shape({ SumEvidence }, { optional: true, description: 'What a gate held the slice for.' })
  readonly evidence?: SumEvidence;

  @Time()
  readonly placedAt!: string;

  @Tally({ optional: true, description: 'What its ETag has; absent while it is in force without being stored.' })
  readonly revision?: number;

  @Time({ optional: true })
  readonly liftedAt?: string;

  @Words({ optional: true })
  readonly liftedBecause?: string;
}

export class HoldPage extends pageOf(() => HoldView) {}

/** The answer of POST /v1/holds. */
export class PlacedHold extends HoldView {
  @Tally({ description: 'Known devices that it covers.' })
  readonly knownDevices!: number;

  @OneOf(['covers-no-known-device'], 'HoldNote', { optional: true })
  readonly note?: 'covers-no-known-device';
}

/** The answer of POST /v1/stop. */
export class StopInForce extends HoldView {
  @Words({ description: 'The command that lifts it.' })
  readonly lift!: string;
}
