import { SumEvidence } from '@sluice/contracts/event-shapes';
import { AsOf, Figure, Id, OneOf, Part, Shape, Tally, Time, Words } from './fields.ts';
import { PageQuery, pageOf } from './paging.ts';
import { Resumption } from './rollouts.ts';

export const recallStatuses = ['running', 'paused', 'completed'] as const;

const LIST_MAX = 1_000_000;
/** The query of GET /v1/recalls. */
export class RecallsQuery extends PageQuery {
  @AsOf()
  readonly at?: string;
}

/** Null until all of the fleet has counted. */
const counted = { nullable: true };

export class RecallPath {
  @Id({ description: 'The id of the recalled patch.' })
  readonly patchId!: string;
}

/** Why a recall is paused; `evidence` is there when the gate did it. */
export class RecallPause {
  @Words()
  readonly reason!: string;

  @Shape({ SumEvidence }, { optional: true })
  readonly evidence?: SumEvidence;

  @Time()
  readonly at!: string;
}

/** Devices that went back to the base, by the cause that they gave. */
export class FreedByCause {
  @Tally()
  readonly recall!: number;

  @Tally()
  readonly user!: number;

  @Tally()
  readonly failure!: number;

  @Tally()
  readonly unknown!: number;
}

/** The query of GET /v1/recalls/{patchId}/preview. */
export class RecallPreviewQuery {
  @Id({ optional: true, description: 'The replacement that the recall would name.' })
  readonly replacement?: string;
}

export class HoldersOfModel {
  @Words()
  readonly model!: string;

  @Tally()
  readonly devices!: number;
}

export class HoldersByTrack {
  @Tally()
  readonly automatic!: number;

  @Tally()
  readonly manual!: number;
}

export class HoldersByLastReport {
  @Tally({ description: 'Heard of within a day.' })
  readonly withinDay!: number;

  @Tally({ description: 'Not within a day, but within a week.' })
  readonly withinWeek!: number;

  @Tally()
  readonly longer!: number;
}

export class MayBeReplaced {
  @Tally({ description: 'Holders for whose base and model there is a replacement that was not pulled.' })
  readonly atMost!: number;

  @Tally({
    nullable: true,
    description: 'How many of them are expected inside its exposure now; null while nobody knows what is offered.',
  })
  readonly expected!: number | null;
}

/** Whom a recall of the patch hits, or would hit. What is not known is null, and `unknownBecause` says why. */
export class RecallPreview {
  @Id()
  readonly patchId!: string;

  @Time()
  readonly asOf!: string;

  @Tally({ nullable: true, description: 'Known devices that hold the patch.' })
  readonly holders!: number | null;

  @Part(() => HoldersOfModel, { nullable: true, list: { max: LIST_MAX }, description: 'The most first.' })
  readonly byModel!: readonly HoldersOfModel[] | null;

  @Part(() => HoldersByTrack, { nullable: true })
  readonly byTrack!: HoldersByTrack | null;

  @Part(() => HoldersByLastReport, { nullable: true })
  readonly byLastReport!: HoldersByLastReport | null;

  @Tally({ nullable: true, description: 'Other devices that have begun to install it.' })
  readonly inFlight!: number | null;

  @Part(() => MayBeReplaced, { nullable: true, description: 'Who may have a replacement now.' })
  readonly replacement!: MayBeReplaced | null;

  @Tally({
    nullable: true,
    description: 'Holders for whom there is no replacement: nothing protects them once they are back on their base.',
  })
  readonly withoutReplacement!: number | null;

  @Words({ nullable: true, description: 'Why something above is null; null when nothing is.' })
  readonly unknownBecause!: string | null;
}

/** How far a recall has burnt down. Counts are null until all of the fleet has counted. */
export class RecallView {
  @Id()
  readonly patchId!: string;

  @OneOf(recallStatuses, 'RecallStatus')
  readonly status!: (typeof recallStatuses)[number];

  @Tally()
  readonly recallEpoch!: number;

  @Words()
  readonly reason!: string;

  @Id({ optional: true })
  readonly replacement?: string;

  @Time({ description: 'Of its first epoch.' })
  readonly startedAt!: string;

  @Time({ description: 'Of its present epoch.' })
  readonly pulledAt!: string;

  @Time({ optional: true })
  readonly completedAt?: string;

  @Words({ optional: true, description: 'Who pulled the patch.' })
  readonly causedBy?: string;

  @Part(() => RecallPause, { optional: true })
  readonly pausedBecause?: RecallPause;

  @Part(() => Resumption, { optional: true, description: 'The last time that it was resumed.' })
  readonly resumed?: Resumption;

  @Tally({
    ...counted,
    description:
      'Those that held the patch when it was pulled, or since: each is removed, replaced, retired or remaining.',
  })
  readonly devices!: number | null;

  @Tally({ ...counted, description: 'Their build showed that they went back.' })
  readonly removed!: number | null;

  @Part(() => FreedByCause, { ...counted, description: 'The removed, by the cause that they gave.' })
  readonly freed!: FreedByCause | null;

  @Tally({ ...counted, description: 'They went on to another build.' })
  readonly replaced!: number | null;

  @Tally(counted)
  readonly retired!: number | null;

  @Tally({ ...counted, description: 'Each failing, offline or waiting.' })
  readonly remaining!: number | null;

  @Tally(counted)
  readonly failing!: number | null;

  @Tally(counted)
  readonly offline!: number | null;

  @Tally(counted)
  readonly waiting!: number | null;

  @Tally({ ...counted, description: 'Devices outside of these that have begun to install the patch.' })
  readonly inFlight!: number | null;

  @Tally({
    ...counted,
    description:
      'Of the removed, those that are on the base still: open to what the patch had closed, until a replacement or a full release is seen on them.',
  })
  readonly reExposed!: number | null;

  @Tally({ nullable: true, description: 'Devices that are known to have begun to remove it; null for the past.' })
  readonly begun!: number | null;

  @Tally({
    nullable: true,
    description: 'Those of them that failed or went silent, since the gate counts; null for the past.',
  })
  readonly begunFailed!: number | null;

  @Time({
    nullable: true,
    description: 'When the last directive from before the pull runs out; null for a patch that was never offered.',
  })
  readonly leasesUntil!: string | null;

  @Figure({ nullable: true, description: 'From its start until half of its devices were free of the patch.' })
  readonly p50Seconds!: number | null;

  @Figure({ nullable: true })
  readonly p90Seconds!: number | null;

  @Figure({ nullable: true })
  readonly p99Seconds!: number | null;
}

export class RecallPage extends pageOf(() => RecallView) {}
