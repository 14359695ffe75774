import {
  emptyPolicy,
  foldPolicy,
  type Policy,
  type PolicyEvent,
  type Recall,
  recallDecider,
} from '@sluice/domain-rollout';
import { BEGINNING, type Commit, comparePositions, type Position } from '@sluice/event-sourcing';
import { type FoldStore } from '@sluice/platform';
import { OWN_STREAMS, ownEventsOf } from '../publications.ts';

/** What the own streams said at an instant. The policy lacks what the catalog said. */
export interface Past {
  readonly policy: Policy;
  readonly recalls: Map<string, Recall>;
}

interface Mark {
  readonly position: Position;
  readonly recordedAt: string;
  readonly past: Past;
}

export interface PastAt extends Past {
  /** Of the last commit of the own streams that was recorded by then; undefined where there was none. */
  readonly position: Position | undefined;
}

/** Stores whose past is kept: a process has one, and specs have some. */
const STORES_MAX = 2;
/** Even, so that the last one of too many stays. */
const MARKS_MAX = 8;
/** After so many commits a mark is set on the way, so that an instant before the last one need not begin anew. */
const MARK_EVERY_COMMITS = 20_000;

const pasts = new Map<string, Mark[]>();
const firstRecords = new Map<string, string>();

/**
 * The own streams folded up to the last commit that was recorded at or before an instant. What was folded for one instant
 * is kept for the next, in the thread that folds, so that it costs what lies between the two.
 */
export async function pastAt(store: FoldStore, lineage: string, at: string): Promise<PastAt> {
  const marks = marksOf(lineage);
  const mark = marks.findLast(({ recordedAt }) => recordedAt <= at);
  const past = mark === undefined ? { policy: emptyPolicy(), recalls: new Map() } : structuredClone(mark.past);
  let { position, recordedAt } = mark ?? { position: undefined, recordedAt: '' };
  let commits = 0;
  for await (const commit of store.readAll({ after: position ?? BEGINNING, prefixes: OWN_STREAMS })) {
    if (commit.recordedAt > at) break;
    apply(past, commit);
    ({ position, recordedAt } = commit);
    commits += 1;
    if (commits % MARK_EVERY_COMMITS === 0) keep(marks, { position, recordedAt, past: structuredClone(past) });
  }
  if (position !== undefined && position !== mark?.position)
    keep(marks, { position, recordedAt, past: structuredClone(past) });
  return { ...past, position };
}

/** When the store's first commit was recorded; undefined while there is none. */
export async function firstRecordOf(store: FoldStore, lineage: string): Promise<string | undefined> {
  const known = firstRecords.get(lineage);
  if (known !== undefined) return known;
  for await (const { recordedAt } of store.readAll()) {
    firstRecords.set(lineage, recordedAt);
    return recordedAt;
  }
  return undefined;
}

function apply({ policy, recalls }: Past, commit: Commit): void {
  for (const event of ownEventsOf(commit)) {
    foldPolicy(policy, event as PolicyEvent);
    if ('recallEpoch' in event) {
      const recall = recalls.get(event.patchId) ?? recallDecider.initialState;
      recalls.set(event.patchId, recallDecider.evolve(recall, event));
    }
  }
}

function marksOf(lineage: string): Mark[] {
  const marks = pasts.get(lineage) ?? [];
  pasts.delete(lineage);
  pasts.set(lineage, marks);
  const [oldest] = pasts.keys();
  if (pasts.size > STORES_MAX && oldest !== undefined) pasts.delete(oldest);
  return marks;
}

/** In order of position; where there are too many, every other one goes, so that they stay spread over the past. */
function keep(marks: Mark[], mark: Mark): void {
  if (marks.some(({ position }) => position === mark.position)) return;
  marks.push(mark);
  marks.sort((one, other) => comparePositions(one.position, other.position));
  if (marks.length > MARKS_MAX) marks.splice(0, marks.length, ...marks.filter((_, index) => index % 2 === 0));
}
