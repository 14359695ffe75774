import { type Slice } from '@sluice/domain-cohorts';
import { type NamedReceipt, type Receipted } from '@sluice/event-sourcing';
import { type SumEvidence } from './gates/verdict.ts';
import { type GoingOn } from './gates/going-on.ts';
import { type PlanDraft, type StoredPlan } from './plan.ts';

/** Known devices of a slice when a rollout started. */
export interface KnownSlice extends Slice {
  readonly devices: number;
}

/**
 * Known devices of a slice on the automatic track that were awake when a wave was opened, and that it is for: it is the first
 * to expose them from a percentage of the buckets on.
 */
export interface AwakeSlice extends KnownSlice {
  readonly abovePercent: number;
}

/** What an install gate found before the evidence of all tests was summed. */
interface InstallEvidence {
  readonly rule: string;
  readonly patchId: string;
  readonly slice: Slice;
  readonly trials: number;
  readonly failures: number;
  readonly toleratedRate: number;
  readonly logE: number;
  readonly logThreshold: number;
  readonly hypotheses: number;
  readonly alpha: number;
  readonly since: string;
  readonly through: string;
}

/** The evidence of a decision, by its rule. */
export type GateEvidence = SumEvidence | InstallEvidence;

/** Every command names the rollout and the instant (RFC 3339, domain time) at which it is given. */
export interface Given {
  readonly rolloutId: string;
  readonly at: string;
}

/**
 * That nothing speaks against widening at this instant: without it a command grants nothing. `passMs`: the time between two
 * passes of the process that grants. `percentMax`: the share of buckets of the wave that the pace allows, all if absent.
 */
export interface Permission {
  readonly passMs: number;
  readonly percentMax?: number | undefined;
}

export interface MayGrant {
  readonly permission?: Permission | undefined;
}

/** Of a command that opens a wave: who is awake of those that it is for; absent while that is not known. */
export interface OpensWave extends MayGrant {
  readonly awake?: readonly AwakeSlice[] | undefined;
}

/** `freshSalt` is used where the plan names no salt; `by`: who plans it. The same plan again changes nothing. */
export interface PlanRollout extends Given {
  readonly type: 'PlanRollout';
  readonly plan: PlanDraft;
  readonly freshSalt: string;
  readonly by?: string | undefined;
}

/**
 * Puts another plan in place of the present one; a plan without a salt keeps the one there is. Once the rollout has
 * started, it needs a reason, and nothing may change that was exposed. Approvals lapse; under way, nothing widens until the new
 * plan has those that it needs: `approvalsAsked`.
 */
export interface ReplanRollout extends Given {
  readonly type: 'ReplanRollout';
  readonly plan: PlanDraft;
  readonly reason?: string | undefined;
  readonly by?: string | undefined;
  readonly approvalsAsked?: number | undefined;
}

/** Approves the present plan, which was seen at this revision of the rollout. Who planned it does not approve it. */
export interface ApproveRollout extends Given {
  readonly type: 'ApproveRollout';
  readonly revision: number;
  readonly by: string;
}

/**
 * `slices`: how many slices the gates will look at, `known` those of them with known devices: what the parts of the gates' α are fixed by. `haltedBefore`: another rollout of the same patch that was halted, whose
 * evidence has to be named, too.
 */
export interface StartRollout extends Given, OpensWave {
  readonly type: 'StartRollout';
  readonly slices: number;
  readonly known: readonly KnownSlice[];
  readonly haltedBefore?: string | undefined;
  readonly evidenceSeen?: string | undefined;
  /** How many approvals it needs now. */
  readonly approvalsAsked?: number | undefined;
}

export interface PauseRollout extends Given {
  readonly type: 'PauseRollout';
  readonly reason: string;
}

/** `evidenceSeen` says what was looked at before a halted rollout goes on. */
export interface ResumeRollout extends Given, MayGrant {
  readonly type: 'ResumeRollout';
  readonly reason?: string | undefined;
  readonly evidenceSeen?: string | undefined;
}

/** `exposedDevices`: known eligible devices inside the exposure, where any are known. */
export type HaltRollout = Given & {
  readonly type: 'HaltRollout';
  readonly reason: string;
  readonly exposedDevices?: number | undefined;
} & ({ readonly by: 'gate'; readonly evidence: SumEvidence } | { readonly by: 'responder' });

/** Widens by the next piece of the ramp, where one is due; `lastRecordMs` is for streams from before grants. */
export interface GrantExposure extends Given {
  readonly type: 'GrantExposure';
  readonly permission: Permission;
}

/** A stream from before grants goes on under them, at what it had reached at the last record of the store. */
export interface UpgradeExposure extends Given {
  readonly type: 'UpgradeExposure';
  readonly lastRecordMs: number;
}

/** Lets the hold-back in, once the watch after the completion is over. */
export interface ReleaseHoldBack extends Given {
  readonly type: 'ReleaseHoldBack';
  readonly permission: Permission;
}

/**
 * Ends ramp and bake of the wave early. `force` says why it goes on though the wave waits; it passes neither blindness nor
 * a gate that says halt.
 */
export interface AdvanceRollout extends Given, OpensWave {
  readonly type: 'AdvanceRollout';
  readonly wave: number;
  readonly goingOn: GoingOn;
  readonly reason?: string | undefined;
  readonly force?: string | undefined;
}

/** Closes a wave whose ramp and bake are over, unless the gates say stop or evidence is missing. */
export interface CompleteWave extends Given, OpensWave {
  readonly type: 'CompleteWave';
  readonly wave: number;
  readonly goingOn: GoingOn;
}

/** Why a wave does not go on: the code of a reason, and a sentence with its numbers. */
export interface WaveReason {
  readonly code: string;
  readonly words: string;
}

/** Keeps why a wave that is over does not go on. The same reasons again change nothing. */
export interface WaitWave extends Given {
  readonly type: 'WaitWave';
  readonly wave: number;
  readonly waitsFor: readonly WaveReason[];
  /** Where it waits because of the gates. */
  readonly evidence?: SumEvidence | undefined;
}

/** `causedBy`: whose pull of the patch ends the rollout; `cause`: the receipt of that pull. */
export interface AbortRollout extends Given {
  readonly type: 'AbortRollout';
  readonly reason: string;
  readonly causedBy?: string | undefined;
  readonly cause?: NamedReceipt | undefined;
}

export type RolloutCommand =
  | PlanRollout
  | ReplanRollout
  | ApproveRollout
  | StartRollout
  | PauseRollout
  | ResumeRollout
  | HaltRollout
  | GrantExposure
  | UpgradeExposure
  | ReleaseHoldBack
  | AdvanceRollout
  | CompleteWave
  | WaitWave
  | AbortRollout;

/** What happened, as the public events have it (`@sluice/contracts`). */
export type RolloutEvent = Given &
  Receipted &
  (
    | { readonly type: 'RolloutPlanned'; readonly plan: StoredPlan; readonly by?: string }
    | {
        readonly type: 'RolloutReplanned';
        readonly plan: StoredPlan;
        readonly reason: string;
        readonly by?: string;
        readonly approvalsRequired?: number;
      }
    | { readonly type: 'RolloutApproved'; readonly revision: number; readonly by: string }
    | {
        readonly type: 'RolloutStarted';
        readonly patchId: string;
        readonly slices: number;
        /** Absent in streams from before it was recorded. */
        readonly known?: readonly KnownSlice[];
        readonly exposure?: 'granted';
        readonly evidenceSeen?: string;
        readonly approvalsRequired?: number;
      }
    | { readonly type: 'WaveOpened'; readonly wave: number; readonly awake?: readonly AwakeSlice[] }
    | {
        readonly type: 'ExposureGranted';
        readonly wave: number;
        readonly fromPercent: number;
        readonly toPercent: number;
        readonly from: string;
        readonly to: string;
        readonly ranMinutes: number;
        readonly because: 'ramp' | 'bake' | 'upgrade' | 'hold-back';
        readonly paced?: true;
      }
    | {
        readonly type: 'WaveBaked';
        readonly wave: number;
        readonly because: 'baked' | 'advanced';
        readonly reason?: string;
        readonly forced?: string;
      }
    | {
        readonly type: 'WaveWaiting';
        readonly wave: number;
        readonly waitsFor: readonly WaveReason[];
        readonly evidence?: SumEvidence;
      }
    | { readonly type: 'RolloutPaused'; readonly reason: string }
    | { readonly type: 'RolloutResumed'; readonly reason?: string; readonly evidenceSeen?: string }
    | {
        readonly type: 'RolloutHalted';
        readonly wave: number;
        readonly by: 'gate' | 'responder';
        readonly reason: string;
        readonly exposurePercent: number;
        readonly exposedDevices?: number;
        readonly evidence?: GateEvidence;
      }
    | { readonly type: 'RolloutCompleted'; readonly patchId: string }
    | {
        readonly type: 'RolloutAborted';
        readonly reason: string;
        readonly causedBy?: string;
        readonly cause?: NamedReceipt;
      }
  );

/** Whether an event changes what was decided: plan, status or wave. Grants and waits do not, for nobody decides on them. */
export function makesVersion({ type }: { readonly type: string }): boolean {
  return type !== 'ExposureGranted' && type !== 'WaveWaiting';
}
