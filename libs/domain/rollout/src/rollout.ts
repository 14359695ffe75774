import { type Grant, MINUTE_MS } from '@sluice/domain-cohorts';
import { type Decider, reject, toTimeText } from '@sluice/event-sourcing';
import { rejectUnapproved } from './approvals.ts';
import { cutShort, holdBackGrant, isWaveOver, nextGrant, plannedPercent, wavePercent } from './exposure.ts';
import { type Plan, planFaults, replanFault, toPlan, watchEndsMs } from './plan.ts';
import {
  type AbortRollout,
  type AdvanceRollout,
  type ApproveRollout,
  type CompleteWave,
  type Given,
  type GrantExposure,
  type HaltRollout,
  type MayGrant,
  type OpensWave,
  type PauseRollout,
  type PlanRollout,
  type ReleaseHoldBack,
  type ReplanRollout,
  type ResumeRollout,
  type RolloutCommand,
  type RolloutEvent,
  type StartRollout,
  type UpgradeExposure,
  type WaitWave,
} from './rollout-messages.ts';
import { codesOf, evolve, isUnderWay, type Rollout, type StartedRollout } from './rollout-state.ts';

export const rolloutDecider: Decider<Rollout, RolloutCommand, RolloutEvent> = {
  initialState: { status: 'absent' },
  decide,
  evolve,
};

function decide(command: RolloutCommand, rollout: Rollout): readonly RolloutEvent[] {
  switch (command.type) {
    case 'PlanRollout':
      return plan(command, rollout);
    case 'ReplanRollout':
      return replan(command, rollout);
    case 'ApproveRollout':
      return approve(command, rollout);
    case 'StartRollout':
      return start(command, rollout);
    case 'PauseRollout':
      return pause(command, rollout);
    case 'ResumeRollout':
      return resume(command, rollout);
    case 'HaltRollout':
      return halt(command, rollout);
    case 'GrantExposure':
      return grant(command, rollout);
    case 'UpgradeExposure':
      return upgrade(command, rollout);
    case 'ReleaseHoldBack':
      return releaseHoldBack(command, rollout);
    case 'AdvanceRollout':
      return advance(command, rollout);
    case 'CompleteWave':
      return completeWave(command, rollout);
    case 'WaitWave':
      return wait(command, rollout);
    case 'AbortRollout':
      return abort(command, rollout);
  }
}

function plan(command: PlanRollout, rollout: Rollout): readonly RolloutEvent[] {
  const { rolloutId, at, freshSalt } = command;
  if (rollout.status === 'absent') {
    return [{ type: 'RolloutPlanned', rolloutId, plan: validPlan(command, freshSalt), ...planner(command), at }];
  }
  // A request that is sent again must not fail, and must not draw another salt.
  const isSame = samePlan(rollout.plan, toPlan(command.plan, rollout.plan.salt));
  return isSame ? [] : reject('rollout-exists');
}

function replan(command: ReplanRollout, rollout: Rollout): readonly RolloutEvent[] {
  if (rollout.status === 'absent') reject('rollout-not-found');
  if (rollout.status === 'completed' || rollout.status === 'aborted') reject('rollout-over');
  const { rolloutId, at, reason } = command;
  const { salt } = rollout.plan;
  if (samePlan(rollout.plan, toPlan(command.plan, salt))) return [];
  if (rollout.status === 'planned')
    return [{ type: 'RolloutPlanned', rolloutId, plan: validPlan(command, salt), ...planner(command), at }];
  if (rollout.completedAt !== undefined) reject('rollout-over');
  if (reason === undefined) reject('reason-missing');
  const next = validPlan({ ...command, plan: { ...command.plan, startAt: rollout.plan.startAt } }, salt);
  const atMs = Date.parse(at);
  const reached = wavePercent(rollout, rollout.wave, atMs);
  const widest = plannedPercent(rollout, atMs);
  const fault = replanFault(rollout.plan, next, { wave: rollout.wave, reached, widest });
  if (fault !== undefined) reject('already-exposed', fault);
  return [{ type: 'RolloutReplanned', rolloutId, plan: next, reason, ...planner(command), ...asking(command), at }];
}

function planner({ by }: PlanRollout | ReplanRollout) {
  return by === undefined ? {} : { by };
}

function asking({ approvalsAsked = 0 }: StartRollout | ReplanRollout) {
  return approvalsAsked === 0 ? {} : { approvalsRequired: approvalsAsked };
}

function approve({ rolloutId, revision, by, at }: ApproveRollout, rollout: Rollout): readonly RolloutEvent[] {
  if (rollout.status === 'absent') reject('rollout-not-found');
  if (rollout.status === 'aborted' || 'completedAt' in rollout) reject('rollout-over');
  const { plannedBy, given } = rollout.approvals;
  if (by === plannedBy) reject('approval-own-plan', by);
  return given.some((each) => each.by === by) ? [] : [{ type: 'RolloutApproved', rolloutId, revision, by, at }];
}

function validPlan({ at, plan: draft }: Pick<PlanRollout, 'at' | 'plan'>, salt: string): Plan {
  const [fault] = planFaults(draft);
  if (fault !== undefined) reject('plan-not-valid', `${fault.path}: ${fault.detail}`);
  if (draft.startAt !== undefined && Date.parse(draft.startAt) < Date.parse(at)) reject('start-in-past');
  return toPlan(draft, salt);
}

// A scheduled start that comes late, after a time without service, is still wanted: `startAt` is not looked at here.
function start(command: StartRollout, rollout: Rollout): readonly RolloutEvent[] {
  const { rolloutId, slices, known, awake, haltedBefore, evidenceSeen, at } = command;
  if (rollout.status === 'absent') reject('rollout-not-found');
  if (rollout.status !== 'planned') reject('rollout-not-planned');
  if (haltedBefore !== undefined && evidenceSeen === undefined) {
    reject('evidence-not-named', `the rollout ${haltedBefore} of this patch was halted`);
  }
  rejectUnapproved(rollout.approvals, command.approvalsAsked);
  const { patchId } = rollout.plan;
  const seen = evidenceSeen !== undefined && { evidenceSeen };
  return granting(rollout, command, [
    { type: 'RolloutStarted', rolloutId, patchId, slices, known, exposure: 'granted', ...seen, ...asking(command), at },
    { type: 'WaveOpened', rolloutId, wave: 1, ...(awake && { awake }), at },
  ]);
}

function pause({ rolloutId, reason, at }: PauseRollout, rollout: Rollout): readonly RolloutEvent[] {
  // A halted rollout is stopped already, and a pause must not make it easier to resume.
  if (rollout.status === 'paused' || rollout.status === 'halted') return [];
  if (rollout.status !== 'running' && rollout.status !== 'completed') refuseUnlessStarted(rollout);
  return [{ type: 'RolloutPaused', rolloutId, reason, at }];
}

function resume(command: ResumeRollout, rollout: Rollout): readonly RolloutEvent[] {
  const { rolloutId, reason, evidenceSeen, at } = command;
  if (rollout.status === 'running' || rollout.status === 'completed') return [];
  if (rollout.status === 'planned') reject('rollout-not-stopped');
  if (rollout.status !== 'paused' && rollout.status !== 'halted') refuseUnlessStarted(rollout);
  if (rollout.status === 'halted' && evidenceSeen === undefined) reject('evidence-not-named');
  rejectUnapproved(rollout.approvals);
  const said = { ...(reason !== undefined && { reason }), ...(evidenceSeen !== undefined && { evidenceSeen }) };
  return granting(rollout, command, [{ type: 'RolloutResumed', rolloutId, ...said, at }]);
}

function halt(command: HaltRollout, rollout: Rollout): readonly RolloutEvent[] {
  if (rollout.status === 'halted') return [];
  const isStoppable = rollout.status === 'running' || rollout.status === 'paused' || rollout.status === 'completed';
  if (!isStoppable) refuseUnlessStarted(rollout);
  const { rolloutId, by, reason, exposedDevices, at } = command;
  const evidence = command.by === 'gate' && { evidence: command.evidence };
  const exposed = {
    exposurePercent: plannedPercent(rollout, Date.parse(at)),
    ...(exposedDevices !== undefined && { exposedDevices }),
  };
  return [{ type: 'RolloutHalted', rolloutId, wave: rollout.wave, by, reason, ...exposed, ...evidence, at }];
}

function grant(command: GrantExposure, rollout: Rollout): readonly RolloutEvent[] {
  if (rollout.status !== 'running') refuseUnlessStarted(rollout);
  rejectUnapproved(rollout.approvals);
  return granting(rollout, command, []);
}

function upgrade({ rolloutId, lastRecordMs, at }: UpgradeExposure, rollout: Rollout): readonly RolloutEvent[] {
  if (!isUnderWay(rollout) || !('exposure' in rollout)) refuseUnlessStarted(rollout);
  const { exposure, wave } = rollout;
  if (exposure.by === 'grants') return [];
  const { exposure: reached } = cutShort(rollout, lastRecordMs);
  const percent = wavePercent(rollout, wave, lastRecordMs);
  const atMs = Date.parse(at);
  const ranMs = reached.by === 'ramp' ? reached.ranMs : 0;
  const given = { fromPercent: percent, toPercent: percent, fromMs: atMs, toMs: atMs, ranMs };
  return [granted({ rolloutId, at }, wave, given, 'upgrade')];
}

function releaseHoldBack({ rolloutId, permission, at }: ReleaseHoldBack, rollout: Rollout): readonly RolloutEvent[] {
  if (rollout.status !== 'completed') refuseUnlessStarted(rollout);
  const { plan: its, completedAt, wave } = rollout;
  const atMs = Date.parse(at);
  if (atMs < watchEndsMs(completedAt, its)) return [];
  const given = holdBackGrant(rollout, atMs, permission.passMs);
  return given === undefined ? [] : [granted({ rolloutId, at }, wave, given, 'hold-back')];
}

// The command names the wave that it ends: sent twice, or by two people, it ends no more than that one.
function advance(command: AdvanceRollout, rollout: Rollout): readonly RolloutEvent[] {
  const { wave, goingOn, reason, force } = command;
  if (rollout.status !== 'running') refuseUnlessStarted(rollout);
  if (wave > rollout.wave) reject('wave-not-open', `wave ${String(rollout.wave)} is open`);
  if (wave < rollout.wave) return [];
  rejectUnapproved(rollout.approvals);
  if (goingOn.says === 'halt') reject('gate-says-stop');
  if (goingOn.says === 'wait' && force === undefined) reject('wave-waits');
  const forced = goingOn.says === 'wait' ? force : undefined;
  const said = { ...(reason !== undefined && { reason }), ...(forced !== undefined && { forced }) };
  return closeWave(rollout, command, { because: 'advanced', ...said });
}

function completeWave(command: CompleteWave, rollout: Rollout): readonly RolloutEvent[] {
  const { wave, goingOn, at } = command;
  if (rollout.status !== 'running') refuseUnlessStarted(rollout);
  // Whoever watches the clock may be late or early: the wave was closed by an advance, or has run for less after a pause.
  if (wave !== rollout.wave || !isWaveOver(rollout, Date.parse(at))) return [];
  rejectUnapproved(rollout.approvals);
  if (goingOn.says === 'halt') reject('gate-says-stop');
  if (goingOn.says === 'wait') reject('wave-waits');
  return closeWave(rollout, command, { because: 'baked' });
}

function wait({ rolloutId, wave, waitsFor, evidence, at }: WaitWave, rollout: Rollout): readonly RolloutEvent[] {
  if (rollout.status !== 'running') refuseUnlessStarted(rollout);
  if (wave !== rollout.wave || waitsFor.length === 0 || !isWaveOver(rollout, Date.parse(at))) return [];
  const { waiting } = rollout;
  const isSame = waiting?.wave === wave && waiting.codes.join() === codesOf(waitsFor).join();
  if (isSame) return [];
  return [{ type: 'WaveWaiting', rolloutId, wave, waitsFor, ...(evidence && { evidence }), at }];
}

function closeWave(
  rollout: StartedRollout,
  command: Given & OpensWave,
  how: { readonly because: 'baked' | 'advanced'; readonly reason?: string; readonly forced?: string },
): readonly RolloutEvent[] {
  const { rolloutId, wave, plan: its } = rollout;
  const { awake, at } = command;
  const baked: RolloutEvent = { type: 'WaveBaked', rolloutId, wave, ...how, at };
  if (wave >= its.waves.length) {
    return [baked, { type: 'RolloutCompleted', rolloutId, patchId: its.patchId, at }];
  }
  const opened: RolloutEvent = { type: 'WaveOpened', rolloutId, wave: wave + 1, ...(awake && { awake }), at };
  return granting(rollout, command, [baked, opened]);
}

function abort({ rolloutId, reason, causedBy, cause, at }: AbortRollout, rollout: Rollout): readonly RolloutEvent[] {
  if (rollout.status === 'absent') reject('rollout-not-found');
  if (rollout.status === 'aborted') return [];
  const whose = { ...(causedBy !== undefined && { causedBy }), ...(cause !== undefined && { cause }) };
  return [{ type: 'RolloutAborted', rolloutId, reason, ...whose, at }];
}

/** The events, and the next grant in the same commit where nothing speaks against it and one is due. */
function granting(rollout: Rollout, { rolloutId, permission, at }: Given & MayGrant, events: readonly RolloutEvent[]) {
  const after = events.reduce(evolve, rollout);
  if (permission === undefined || after.status !== 'running') return events;
  const given = nextGrant(after, Date.parse(at), permission);
  if (given === undefined) return events;
  const because = given.toPercent > given.fromPercent || given.paced === true ? 'ramp' : 'bake';
  return [...events, granted({ rolloutId, at }, after.wave, given, because)];
}

function granted(
  { rolloutId, at }: Given,
  wave: number,
  { fromPercent, toPercent, fromMs, toMs, ranMs, paced }: Grant,
  because: 'ramp' | 'bake' | 'upgrade' | 'hold-back',
): RolloutEvent {
  const [from, to] = [toTimeText(fromMs), toTimeText(toMs)];
  const ranMinutes = ranMs / MINUTE_MS;
  const given = { wave, fromPercent, toPercent, from, to, ranMinutes, because, ...(paced && { paced }) };
  return { type: 'ExposureGranted', rolloutId, ...given, at };
}

/** The refusal of a command that a rollout in this status cannot follow. */
function refuseUnlessStarted({ status }: Rollout): never {
  if (status === 'absent') reject('rollout-not-found');
  reject(status === 'completed' || status === 'aborted' ? 'rollout-over' : 'rollout-not-running');
}

// Both sides come from `toPlan`, so the same plan has its fields in the same order.
function samePlan(left: Plan, right: Plan): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
