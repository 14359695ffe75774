import {
  type GateEvidence,
  isWaveOver,
  type Rollout,
  type StartedRollout,
  type RolloutCommand,
} from '@sluice/domain-rollout';
import { type ProcessManager } from '@sluice/event-sourcing';
import { ChangeRollout } from '../commands.ts';
import { type KnownRollout } from '../policy/policy.projection.ts';
import { contextOf, type OwnCommand, type Situation } from '../situation.ts';
import {
  exposureOf,
  goingOnOf,
  haltedBefore,
  hypothesesOf,
  obstaclesToTheEnd,
  permissionFor,
} from './rollout-rules.ts';

type Planned = Extract<Rollout, { status: 'planned' }>;
type Running = Extract<Rollout, { status: 'running' }>;

/** Starts what is due, halts what harms, opens the next wave in time. */
export const wavesProcess: ProcessManager<Situation, OwnCommand> = {
  kind: 'process',
  name: 'waves',
  decide: (situation) => {
    // Gates act only once all of the health is known, and waves go on only past the gates.
    if (!situation.knowledge.healthIsRead) return [];
    return situation.views.policy.openRollouts().flatMap((rollout) => decideOne(rollout, situation));
  },
};

function decideOne(rollout: KnownRollout, situation: Situation): ChangeRollout[] {
  switch (rollout.status) {
    case 'planned':
      return start(rollout, situation);
    case 'running':
      return haltOnHarm(rollout, situation) ?? completeWave(rollout, situation);
    case 'completed':
      // Its gates look for as long as it offers.
      return haltOnHarm(rollout, situation) ?? [];
    case 'paused':
    case 'halted':
    case 'aborted':
      return [];
  }
}

function start(rollout: Planned, { views, knowledge, nowMs, at }: Situation): ChangeRollout[] {
  const { rolloutId, plan } = rollout;
  if (plan.startAt === undefined || Date.parse(plan.startAt) > nowMs) return [];
  // What is not known to be offerable is not started: the patch may have been pulled meanwhile.
  const { patchId } = plan;
  if (knowledge.doubts().length > 0 || views.policy.isPulled(patchId)) return [];
  if (views.policy.publishedPatch(patchId) === undefined) return [];
  const command = {
    type: 'StartRollout',
    rolloutId,
    slices: hypothesesOf(views, plan),
    haltedBefore: haltedBefore(views, plan, rolloutId),
    permission: permissionFor(knowledge, rollout, nowMs),
    at,
  } as const;
  return [new ChangeRollout(command, contextOf('scheduled-start', rolloutId), knownOf(views, rollout))];
}

function haltOnHarm(rollout: StartedRollout, { views, nowMs, at }: Situation): ChangeRollout[] | undefined {
  const evidence = views.gates.harmOf(rollout);
  if (evidence === undefined) return undefined;
  const { rolloutId } = rollout;
  const exposedDevices = exposureOf(views, rollout, nowMs)?.exposed;
  const reason = reasonOf(evidence);
  const command = { type: 'HaltRollout', rolloutId, by: 'gate', reason, evidence, exposedDevices, at } as const;
  const context = contextOf(`halted-${evidence.through}`, rolloutId, views.gates.lastBucket);
  return [new ChangeRollout(command, context, knownOf(views, rollout))];
}

function completeWave(rollout: Running, { views, knowledge, nowMs, at }: Situation): ChangeRollout[] {
  const { rolloutId, wave } = rollout;
  if (rollout.exposure.by === 'ramp' || !isWaveOver(rollout, nowMs)) return [];
  if (obstaclesToTheEnd(knowledge, rollout, nowMs).length > 0) return [];
  const goingOn = goingOnOf(views, rollout, nowMs);
  if (goingOn.says !== 'go') return [];
  const permission = permissionFor(knowledge, rollout, nowMs);
  const command: RolloutCommand = { type: 'CompleteWave', rolloutId, wave, goingOn, permission, at };
  return [new ChangeRollout(command, contextOf(`baked-${String(wave)}`, rolloutId), knownOf(views, rollout))];
}

function reasonOf({ slice, failures, trials }: GateEvidence): string {
  return `installs fail on ${slice.model} (${slice.base}): ${String(failures)} of ${String(trials)}`;
}

function knownOf(views: Situation['views'], rollout: KnownRollout) {
  return views.known(`rollout-${rollout.rolloutId}`, rollout);
}
