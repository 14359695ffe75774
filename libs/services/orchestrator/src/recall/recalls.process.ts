import { holdersOf, recallDecider } from '@sluice/domain-rollout';
import { type ProcessManager } from '@sluice/event-sourcing';
import { ChangeRecall } from '../commands.ts';
import { contextOf, type OwnCommand, type Situation } from '../situation.ts';
import { type KnownRecall } from './recalls.projection.ts';

/** Pauses a recall that harms; ends it when nobody holds its patch, or can get it, any more, and opens it again when somebody does after all. */
export const recallsProcess: ProcessManager<Situation, OwnCommand> = {
  kind: 'process',
  name: 'recalls',
  decide: (situation) =>
    situation.views.recalls
      .recallsToVisit()
      .flatMap((recall) => pausedForHarm(recall, situation) ?? counted(recall, situation)),
};

/** Pauses it where its removals fail more often than is tolerated: holders keep what they have until a person has looked. */
function pausedForHarm(recall: KnownRecall, { views, knowledge, at }: Situation): ChangeRecall[] | undefined {
  const { patchId, recallEpoch, status } = recall;
  // The gate acts only once all of the health is known.
  if (status !== 'removing' || !knowledge.healthIsRead) return undefined;
  const verdict = views.gates.removalVerdictOn(patchId);
  if (verdict?.says !== 'pause') return undefined;
  const { evidence } = verdict;
  const command = {
    type: 'PauseRecall',
    patchId,
    by: 'gate',
    recallEpoch,
    reason: evidence.words,
    evidence,
    at,
  } as const;
  const context = contextOf(`paused-${evidence.through}`, patchId, views.gates.lastBucket);
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
