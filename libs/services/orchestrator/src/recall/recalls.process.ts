import { holdersOf, recallDecider } from '@sluice/domain-rollout';
import { type ProcessManager } from '@sluice/event-sourcing';
import { ChangeRecall } from '../commands.ts';
import { contextOf, type OwnCommand, type Situation } from '../situation.ts';
import { type KnownRecall } from './recalls.projection.ts';

/** Ends a recall when nobody holds its patch, or can get it, any more, and opens it again when somebody does after all. */
export const recallsProcess: ProcessManager<Situation, OwnCommand> = {
  kind: 'process',
  name: 'recalls',
  decide: (situation) => situation.views.recalls.recallsToVisit().flatMap((recall) => counted(recall, situation)),
};

function counted(recall: KnownRecall, { views, at }: Situation): ChangeRecall[] {
  const { patchId, recallEpoch, status } = recall;
  const progress = views.recalls.progressOf(patchId);
  if (!progress?.count || progress.recallEpoch !== recallEpoch) return [];
  const { count } = progress;
  if (status === 'completed' ? holdersOf(count) === 0 : holdersOf(count) + count.inFlight > 0) return [];
  const wasOffered = views.policy.wasOffered(patchId);
  const command = { type: 'RecordRemovals', patchId, recallEpoch, count, wasOffered, at } as const;
  if (recallDecider.decide(command, recall).length === 0) return [];
  const { lastBucket } = views.gates;
  return [
    new ChangeRecall(
      command,
      contextOf(`counted-${at}`, patchId, lastBucket),
      views.known(`recall-${patchId}`, recall),
    ),
  ];
}
