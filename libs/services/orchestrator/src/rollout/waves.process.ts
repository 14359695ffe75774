import { isWaveOver, type Rollout } from '@sluice/domain-rollout';
import { type ProcessManager } from '@sluice/event-sourcing';
import { ChangeRollout } from '../commands.ts';
import { type KnownRollout } from '../policy/policy.projection.ts';
import { contextOf, type OwnCommand, type Situation } from '../situation.ts';
import { hypothesesOf } from './rollout-rules.ts';

type Planned = Extract<Rollout, { status: 'planned' }>;
type Running = Extract<Rollout, { status: 'running' }>;

/** Starts what is due, halts what harms, opens the next wave in time. */
export const wavesProcess: ProcessManager<Situation, OwnCommand> = {
  kind: 'process',
  name: 'waves',
  decide: (situation) => {
    // Gates act only once all of the health is known, and waves go on only past the gates.
    if (!situation.sources.healthIsKnown) return [];
    return situation.views.policy.openRollouts().flatMap((rollout) => decideOne(rollout, situation));
  },
};

function decideOne(rollout: KnownRollout, situation: Situation): ChangeRollout[] {
  switch (rollout.status) {
    case 'planned':
      return start(rollout, situation);
    case 'running':
      return steer(rollout, situation);
    case 'paused':
    case 'halted':
    case 'completed':
    case 'aborted':
      return [];
  }
}

function start(rollout: Planned, { views, sources, nowMs, at }: Situation): ChangeRollout[] {
  const { rolloutId, plan } = rollout;
  if (plan.startAt === undefined || Date.parse(plan.startAt) > nowMs) return [];
  // What is not known to be offerable is not started: the patch may have been pulled meanwhile.
  const { patchId } = plan;
  if (sources.currentPolicy().stale || views.policy.isPulled(patchId)) return [];
  if (views.policy.publishedPatch(patchId) === undefined) return [];
  const command = { type: 'StartRollout', rolloutId, slices: hypothesesOf(views, plan), at } as const;
  return [
    new ChangeRollout(command, contextOf('scheduled-start', rolloutId), views.known(`rollout-${rolloutId}`, rollout)),
  ];
}

function steer(rollout: Running, { views, sources, nowMs, at }: Situation): ChangeRollout[] {
  const { rolloutId, wave } = rollout;
  const assessment = views.gates.assess(rollout);
  if (assessment.harmful) {
    const { evidence } = assessment;
    const { slice, failures, trials } = evidence;
    const reason = `installs fail on ${slice.model} (${slice.base}): ${String(failures)} of ${String(trials)}`;
    const command = { type: 'HaltRollout', rolloutId, by: 'gate', reason, evidence, at } as const;
    const context = contextOf(`halted-${evidence.through}`, rolloutId, views.gates.lastBucket);
    return [new ChangeRollout(command, context, views.known(`rollout-${rolloutId}`, rollout))];
  }
  if (!isWaveOver(rollout, nowMs) || !sources.healthIsCurrent) return [];
  const command = { type: 'CompleteWave', rolloutId, wave, assessment, at } as const;
  return [
    new ChangeRollout(
      command,
      contextOf(`baked-${String(wave)}`, rolloutId),
      views.known(`rollout-${rolloutId}`, rollout),
    ),
  ];
}
