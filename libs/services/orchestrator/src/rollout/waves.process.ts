import {
  codesOf,
  GATE_OWNER,
  isWaveOver,
  type Rollout,
  rolloutDecider,
  type StartedRollout,
  type RolloutCommand,
  type SumEvidence,
} from '@sluice/domain-rollout';
import { type ProcessManager } from '@sluice/event-sourcing';
import { ChangeHold, ChangeRollout } from '../commands.ts';
import { type KnownRollout } from '../policy/policy.projection.ts';
import { contextOf, type OwnCommand, type Situation } from '../situation.ts';
import {
  approvalsAskedOf,
  exposureOf,
  goingOnOf,
  haltedBefore,
  hypothesesOf,
  isKnownToTheEnd,
  missingApprovals,
  type Obstacle,
  obstaclesToGoingOn,
  obstaclesToGrants,
  opensWave,
} from './rollout-rules.ts';

type Planned = Extract<Rollout, { status: 'planned' }>;
type Running = Extract<Rollout, { status: 'running' }>;

/** Starts what is due, holds or halts what harms, opens the next wave in time. */
export const wavesProcess: ProcessManager<Situation, OwnCommand> = {
  kind: 'process',
  name: 'waves',
  decide: (situation) => {
    // Gates act only once all of the health is known, and waves go on only past the gates.
    if (!situation.knowledge.healthIsRead) return [];
    return situation.views.policy.openRollouts().flatMap((rollout) => decideOne(rollout, situation));
  },
};

function decideOne(rollout: KnownRollout, situation: Situation): OwnCommand[] {
  switch (rollout.status) {
    case 'planned':
      return start(rollout, situation);
    case 'running':
      return stopHarm(rollout, situation) ?? completeWave(rollout, situation);
    case 'completed':
      // Its gates look for as long as it offers.
      return stopHarm(rollout, situation) ?? [];
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
  if (missingApprovals(knowledge, rollout).length > 0) return [];
  const command = {
    type: 'StartRollout',
    rolloutId,
    ...hypothesesOf(views, plan),
    approvalsAsked: approvalsAskedOf(knowledge, plan),
    haltedBefore: haltedBefore(views, plan, rolloutId),
    ...opensWave(knowledge, rollout, nowMs, 1),
    at,
  } as const;
  return [new ChangeRollout(command, contextOf('scheduled-start', rolloutId), knownOf(views, rollout))];
}

/** Holds the slice that the harm is on, or halts where it is not on one, or on most. */
function stopHarm(rollout: StartedRollout, { views, nowMs, at }: Situation): OwnCommand[] | undefined {
  const verdict = views.gates.verdictOn(rollout);
  if (verdict?.says !== 'hold' && verdict?.says !== 'halt') return undefined;
  const { rolloutId, plan } = rollout;
  const { evidence } = verdict;
  const context = (what: string) => contextOf(`${what}-${evidence.through}`, rolloutId, views.gates.lastBucket);
  if (verdict.says === 'hold') {
    const { model, base } = verdict.slice;
    const holdId = views.gates.nextHold(rolloutId);
    const terms = { patchId: plan.patchId, slice: { model: [model], base: [base] }, owner: GATE_OWNER };
    const cause = views.causeIn(`rollout-${rolloutId}`);
    const judged = { ...terms, reason: evidence.words, evidence };
    const command = { type: 'PlaceHold', holdId, terms: judged, cause, at } as const;
    return [new ChangeHold(command, context(holdId))];
  }
  const exposedDevices = exposureOf(views, rollout, nowMs).devices?.exposed;
  const stop = { type: 'HaltRollout', rolloutId, by: 'gate', reason: evidence.words, evidence } as const;
  return [new ChangeRollout({ ...stop, exposedDevices, at }, context('halted'), knownOf(views, rollout))];
}

function completeWave(rollout: Running, { views, knowledge, nowMs, at }: Situation): ChangeRollout[] {
  const { rolloutId, wave } = rollout;
  if (rollout.exposure.by === 'ramp' || !isWaveOver(rollout, nowMs)) return [];
  const goingOn = goingOnOf(views, rollout, nowMs);
  // Health that is not known through the wave's end yet comes in a moment, and is no reason to tell.
  const waits = [...obstaclesToGrants(knowledge, rollout, nowMs), ...obstaclesToGoingOn(goingOn)];
  const evidence = goingOn.says === 'wait' ? goingOn.evidence : undefined;
  if (waits.length > 0) return waitWave(rollout, waits, { evidence, views, at });
  if (!isKnownToTheEnd(knowledge, rollout)) return [];
  const opening = opensWave(knowledge, rollout, nowMs, wave + 1);
  const command: RolloutCommand = { type: 'CompleteWave', rolloutId, wave, goingOn, ...opening, at };
  return [new ChangeRollout(command, contextOf(`baked-${String(wave)}`, rolloutId), knownOf(views, rollout))];
}

function waitWave(
  rollout: Running,
  waits: readonly Obstacle[],
  { evidence, views, at }: Pick<Situation, 'views' | 'at'> & { readonly evidence: SumEvidence | undefined },
): ChangeRollout[] {
  const { rolloutId, wave } = rollout;
  const waitsFor = waits.map(({ for: code, words }) => ({ code, words }));
  const command = { type: 'WaitWave', rolloutId, wave, waitsFor, evidence, at } as const;
  if (rolloutDecider.decide(command, rollout).length === 0) return [];
  const cause = `waits-${String(wave)}-${codesOf(waitsFor).join('-')}-${at}`;
  return [new ChangeRollout(command, contextOf(cause, rolloutId), knownOf(views, rollout))];
}

function knownOf(views: Situation['views'], rollout: KnownRollout) {
  return views.known(`rollout-${rollout.rolloutId}`, rollout);
}
