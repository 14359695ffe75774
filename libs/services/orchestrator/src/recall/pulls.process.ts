import { isUnderWay } from '@sluice/domain-rollout';
import { type FeedEvent } from '@sluice/event-feed';
import { type NamedReceipt, type ProcessManager } from '@sluice/event-sourcing';
import { ChangeRecall, ChangeRollout } from '../commands.ts';
import { type Pull } from '../policy/policy.projection.ts';
import { contextOf, type OwnCommand, type Situation } from '../situation.ts';

/** Ends the rollouts of a pulled patch, and begins its recall. */
export const pullsProcess: ProcessManager<Situation, OwnCommand> = { kind: 'process', name: 'pulls', decide };

function decide(situation: Situation): readonly OwnCommand[] {
  return [...recordedPulls(situation), ...endedRollouts(situation), ...startedRecalls(situation)];
}

/** Pulls that the catalog has in force without having stored them are kept here. */
function recordedPulls({ views, knowledge }: Situation): ChangeRecall[] {
  const stops = knowledge.sources.catalog().signs?.stops ?? [];
  return stops.flatMap(({ patchId, mode, reason, at }) => {
    const recall = views.recalls.recall(patchId);
    if (recall.status !== 'absent' || views.policy.pulls.has(patchId)) return [];
    const command = { type: 'RecordPull', patchId, mode, reason, at } as const;
    return [new ChangeRecall(command, contextOf('recorded', patchId), views.known(`recall-${patchId}`, recall))];
  });
}

function endedRollouts({ views, at }: Situation): ChangeRollout[] {
  return views.policy.openRollouts().flatMap((rollout) => {
    const pull = views.policy.pulls.get(rollout.plan.patchId);
    const stop = views.policy.policy.patches.get(rollout.plan.patchId)?.pull;
    if (stop === undefined || (rollout.status !== 'planned' && !isUnderWay(rollout))) return [];
    const { rolloutId } = rollout;
    const reason = `the patch was pulled: ${stop.reason}`;
    const context = contextOf(pull === undefined ? 'pull-recorded' : idOf(pull), rolloutId, pull);
    return [
      new ChangeRollout(
        { type: 'AbortRollout', rolloutId, reason, causedBy: pull?.actor, cause: causeOf(pull), at },
        context,
        views.known(`rollout-${rolloutId}`, rollout),
      ),
    ];
  });
}

function startedRecalls({ views, at }: Situation): ChangeRecall[] {
  return [...views.policy.pulls.values()].flatMap((pull) => {
    const { patchId, mode, recallEpoch, reason, replacement } = pull.data;
    const recall = views.recalls.recall(patchId);
    if (mode !== 'recall' || (recall.status !== 'absent' && recall.recallEpoch >= recallEpoch)) return [];
    const named = replacement !== undefined && { replacement };
    const whose = { causedBy: pull.actor, cause: causeOf(pull) };
    const command = { type: 'StartRecall', patchId, recallEpoch, reason, ...named, ...whose, at } as const;
    return [new ChangeRecall(command, contextOf(idOf(pull), patchId, pull), views.known(`recall-${patchId}`, recall))];
  });
}

/** The receipt of the pull in the stream of its patch; a pull from before there were receipts has none. */
function causeOf(pull: FeedEvent<Pull> | undefined): NamedReceipt | undefined {
  const receipt = pull?.data.receipt;
  return pull === undefined || receipt === undefined ? undefined : { stream: pull.stream, receipt };
}

function idOf({ data: { recallEpoch } }: FeedEvent<Pull>): string {
  return `pulled-${String(recallEpoch)}`;
}
