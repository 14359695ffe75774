import { type Grant, MINUTE_MS } from '@sluice/domain-cohorts';
import { unknownEvent } from '@sluice/event-sourcing';
import { type Approvals } from './approvals.ts';
import { closeLastWave, cutShort, type Exposed, type Exposure, openWave, underPlan, withGrant } from './exposure.ts';
import { type Plan, planOf } from './plan.ts';
import {
  type AwakeSlice,
  type GateEvidence,
  type KnownSlice,
  type RolloutEvent,
  type WaveReason,
} from './rollout-messages.ts';

interface Planned {
  readonly rolloutId: string;
  readonly plan: Plan;
  readonly approvals: Approvals;
}

/** Why a wave was passed though it waited: shown for ever. */
export interface Forced {
  readonly wave: number;
  readonly reason: string;
}

/** Why an operator ended a wave early. */
export interface Advanced {
  readonly wave: number;
  readonly reason: string;
}

/** That a rollout went on, why, and on what evidence. */
export interface Resumed {
  readonly at: string;
  readonly reason?: string;
  readonly evidenceSeen?: string;
}

/** What stopped a rollout: a gate with its evidence, or a person. */
export interface HaltReason {
  readonly by: 'gate' | 'responder';
  readonly reason: string;
  readonly evidence?: GateEvidence;
}

/** A wave that is over and does not go on: the codes of the reasons, in order, and since when it waits. */
interface Waiting {
  readonly wave: number;
  readonly codes: readonly string[];
  readonly since: string;
}

/** `wave` is the last one opened, counted from 1. */
interface UnderWay extends Planned, Exposed {
  readonly slices: number;
  readonly known?: readonly KnownSlice[];
  /** By the number of the wave: who was awake when it was opened, where that is known. */
  readonly awake: ReadonlyMap<number, readonly AwakeSlice[]>;
  readonly startedAt: string;
  readonly waveOpenedAt: string;
  readonly forced: readonly Forced[];
  readonly advanced: readonly Advanced[];
  /** The last time that it was resumed. */
  readonly resumed?: Resumed;
  readonly waiting?: Waiting;
  /** Since when it is complete. It goes on offering, and can be stopped; a resume makes it completed again. */
  readonly completedAt?: string;
}

export type Rollout =
  | { readonly status: 'absent' }
  | (Planned & { readonly status: 'planned' })
  | (UnderWay & { readonly status: 'running' })
  | (UnderWay & { readonly status: 'paused'; readonly reason: string })
  | (UnderWay & HaltReason & { readonly status: 'halted' })
  | (UnderWay & { readonly status: 'completed'; readonly completedAt: string })
  | (Planned & {
      readonly status: 'aborted';
      readonly reason: string;
      readonly wave: number;
      /** Whose pull of the patch ended it. */
      readonly causedBy?: string;
      /** What had halted it by then. */
      readonly haltedBecause?: HaltReason;
    });

/** A rollout that has started and was not aborted: it has a wave, and an exposure. */
export type StartedRollout = Extract<Rollout, UnderWay>;

/**
 * True from the start to the completion of a rollout, stopped or not: at most one rollout of a patch may be so. A completed
 * one that was stopped afterwards stays completed in this respect.
 */
export function isUnderWay(rollout: Rollout): boolean {
  const isOpen = rollout.status === 'running' || rollout.status === 'paused' || rollout.status === 'halted';
  return isOpen && rollout.completedAt === undefined;
}

/** What a rollout becomes by an event. Total: what does not fit, and what a later version writes, changes nothing. */
export function evolve(rollout: Rollout, event: RolloutEvent): Rollout {
  const { rolloutId, at } = event;
  if (event.type === 'RolloutPlanned') {
    const before = rollout.status === 'absent' ? undefined : rollout.approvals;
    return { status: 'planned', rolloutId, plan: planOf(event.plan), approvals: approvalsOf(event, before) };
  }
  // A stream begins with a plan; without one there is nothing that could change.
  if (rollout.status === 'absent') return rollout;
  if (event.type === 'RolloutStarted') return started(rollout, event);
  if (event.type === 'RolloutAborted') return aborted(rollout, event);
  if (event.type === 'RolloutApproved') return approved(rollout, event);
  if (rollout.status === 'planned' || rollout.status === 'aborted') return rollout;
  return evolveStarted(rollout, event, instantOf(at, rollout));
}

type LaterEvent = Exclude<
  RolloutEvent,
  { type: 'RolloutPlanned' | 'RolloutStarted' | 'RolloutAborted' | 'RolloutApproved' }
>;

function evolveStarted(rollout: StartedRollout, event: LaterEvent, atMs: number): Rollout {
  switch (event.type) {
    case 'ExposureGranted':
      return withGranted(rollout, event);
    case 'WaveOpened': {
      const { wave, awake } = event;
      const known = awake === undefined ? rollout.awake : new Map([...rollout.awake, [wave, awake]]);
      const opened = { ...common(rollout), wave, awake: known, waveOpenedAt: event.at };
      return { ...opened, status: 'running', exposure: openWave(rollout, event.wave, atMs) };
    }
    case 'WaveBaked': {
      const { wave, reason, forced } = event;
      return {
        ...rollout,
        ...(forced !== undefined && { forced: [...rollout.forced, { wave, reason: forced }] }),
        ...(reason !== undefined && { advanced: [...rollout.advanced, { wave, reason }] }),
      };
    }
    case 'WaveWaiting': {
      const { wave, waitsFor } = event;
      const since = rollout.waiting?.wave === wave ? rollout.waiting.since : event.at;
      return { ...rollout, waiting: { wave, codes: codesOf(waitsFor), since } };
    }
    case 'RolloutReplanned': {
      const plan = planOf(event.plan);
      const exposure = underPlan(rollout, plan, atMs);
      return { ...rollout, plan, approvals: approvalsOf(event, rollout.approvals), exposure };
    }
    case 'RolloutPaused':
      return { ...common(cutShort(rollout, atMs)), status: 'paused', reason: event.reason };
    case 'RolloutResumed':
      return resumed({ ...rollout, resumed: resumeOf(event) }, atMs);
    case 'RolloutHalted': {
      const { by, reason, evidence } = event;
      return { ...common(cutShort(rollout, atMs)), status: 'halted', by, reason, ...(evidence && { evidence }) };
    }
    case 'RolloutCompleted':
      return {
        ...common(rollout),
        status: 'completed',
        exposure: closeLastWave(rollout, atMs),
        completedAt: event.at,
      };
    default:
      return unknownEvent(rollout, event);
  }
}

function resumed(rollout: StartedRollout, atMs: number): Rollout {
  const { completedAt, exposure } = cutShort(rollout, atMs);
  if (completedAt !== undefined) return { ...common(rollout), status: 'completed', completedAt };
  const goesOn: Exposure =
    exposure.by === 'ramp' ? { ...exposure, runningSinceMs: atMs } : { ...exposure, notBeforeMs: atMs };
  return { ...common(rollout), status: 'running', exposure: goesOn };
}

function withGranted(rollout: StartedRollout, event: Extract<RolloutEvent, { type: 'ExposureGranted' }>): Rollout {
  const { wave, fromPercent, toPercent, ranMinutes, because, paced } = event;
  const [fromMs, toMs] = [Date.parse(event.from), Date.parse(event.to)];
  const ranMs = Math.round(ranMinutes * MINUTE_MS);
  const given: Grant = { fromPercent, toPercent, fromMs, toMs, ranMs, ...(paced && { paced }) };
  if (because === 'hold-back') return { ...rollout, released: given };
  return wave === rollout.wave ? { ...rollout, exposure: withGrant(rollout, given) } : rollout;
}

function approved<Kind extends Planned>(
  rollout: Kind,
  { by, revision, at }: Extract<RolloutEvent, { type: 'RolloutApproved' }>,
): Kind {
  const { approvals } = rollout;
  return { ...rollout, approvals: { ...approvals, given: [...approvals.given, { by, revision, at }] } };
}

/** Approvals are of one plan: of another one there are none yet. What was asked for before is asked for still. */
function approvalsOf(
  event: Extract<RolloutEvent, { type: 'RolloutPlanned' | 'RolloutReplanned' }>,
  before: Approvals | undefined,
): Approvals {
  const asked = 'approvalsRequired' in event ? event.approvalsRequired : 0;
  const required = Math.max(before?.required ?? 0, event.plan.approvalsRequired ?? 0, asked);
  return { ...(event.by !== undefined && { plannedBy: event.by }), required, given: [] };
}

function started(
  { rolloutId, plan, approvals: before }: Planned,
  { slices, known, exposure, approvalsRequired = 0, at }: Extract<RolloutEvent, { type: 'RolloutStarted' }>,
): Rollout {
  const approvals = { ...before, required: Math.max(before.required, approvalsRequired) };
  const atMs = Date.parse(at);
  const nothing: Exposure =
    exposure === 'granted'
      ? { by: 'grants', closed: [], grant: undefined, notBeforeMs: atMs }
      : { by: 'ramp', ranMs: 0, runningSinceMs: atMs };
  const wave = { wave: 1, awake: new Map<number, readonly AwakeSlice[]>(), waveOpenedAt: at };
  const its = { rolloutId, plan, approvals, slices, ...(known !== undefined && { known }), startedAt: at };
  return { status: 'running', ...its, ...wave, exposure: nothing, forced: [], advanced: [] };
}

function aborted(
  rollout: Exclude<Rollout, { status: 'absent' }>,
  { rolloutId, reason, causedBy }: Extract<RolloutEvent, { type: 'RolloutAborted' }>,
): Rollout {
  const before = haltReasonOf(rollout);
  return {
    ...{ status: 'aborted', rolloutId, plan: rollout.plan, approvals: rollout.approvals, reason },
    wave: 'wave' in rollout ? rollout.wave : 0,
    ...(causedBy !== undefined && { causedBy }),
    ...(before !== undefined && { haltedBecause: before }),
  };
}

/** What halted a rollout, also after it was aborted; undefined where nothing did. */
export function haltReasonOf(rollout: Rollout): HaltReason | undefined {
  if (rollout.status === 'aborted') return rollout.haltedBecause;
  if (rollout.status !== 'halted') return undefined;
  const { by, reason, evidence } = rollout;
  return { by, reason, ...(evidence !== undefined && { evidence }) };
}

/** What an event that resumes something says of it. */
export function resumeOf({ at, reason, evidenceSeen }: Resumed): Resumed {
  return { at, ...(reason !== undefined && { reason }), ...(evidenceSeen !== undefined && { evidenceSeen }) };
}

/** What the states since the start have in common. */
function common({ completedAt, released, known, waiting, resumed: last, ...rollout }: StartedRollout): UnderWay {
  const {
    rolloutId,
    plan: its,
    approvals,
    slices,
    startedAt,
    wave,
    awake,
    waveOpenedAt,
    exposure,
    forced,
    advanced,
  } = rollout;
  return {
    ...{ rolloutId, plan: its, approvals, slices, startedAt, wave, awake, waveOpenedAt, exposure, forced, advanced },
    ...(last !== undefined && { resumed: last }),
    ...(known !== undefined && { known }),
    ...(waiting !== undefined && { waiting }),
    ...(completedAt !== undefined && { completedAt }),
    ...(released !== undefined && { released }),
  };
}

/** The codes of the reasons of a wave, each once and in order. */
export function codesOf(waitsFor: readonly WaveReason[]): string[] {
  return [...new Set(waitsFor.map(({ code }) => code))].sort();
}

/** An event whose time cannot be read counts as early as it can be: so nothing widens by it. */
function instantOf(at: string, { waveOpenedAt }: StartedRollout): number {
  const ms = Date.parse(at);
  return Number.isNaN(ms) ? Date.parse(waveOpenedAt) || 0 : ms;
}
