import { type ProcessManager } from '@sluice/event-sourcing';
import { ChangeRecall } from '../commands.ts';
import { contextOf, type OwnCommand, type Situation } from '../situation.ts';
import { type KnownRecall } from './recalls.projection.ts';

/** Ends a recall when nobody holds its patch any more, and opens it again when somebody does after all. */
export const recallsProcess: ProcessManager<Situation, OwnCommand> = {
  kind: 'process',
  name: 'recalls',
  decide: (situation) => situation.views.recalls.recallsToVisit().flatMap((recall) => counted(recall, situation)),
};

function counted(recall: KnownRecall, { views, at }: Situation): ChangeRecall[] {
  const { patchId, recallEpoch, status } = recall;
  const progress = views.recalls.progressOf(patchId);
  if (progress?.complete !== true || progress.recallEpoch !== recallEpoch) return [];
  const { holders, removed } = progress;
  if ((status === 'completed') === (holders === 0)) return [];
  const command = { type: 'RecordRemovals', patchId, recallEpoch, holders, removed, at } as const;
  const { lastBucket } = views.gates;
  return [
    new ChangeRecall(
      command,
      contextOf(`counted-${at}`, patchId, lastBucket),
      views.known(`recall-${patchId}`, recall),
    ),
  ];
}
