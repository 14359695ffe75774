import { platforms } from '@sluice/contracts/primitives';
import { Build, Count, Figure, Flag, Id, Model, OneOf, Part, Tally, Time, Words } from './fields.ts';
import { Cursor, PAGE_LIMIT, pageOf } from './paging.ts';
import { GateHold } from './rollouts.ts';

const POINTS_DEFAULT = 200;
const POINTS_MAX = 1000;
const MARKS_MAX = 500;
const HOLDS_MAX = 1000;
const EVIDENCE_ITEMS_DEFAULT = 20;
/** What each test could see takes time to compute, on the thread that answers devices. */
const EVIDENCE_ITEMS_MAX = 50;

/** The query of what lists points over time. */
export class PointsQuery {
  @Count({
    ...{ min: 2, max: POINTS_MAX, inQuery: true, optional: true, default: POINTS_DEFAULT },
    description: 'At most so many instants, evenly from the begin to now or to the end.',
  })
  readonly points: number = POINTS_DEFAULT;
}

/** The query of the tests of a rollout: shorter pages than those of other lists. */
export class EvidenceQuery {
  @Count({ ...PAGE_LIMIT, max: EVIDENCE_ITEMS_MAX, default: EVIDENCE_ITEMS_DEFAULT })
  readonly limit: number = EVIDENCE_ITEMS_DEFAULT;

  @Cursor('`nextCursor` of the page before.')
  readonly cursor?: string;
}

/** What a test would find by itself on its devices, with a chance of 95 %. */
export class CouldSee {
  @Figure({ optional: true, nullable: true, description: 'The smallest failure rate; null where that is none.' })
  readonly failureRate?: number | null;

  @Figure({
    ...{ optional: true, nullable: true },
    description:
      'Of a signal of harm: the smallest ratio of exposed devices to the others; null where that is none up to 100.',
  })
  readonly ratio?: number | null;
}

/** One test on devices that are looked at together. */
export class EvidenceOfTest {
  @Words()
  readonly test!: string;

  @OneOf(['all', 'family', 'model', 'slice'], 'EvidenceLevel')
  readonly level!: 'all' | 'family' | 'model' | 'slice';

  @Words({ optional: true, description: 'The family, the model, or model and base.' })
  readonly of?: string;

  @Tally({ description: 'Of a signal of harm: devices with an incident.' })
  readonly trials!: number;

  @Tally({ description: 'Of a signal of harm: those of them that were exposed.' })
  readonly failures!: number;

  @Figure({ description: 'Of a signal of harm: the share of them that chance would give.' })
  readonly toleratedRate!: number;

  @Figure({ nullable: true, description: 'The natural logarithm of E.' })
  readonly logE!: number | null;

  @Figure({ nullable: true, description: 'Null beyond the range of numbers.' })
  readonly e!: number | null;

  @Figure({ description: 'Its part of the one alpha.' })
  readonly weight!: number;

  @Figure({ description: 'Its part of the sum, from 0 to 1.' })
  readonly share!: number;

  @Part(() => CouldSee)
  readonly couldSee!: CouldSee;
}

/** Tries to get the package that count now. */
export class PackageSupply {
  @Flag({ description: 'Too many devices get no package: nobody is to blame, and nothing widens.' })
  readonly isOut!: boolean;

  @Tally({ optional: true })
  readonly tries?: number;

  @Tally({ optional: true, description: 'Those of them that got none.' })
  readonly unreached?: number;
}

export class HealthKnown {
  @Flag({ description: 'Known recently enough to widen.' })
  readonly isCurrent!: boolean;

  @Time({ nullable: true, description: 'The instant up to which it is known in all shards; null while it is of some.' })
  readonly through!: string | null;

  @Words({ optional: true, description: 'Why it is not current.' })
  readonly words?: string;
}

export class SliceOfPatch {
  @OneOf(platforms, 'Platform')
  readonly platform!: (typeof platforms)[number];

  @Model()
  readonly model!: string;

  @Build()
  readonly base!: string;
}

/** What the gates of a rollout find now: the sum and its limits, and every test in it, the strongest first. */
export class RolloutEvidence extends pageOf(() => EvidenceOfTest) {
  @Id()
  readonly rolloutId!: string;

  @Id()
  readonly patchId!: string;

  @Words({ description: 'The name and version of the rule.' })
  readonly rule!: string;

  @OneOf(['go', 'wait', 'hold', 'halt', 'unknown'], 'EvidenceSays', {
    description: 'What follows from it; unknown while not all of the health is read.',
  })
  readonly says!: 'go' | 'wait' | 'hold' | 'halt' | 'unknown';

  @Figure({
    nullable: true,
    description: 'The natural logarithm of the sum of weight × E; null where nothing is counted.',
  })
  readonly logSum!: number | null;

  @Figure({ description: 'From here on nothing widens.' })
  readonly logCaution!: number;

  @Figure({ description: 'From here on a slice is held, or the rollout halts.' })
  readonly logLimit!: number;

  @Time({ description: 'Since when it counts.' })
  readonly since!: string;

  @Time({ nullable: true, description: 'Up to which bucket; null while not all of them are read.' })
  readonly through!: string | null;

  @Part(() => SliceOfPatch, {
    optional: true,
    description: 'The slice that is held at the limit, where harm is on one.',
  })
  readonly blamed?: SliceOfPatch;

  @Part(() => GateHold, { list: { max: HOLDS_MAX }, description: 'Slices on hold by a gate, which count no more.' })
  readonly held!: readonly GateHold[];

  @Part(() => PackageSupply)
  readonly infrastructure!: PackageSupply;

  @Part(() => HealthKnown)
  readonly health!: HealthKnown;
}

/** Something that happened. */
export class TimelineMark {
  @Time()
  readonly at!: string;

  @Words({ description: 'The type of the event.' })
  readonly what!: string;

  @Tally({ optional: true })
  readonly wave?: number;

  @Words({ optional: true })
  readonly words?: string;
}

/** A rollout at an instant. */
export class RolloutPoint {
  @Time()
  readonly at!: string;

  @Figure({ nullable: true, description: 'Of buckets, if nothing had ever kept it from going on.' })
  readonly plannedPercent!: number | null;

  @Figure({ nullable: true, description: 'Of buckets, as granted.' })
  readonly grantedPercent!: number | null;

  @Tally({
    nullable: true,
    description: 'Installs of the patch since the rollout started; null while they are not read.',
  })
  readonly started!: number | null;

  @Tally({ nullable: true })
  readonly fine!: number | null;

  @Tally({ nullable: true })
  readonly failed!: number | null;

  @Figure({
    nullable: true,
    description:
      'The natural logarithm of the largest sum of evidence since the point before; null where no pass of this process saw it, and nothing was decided on it.',
  })
  readonly logSum!: number | null;
}

/** What became of a rollout, over time. */
export class RolloutTimelineView {
  @Id()
  readonly rolloutId!: string;

  @Id()
  readonly patchId!: string;

  @Part(() => RolloutPoint, { list: { max: POINTS_MAX }, description: 'None before its start.' })
  readonly points!: readonly RolloutPoint[];

  @Part(() => TimelineMark, {
    list: { max: MARKS_MAX },
    description: 'What happened, in order: the first and the last, if there are too many.',
  })
  readonly marks!: readonly TimelineMark[];

  @Tally()
  readonly marksTotal!: number;
}

/** A recall at an instant. */
export class RecallPoint {
  @Time()
  readonly at!: string;

  @Tally({ nullable: true, description: 'Devices that hold the patch; null until all of the fleet has counted.' })
  readonly remaining!: number | null;

  @Tally({ nullable: true })
  readonly freed!: number | null;

  @Tally({ nullable: true })
  readonly replaced!: number | null;

  @Tally({ nullable: true })
  readonly retired!: number | null;

  @Tally({ nullable: true })
  readonly failing!: number | null;

  @Tally({ nullable: true })
  readonly offline!: number | null;
}

/** How a recall has burnt down. */
export class RecallTimelineView {
  @Id()
  readonly patchId!: string;

  @Part(() => RecallPoint, { list: { max: POINTS_MAX } })
  readonly points!: readonly RecallPoint[];

  @Part(() => TimelineMark, { list: { max: MARKS_MAX } })
  readonly marks!: readonly TimelineMark[];

  @Tally()
  readonly marksTotal!: number;
}

/** So many marks are listed: the first and the last of them, where there are more. */
export function listedMarks<Mark>(marks: readonly Mark[]): readonly Mark[] {
  return marks.length <= MARKS_MAX ? marks : [...marks.slice(0, MARKS_MAX / 2), ...marks.slice(-MARKS_MAX / 2)];
}
