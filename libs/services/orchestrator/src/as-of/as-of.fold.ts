import { type HoldView, type RecallView, type RolloutView } from '@sluice/api';
import {
  type AskingDevice,
  explain,
  explainNobody,
  type Explanation,
  foldPolicy,
  type PolicyEvent,
  type Unknown,
} from '@sluice/domain-rollout';
import { type Position } from '@sluice/event-sourcing';
import { type FoldStore, type FoldTask } from '@sluice/platform';
import { bucketOf } from '../check-in/bucket-of.ts';
import { PolicyView } from '../policy/policy.projection.ts';
import { viewPastRecall } from '../recall/recall-views.ts';
import { isKnownRecall } from '../recall/recalls.projection.ts';
import { viewPastRollout } from '../rollout/rollout-views.ts';
import { firstRecordOf, type Past, pastAt } from './past-policy.ts';

export const AS_OF = 'orchestrator-as-of';

/** A device as it is known, or why it is not. */
export type KnownDevice =
  | { readonly device: AskingDevice; readonly unknown: Unknown }
  | { readonly device: undefined; readonly because: string };

/** What can be asked of the past, and the answers: null where there was no such thing. */
export interface PastQuestions {
  readonly explain: { readonly of: KnownDevice; readonly patchId: string | undefined };
  readonly rollouts: { readonly rolloutId?: string };
  readonly holds: object;
  readonly recalls: { readonly patchId?: string };
}
export interface PastAnswers {
  readonly explain: Explanation | null;
  readonly rollouts: readonly RolloutView[];
  readonly holds: readonly HoldView[];
  readonly recalls: readonly RecallView[];
}
export type PastSubject = keyof PastQuestions;

/** `at`: RFC 3339 in UTC. `catalog`: what the catalog had recorded by then, a line of JSON for each event. */
export interface AsOfInput<Subject extends PastSubject = PastSubject> {
  readonly at: string;
  readonly lineage: string;
  readonly catalog: string;
  /** The instant at which ramps from before grants stand still (ms). */
  readonly rampsUntilMs: number;
  readonly subject: Subject;
  readonly question: PastQuestions[Subject];
}

export interface AsOfResult<Subject extends PastSubject = PastSubject> {
  /** Of the last commit of the own streams by then; null where there was none. */
  readonly position: Position | null;
  /** When the store's first commit was recorded; null while there is none. */
  readonly firstRecordedAt: string | null;
  readonly answer: PastAnswers[Subject];
}

/** Folds the policy as of an instant, and answers from it; away from the thread that answers requests. */
export const asOfFold: FoldTask = (store, input) => answerAsOf(store, input as AsOfInput);

async function answerAsOf(store: FoldStore, input: AsOfInput): Promise<AsOfResult> {
  const { at, lineage, catalog, rampsUntilMs } = input;
  const firstRecordedAt = (await firstRecordOf(store, lineage)) ?? null;
  const past = await pastAt(store, lineage, at);
  for (const line of catalog === '' ? [] : catalog.split('\n'))
    foldPolicy(past.policy, JSON.parse(line) as PolicyEvent);
  past.policy.rampsUntilMs = rampsUntilMs;
  return { position: past.position ?? null, firstRecordedAt, answer: answerOf(past, input) };
}

function answerOf({ policy, recalls }: Past, { at, ...input }: AsOfInput): PastAnswers[PastSubject] {
  const [view, nowMs] = [new PolicyView(policy), Date.parse(at)];
  switch (input.subject) {
    case 'explain':
      return explainPast(policy, nowMs, input.question as PastQuestions['explain']);
    case 'rollouts': {
      const { rolloutId } = input.question as PastQuestions['rollouts'];
      const wanted = view.rollouts().filter((each) => (rolloutId ?? each.rolloutId) === each.rolloutId);
      return wanted.map((each) => viewPastRollout(each, view, nowMs));
    }
    case 'holds':
      return view.holds();
    case 'recalls': {
      const { patchId } = input.question as PastQuestions['recalls'];
      const wanted = [...recalls.values()].filter(isKnownRecall);
      return wanted
        .filter((each) => (patchId ?? each.patchId) === each.patchId)
        .map((each) => viewPastRecall(each, view));
    }
  }
}

function explainPast(
  policy: Past['policy'],
  nowMs: number,
  { of, patchId }: PastQuestions['explain'],
): Explanation | null {
  if (patchId !== undefined && policy.patches.get(patchId)?.published === undefined) return null;
  if (of.device === undefined) return explainNobody(policy, of.because, patchId);
  const unknown = { ...of.unknown, stale: true, removalShare: true };
  return explain({ device: of.device, policy, nowMs, bucketOf }, patchId, unknown);
}
