import { holdersOf, recallDecider, removalHarm, removalsIn } from '@sluice/domain-rollout';
import { type ProcessManager } from '@sluice/event-sourcing';
import { ChangeRecall } from '../commands.ts';
import { contextOf, type OwnCommand, type Situation } from '../situation.ts';
import { type KnownRecall } from './recalls.projection.ts';

/** Pauses a recall whose removals fail too often, ends it when nobody holds its patch, or can get it, any more, and opens it again when somebody does after all. */
export const recallsProcess: ProcessManager<Situation, OwnCommand> = {
  kind: 'process',
  name: 'recalls',
  decide: (situation) =>
    situation.views.recalls
      .recallsToVisit()
      .flatMap((recall) => pausedByGate(recall, situation) ?? counted(recall, situation)),
};

function pausedByGate(recall: KnownRecall, { views, at }: Situation): ChangeRecall[] | undefined {
  const { patchId, recallEpoch, status, seen } = recall;
  const progress = views.recalls.progressOf(patchId);
  if (status !== 'removing' || !progress?.count || progress.recallEpoch !== recallEpoch) return undefined;
  const evidence = removalHarm(removalsIn(progress.count), seen);
  if (evidence === undefined) return undefined;
  const command = { type: 'PauseRecall', patchId, reason: evidence.words, evidence, at } as const;
  const { lastBucket } = views.gates;
  const context = contextOf(`harmed-${String(recallEpoch)}-${String(seen?.trials ?? 0)}`, patchId, lastBucket);
  return [new ChangeRecall(command, context, views.known(`recall-${patchId}`, recall))];
}

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
