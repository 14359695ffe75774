import { type EvidenceOfTest, type EvidenceQuery, type HealthKnown, type RolloutEvidence } from '@sluice/api';
import {
  ALPHA,
  CAUTION,
  couldSee,
  evidenceRule,
  logPartOf,
  type StartedRollout,
  type TestEvidence,
} from '@sluice/domain-rollout';
import { toTimeText } from '@sluice/event-sourcing';
import { paged, type SortKey } from '@sluice/platform';
import { type KnownEnough } from '../knowledge/knowledge.ts';
import { gateHoldsOn } from './rollout-views.ts';

const LOG_LIMIT = -Math.log(ALPHA);

/** What the gates of a rollout find now: a page of its tests, the strongest first. Throws 'unknown-cursor'. */
export function viewEvidence(rollout: StartedRollout, knowledge: KnownEnough, query: EvidenceQuery): RolloutEvidence {
  const { rolloutId, plan, startedAt } = rollout;
  const { policy, gates } = knowledge.sources.views;
  const now = gates.evidenceOf(rollout);
  const logSum = now?.logSum ?? -Infinity;
  const page = paged(now?.tests ?? [], query, { list: 'evidence', keyOf, compare: strongestFirst });
  const outage = gates.outageOf(plan.patchId);
  return {
    ...page,
    ...{ rolloutId, patchId: plan.patchId, rule: evidenceRule.name },
    items: page.items.map((test) => viewTest(test, logSum)),
    says: gates.verdictOn(rollout)?.says ?? 'unknown',
    ...{ logSum: numberOrNull(logSum), logCaution: LOG_LIMIT + Math.log(CAUTION), logLimit: LOG_LIMIT },
    ...{ since: now?.since ?? startedAt, through: now?.through ?? null },
    ...(now?.blamed !== undefined && { blamed: now.blamed }),
    held: gateHoldsOn(plan.patchId, policy.holds()),
    infrastructure: { isOut: outage !== undefined, ...outage },
    health: viewHealth(knowledge),
  };
}

function viewTest(found: TestEvidence, logSum: number): EvidenceOfTest {
  const { test, level, of, trials, failures, toleratedRate, logE, weight } = found;
  return {
    ...{ test, level, ...(of !== undefined && { of }), trials, failures, toleratedRate, weight },
    ...{ logE: numberOrNull(logE), e: numberOrNull(Math.exp(logE)) },
    share: logSum === -Infinity ? 0 : Math.exp(logPartOf(found) - logSum),
    couldSee: couldSee(found),
  };
}

function viewHealth(knowledge: KnownEnough): HealthKnown {
  const doubts = knowledge.doubts().filter(({ for: code }) => code === 'health');
  const throughMs = knowledge.healthThroughMs();
  return {
    isCurrent: doubts.length === 0,
    through: throughMs === undefined ? null : toTimeText(throughMs),
    ...(doubts.length > 0 && { words: doubts.map(({ words }) => words).join('; ') }),
  };
}

// A cursor names a strength: what has become stronger between two pages is missed, and the first page has the strongest.
function keyOf(test: TestEvidence): SortKey {
  return [String(logPartOf(test)), test.test, test.of ?? ''];
}

function strongestFirst(left: SortKey, right: SortKey): number {
  const [ours, theirs] = [Number(left[0]), Number(right[0])];
  if (ours !== theirs) return ours > theirs ? -1 : 1;
  const [one, other] = [left.slice(1).join(' '), right.slice(1).join(' ')];
  return one === other ? 0 : one < other ? -1 : 1;
}

/** JSON has no infinity. */
function numberOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
