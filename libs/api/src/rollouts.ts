import { InstallEvidence, SumEvidence } from '@sluice/contracts/event-shapes';
import { platforms } from '@sluice/contracts/primitives';
import { type WaitCode, waitReasons, type WaitReason } from '@sluice/contracts/wait-reasons';
import {
  Amount,
  AsOf,
  Build,
  Figure,
  Flag,
  Id,
  Label,
  Model,
  OneOf,
  Part,
  Shape,
  Tally,
  Text,
  Time,
  Words,
} from './fields.ts';
import { PageQuery, pageOf } from './paging.ts';
import { pullModes } from './patches.ts';
import { percent, PlanFields, salt, WAVES_MAX } from './plans.ts';

const LIST_MAX = 1000;
const haltedBy = ['gate', 'responder'] as const;

export const rolloutStatuses = ['planned', 'running', 'paused', 'halted', 'completed', 'aborted'] as const;
type RolloutStatus = (typeof rolloutStatuses)[number];

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

  @AsOf()
  readonly at?: string;
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

/** When something went on after a pause or a halt, why, and what was looked at before. */
export class Resumption {
  @Time()
  readonly at!: string;

  @Words({ optional: true })
  readonly reason?: string;

  @Words({ optional: true })
  readonly evidenceSeen?: string;
}

/** Why a rollout is halted; `evidence` is there when a gate did it. */
export class HaltedBecause {
  @OneOf(haltedBy, 'HaltedBy')
  readonly by!: (typeof haltedBy)[number];

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

/** That a person has approved the plan as it is. */
export class ApprovalView {
  @Words({ description: 'The name of the token.' })
  readonly by!: string;

  @Tally({ description: 'The revision of the rollout that was seen.' })
  readonly revision!: number;

  @Time()
  readonly at!: string;
}

/** Who has approved the plan, and how many have to before it widens. */
export class ApprovalsView {
  @Words({ optional: true, description: 'Who planned it, and so does not approve it; absent where that is unknown.' })
  readonly plannedBy?: string;

  @Tally()
  readonly needed!: number;

  @Tally()
  readonly missing!: number;

  @Part(() => ApprovalView, { list: { max: LIST_MAX } })
  readonly given!: readonly ApprovalView[];
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

  @Part(() => ApprovalsView, { optional: true, description: 'Where approvals are needed, or were given.' })
  readonly approvals?: ApprovalsView;

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

  @Part(() => ForcedWave, { optional: true, list: { max: WAVES_MAX }, description: 'Waves that a person ended early.' })
  readonly advanced?: readonly ForcedWave[];

  @Part(() => Resumption, { optional: true, description: 'The last time that it was resumed.' })
  readonly resumed?: Resumption;

  @Part(() => HoldBack, { optional: true, description: 'Once it is completed.' })
  readonly holdBack?: HoldBack;

  @Part(() => HaltedBecause, { optional: true })
  readonly haltedBecause?: HaltedBecause;

  @Words({ optional: true, description: 'Why it was paused or aborted.' })
  readonly reason?: string;

  @Words({ optional: true, description: 'Who pulled the patch, where that aborted it.' })
  readonly causedBy?: string;
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
