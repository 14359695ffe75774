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

const FAILED_ATTEMPTS_MAX = 3;
const FAILED_REMOVALS_A_DAY_MAX = 3;

interface Question {
  readonly device: AskingDevice;
  readonly policy: Policy;
  readonly nowMs: number;
  readonly bucketOf: BucketOf;
  /** The patches that the device holds on its present base, and recalled ones on any. */
  readonly held: readonly PolicyPatch[];
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
  const index = policy.platforms.get(device.platform);
  const patched = index?.patched.get(device.osBuild);
  const base = patched?.base ?? device.osBuild;
  const held = patched === undefined ? listedPatches(device, policy) : [patched.patch];
  const question = { device, policy, nowMs, bucketOf, held };
  const candidates = index?.candidates.get(base)?.get(device.model) ?? NO_CANDIDATES;
  const recalled = highestLetter(held.filter(isRecalled));
  if (recalled !== undefined) return directAway({ recalled, candidates, base }, question);
  if (policy.stale) return none({ reason: 'policy-stale' }, undefined, question);
  if (candidates.length === 0 && held.length === 0) {
    const containing = index && fullReleaseIn(index, base, device.osVersion);
    return none({ reason: containing ? 'folded-in' : 'no-patch' }, containing?.patch, question);
  }
  return directTowards(candidates, question);
}

/** The highest letter that can be brought to the device, but never one below what it has. */
function directTowards(candidates: readonly Candidate[], question: Question): Directive {
  const { device, held } = question;
  const newest = highestLetter(held);
  let first: { patch: PolicyPatch; verdict: Verdict } | undefined;
  let firstLive: typeof first;
  for (const candidate of candidates) {
    if (newest && compareLetters(letterOf(newest), candidate.letter) >= 0) break;
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
function directAway({ recalled, candidates, base }: Recalled, question: Question): Directive {
  const { device, policy, nowMs, held } = question;
  const stop = stoppedRemoval(recalled, base, question);
  if (stop !== undefined) return none({ reason: stop }, recalled, question);
  // While nothing is heard from the catalog the replacement may have been pulled as well; a pull itself is never undone.
  const next = policy.stale ? undefined : openReplacement(recalled, candidates, question);
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

/** A recalled patch that the device holds, on a base, and the patches that are for this base. */
interface Recalled {
  readonly recalled: PolicyPatch;
  readonly candidates: readonly Candidate[];
  readonly base: string;
}

/** What keeps the device from being directed to remove the patch now, by what a person ordered. */
function stoppedRemoval(recalled: PolicyPatch, base: string, question: Question): ReasonCode | undefined {
  const { device, policy, nowMs, bucketOf } = question;
  if (recalled.isRecallPaused) return 'recall-paused';
  const { unstoredHolds, holdsOnAllPatches } = policy;
  if (unstoredHolds.length + holdsOnAllPatches.length > 0) {
    const subject = { family: familyOf(device.model), model: device.model, base };
    const stops = ({ removals, expiresAtMs, audience }: PolicyHold) =>
      removals && nowMs < expiresAtMs && includes(audience, subject);
    if (unstoredHolds.some(stops) || holdsOnAllPatches.some(stops)) return 'on-hold';
  }
  const { removalShare, patchId } = recalled;
  return removalShare < 1 && bucketOf(`remove ${patchId}`, device.deviceId) >= removalShare ? 'recall-ramp' : undefined;
}

/** The replacement that the device may be brought now, with what brings it. */
function openReplacement(recalled: PolicyPatch, candidates: readonly Candidate[], question: Question) {
  for (const candidate of replacementsOf(recalled, candidates)) {
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
function fullReleaseIn({ fullReleases }: PlatformIndex, base: string, osVersion: string | undefined) {
  if (fullReleases.length === 0) return undefined;
  const isReached = ({ build, version }: FullRelease) =>
    build === base || (osVersion !== undefined && compareVersionTexts(version, osVersion) <= 0);
  return fullReleases.find(isReached);
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
function judge(candidate: Candidate, { device, policy, nowMs, bucketOf }: Question): Verdict {
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
  for (const { audience, expiresAtMs, patchId = candidate.patch.patchId } of unstoredHolds) {
    if (patchId === candidate.patch.patchId && nowMs < expiresAtMs && includes(audience, candidate)) return true;
  }
  for (const { audience, expiresAtMs } of candidate.patch.holds) {
    if (nowMs < expiresAtMs && includes(audience, candidate)) return true;
  }
  for (const { audience, expiresAtMs } of holdsOnAllPatches) {
    if (nowMs < expiresAtMs && includes(audience, candidate)) return true;
  }
  return false;
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

function highestLetter(patches: readonly PolicyPatch[]): PolicyPatch | undefined {
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

function isOffer({ reason }: Verdict): boolean {
  return reason === 'in-wave' || reason === 'in-ring' || reason === 'completed';
}
