import { type Decider, reject } from '@sluice/event-sourcing';
import { type Assessment, type GateEvidence } from './gate.ts';
import { type Plan, type PlanDraft, planFaults, toPlan } from './plan.ts';
import { exposurePercent, isWaveOver, ranMsOf } from './ramp.ts';

/** Every command names the rollout and the instant (RFC 3339, domain time) at which it is given. */
interface Given {
  readonly rolloutId: string;
  readonly at: string;
}

/** `freshSalt` is used where the plan names no salt. The same plan again changes nothing. */
export interface PlanRollout extends Given {
  readonly type: 'PlanRollout';
  readonly plan: PlanDraft;
  readonly freshSalt: string;
}

/** Puts another plan in place of the present one; a plan without a salt keeps the one there is. */
export interface ReplanRollout extends Given {
  readonly type: 'ReplanRollout';
  readonly plan: PlanDraft;
}

/** `slices`: how many slices the gates will look at. `anotherUnderWay`: another rollout of the same patch is. */
export interface StartRollout extends Given {
  readonly type: 'StartRollout';
  readonly slices: number;
  readonly anotherUnderWay: boolean;
}

export interface PauseRollout extends Given {
  readonly type: 'PauseRollout';
  readonly reason: string;
}

/** `evidenceSeen` says what was looked at before a halted rollout goes on. */
export interface ResumeRollout extends Given {
  readonly type: 'ResumeRollout';
  readonly evidenceSeen?: string;
}

export type HaltRollout = Given & { readonly type: 'HaltRollout'; readonly reason: string } & (
    { readonly by: 'gate'; readonly evidence: GateEvidence } | { readonly by: 'responder' }
  );

/** Ends ramp and bake of the open wave early, unless the gates say stop. */
export interface AdvanceRollout extends Given {
  readonly type: 'AdvanceRollout';
  readonly assessment: Assessment;
}

/** Closes a wave whose ramp and bake are over, unless the gates say stop. */
export interface CompleteWave extends Given {
  readonly type: 'CompleteWave';
  readonly wave: number;
  readonly assessment: Assessment;
}

export interface AbortRollout extends Given {
  readonly type: 'AbortRollout';
  readonly reason: string;
}

export type RolloutCommand =
  | PlanRollout
  | ReplanRollout
  | StartRollout
  | PauseRollout
  | ResumeRollout
  | HaltRollout
  | AdvanceRollout
  | CompleteWave
  | AbortRollout;

/** What happened, as the public events have it (`@sluice/contracts`). */
export type RolloutEvent = Given &
  (
    | { readonly type: 'RolloutPlanned'; readonly plan: Plan }
    | { readonly type: 'RolloutStarted'; readonly patchId: string; readonly slices: number }
    | { readonly type: 'WaveOpened'; readonly wave: number }
    | { readonly type: 'WaveBaked'; readonly wave: number; readonly because: 'baked' | 'advanced' }
    | { readonly type: 'RolloutPaused'; readonly reason: string }
    | { readonly type: 'RolloutResumed'; readonly evidenceSeen?: string }
    | {
        readonly type: 'RolloutHalted';
        readonly wave: number;
        readonly by: 'gate' | 'responder';
        readonly reason: string;
        readonly exposurePercent: number;
        readonly evidence?: GateEvidence;
      }
    | { readonly type: 'RolloutCompleted'; readonly patchId: string }
    | { readonly type: 'RolloutAborted'; readonly reason: string }
  );

interface Planned {
  readonly rolloutId: string;
  readonly plan: Plan;
}

/** `wave` is the last one opened, counted from 1; `ranMs` its running time up to the last pause, halt or resumption. */
interface UnderWay extends Planned {
  readonly slices: number;
  readonly startedAt: string;
  readonly wave: number;
  readonly ranMs: number;
}

export type Rollout =
  | { readonly status: 'absent' }
  | (Planned & { readonly status: 'planned' })
  | (UnderWay & { readonly status: 'running'; readonly runningSinceMs: number })
  | (UnderWay & { readonly status: 'paused'; readonly reason: string })
  | (UnderWay & {
      readonly status: 'halted';
      readonly by: 'gate' | 'responder';
      readonly reason: string;
      readonly evidence?: GateEvidence;
    })
  | (UnderWay & { readonly status: 'completed'; readonly completedAt: string })
  | (Planned & { readonly status: 'aborted'; readonly reason: string; readonly wave: number });

/** A rollout that has started and was not aborted: it has a wave, and a clock of running time. */
export type StartedRollout = Extract<Rollout, UnderWay>;

export const rolloutDecider: Decider<Rollout, RolloutCommand, RolloutEvent> = {
  initialState: { status: 'absent' },
  decide,
  evolve,
};

/** True from the start to the end of a rollout, stopped or not: at most one rollout of a patch may be so. */
export function isUnderWay(rollout: Rollout): boolean {
  return rollout.status === 'running' || rollout.status === 'paused' || rollout.status === 'halted';
}

function decide(command: RolloutCommand, rollout: Rollout): readonly RolloutEvent[] {
  switch (command.type) {
    case 'PlanRollout':
      return plan(command, rollout);
    case 'ReplanRollout':
      return replan(command, rollout);
    case 'StartRollout':
      return start(command, rollout);
    case 'PauseRollout':
      return pause(command, rollout);
    case 'ResumeRollout':
      return resume(command, rollout);
    case 'HaltRollout':
      return halt(command, rollout);
    case 'AdvanceRollout':
      return advance(command, rollout);
    case 'CompleteWave':
      return completeWave(command, rollout);
    case 'AbortRollout':
      return abort(command, rollout);
  }
}

function plan(command: PlanRollout, rollout: Rollout): readonly RolloutEvent[] {
  if (rollout.status === 'absent') return planned(command, command.freshSalt);
  // A request that is sent again must not fail, and must not draw another salt.
  const isSame = samePlan(rollout.plan, toPlan(command.plan, rollout.plan.salt));
  return isSame ? [] : reject('rollout-exists');
}

function replan(command: ReplanRollout, rollout: Rollout): readonly RolloutEvent[] {
  if (rollout.status === 'absent') reject('rollout-not-found');
  if (rollout.status !== 'planned') reject('rollout-not-planned');
  const { salt } = rollout.plan;
  return samePlan(rollout.plan, toPlan(command.plan, salt)) ? [] : planned(command, salt);
}

function planned({ rolloutId, at, plan: draft }: PlanRollout | ReplanRollout, salt: string): readonly RolloutEvent[] {
  const [fault] = planFaults(draft);
  if (fault !== undefined) reject('plan-not-valid', `${fault.path}: ${fault.detail}`);
  if (draft.startAt !== undefined && Date.parse(draft.startAt) < Date.parse(at)) reject('start-in-past');
  return [{ type: 'RolloutPlanned', rolloutId, plan: toPlan(draft, salt), at }];
}

// A scheduled start that comes late, after a time without service, is still wanted: `startAt` is not looked at here.
function start({ rolloutId, slices, anotherUnderWay, at }: StartRollout, rollout: Rollout): readonly RolloutEvent[] {
  if (rollout.status === 'absent') reject('rollout-not-found');
  if (rollout.status !== 'planned') reject('rollout-not-planned');
  if (anotherUnderWay) reject('rollout-of-patch-running');
  const { patchId } = rollout.plan;
  return [
    { type: 'RolloutStarted', rolloutId, patchId, slices, at },
    { type: 'WaveOpened', rolloutId, wave: 1, at },
  ];
}

function pause({ rolloutId, reason, at }: PauseRollout, rollout: Rollout): readonly RolloutEvent[] {
  // A halted rollout is stopped already, and a pause must not make it easier to resume.
  if (rollout.status === 'paused' || rollout.status === 'halted') return [];
  if (rollout.status !== 'running') refuseUnlessStarted(rollout);
  return [{ type: 'RolloutPaused', rolloutId, reason, at }];
}

function resume({ rolloutId, evidenceSeen, at }: ResumeRollout, rollout: Rollout): readonly RolloutEvent[] {
  if (rollout.status === 'running') return [];
  if (rollout.status === 'planned') reject('rollout-not-stopped');
  if (rollout.status !== 'paused' && rollout.status !== 'halted') refuseUnlessStarted(rollout);
  if (rollout.status === 'halted' && evidenceSeen === undefined) reject('evidence-not-named');
  return [{ type: 'RolloutResumed', rolloutId, ...(evidenceSeen !== undefined && { evidenceSeen }), at }];
}

function halt(command: HaltRollout, rollout: Rollout): readonly RolloutEvent[] {
  if (rollout.status === 'halted') return [];
  if (rollout.status !== 'running' && rollout.status !== 'paused') refuseUnlessStarted(rollout);
  const { rolloutId, by, reason, at } = command;
  const evidence = command.by === 'gate' && { evidence: command.evidence };
  const exposed = exposurePercent(rollout, Date.parse(at));
  return [
    { type: 'RolloutHalted', rolloutId, wave: rollout.wave, by, reason, exposurePercent: exposed, ...evidence, at },
  ];
}

function advance({ assessment, at }: AdvanceRollout, rollout: Rollout): readonly RolloutEvent[] {
  if (rollout.status !== 'running') refuseUnlessStarted(rollout);
  if (assessment.harmful) reject('gate-says-stop');
  return closeWave(rollout, 'advanced', at);
}

function completeWave({ wave, assessment, at }: CompleteWave, rollout: Rollout): readonly RolloutEvent[] {
  if (rollout.status !== 'running') refuseUnlessStarted(rollout);
  // Whoever watches the clock may be late or early: the wave was closed by an advance, or has run for less after a pause.
  if (wave !== rollout.wave || !isWaveOver(rollout, Date.parse(at))) return [];
  if (assessment.harmful) reject('gate-says-stop');
  return closeWave(rollout, 'baked', at);
}

function closeWave(rollout: UnderWay, because: 'baked' | 'advanced', at: string): readonly RolloutEvent[] {
  const { rolloutId, wave, plan } = rollout;
  const baked: RolloutEvent = { type: 'WaveBaked', rolloutId, wave, because, at };
  if (wave < plan.waves.length) return [baked, { type: 'WaveOpened', rolloutId, wave: wave + 1, at }];
  return [baked, { type: 'RolloutCompleted', rolloutId, patchId: plan.patchId, at }];
}

function abort({ rolloutId, reason, at }: AbortRollout, rollout: Rollout): readonly RolloutEvent[] {
  if (rollout.status === 'absent') reject('rollout-not-found');
  if (rollout.status === 'aborted') return [];
  if (rollout.status === 'completed') reject('rollout-over');
  return [{ type: 'RolloutAborted', rolloutId, reason, at }];
}

/** The refusal of a command that a rollout in this status cannot follow. */
function refuseUnlessStarted({ status }: Rollout): never {
  if (status === 'absent') reject('rollout-not-found');
  reject(status === 'completed' || status === 'aborted' ? 'rollout-over' : 'rollout-not-running');
}

function evolve(rollout: Rollout, event: RolloutEvent): Rollout {
  const { rolloutId, at } = event;
  if (event.type === 'RolloutPlanned') return { status: 'planned', rolloutId, plan: event.plan };
  // A stream begins with a plan; without one there is nothing that could change.
  if (rollout.status === 'absent') return rollout;
  if (event.type === 'RolloutStarted') return started(rollout, event.slices, at);
  if (event.type === 'RolloutAborted') {
    const wave = 'wave' in rollout ? rollout.wave : 0;
    return { status: 'aborted', rolloutId, plan: rollout.plan, reason: event.reason, wave };
  }
  if (rollout.status === 'planned' || rollout.status === 'aborted') return rollout;
  const underWay = stopped(rollout, Date.parse(at));
  switch (event.type) {
    case 'WaveOpened':
      return { ...underWay, status: 'running', wave: event.wave, ranMs: 0, runningSinceMs: Date.parse(at) };
    case 'WaveBaked':
      return rollout;
    case 'RolloutPaused':
      return { ...underWay, status: 'paused', reason: event.reason };
    case 'RolloutResumed':
      return { ...underWay, status: 'running', runningSinceMs: Date.parse(at) };
    case 'RolloutHalted': {
      const { by, reason, evidence } = event;
      return { ...underWay, status: 'halted', by, reason, ...(evidence && { evidence }) };
    }
    case 'RolloutCompleted':
      return { ...underWay, status: 'completed', completedAt: at };
  }
}

function started({ rolloutId, plan }: Planned, slices: number, at: string): Rollout {
  const runningSinceMs = Date.parse(at);
  return { status: 'running', rolloutId, plan, slices, startedAt: at, wave: 1, ranMs: 0, runningSinceMs };
}

/** What the states under way have in common, with the wave's clock stopped at this instant. */
function stopped(rollout: StartedRollout, atMs: number): UnderWay {
  const { rolloutId, plan, slices, startedAt, wave } = rollout;
  return { rolloutId, plan, slices, startedAt, wave, ranMs: ranMsOf(rollout, atMs) };
}

// Both sides come from `toPlan`, so the same plan has its fields in the same order.
function samePlan(left: Plan, right: Plan): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
