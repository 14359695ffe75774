import { comparePositions, type DomainEvent, type Position } from '@sluice/event-sourcing';
import { type Decided, type GateEvidence, recompute } from '@sluice/domain-rollout';
import { checkReceipts, type FoldStore, type FoldTask, type ReceiptsInput, type Recheck } from '@sluice/platform';
import { OWN_STREAMS } from './publications.ts';
import { Views } from './views.ts';

/** Input: the position through which to fold. Result: what the own streams say, as `Views.describeOwn` has it. */
export const OWN_STREAMS_FOLD = 'orchestrator-own-streams';
/** Input: ReceiptsInput. Result: ReceiptsFound. */
export const RECEIPTS_FOLD = 'orchestrator-receipts';

/** What the orchestrator does away from the thread that answers requests. */
export const folds: Record<string, FoldTask> = {
  [OWN_STREAMS_FOLD]: (store, through) => foldOwnStreams(store, through as Position),
  [RECEIPTS_FOLD]: (store, input, progress) => checkReceipts(store, input as ReceiptsInput, recheckVerdict, progress),
};

/** Which verdict each event that has evidence says. */
const verdictOf: Readonly<Record<string, Decided>> = {
  WaveWaiting: 'wait',
  HoldPlaced: 'hold',
  RolloutHalted: 'halt',
  RecallPaused: 'pause',
};

const recheckVerdict: Recheck = (event: DomainEvent & { readonly by?: string; readonly evidence?: GateEvidence }) => {
  const { type, by, evidence } = event;
  const decided = verdictOf[type];
  if (decided === undefined) return 'none';
  if (evidence === undefined) return by === 'gate' ? { differs: 'a gate decided it, and it has no evidence' } : 'none';
  const anew = recompute(evidence, decided);
  if (anew.says === 'differs') return { differs: `by its counts it would not be: ${anew.differing.join(', ')}` };
  return anew.says;
};

async function foldOwnStreams(store: FoldStore, through: Position) {
  const views = new Views();
  for await (const commit of store.readAll({ prefixes: OWN_STREAMS })) {
    if (comparePositions(commit.position, through) > 0) break;
    views.applyOwn(commit);
  }
  return views.describeOwn();
}
