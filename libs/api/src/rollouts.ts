import {
  InstallEvidence,
  platforms,
  SumEvidence,
  type WaitCode,
  waitReasons,
  type WaitReason,
} from '@sluice/contracts';
import {
  Amount,
  Build,
  Count,
  Figure,
  Flag,
  Id,
  Label,
  Model,
  OneOf,
  Part,
  Reason,
  Shape,
  Tally,
  Text,
  Time,
  Words,
} from './fields.ts';
import { PageQuery, pageOf } from './paging.ts';
import { pullModes } from './patches.ts';

const WAVES_MAX = 50;
const LIST_MAX = 1000;
const TEXT_MAX = 2000;
/** A year; such patches live for weeks. */
const MINUTES_MAX = 525_600;
const HOURS_MAX = 8_760;
const HALTED_BY = ['gate', 'responder'] as const;
/** Beyond these the pace is none. */
const PACE_FIRST_MAX = 1_000_000_000;
const PACE_FACTOR_MAX = 1_000_000;

export const rolloutStatuses = ['planned', 'running', 'paused', 'halted', 'completed', 'aborted'] as const;
type RolloutStatus = (typeof rolloutStatuses)[number];

const some = { min: 1, max: LIST_MAX };
const percent = { min: 0, max: 100 };
const minutes = { min: 0, max: MINUTES_MAX };
const rate = { min: 0, max: 0.5, isAbove: true };
const hours = { min: 0, max: HOURS_MAX };

/** Which devices; an absent list means all. */
export class Audience {
  @Text({ max: 32, pattern: '^[A-Za-z]{1,32}$', optional: true, list: some, example: ['iPhone'] })
  readonly family?: readonly string[];

  @Model({ optional: true, list: some, example: ['iPhone18,1'] })
  readonly model?: readonly string[];

  @Build({ optional: true, list: some, example: ['23D8133'] })
  readonly base?: readonly string[];
}

export class Ramp {
  @Amount(percent)
  readonly fromPercent!: number;

  @Amount(percent)
  readonly toPercent!: number;

  @Amount({ ...minutes, description: 'Minutes of running time.' })
  readonly minutes!: number;
}

export class Wave {
  @Text({ max: 64 })
  readonly name!: string;

  @Label({ optional: true, description: 'Only members of this ring, whatever their buckets.' })
  readonly ring?: string;

  @Part(() => Audience, { optional: true })
  readonly audience?: Audience;

  @Part(() => Ramp)
  readonly ramp!: Ramp;

  @Amount({ ...minutes, description: 'Minutes of running time after the ramp.' })
  readonly bakeMinutes!: number;
}

export class Gates {
  @Amount({ ...rate, description: 'Share of installs that may fail, above 0 and at most 0.5.' })
  readonly installFailureRateMax!: number;

  @Amount({
    ...rate,
    optional: true,
    default: 0.02,
    description: 'Share of installs that may be without any outcome after 4 h.',
  })
  readonly outcomeMissingRateMax?: number;

  @Amount({
    ...rate,
    optional: true,
    default: 0.05,
    description: 'Share of installs that may be removed by the user within 72 h.',
  })
  readonly removedByUserRateMax?: number;

  @Amount({
    ...hours,
    optional: true,
    default: 1,
    description: 'Hours after which an install that is fine makes room for others.',
  })
  readonly maturityHours?: number;
}

/** How many devices may be exposed beyond those that are fine: `first`, or `factor` times the fine ones. */
export class Pace {
  @Amount({ min: 1, max: PACE_FIRST_MAX })
  readonly first!: number;

  @Amount({ min: 1, max: PACE_FACTOR_MAX })
  readonly factor!: number;
}

/** What a plan says, as it is sent and as it is shown. */
class PlanFields {
  @Id()
  readonly patchId!: string;

  @Part(() => Wave, { list: { min: 1, max: WAVES_MAX } })
  readonly waves!: readonly Wave[];

  @Part(() => Gates)
  readonly gates!: Gates;

  @Amount({
    ...hours,
    optional: true,
    default: 72,
    description: 'Hours after the completion until the hold-back is let in, too.',
  })
  readonly watchHours?: number;

  @OneOf(['time'], 'GoOn', {
    optional: true,
    description: 'Waves ask for nothing but time: no outcome is waited for.',
  })
  readonly goOn?: 'time';

  @Part(() => Pace, {
    optional: true,
    description: 'How many devices may be exposed beyond those that are fine; 300 first, then 3 times the fine ones.',
  })
  readonly pace?: Pace;

  @Time({ optional: true })
  readonly startAt?: string;

  @Text({ max: TEXT_MAX, optional: true })
  readonly notes?: string;
}

const salt = { max: 64, pattern: '^[\\x21-\\x7e]{1,64}$' };

class PlanBody extends PlanFields {
  @Amount({
    ...percent,
    optional: true,
    default: 2,
    description: 'Share of devices that stays unpatched to the end.',
  })
  readonly holdBackPercent: number = 2;

  @Text({ ...salt, optional: true, description: 'Drawn at random if absent.' })
  readonly salt?: string;

  @Count({ min: 0, max: 0, optional: true, default: 0, description: 'Approvals are not there yet: only 0 is taken.' })
  readonly approvalsRequired?: number;
}

/** The body of POST /v1/rollouts. */
export class PlanRolloutBody extends PlanBody {
  @Id({ example: 'r1' })
  readonly rolloutId!: string;
}

/** The body of PUT /v1/rollouts/{id}. */
export class ReplanRolloutBody extends PlanBody {
  @Reason({ optional: true, description: 'Why; needed once the rollout has started.' })
  readonly reason?: string;
}

/** Why something is held or lifted. */
export class ReasonBody {
  @Reason()
  readonly reason!: string;
}

/** What stops devices from harm must not fail for want of words. */
export class StopBody {
  @Text({ max: TEXT_MAX, optional: true, default: 'no reason given' })
  readonly reason: string = 'no reason given';
}

/** The body of start and resume: a halt of any rollout of the patch asks for it. */
export class EvidenceBody {
  @Reason({ optional: true, description: 'What was looked at; needed after a halt.' })
  readonly evidenceSeen?: string;
}

/** The body of POST /v1/rollouts/{id}/advance: names the wave that it ends. */
export class AdvanceRolloutBody {
  @Count({ min: 1, max: WAVES_MAX, description: 'The open wave, which is to end.' })
  readonly wave!: number;

  @Part(() => ReasonBody, {
    optional: true,
    description: 'Why the wave goes on though it waits; shown for ever.',
  })
  readonly force?: ReasonBody;
}

export class RolloutPath {
  @Id({ description: 'The id of a rollout.' })
  readonly id!: string;
}

/** The query of GET /v1/rollouts. */
export class RolloutsQuery extends PageQuery {
  @Id({ optional: true, description: 'Rollouts of this patch only.' })
  readonly patchId?: string;

  @OneOf(rolloutStatuses, 'RolloutStatus', { optional: true })
  readonly status?: RolloutStatus;
}

/** A kind of incident, and how often exposed devices would have to have it. */
export class CouldHaveSeenHarm {
  @Words()
  readonly signal!: string;

  @Tally({ description: 'Incidents of devices without the patch.' })
  readonly control!: number;

  @Figure({ nullable: true, description: 'How many times as often; null where that is nothing up to 100.' })
  readonly ratio!: number | null;
}

/** What the open wave could have shown, with a chance of 95 %. */
export class CouldHaveSeen {
  @Tally()
  readonly trials!: number;

  @Figure({ nullable: true, description: 'The smallest share of failing installs; null when they are too few.' })
  readonly failureRate!: number | null;

  @Part(() => CouldHaveSeenHarm, { list: { max: LIST_MAX } })
  readonly harm!: readonly CouldHaveSeenHarm[];

  @Flag({ description: 'Whether devices are left outside, against which incidents can be judged.' })
  readonly hasControl!: boolean;
}

/** One reason in `waitsFor`: the code, a sentence with numbers, and what to type. */
export class WaitReasonView implements WaitReason {
  @OneOf(Object.keys(waitReasons), 'WaitCode')
  readonly for!: WaitCode;

  @Words()
  readonly words!: string;

  @Words({ description: 'The command that ends the wait, or shows what is behind it.' })
  readonly command!: string;

  @Time({ optional: true, description: 'Time alone brings it, then.' })
  readonly until?: string;

  @Time({ optional: true, description: 'The instant up to which health is known in all shards.' })
  readonly through?: string;

  @Tally({ optional: true, description: 'Devices that were awake and are exposed.' })
  readonly exposed?: number;

  @Tally({ optional: true, description: 'Outcomes that are known, or devices that are fine.' })
  readonly known?: number;

  @Tally({ optional: true, description: 'How many are needed.' })
  readonly needed?: number;

  @Figure({ optional: true, description: 'Known devices that the wave was the first to expose (expected).' })
  readonly awake?: number;

  @Tally({ optional: true, description: 'Failures without a reported start.' })
  readonly failures?: number;

  @Figure({ optional: true, description: 'The sum of the evidence against it.' })
  readonly evidence?: number;

  @Figure({ optional: true, description: 'From which evidence on nothing widens.' })
  readonly limit?: number;
}

export class PatchPulledNote {
  @OneOf(pullModes, 'PullMode')
  readonly mode!: (typeof pullModes)[number];

  @Words()
  readonly reason!: string;
}

/** A slice of the patch that a gate holds. */
export class GateHold {
  @Id()
  readonly holdId!: string;

  @Words()
  readonly model!: string;

  @Words()
  readonly base!: string;

  @Words()
  readonly reason!: string;
}

/** A wave that was passed though it waited. */
export class ForcedWave {
  @Tally()
  readonly wave!: number;

  @Words()
  readonly reason!: string;
}

/** Why a rollout is halted; `evidence` is there when a gate did it. */
export class HaltedBecause {
  @OneOf(HALTED_BY, 'HaltedBy')
  readonly by!: (typeof HALTED_BY)[number];

  @Words()
  readonly reason!: string;

  @Shape({ SumEvidence, InstallEvidence }, { optional: true })
  readonly evidence?: SumEvidence | InstallEvidence;
}

/** What becomes of the hold-back after the completion. */
export class HoldBack {
  @OneOf(['kept', 'released'], 'HoldBackStatus')
  readonly status!: 'kept' | 'released';

  @Time({ optional: true })
  readonly until?: string;

  @Words({ optional: true })
  readonly note?: string;
}

/** A rollout: the plan as stored, and how far it has come. */
export class RolloutView extends PlanFields {
  @Id()
  readonly rolloutId!: string;

  @Amount(percent)
  readonly holdBackPercent!: number;

  @Text(salt)
  readonly salt!: string;

  @OneOf(rolloutStatuses, 'RolloutStatus')
  readonly status!: RolloutStatus;

  @Tally({ optional: true, description: 'The number in its ETag.' })
  readonly revision?: number;

  @Tally({ optional: true, description: 'The last wave that was opened, counted from 1; 0 where none was.' })
  readonly wave?: number;

  @Time({ optional: true })
  readonly startedAt?: string;

  @Figure({ nullable: true, description: 'Of the known eligible devices; null while none is known.' })
  readonly exposurePercent!: number | null;

  @Tally({ nullable: true, description: 'Null while no eligible device is known.' })
  readonly exposedDevices!: number | null;

  @Figure({ description: 'Of buckets, as the waves say.' })
  readonly plannedPercent!: number;

  @Time({ optional: true, description: 'Since when the open wave, which is over, does not go on.' })
  readonly waitingSince?: string;

  @Part(() => CouldHaveSeen, { optional: true })
  readonly couldHaveSeen?: CouldHaveSeen;

  @Part(() => WaitReasonView, { list: { max: LIST_MAX } })
  readonly waitsFor!: readonly WaitReasonView[];

  @Part(() => PatchPulledNote, { optional: true })
  readonly patchPulled?: PatchPulledNote;

  @Id({ optional: true })
  readonly supersededBy?: string;

  @Id({ optional: true, description: 'The hold that covers all of it.' })
  readonly heldBy?: string;

  @Part(() => GateHold, { optional: true, list: { max: LIST_MAX } })
  readonly gateHolds?: readonly GateHold[];

  @Part(() => ForcedWave, { optional: true, list: { max: WAVES_MAX } })
  readonly forced?: readonly ForcedWave[];

  @Part(() => HoldBack, { optional: true, description: 'Once it is completed.' })
  readonly holdBack?: HoldBack;

  @Part(() => HaltedBecause, { optional: true })
  readonly haltedBecause?: HaltedBecause;

  @Words({ optional: true, description: 'Why it was paused or aborted.' })
  readonly reason?: string;
}

export class RolloutPage extends pageOf(() => RolloutView) {}

/** Devices of a slice that would get the patch. */
export class SlicePreview {
  @OneOf(platforms, 'Platform')
  readonly platform!: (typeof platforms)[number];

  @Model()
  readonly model!: string;

  @Build()
  readonly base!: string;

  @Tally()
  readonly eligible!: number;

  @Tally()
  readonly expected!: number;
}

/** Who would get the patch in one wave. */
export class WavePreview {
  @Tally()
  readonly wave!: number;

  @Words()
  readonly name!: string;

  @Label({ optional: true })
  readonly ring?: string;

  @Tally({ description: 'Known devices that match it.' })
  readonly eligible!: number;

  @Tally({ description: 'How many of them the end of its ramp reaches.' })
  readonly expected!: number;

  @OneOf(['proves-nothing'], 'WaveNote', { optional: true, description: 'It is expected to reach no known device.' })
  readonly note?: 'proves-nothing';

  @Part(() => SlicePreview, { list: { max: 1_000_000 } })
  readonly slices!: readonly SlicePreview[];
}

export class RolloutPreview {
  @Id()
  readonly rolloutId!: string;

  @Id()
  readonly patchId!: string;

  @Part(() => WavePreview, { list: { max: WAVES_MAX } })
  readonly waves!: readonly WavePreview[];
}
