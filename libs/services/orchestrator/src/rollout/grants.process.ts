import {
  holdBackGrant,
  isUnderWay,
  nextGrant,
  type Rollout,
  watchEndsMs,
  type RolloutCommand,
} from '@sluice/domain-rollout';
import { type ProcessManager } from '@sluice/event-sourcing';
import { ChangeRollout } from '../commands.ts';
import { type KnownRollout } from '../policy/policy.projection.ts';
import { contextOf, type OwnCommand, type Situation } from '../situation.ts';
import { permissionFor } from './rollout-rules.ts';

type Running = Extract<Rollout, { status: 'running' }>;
type Completed = Extract<Rollout, { status: 'completed' }>;

/** Gives the next piece of each ramp and bake, where nothing speaks against it. Without a grant nothing widens. */
export const grantsProcess: ProcessManager<Situation, OwnCommand> = {
  kind: 'process',
  name: 'grants',
  decide: (situation) => situation.views.policy.openRollouts().flatMap((rollout) => decideOne(rollout, situation)),
};

function decideOne(rollout: KnownRollout, situation: Situation): ChangeRollout[] {
  if ('exposure' in rollout && rollout.exposure.by === 'ramp')
    return isUnderWay(rollout) ? upgrade(rollout, situation) : [];
  switch (rollout.status) {
    case 'running':
      return widen(rollout, situation);
    case 'completed':
      return releaseHoldBack(rollout, situation);
    case 'planned':
    case 'paused':
    case 'halted':
    case 'aborted':
      return [];
  }
}

function widen(rollout: Running, { views, knowledge, nowMs, at }: Situation): ChangeRollout[] {
  // Cheap first: for most rollouts, the last grant has long to run.
  if (nextGrant(rollout, nowMs, knowledge) === undefined) return [];
  const permission = permissionFor(knowledge, rollout, nowMs, rollout.wave);
  if (permission === undefined || views.gates.verdictOn(rollout)?.says !== 'go') return [];
  const due = nextGrant(rollout, nowMs, permission);
  if (due === undefined) return [];
  return [
    changeOf(rollout, { type: 'GrantExposure', rolloutId: rollout.rolloutId, permission, at }, due.fromMs, views),
  ];
}

function releaseHoldBack(rollout: Completed, { views, knowledge, nowMs, at }: Situation): ChangeRollout[] {
  const { rolloutId, plan, completedAt } = rollout;
  if (nowMs < watchEndsMs(completedAt, plan)) return [];
  const due = holdBackGrant(rollout, nowMs, knowledge.passMs);
  if (due === undefined) return [];
  const permission = permissionFor(knowledge, rollout, nowMs, rollout.wave);
  if (permission === undefined || views.gates.verdictOn(rollout)?.says !== 'go') return [];
  return [changeOf(rollout, { type: 'ReleaseHoldBack', rolloutId, permission, at }, due.fromMs, views)];
}

function upgrade(rollout: KnownRollout, { views, at }: Situation): ChangeRollout[] {
  const { rampsUntilMs } = views.policy.policy;
  const command = { type: 'UpgradeExposure', rolloutId: rollout.rolloutId, lastRecordMs: rampsUntilMs, at } as const;
  return [changeOf(rollout, command, 'upgrade', views)];
}

function changeOf(
  rollout: KnownRollout,
  command: RolloutCommand,
  cause: number | 'upgrade',
  views: Situation['views'],
): ChangeRollout {
  const { rolloutId } = rollout;
  return new ChangeRollout(
    command,
    contextOf(`granted-${String(cause)}`, rolloutId),
    views.known(`rollout-${rolloutId}`, rollout),
  );
}
