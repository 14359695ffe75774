import { comparePositions, type Position } from '@sluice/event-sourcing';
import { type FoldStore, type FoldTask } from '@sluice/platform';
import { AS_OF, asOfFold } from './as-of/as-of.fold.ts';
import { OWN_STREAMS } from './publications.ts';
import { Views } from './views.ts';

/** Input: the position through which to fold. Result: what the own streams say, as `Views.describeOwn` has it. */
export const OWN_STREAMS_FOLD = 'orchestrator-own-streams';

/** What the orchestrator does away from the thread that answers requests. */
export const folds: Record<string, FoldTask> = {
  [OWN_STREAMS_FOLD]: (store, through) => foldOwnStreams(store, through as Position),
  [AS_OF]: asOfFold,
};

async function foldOwnStreams(store: FoldStore, through: Position) {
  const views = new Views();
  for await (const commit of store.readAll({ prefixes: OWN_STREAMS })) {
    if (comparePositions(commit.position, through) > 0) break;
    views.applyOwn(commit);
  }
  return views.describeOwn();
}
