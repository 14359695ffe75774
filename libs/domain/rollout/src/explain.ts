import { type BucketOf } from '@sluice/domain-cohorts';
import {
  type AskingDevice,
  decide,
  FAILED_REMOVALS_A_DAY_MAX,
  highestLetter,
  isAbove,
  isReached,
  judge,
  type Question,
  questionOf,
  recalledOf,
} from './decide.ts';
import { type Directive, type ReasonCode } from './directive.ts';
import { type Change, changesOf } from './explain-changes.ts';
import { RULES, type RuleCode, ruleOf, type Ruling, type Seen, sentenceOf, view } from './explain-rules.ts';
import { type Policy, type PolicyPatch } from './policy.ts';

/** What `decide` is asked. `staleBecause`: why the policy is stale, in words. */
export interface Asked {
  readonly device: AskingDevice;
  readonly policy: Policy;
  readonly nowMs: number;
  readonly bucketOf: BucketOf;
  readonly staleBecause?: readonly string[];
}

/** What nobody knows of a device or an instant. Nothing of it is assumed: where the answer hangs on it, there is none. */
export interface Unknown {
  /** Patches that went from the device without anybody saying why: its user may have removed them. */
  readonly removed?: readonly string[];
  /** Patches whose removal failed often enough, it is not known when. */
  readonly removeFailed?: readonly string[];
  /** How far recalls with a pace had come. */
  readonly removalShare?: boolean;
  /** Whether the policy was stale; the answer is then what the policy says by itself. */
  readonly stale?: boolean;
}

/** Something that is not known, and the rule that could not be judged for it. */
export interface OpenRule {
  readonly field: 'removed' | 'removeFailed' | 'removalShare' | 'stale' | 'device';
  readonly rule: RuleCode;
  /** False where the answer is the same whatever it is. */
  readonly matters: boolean;
  readonly words: string;
}

/** Why a device is told what it is told, or what becomes of one patch on it. */
export interface Explanation {
  /** What the device is told; null where that hangs on something that nobody knows. */
  readonly directive: Directive | null;
  /** The patch that the rules are about; null where none applies. */
  readonly patchId: string | null;
  /** The directive's, or of the patch that was asked about; null as the directive is. */
  readonly reason: ReasonCode | 'superseded' | null;
  readonly decidedBy: RuleCode | null;
  /** All rules in the order in which they are looked at. */
  readonly rules: readonly Ruling[];
  /** What would change the answer, all of it together; empty where nothing does. */
  readonly changes: readonly Change[];
  /** The answer and what would change it, for people. */
  readonly words: string;
  readonly unknown: readonly OpenRule[];
  /** The other patches for the device, each with what stands between it and the device. */
  readonly others: readonly { readonly patchId: string; readonly reason: ReasonCode }[];
}

/**
 * Explains what `decide` tells the device, by the same code and the same values; with `patchId`, what becomes of that patch.
 * Pure. Costs a few decisions: it asks again for each thing that is not known.
 */
export function explain(asked: Asked, patchId?: string, unknown: Unknown = {}): Explanation {
  const sure = lookAt(asked, patchId);
  const open = openRules(asked, patchId, { sure, unknown });
  const [first] = open
    .filter(({ matters }) => matters)
    .sort((one, other) => RULES.indexOf(one.rule) - RULES.indexOf(other.rule));
  const { directive, reason, decidedBy, patch } = sure;
  const known = { patchId: patch?.patchId ?? null, unknown: open, others: othersOf(sure) };
  if (first !== undefined) {
    const rules = rulingsOf(sure, first.rule, open);
    return { directive: null, reason: null, decidedBy: null, rules, changes: [], words: first.words, ...known };
  }
  const changes = changesOf(sure);
  const rules = rulingsOf(sure, decidedBy, open);
  return { directive, reason, decidedBy, rules, changes, words: sentenceOf(sure, changes), ...known };
}

const NOBODY = 'nothing is known of the device';

/** What can be said where nothing is known of the device, and why it is not: nothing, but for the rules that look at no device. */
export function explainNobody(policy: Policy, because: string, patchId?: string): Explanation {
  const patch = patchId === undefined ? undefined : policy.patches.get(patchId);
  const passes: Partial<Record<RuleCode, string>> = {
    ...(!policy.stale && { 'policy-stale': 'enough is known to offer' }),
    ...(patch !== undefined && patch.pull === undefined && { pulled: 'it was not pulled' }),
  };
  const rules = RULES.map((rule): Ruling => {
    const words = passes[rule];
    return { rule, outcome: words === undefined ? 'unknown' : 'passed', values: {}, words: words ?? NOBODY };
  });
  const open = rules.filter(({ outcome }) => outcome === 'unknown');
  return {
    ...{ directive: null, reason: null, decidedBy: null, patchId: patchId ?? null, rules, changes: [], words: because },
    unknown: open.map(({ rule, words }) => ({ field: 'device', rule, matters: true, words })),
    others: [],
  };
}

function lookAt(asked: Asked, patchId: string | undefined): Seen {
  const { device, policy, nowMs, bucketOf, staleBecause = [] } = asked;
  const directive = decide(device, policy, nowMs, bucketOf);
  const question = questionOf(device, policy, nowMs, bucketOf);
  const { reason, patch, instead } =
    patchId === undefined ? answerOf(directive, question) : fateOf(patchId, directive, question);
  const candidate = question.candidates.find((each) => each.patch === patch);
  const verdict = candidate && judge(candidate, question);
  const rollout = verdict?.rolloutId === undefined ? undefined : policy.rollouts.get(verdict.rolloutId);
  const recalled = recalledOf(question);
  const decidedBy = recalled === undefined ? ruleOf[reason] : 'recalled';
  const about = { patch, candidate, verdict, rollout, instead, isAsked: patchId !== undefined };
  return { question, directive, reason, decidedBy, recalled, staleBecause, ...about };
}

interface Subject {
  readonly reason: Seen['reason'];
  readonly patch: PolicyPatch | undefined;
  /** The later letter that the device is brought in its place. */
  readonly instead?: string;
}

function answerOf({ reason, patchId }: Directive, question: Question): Subject {
  const recalled = recalledOf(question);
  return { reason, patch: recalled ?? question.policy.patches.get(patchId ?? '') };
}

/** What becomes of one patch on the device. */
function fateOf(patchId: string, directive: Directive, question: Question): Subject {
  const { policy, held, candidates, base, device } = question;
  const patch = policy.patches.get(patchId);
  if (recalledOf(question) !== undefined || directive.reason === 'policy-stale')
    return { reason: directive.reason, patch };
  const place = candidates.findIndex((each) => each.patch === patch);
  const candidate = candidates[place];
  const newest = highestLetter(held);
  const hasIt = patch !== undefined && held.includes(patch);
  if (hasIt || (candidate !== undefined && newest !== undefined && !isAbove(candidate, newest)))
    return { reason: 'already-installed', patch };
  if (candidate === undefined) {
    const isContained = patch?.foldedInto !== undefined && isReached(patch.foldedInto, base, device);
    return { reason: isContained ? 'folded-in' : 'no-patch', patch };
  }
  if (directive.directive === 'none') return { reason: judge(candidate, question).reason, patch };
  if (directive.patchId === patchId) return { reason: directive.reason, patch };
  const offered = candidates.findIndex((each) => each.patch.patchId === directive.patchId);
  const instead = directive.patchId;
  if (offered < place && instead !== undefined) return { reason: 'superseded', patch, instead };
  return { reason: judge(candidate, question).reason, patch };
}

interface Sure {
  readonly sure: Seen;
  readonly unknown: Unknown;
}

/** What is not known, each with the rule that it leaves open, and whether the answer would be another one by it. */
function openRules(asked: Asked, patchId: string | undefined, { sure, unknown }: Sure): OpenRule[] {
  const { device } = asked;
  const [removed = [], stubborn = []] = [unknown.removed, unknown.removeFailed];
  const differs = (change: Partial<AskingDevice>) =>
    !isSame(lookAt({ ...asked, device: { ...device, ...change } }, patchId), sure);
  const open: OpenRule[] = [];
  if (removed.length > 0) {
    const words = `it is not known whether its user removed ${removed.join(', ')}`;
    const matters = differs({ removed: [...(device.removed ?? []), ...removed] });
    open.push({ field: 'removed', rule: 'removed-by-user', matters, words });
  }
  if (stubborn.length > 0) {
    const failed = stubborn.map((each) => ({ patchId: each, attempts: FAILED_REMOVALS_A_DAY_MAX }));
    const words = `it is not known how often it failed within a day to remove ${stubborn.join(', ')}`;
    const matters = differs({ removeFailed: [...(device.removeFailed ?? []), ...failed] });
    open.push({ field: 'removeFailed', rule: 'recalled', matters, words });
  }
  const { recalled, reason } = sure;
  if (unknown.removalShare === true && recalled?.pull?.removePerHourMax !== undefined) {
    const matters = reason !== 'recall-paused' && reason !== 'on-hold';
    const words = `it is not known how far the recall of ${recalled.patchId} had come`;
    open.push({ field: 'removalShare', rule: 'recalled', matters, words });
  }
  if (unknown.stale === true && recalled === undefined) {
    const words = 'whether the policy was stale is not recorded; this is what it says by itself';
    open.push({ field: 'stale', rule: 'policy-stale', matters: false, words });
  }
  return open;
}

function isSame(one: Seen, other: Seen): boolean {
  const { directive, patchId } = one.directive;
  return one.reason === other.reason && directive === other.directive.directive && patchId === other.directive.patchId;
}

/** Each rule: those before `last` passed, `last` decided or is open, and those after it were not reached. */
function rulingsOf(sure: Seen, last: RuleCode, open: readonly OpenRule[]): Ruling[] {
  const end = RULES.indexOf(last);
  return RULES.map((rule, index) => {
    if (index > end) return { rule, outcome: 'not-reached', values: {}, words: '' };
    const found = open.find((each) => each.rule === rule && (each.matters || each.field === 'stale'));
    const { values, passed, decided } = view(rule, sure);
    if (found !== undefined) return { rule, outcome: 'unknown', values, words: found.words };
    return index === end
      ? { rule, outcome: 'decided', values, words: decided }
      : { rule, outcome: 'passed', values, words: passed };
  });
}

function othersOf({ question, patch }: Seen): Explanation['others'] {
  return question.candidates
    .filter((each) => each.patch !== patch && !question.held.includes(each.patch))
    .map((each) => ({ patchId: each.patch.patchId, reason: judge(each, question).reason }));
}
