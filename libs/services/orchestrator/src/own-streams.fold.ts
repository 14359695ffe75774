import { comparePositions, type DomainEvent, type Position, type Receipted } from '@sluice/event-sourcing';
import {
  type Decided,
  type GateEvidence,
  recompute,
  type RolloutEvent,
  type RolloutTimeline,
  rolloutTimeline,
} from '@sluice/domain-rollout';
import { checkReceipts, type FoldStore, type FoldTask, type ReceiptsInput, type Recheck } from '@sluice/platform';
import { AS_OF, asOfFold } from './as-of/as-of.fold.ts';
import { OWN_STREAMS, ownEventsOf } from './publications.ts';
import { Views } from './views.ts';

/** Input: the position through which to fold. Result: what the own streams say, as `Views.describeOwn` has it. */
export const OWN_STREAMS_FOLD = 'orchestrator-own-streams';
/** Input: ReceiptsInput. Result: ReceiptsFound. */
export const RECEIPTS_FOLD = 'orchestrator-receipts';
/** Input: TimelineInput. Result: RolloutTimeline. */
export const TIMELINE_FOLD = 'orchestrator-timeline';

/** What the orchestrator does away from the thread that answers requests. */
export const folds: Record<string, FoldTask> = {
  [OWN_STREAMS_FOLD]: (store, through) => foldOwnStreams(store, through as Position),
  [AS_OF]: asOfFold,
  [TIMELINE_FOLD]: (store, input) => foldTimeline(store, input as TimelineInput),
  [RECEIPTS_FOLD]: (store, input, progress) => checkReceipts(store, input as ReceiptsInput, recheckVerdict, progress),
};

/** What a timeline is asked for: up to an instant, in so many points. */
export interface TimelineInput {
  readonly rolloutId: string;
  readonly nowMs: number;
  readonly points: number;
}

/** Which verdict each event that has evidence says; that of a wave which waits is told by its reasons. */
const verdictOf: Readonly<Record<string, Decided>> = {
  HoldPlaced: 'hold',
  RolloutHalted: 'halt',
  RecallPaused: 'pause',
};

/** A wave that waits for nothing but pending failures waits because with them it would be held, or halt. */
function decidedBy({ type, waitsFor = [] }: Verdict): Decided | undefined {
  if (type !== 'WaveWaiting') return verdictOf[type];
  return waitsFor.some(({ code }) => code === 'evidence') ? 'wait' : 'halt';
}

interface Verdict extends DomainEvent, Receipted {
  readonly waitsFor?: readonly { readonly code: string }[];
  readonly by?: string;
  readonly evidence?: GateEvidence;
  readonly cause?: object;
}

const recheckVerdict: Recheck = (event: Verdict) => {
  const { type, by, evidence, cause, receipt } = event;
  const decided = decidedBy(event);
  if (decided === undefined) return 'none';
  // Of holds, those of gates alone name a cause.
  const isOfGate = by === 'gate' || (type === 'HoldPlaced' && cause !== undefined);
  if (evidence === undefined) return isOfGate ? { differs: 'a gate decided it, and it has no evidence' } : 'none';
  const anew = recompute(evidence, decided);
  if (anew.says !== 'not-recomputable') {
    const { says, differing } = anew;
    return says === 'agrees' ? says : { differs: `by its counts it would not be: ${differing.join(', ')}` };
  }
  if (anew.because === 'not-all-listed') return { notRecomputable: 'notAllListed' };
  // There were counts, and all the rules of this version, before there were receipts.
  const { says, kind } = tooLittle[anew.because];
  return receipt === undefined ? { notRecomputable: kind } : { differs: `${says}: ${evidence.rule}` };
};

const tooLittle = {
  'another-rule': { kind: 'anotherRule', says: 'its rule is not known' },
  'counts-not-kept': { kind: 'countsNotKept', says: 'the counts that it is made of are not there' },
  'unknown-counts': { kind: 'countsNotKept', says: 'it is made of counts that its rule does not have' },
} as const;

async function foldOwnStreams(store: FoldStore, through: Position) {
  const views = new Views();
  for await (const commit of store.readAll({ prefixes: OWN_STREAMS })) {
    if (comparePositions(commit.position, through) > 0) break;
    views.applyOwn(commit);
  }
  return views.describeOwn();
}

async function foldTimeline(store: FoldStore, { rolloutId, ...input }: TimelineInput): Promise<RolloutTimeline> {
  const events: RolloutEvent[] = [];
  for await (const commit of store.readStream(`rollout-${rolloutId}`))
    events.push(...(ownEventsOf(commit) as readonly RolloutEvent[]));
  return rolloutTimeline(events, input);
}
