import { includes } from '@sluice/domain-cohorts';
import { toTimeText } from '@sluice/event-sourcing';
import {
  FAILED_ATTEMPTS_MAX,
  FAILED_REMOVALS_A_DAY_MAX,
  isOver,
  type Question,
  removalBucket,
  removalHolds,
} from './decide.ts';
import { type Directive, type ReasonCode, type Verdict } from './directive.ts';
import { type Change } from './explain-changes.ts';
import { holdBackFrom, wavePercent } from './exposure.ts';
import { type Candidate, type PolicyHold, type PolicyPatch, type PolicyRollout } from './policy.ts';
import { type StartedRollout } from './rollout-state.ts';

/**
 * The rules in the order of design §3.3. What decides against a rule's neighbours is in `decide.ts`; here is only which rule
 * a reason belongs to.
 */
export const RULES = [
  'recalled',
  'policy-stale',
  'no-patch',
  'already-installed',
  'folded-in',
  'superseded',
  'pulled',
  'on-hold',
  'no-rollout',
  'rollout-paused',
  'outside-audience',
  'hold-back',
  'beyond-exposure',
  'removed-by-user',
  'failed-too-often',
  'manual-track',
  'in-wave',
] as const;
export type RuleCode = (typeof RULES)[number];

/** The rule that decided, by the reason that it gave. A recalled patch that is held decides whatever the reason is. */
export const ruleOf: Readonly<Record<ReasonCode | 'superseded', RuleCode>> = {
  recalled: 'recalled',
  'recall-paused': 'recalled',
  'recall-ramp': 'recalled',
  'remove-failed-too-often': 'recalled',
  'policy-stale': 'policy-stale',
  'no-patch': 'no-patch',
  'already-installed': 'already-installed',
  'folded-in': 'folded-in',
  superseded: 'superseded',
  pulled: 'pulled',
  'on-hold': 'on-hold',
  'no-rollout': 'no-rollout',
  'rollout-aborted': 'no-rollout',
  'rollout-paused': 'rollout-paused',
  'outside-audience': 'outside-audience',
  'hold-back': 'hold-back',
  'beyond-exposure': 'beyond-exposure',
  'removed-by-user': 'removed-by-user',
  'failed-too-often': 'failed-too-often',
  'manual-track': 'manual-track',
  'in-ring': 'in-wave',
  'in-wave': 'in-wave',
  completed: 'in-wave',
};

/** What a rule looked at; null: there is none. Shares and buckets are in [0, 1], times RFC 3339. */
export type Values = Readonly<Record<string, string | number | boolean | null | readonly string[]>>;

/** One rule for one device. */
export interface Ruling {
  readonly rule: RuleCode;
  /** `unknown`: something that it looks at is not known. */
  readonly outcome: 'passed' | 'decided' | 'unknown' | 'not-reached';
  readonly values: Values;
  readonly words: string;
}

/** All that the rules looked at for one device, and what came out. */
export interface Seen {
  readonly question: Question;
  readonly directive: Directive;
  readonly reason: ReasonCode | 'superseded';
  readonly decidedBy: RuleCode;
  readonly recalled: PolicyPatch | undefined;
  readonly staleBecause: readonly string[];
  /** The patch that the rules are about, and as far as it applies to the device what its rollouts say. */
  readonly patch: PolicyPatch | undefined;
  readonly candidate: Candidate | undefined;
  readonly verdict: Verdict | undefined;
  readonly rollout: PolicyRollout | undefined;
  readonly instead: string | undefined;
  /** Whether somebody asked about this patch, and not about the device's answer. */
  readonly isAsked: boolean;
}

interface View {
  readonly values: Values;
  readonly passed: string;
  readonly decided: string;
}

/** What a rule looked at, and what it says when it passes and when it decides. */
export function view(rule: RuleCode, seen: Seen): View {
  return views[rule](seen);
}

/** The answer and what would change it, as a sentence each. */
export function sentenceOf(seen: Seen, changes: readonly Change[]): string {
  const { directive, question, decidedBy } = seen;
  const { patchId = '', patchIds = [] } = directive;
  const words = {
    install: `is directed to install ${patchId}`,
    offer: `is offered ${patchId}`,
    remove: `is directed to remove ${patchIds.join(', ')}`,
    none: 'is told to do nothing',
  };
  const because = seen.isAsked ? `; of ${seen.patch?.patchId ?? 'the patch'}` : '';
  const answer = `${question.device.deviceId} ${words[directive.directive]}${because}: ${view(decidedBy, seen).decided}.`;
  if (changes.length === 0) return `${answer} Nothing changes that.`;
  return `${answer} This would change it: ${changes.map(({ words }) => words).join('; and ')}.`;
}

const views: Readonly<Record<RuleCode, (seen: Seen) => View>> = {
  recalled: recalledView,
  'policy-stale': ({ question, staleBecause }) => ({
    values: { stale: question.policy.stale, because: staleBecause },
    passed: 'enough is known to offer',
    decided: `too little is known to offer anything: ${staleBecause.join('; ') || 'the policy is stale'}`,
  }),
  'no-patch': applyingView,
  'already-installed': ({ question: { held } }) => ({
    values: { held: idsOf(held) },
    passed: held.length === 0 ? 'it has no patch' : `it has ${listed(held)}, and this one is later`,
    decided: `it has ${listed(held)}`,
  }),
  'folded-in': ({ question: { base, device, index }, patch }) => {
    const { foldedInto } = patch ?? {};
    const version = foldedInto?.version ?? null;
    return {
      values: { base, osVersion: device.osVersion ?? null, foldedInto: version },
      passed: index === undefined ? 'nothing is known of its platform' : 'its base is not known to contain the fix',
      decided: `its base contains the fix, which came with ${version ?? 'a full release'}`,
    };
  },
  superseded: ({ instead, patch }) => ({
    values: { by: instead ?? null },
    passed: 'no later letter is open to it',
    decided: `${instead ?? 'a later letter'} is open to it, which is later than ${nameOf(patch)}`,
  }),
  pulled: ({ patch }) => {
    const { mode, reason, at } = patch?.pull ?? {};
    return {
      values: { mode: mode ?? null, at: at ?? null, recallEpoch: patch?.recallEpoch ?? 0 },
      passed: `${nameOf(patch)} was not pulled`,
      decided: `${nameOf(patch)} was pulled (${mode ?? ''}): ${reason ?? ''}`,
    };
  },
  'on-hold': (seen) => {
    const holds = holdsOver(seen);
    const untilMs = Math.max(-Infinity, ...holds.map(({ expiresAtMs }) => expiresAtMs));
    const until = Number.isFinite(untilMs) ? toTimeText(untilMs) : null;
    const ids = holds.map(({ holdId }) => holdId);
    return {
      values: { holds: ids, until },
      passed: 'no hold covers it',
      decided: `${ids.length === 1 ? 'the hold' : 'the holds'} ${ids.join(', ')} ${ids.length === 1 ? 'keeps' : 'keep'} ${nameOf(seen.patch)} from it${until === null ? '' : ` until ${until}`}`,
    };
  },
  'no-rollout': rolloutView,
  'rollout-paused': ({ rollout, question }) => {
    const status = rollout?.state.status ?? null;
    const reason = rollout !== undefined && 'reason' in rollout.state ? rollout.state.reason : null;
    const unstored = rollout !== undefined && question.policy.stoppedRollouts.has(rollout.rolloutId);
    return {
      values: { rollout: rollout?.rolloutId ?? null, status, because: reason, unstored },
      passed: 'the rollout is not stopped',
      decided: `the rollout ${rollout?.rolloutId ?? ''} is ${unstored ? 'stopped' : (status ?? '')}${reason === null ? '' : `: ${reason}`}`,
    };
  },
  'outside-audience': audienceView,
  'hold-back': (seen) => {
    const { bucket, heldFrom } = placeOf(seen);
    return {
      values: { bucket, heldFrom },
      passed: 'it is not held back',
      decided: `its bucket ${figure(bucket)} is in the hold-back, which begins at ${figure(heldFrom)}`,
    };
  },
  'beyond-exposure': (seen) => {
    const { bucket, share, wave } = placeOf(seen);
    return {
      values: { bucket, share, wave },
      passed: `its bucket ${figure(bucket)} is inside the share ${figure(share)} of wave ${String(wave)}`,
      decided: `its turn has not come: its bucket is ${figure(bucket)}, and the share of wave ${String(wave)} is ${figure(share)}`,
    };
  },
  'removed-by-user': ({ question: { device }, patch }) => ({
    values: { removed: device.removed ?? [] },
    passed: 'its user did not remove it',
    decided: `its user removed ${nameOf(patch)}`,
  }),
  'failed-too-often': ({ question: { device }, patch }) => {
    const attempts = device.failed?.find(({ patchId }) => patchId === patch?.patchId)?.attempts ?? 0;
    return {
      values: { attempts, attemptsMax: FAILED_ATTEMPTS_MAX },
      passed: `${String(attempts)} installs failed`,
      decided: `${String(attempts)} installs of ${nameOf(patch)} failed, and after ${String(FAILED_ATTEMPTS_MAX)} there is no other`,
    };
  },
  'manual-track': ({ question: { device } }) => ({
    values: { track: device.track },
    passed: 'it installs by itself',
    decided: 'its user decides, for it is on the manual track',
  }),
  'in-wave': ({ verdict, rollout }) => ({
    values: { rollout: rollout?.rolloutId ?? null, wave: verdict?.wave ?? null },
    passed: '',
    decided: `wave ${String(verdict?.wave ?? '')} of ${rollout?.rolloutId ?? ''} has reached it`,
  }),
};

function recalledView({ recalled, question, reason }: Seen): View {
  const { held, device } = question;
  const failed = device.removeFailed?.filter(({ patchId }) => held.some((each) => each.patchId === patchId)) ?? [];
  const attempts = Math.max(0, ...failed.map((each) => each.attempts));
  const none = held.length === 0 ? 'it has no patch' : `it has ${listed(held)}, which was not recalled`;
  if (recalled === undefined) return { values: { held: idsOf(held), recalled: null }, passed: none, decided: none };
  const [holds, bucket] = [removalHolds(question).map(({ holdId }) => holdId), removalBucket(recalled, question)];
  const { patchId, recallEpoch, isRecallPaused: paused, removalShare: share } = recalled;
  const why: Partial<Record<Seen['reason'], string>> = {
    'recall-paused': 'and its recall is paused',
    'on-hold': `and the hold ${holds.join(', ')} stops removals`,
    'recall-ramp': `and the turn of its bucket ${figure(bucket)} has not come at ${figure(share)}`,
    'remove-failed-too-often': `and ${String(attempts)} removals failed within a day, of at most ${String(FAILED_REMOVALS_A_DAY_MAX)}`,
  };
  const values = { held: idsOf(held), recalled: patchId, recallEpoch, paused, holds, bucket, share, attempts };
  const decided = [`it has ${patchId}, which was recalled (${recalled.pull?.reason ?? ''})`, why[reason] ?? ''];
  return { values, passed: none, decided: decided.filter((each) => each !== '').join(', ') };
}

function applyingView({ question: { base, device, candidates }, patch, isAsked }: Seen): View {
  const { platform, model } = device;
  const variants = patch?.published?.variants ?? [];
  const isFor = variants.map((each) => `${each.models.join(', ')} on ${each.prerequisiteBuild}`).join('; ');
  const patches = idsOf(candidates.map((each) => each.patch));
  const about = isAsked ? `${patch?.patchId ?? 'it'} is for ${isFor || 'nothing yet'}` : 'no patch of the catalog is';
  return {
    values: { platform, model, base, patches },
    passed: patches.length === 0 ? `no patch is for ${model} on ${base}` : `${patches.join(', ')} applies to its base`,
    decided: isAsked ? `${about}, and not for ${model} on ${base}` : `${about} for ${model} on ${base}`,
  };
}

function rolloutView({ patch, rollout, reason }: Seen): View {
  const aborted = patch?.aborted ?? null;
  return {
    values: { rollout: rollout?.rolloutId ?? null, status: rollout?.state.status ?? null, aborted },
    passed: `the rollout ${rollout?.rolloutId ?? ''} brings it`,
    decided:
      reason === 'rollout-aborted'
        ? `the rollout ${aborted ?? ''} was aborted`
        : `no rollout of ${nameOf(patch)} has started`,
  };
}

function audienceView({ rollout, candidate, question, verdict }: Seen): View {
  const waves = startedOf(rollout)?.plan.waves ?? [];
  const opened = startedOf(rollout)?.wave ?? 0;
  const ring = question.device.ring ?? null;
  const isFor = waves.flatMap((wave, index) => {
    const audience = rollout?.audiences[index];
    const isIncluded = audience !== undefined && candidate !== undefined && includes(audience, candidate);
    return isIncluded && (wave.ring ?? ring) === ring ? [String(index + 1)] : [];
  });
  const of = rollout?.rolloutId ?? '';
  const named = `${isFor.length > 1 ? 'waves' : 'wave'} ${isFor.join(', ')} of ${of} would be`;
  const shown = isFor.length === 0 ? `no wave of ${of} is` : named;
  return {
    values: { rollout: rollout?.rolloutId ?? null, opened, waves: waves.length, isFor, ring },
    passed: `wave ${String(verdict?.wave ?? '')} is for it`,
    decided: `${shown} for it, and ${String(opened)} of ${String(waves.length)} are open`,
  };
}

/** The holds in force that cover the candidate. */
export function holdsOver({ candidate, question }: Pick<Seen, 'candidate' | 'question'>): PolicyHold[] {
  if (candidate === undefined) return [];
  const { unstoredHolds, holdsOnAllPatches } = question.policy;
  const holds = [...unstoredHolds, ...candidate.patch.holds, ...holdsOnAllPatches];
  return holds.filter((each) => isOver(each, candidate, question.nowMs));
}

interface Place {
  readonly bucket: number;
  /** Of the wave that it is about, in [0, 1], and from where on buckets are held back. */
  readonly share: number;
  readonly heldFrom: number;
  readonly wave: number;
}

/** Where the device is in the rollout that the answer is about. */
export function placeOf({ rollout, verdict, question }: Pick<Seen, 'rollout' | 'verdict' | 'question'>): Place {
  const { device, policy, nowMs, bucketOf } = question;
  const state = startedOf(rollout);
  const wave = verdict?.wave ?? 0;
  if (state === undefined) return { bucket: 0, share: 0, heldFrom: 1, wave };
  const instantMs = state.exposure.by === 'ramp' ? Math.min(nowMs, policy.rampsUntilMs) : nowMs;
  const share = wavePercent(state, wave, instantMs) / 100;
  const bucket = bucketOf(state.plan.salt, device.deviceId);
  return { bucket, share, heldFrom: holdBackFrom(state, instantMs), wave };
}

/** The state of a rollout that has started and was not aborted. */
export function startedOf(rollout: PolicyRollout | undefined): StartedRollout | undefined {
  return rollout !== undefined && 'exposure' in rollout.state ? rollout.state : undefined;
}

function nameOf(patch: PolicyPatch | undefined): string {
  return patch?.patchId ?? 'the patch';
}

function idsOf(patches: readonly PolicyPatch[]): string[] {
  return patches.map(({ patchId }) => patchId);
}

function listed(patches: readonly PolicyPatch[]): string {
  return idsOf(patches).join(', ');
}

/** A share or a bucket with four decimals. */
function figure(share: number): string {
  return String(Math.floor(share * 10_000) / 10_000);
}
