import {
  type BucketOf,
  compareLetters,
  compareVersionTexts,
  familyOf,
  holds,
  msUntilInside,
  type Platform,
} from '@sluice/domain-cohorts';
import { includes } from '@sluice/domain-cohorts';
import {
  type Directive,
  install,
  leaseOf,
  none,
  offerOf,
  type ReasonCode,
  secondsToNext,
  type Verdict,
} from './directive.ts';
import { holdBackFrom, ranMsOf, wavePercent } from './exposure.ts';
import {
  type Candidate,
  type FullRelease,
  type PlatformIndex,
  type Policy,
  type PolicyHold,
  type PolicyPatch,
  type PolicyRollout,
} from './policy.ts';
import { type StartedRollout } from './rollout-state.ts';

/** What a device tells when it asks what to do; ids of patches in `installed`, `removed` (by its user) and `failed`. */
export interface AskingDevice {
  readonly deviceId: string;
  readonly platform: Platform;
  readonly model: string;
  readonly osBuild: string;
  readonly osVersion?: string;
  readonly track: 'automatic' | 'manual';
  readonly installed: readonly string[];
  readonly ring?: string;
  readonly removed?: readonly string[];
  readonly failed?: readonly { readonly patchId: string; readonly attempts: number }[];
  /** Removals that failed within the last 24 hours. */
  readonly removeFailed?: readonly { readonly patchId: string; readonly attempts: number }[];
}

export const FAILED_ATTEMPTS_MAX = 3;
export const FAILED_REMOVALS_A_DAY_MAX = 3;

/** All that a decision looks at. */
export interface Question {
  readonly device: AskingDevice;
  readonly policy: Policy;
  readonly nowMs: number;
  readonly bucketOf: BucketOf;
  readonly index: PlatformIndex | undefined;
  /** The prerequisite of the patch whose build the device shows, else that build. */
  readonly base: string;
  /** The patches that the device holds on its present base, and recalled ones on any. */
  readonly held: readonly PolicyPatch[];
  /** The patches for devices of this model on this base, the highest letter first. */
  readonly candidates: readonly Candidate[];
}

const NOTHING_HELD: readonly PolicyPatch[] = [];
const NO_CANDIDATES: readonly Candidate[] = [];

/** Reasons of patches that nobody is brought at present: a lower letter, or one that the device has, says more. */
const DORMANT: ReadonlySet<ReasonCode> = new Set<ReasonCode>(['pulled', 'no-rollout', 'rollout-aborted']);

/**
 * Tells a device what to do, from nothing but what it says of itself, the policy, and its bucket.
 * Pure and O(1) in the number of devices and of rollouts that do not apply. Times are milliseconds since 1970.
 */
export function decide(device: AskingDevice, policy: Policy, nowMs: number, bucketOf: BucketOf): Directive {
  const question = questionOf(device, policy, nowMs, bucketOf);
  const recalled = recalledOf(question);
  if (recalled !== undefined) return directAway(recalled, question);
  if (policy.stale) return none({ reason: 'policy-stale' }, undefined, question);
  if (question.candidates.length === 0 && question.held.length === 0) {
    const containing = fullReleaseIn(question);
    return none({ reason: containing ? 'folded-in' : 'no-patch' }, containing?.patch, question);
  }
  return directTowards(question);
}

/** What is known of the device by the policy before any rule is looked at. */
export function questionOf(device: AskingDevice, policy: Policy, nowMs: number, bucketOf: BucketOf): Question {
  const index = policy.platforms.get(device.platform);
  const patched = index?.patched.get(device.osBuild);
  const base = patched?.base ?? device.osBuild;
  const held = patched === undefined ? listedPatches(device, policy) : [patched.patch];
  const candidates = index?.candidates.get(base)?.get(device.model) ?? NO_CANDIDATES;
  return { device, policy, nowMs, bucketOf, index, base, held, candidates };
}

/** The recalled patch that the device holds; of several the highest letter. */
export function recalledOf({ held }: Question): PolicyPatch | undefined {
  return held.length === 0 ? undefined : highestLetter(held.filter(isRecalled));
}

/** The highest letter that can be brought to the device, but never one below what it has. */
function directTowards(question: Question): Directive {
  const { device, held, candidates } = question;
  const newest = highestLetter(held);
  let first: { patch: PolicyPatch; verdict: Verdict } | undefined;
  let firstLive: typeof first;
  for (const candidate of candidates) {
    if (newest && !isAbove(candidate, newest)) break;
    const verdict = judge(candidate, question);
    if (isOffer(verdict)) {
      if (device.track === 'automatic') return install(candidate, verdict, verdict.reason, question);
      return { ...install(candidate, verdict, 'manual-track', question), directive: 'offer' };
    }
    first ??= { patch: candidate.patch, verdict };
    if (!DORMANT.has(verdict.reason)) firstLive ??= { patch: candidate.patch, verdict };
  }
  if (firstLive === undefined && newest !== undefined) return none({ reason: 'already-installed' }, newest, question);
  const answer = firstLive ?? first;
  const nothing = none(answer?.verdict ?? { reason: 'no-patch' }, answer?.patch, question);
  // On its old base the device is not protected by the full release that contains the fix.
  const containing = answer?.patch.foldedInto ?? candidates.find(({ patch }) => patch.foldedInto)?.patch.foldedInto;
  const updateTo = newest === undefined ? containing?.version : undefined;
  return updateTo === undefined ? nothing : { ...nothing, updateTo };
}

/** On to the replacement where that is open to the device, else back to the base, with all that lies on it. */
function directAway(recalled: PolicyPatch, question: Question): Directive {
  const { device, policy, nowMs, held } = question;
  const stop = stoppedRemoval(recalled, question);
  if (stop !== undefined) return none({ reason: stop }, recalled, question);
  // While nothing is heard from the catalog the replacement may have been pulled as well; a pull itself is never undone.
  const next = policy.stale ? undefined : openReplacement(recalled, question);
  if (next !== undefined && device.track === 'automatic')
    return install(next.candidate, next.verdict, 'recalled', question);
  if (device.removeFailed?.some((each) => isStubborn(each, held))) {
    // What it cannot remove, its user may still replace.
    if (next !== undefined)
      return { ...install(next.candidate, next.verdict, 'recalled', question), directive: 'offer' };
    return none({ reason: 'remove-failed-too-often' }, recalled, question);
  }
  return {
    directive: 'remove',
    reason: 'recalled',
    patchId: recalled.patchId,
    patchIds: held.map(({ patchId }) => patchId),
    ...(next !== undefined && { offer: offerOf(next.candidate, next.verdict) }),
    lease: leaseOf(recalled, nowMs),
    nextCheckInSeconds: secondsToNext(question),
  };
}

/** What keeps the device from being directed to remove the patch now, by what a person ordered. */
function stoppedRemoval(recalled: PolicyPatch, question: Question): ReasonCode | undefined {
  const { unstoredHolds, holdsOnAllPatches } = question.policy;
  if (recalled.isRecallPaused) return 'recall-paused';
  if (unstoredHolds.length + holdsOnAllPatches.length > 0 && removalHolds(question).length > 0) return 'on-hold';
  const { removalShare } = recalled;
  return removalShare < 1 && removalBucket(recalled, question) >= removalShare ? 'recall-ramp' : undefined;
}

/** The holds in force that keep the device from removing anything. */
export function removalHolds({ device, base, policy, nowMs }: Question): PolicyHold[] {
  const subject = { family: familyOf(device.model), model: device.model, base };
  return [...policy.unstoredHolds, ...policy.holdsOnAllPatches].filter(
    ({ removals, expiresAtMs, audience }) => removals && nowMs < expiresAtMs && includes(audience, subject),
  );
}

/** The place of the device in a recall that has a pace. */
export function removalBucket({ patchId }: PolicyPatch, { device, bucketOf }: Question): number {
  return bucketOf(`remove ${patchId}`, device.deviceId);
}

/** The replacement that the device may be brought now, with what brings it. */
function openReplacement(recalled: PolicyPatch, question: Question) {
  for (const candidate of replacementsOf(recalled, question.candidates)) {
    if (question.held.includes(candidate.patch)) continue;
    const verdict = judge(candidate, question);
    if (isOffer(verdict)) return { candidate, verdict };
  }
  return undefined;
}

function isStubborn(
  failed: { readonly patchId: string; readonly attempts: number },
  held: readonly PolicyPatch[],
): boolean {
  return failed.attempts >= FAILED_REMOVALS_A_DAY_MAX && held.some(({ patchId }) => patchId === failed.patchId);
}

/** The full release that contains a fix and is what the device runs, or what it was before. */
function fullReleaseIn({ index, base, device }: Question): FullRelease | undefined {
  return index?.fullReleases.find((each) => isReached(each, base, device));
}

/** Whether a device on the base runs the full release, or a later one. */
export function isReached({ build, version }: FullRelease, base: string, { osVersion }: AskingDevice): boolean {
  return build === base || (osVersion !== undefined && compareVersionTexts(version, osVersion) <= 0);
}

/** The one that the pull named, then the later letters, the highest first. */
export function replacementsOf({ published, pull }: PolicyPatch, candidates: readonly Candidate[]): Candidate[] {
  const named = candidates.filter(({ patch }) => patch.patchId === pull?.replacement);
  const later = candidates.filter(
    ({ letter }) => published !== undefined && compareLetters(letter, published.letter) > 0,
  );
  return [...named, ...later];
}

/** What stands between the device and one patch, in the order of design §3.3. */
export function judge(candidate: Candidate, { device, policy, nowMs, bucketOf }: Question): Verdict {
  const { patch } = candidate;
  const { patchId } = patch;
  if (patch.pull !== undefined) return { reason: 'pulled' };
  if (isOnHold(candidate, policy, nowMs)) return { reason: 'on-hold' };
  const rampsNowMs = Math.min(nowMs, policy.rampsUntilMs);
  const { stoppedRollouts } = policy;
  const verdict = judgeRollouts(candidate, { device, nowMs, rampsNowMs, bucketOf, stoppedRollouts });
  if (!isOffer(verdict)) return verdict;
  if (device.removed?.includes(patchId)) return { ...verdict, reason: 'removed-by-user' };
  if (device.failed?.some((each) => each.patchId === patchId && each.attempts >= FAILED_ATTEMPTS_MAX)) {
    return { ...verdict, reason: 'failed-too-often' };
  }
  return verdict;
}

/** The latest rollout answers, unless an earlier one that is complete has room for the device. Where it was aborted, none does. */
function judgeRollouts(candidate: Candidate, placing: Placing): Verdict {
  const { rollouts, aborted, isEnded } = candidate.patch;
  if (isEnded && aborted !== undefined) return { reason: 'rollout-aborted', rolloutId: aborted };
  let latest: Verdict | undefined;
  for (const rollout of rollouts) {
    const verdict = judgeRollout(rollout, candidate, placing);
    if (isOffer(verdict)) return verdict;
    latest ??= verdict;
    // Whoever stops a rollout wants its patch to stop.
    if (verdict.reason === 'rollout-paused') break;
  }
  if (latest !== undefined) return latest;
  return aborted === undefined ? { reason: 'no-rollout' } : { reason: 'rollout-aborted', rolloutId: aborted };
}

/** `rampsNowMs`: the instant for ramps from before grants, which stand still. */
type Placing = Pick<Question, 'device' | 'nowMs' | 'bucketOf'> & {
  readonly rampsNowMs: number;
  readonly stoppedRollouts: ReadonlySet<string>;
};

function judgeRollout({ rolloutId, state, audiences }: PolicyRollout, candidate: Candidate, placing: Placing): Verdict {
  if (placing.stoppedRollouts.has(rolloutId)) return { reason: 'rollout-paused', rolloutId };
  switch (state.status) {
    case 'absent':
    case 'planned':
      return { reason: 'no-rollout', rolloutId };
    case 'aborted':
      return { reason: 'rollout-aborted', rolloutId };
    case 'paused':
    case 'halted':
      return { reason: 'rollout-paused', rolloutId, wave: state.wave };
    // A later letter was asked first: while that one is not open to the device, this one stands.
    case 'completed':
    case 'running':
      return judgeWaves(state, audiences, candidate, placing);
  }
}

/** The union over the waves opened so far: the first that has the device inside brings it the patch. */
function judgeWaves(
  rollout: StartedRollout,
  audiences: PolicyRollout['audiences'],
  candidate: Candidate,
  placing: Placing,
): Verdict {
  const { device, bucketOf } = placing;
  const { rolloutId, plan, wave: lastWave } = rollout;
  const nowMs = rollout.exposure.by === 'ramp' ? placing.rampsNowMs : placing.nowMs;
  const heldFrom = holdBackFrom(rollout, nowMs);
  let bucket: number | undefined;
  let meantFor: number | undefined;
  for (let wave = 1; wave <= lastWave; wave += 1) {
    const audience = audiences[wave - 1];
    const ring = plan.waves[wave - 1]?.ring;
    if (audience === undefined || !includes(audience, candidate)) continue;
    if (ring !== undefined && ring !== device.ring) continue;
    meantFor = wave;
    bucket ??= bucketOf(plan.salt, device.deviceId);
    // The members of a ring are no part of the control group, so no bucket of theirs is held back.
    if (ring === undefined && bucket >= heldFrom) continue;
    if (bucket >= wavePercent(rollout, wave, nowMs) / 100) continue;
    if (rollout.status === 'completed') return { reason: 'completed', rolloutId, wave };
    return { reason: ring === undefined ? 'in-wave' : 'in-ring', rolloutId, wave };
  }
  if (meantFor === undefined || bucket === undefined) return { reason: 'outside-audience', rolloutId, wave: lastWave };
  const isRing = plan.waves[meantFor - 1]?.ring !== undefined;
  if (!isRing && bucket >= heldFrom) return { reason: 'hold-back', rolloutId, wave: meantFor };
  return { reason: 'beyond-exposure', rolloutId, wave: meantFor, turnInMs: turnInMs(rollout, meantFor, bucket, nowMs) };
}

function turnInMs(rollout: StartedRollout, wave: number, bucket: number, nowMs: number): number {
  const ramp = rollout.plan.waves[wave - 1]?.ramp;
  if (ramp === undefined || wave !== rollout.wave) return Infinity;
  return msUntilInside(ramp, bucket) - ranMsOf(rollout, nowMs);
}

function isOnHold(candidate: Candidate, { holdsOnAllPatches, unstoredHolds }: Policy, nowMs: number): boolean {
  for (const hold of unstoredHolds) if (isOver(hold, candidate, nowMs)) return true;
  for (const hold of candidate.patch.holds) if (isOver(hold, candidate, nowMs)) return true;
  for (const hold of holdsOnAllPatches) if (isOver(hold, candidate, nowMs)) return true;
  return false;
}

/** Whether a hold is in force on what the candidate is about. */
export function isOver({ patchId, audience, expiresAtMs }: PolicyHold, candidate: Candidate, nowMs: number): boolean {
  const isOfPatch = patchId === undefined || patchId === candidate.patch.patchId;
  return isOfPatch && nowMs < expiresAtMs && includes(audience, candidate);
}

/** Whether the candidate is a later letter than a patch. */
export function isAbove({ letter }: Candidate, patch: PolicyPatch): boolean {
  return compareLetters(letter, letterOf(patch)) > 0;
}

/**
 * What a device on a base build says that it has installed, and may not have restarted into yet. Where its build is that of
 * a patch, that one is what it holds, whatever it lists; of a base that it has left it holds nothing (design §3.3).
 */
function listedPatches({ installed, platform, osBuild }: AskingDevice, { patches }: Policy): readonly PolicyPatch[] {
  if (installed.length === 0) return NOTHING_HELD;
  const isBaseOf = ({ published }: PolicyPatch) =>
    published?.platform === platform && published.variants.some((variant) => variant.prerequisiteBuild === osBuild);
  const listed = installed.map((patchId) => patches.get(patchId)).filter((patch) => patch !== undefined);
  return [...new Set(listed)].filter((patch) => holds(isBaseOf(patch) ? 'base' : 'another', true) !== undefined);
}

export function highestLetter(patches: readonly PolicyPatch[]): PolicyPatch | undefined {
  let highest: PolicyPatch | undefined;
  for (const patch of patches) {
    if (highest === undefined || compareLetters(letterOf(patch), letterOf(highest)) > 0) highest = patch;
  }
  return highest;
}

function letterOf({ published }: PolicyPatch): string {
  return published?.letter ?? '';
}

function isRecalled({ pull }: PolicyPatch): boolean {
  return pull?.mode === 'recall';
}

export function isOffer({ reason }: Verdict): boolean {
  return reason === 'in-wave' || reason === 'in-ring' || reason === 'completed';
}
