import { type GateHold, type HoldBack, type RolloutView } from '@sluice/api';
import { durationsOf } from '@sluice/domain-cohorts';
import { isWaitCode, waitCommand, type WaitReason } from '@sluice/contracts/wait-reasons';
import {
  haltReasonOf,
  isWaveOver,
  MATURITY_HOURS,
  nextGrant,
  PACE,
  ranMsOf,
  type Rollout,
  type StartedRollout,
  watchEndsMs,
  waveOverAtMs,
} from '@sluice/domain-rollout';
import { toTimeText } from '@sluice/event-sourcing';
import { type KnownEnough } from '../knowledge/knowledge.ts';
import { type KnownHold, type KnownRollout, type PolicyView } from '../policy/policy.projection.ts';
import {
  exposureOf,
  goingOnOf,
  missingApprovals,
  neededApprovals,
  type Obstacle,
  obstaclesToGoingOn,
  obstaclesToGrants,
  obstaclesToTheEnd,
  paceOf,
  plannedAt,
} from './rollout-rules.ts';

type Wait = Obstacle & { readonly until?: string; readonly through?: string };

/** A rollout as `GET /v1/rollouts/{id}` shows it at an instant: the plan as stored, and how far it has come. */
export function viewRollout(rollout: KnownRollout, knowledge: KnownEnough, nowMs: number): RolloutView {
  const { policy } = knowledge.sources.views;
  const revision = knowledge.sources.views.versionOf(`rollout-${rollout.rolloutId}`);
  return {
    ...headOf(rollout),
    ...(revision !== undefined && { revision }),
    ...exposureView(rollout, knowledge, nowMs),
    ...approvalsView(rollout, knowledge),
    ...waitingSince(rollout),
    ...(rollout.status === 'running' && {
      couldHaveSeen: knowledge.sources.views.gates.couldHaveSeen(rollout, nowMs),
    }),
    waitsFor: waitsFor(rollout, knowledge, nowMs).map((wait) => toReason(wait, rollout, revision)),
    ...notes(rollout, policy, nowMs),
    ...stopOf(rollout),
  };
}

/** A rollout of the past: what is recorded. Counts of devices, and what else came from the health of the fleet, are unknown. */
export function viewPastRollout(rollout: KnownRollout, policy: PolicyView, nowMs: number): RolloutView {
  return {
    ...headOf(rollout),
    ...{
      exposurePercent: null,
      exposedDevices: null,
      plannedPercent: 'exposure' in rollout ? plannedAt(rollout, policy, nowMs) : 0,
    },
    ...waitingSince(rollout),
    waitsFor: recordedWaits(rollout, nowMs).map((wait) => toReason(wait, rollout, undefined)),
    ...notes(rollout, policy, nowMs),
    ...stopOf(rollout),
  };
}

function headOf(rollout: KnownRollout) {
  const { rolloutId, plan, status } = rollout;
  return {
    rolloutId,
    ...plan,
    status,
    ...('wave' in rollout && { wave: rollout.wave }),
    ...('startedAt' in rollout && { startedAt: rollout.startedAt }),
  };
}

/** Why and by whom it was stopped. */
function stopOf(rollout: KnownRollout) {
  const haltedBecause = haltReasonOf(rollout);
  return {
    ...(haltedBecause !== undefined && { haltedBecause }),
    ...(rollout.status === 'aborted' && rollout.causedBy !== undefined && { causedBy: rollout.causedBy }),
    ...((rollout.status === 'paused' || rollout.status === 'aborted') && { reason: rollout.reason }),
  };
}

/** What the open wave waited for, as far as it was recorded: what time brings, and the reasons when it last waited. */
function recordedWaits(rollout: KnownRollout, nowMs: number): Wait[] {
  if (rollout.status !== 'running') return waitsOfStopped(rollout);
  const { waiting, wave } = rollout;
  const since = waiting?.wave === wave ? waiting.since : '';
  const codes = waiting?.wave === wave ? waiting.codes.filter(isWaitCode) : [];
  return [
    ...timeLeft(rollout, nowMs),
    ...codes.map((code) => ({ for: code, words: `it waited for this, by its record; it waited since ${since}` })),
  ];
}

/** Since when the open wave, which is over, does not go on. */
function waitingSince(rollout: KnownRollout) {
  const isWaiting = rollout.status === 'running' && rollout.waiting?.wave === rollout.wave;
  return isWaiting ? { waitingSince: rollout.waiting.since } : {};
}

/** Who has approved it; nothing where nobody has to, and nobody has. */
function approvalsView(rollout: KnownRollout, knowledge: KnownEnough) {
  const { plannedBy, given } = rollout.approvals;
  const { needed, missing } = neededApprovals(knowledge, rollout);
  if (needed === 0 && given.length === 0) return {};
  return { approvals: { ...(plannedBy !== undefined && { plannedBy }), needed, missing, given } };
}

/** `exposurePercent` and `exposedDevices` are null while no eligible device is known; `plannedPercent` is of buckets. */
function exposureView(rollout: KnownRollout, { sources }: KnownEnough, nowMs: number) {
  if (!('exposure' in rollout)) return { exposurePercent: null, exposedDevices: null, plannedPercent: 0 };
  const { plannedPercent, devices } = exposureOf(sources.views, rollout, nowMs);
  if (devices === undefined) return { exposurePercent: null, exposedDevices: null, plannedPercent };
  const { eligible, exposed } = devices;
  return { exposurePercent: (100 * exposed) / eligible, exposedDevices: exposed, plannedPercent };
}

/** What is to be seen wherever the rollout is: forced waves, plans that ask only for time, what became of the patch. */
function notes(rollout: KnownRollout, policy: PolicyView, nowMs: number) {
  const patch = policy.policy.patches.get(rollout.plan.patchId);
  const hold = policy.holdOverAll(rollout.plan, nowMs);
  const gateHolds = gateHoldsOn(rollout.plan.patchId, policy.holds());
  return {
    ...(patch?.pull !== undefined && { patchPulled: { mode: patch.pull.mode, reason: patch.pull.reason } }),
    ...(patch?.supersededBy !== undefined && { supersededBy: patch.supersededBy.patchId }),
    ...(hold !== undefined && { heldBy: hold.holdId }),
    ...(gateHolds.length > 0 && { gateHolds }),
    ...('forced' in rollout && rollout.forced.length > 0 && { forced: rollout.forced }),
    ...('advanced' in rollout && rollout.advanced.length > 0 && { advanced: rollout.advanced }),
    ...('resumed' in rollout && { resumed: rollout.resumed }),
    ...(rollout.status === 'completed' && { holdBack: holdBackNote(rollout) }),
  };
}

/** The slices of a patch that gates hold. */
export function gateHoldsOn(patchId: string, holds: readonly KnownHold[]): GateHold[] {
  return holds.flatMap(({ holdId, status, slice, reason, evidence, patchId: ofPatch }) => {
    if (status !== 'active' || ofPatch !== patchId || evidence === undefined) return [];
    return [{ holdId, model: slice.model?.[0] ?? '', base: slice.base?.[0] ?? '', reason }];
  });
}

function holdBackNote({ completedAt, plan, released }: Extract<Rollout, { status: 'completed' }>): HoldBack {
  return released === undefined
    ? { status: 'kept', until: toTimeText(watchEndsMs(completedAt, plan)) }
    : { status: 'released', note: 'harm can no longer be seen against devices without the patch' };
}

/** What it waits for, which is what its view says. */
export function waitsFor(rollout: KnownRollout, knowledge: KnownEnough, nowMs: number): Wait[] {
  if (rollout.status === 'running') return waitsOfWave(rollout, knowledge, nowMs);
  const approvals = rollout.status === 'planned' ? missingApprovals(knowledge, rollout) : [];
  return [...approvals, ...waitsOfStopped(rollout)];
}

/** What a rollout that does not run waits for. */
function waitsOfStopped(rollout: Exclude<KnownRollout, { status: 'running' }>): Wait[] {
  switch (rollout.status) {
    case 'planned': {
      const { startAt } = rollout.plan;
      const words = startAt === undefined ? 'somebody has to start it' : `it starts at ${startAt}`;
      const start: Wait = { for: 'start', words, ...(startAt !== undefined && { until: startAt }) };
      return [start];
    }
    case 'paused':
      return [{ for: 'operator', words: `it is paused: ${rollout.reason}` }];
    case 'halted':
      return [{ for: 'operator', words: `it is halted: ${rollout.reason}` }];
    case 'completed':
    case 'aborted':
      return [];
  }
}

function waitsOfWave(
  rollout: Extract<StartedRollout, { status: 'running' }>,
  knowledge: KnownEnough,
  nowMs: number,
): Wait[] {
  const obstacles: Wait[] = isWaveOver(rollout, nowMs)
    ? obstaclesToTheEnd(knowledge, rollout, nowMs)
    : obstaclesToGrants(knowledge, rollout, nowMs);
  obstacles.push(...paceWait(rollout, knowledge, nowMs));
  const evidence = obstaclesToGoingOn(goingOnOf(knowledge.sources.views, rollout, nowMs));
  return [...timeLeft(rollout, nowMs), ...obstacles.map((each) => withThrough(each, knowledge)), ...evidence];
}

/** What the pace waits for, where it is what keeps the open wave from going further. */
function paceWait(
  rollout: Extract<StartedRollout, { status: 'running' }>,
  knowledge: KnownEnough,
  nowMs: number,
): Wait[] {
  const { wave, plan } = rollout;
  const { passMs } = knowledge;
  // Only where a grant is due, and the pace leaves none.
  if (nextGrant(rollout, nowMs, { passMs }) === undefined) return [];
  const limit = paceOf(knowledge, rollout, nowMs, wave);
  if (limit === undefined) return [];
  if (nextGrant(rollout, nowMs, { passMs, percentMax: limit.percentMax }) !== undefined) return [];
  const { exposed, well } = limit;
  const { first, factor } = plan.pace ?? PACE;
  const hours = plan.gates.maturityHours ?? MATURITY_HOURS;
  // So many that exposed = well + max(first, factor × well).
  const needed = Math.max(well, Math.floor(Math.min(exposed / (1 + factor), exposed - first))) + 1;
  const words = `${String(exposed)} devices are exposed, and ${String(well)} of them fine for ${String(hours)} h: it widens with ${String(needed)}`;
  return [{ for: 'pace', words, counts: { exposed, known: well, needed } }];
}

function timeLeft(rollout: Extract<StartedRollout, { status: 'running' }>, nowMs: number): Wait[] {
  const wave = rollout.plan.waves[rollout.wave - 1];
  if (wave === undefined || isWaveOver(rollout, nowMs)) return [];
  const rampLeftMs = durationsOf(wave).rampMs - ranMsOf(rollout, nowMs);
  const overAt = toTimeText(waveOverAtMs(rollout, nowMs));
  const bake: Wait = { for: 'bake', words: `the wave bakes until ${overAt}`, until: overAt };
  if (rampLeftMs <= 0) return [bake];
  const rampOverAt = toTimeText(nowMs + rampLeftMs);
  return [{ for: 'ramp', words: `the ramp moves until ${rampOverAt}`, until: rampOverAt }, bake];
}

function withThrough(obstacle: Obstacle, knowledge: KnownEnough): Wait {
  const throughMs = obstacle.for === 'health' ? knowledge.healthThroughMs() : undefined;
  return throughMs === undefined ? obstacle : { ...obstacle, through: toTimeText(throughMs) };
}

function toReason(
  { for: code, words, until, through, counts }: Wait,
  rollout: KnownRollout,
  revision: number | undefined,
): WaitReason {
  const ids = {
    revision,
    rollout: rollout.rolloutId,
    patch: rollout.plan.patchId,
    wave: 'wave' in rollout ? rollout.wave : 1,
  };
  return {
    for: code,
    words,
    command: waitCommand(code, ids),
    ...(until !== undefined && { until }),
    ...(through !== undefined && { through }),
    ...counts,
  };
}
