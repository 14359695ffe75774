import { compareLetters, compareVersionTexts, familyOf } from '@sluice/domain-cohorts';
import { unknownEvent } from '@sluice/event-sourcing';
import { type CompiledAudience, compileAudience, type Subject } from '@sluice/domain-cohorts';
import {
  type Artifact,
  artifactOf,
  type CatalogEvent,
  type PublishedPatch,
  type Pull,
  type Variant,
  withVariant,
} from './catalog-events.ts';
import { type Hold, holdDecider, type HoldEvent, type HoldTerms } from './hold.ts';
import { rolloutDecider } from './rollout.ts';
import { type RolloutEvent } from './rollout-messages.ts';
import { type PullRecorded, type RecallPause } from './recall.ts';
import { type Rollout } from './rollout-state.ts';

export type PolicyEvent = CatalogEvent | RolloutEvent | HoldEvent | PullRecorded | RecallPause;

/** How a patch stands: what is known of it from the catalog, and the rollouts and holds that are about it. */
export interface PolicyPatch {
  readonly patchId: string;
  published: PublishedPatch | undefined;
  supersededBy: PolicyPatch | undefined;
  /** The full release that contains it. */
  foldedInto: FullRelease | undefined;
  pull: Pull | undefined;
  recallEpoch: number;
  /** A person paused its recall: holders stay as they are. */
  isRecallPaused: boolean;
  /** The share of its holders that are directed to remove it: below 1 while its recall has a pace. Set from outside. */
  removalShare: number;
  /** Those that have started and were not aborted, the latest first. */
  readonly rollouts: PolicyRollout[];
  /** The rollout that was aborted last. */
  aborted: string | undefined;
  /** True when that was the latest: no earlier one brings the patch back by itself, until another one starts. */
  isEnded: boolean;
  readonly holds: PolicyHold[];
}

export interface PolicyRollout {
  readonly rolloutId: string;
  state: Rollout;
  /** One per wave of the plan. */
  audiences: readonly CompiledAudience[];
  /** Whether it was halted last, and not resumed: evidence belongs to the patch, also when the rollout was aborted since. */
  wasHalted: boolean;
}

export interface PolicyHold {
  readonly holdId: string;
  readonly audience: CompiledAudience;
  readonly expiresAtMs: number;
  /** Of a hold on one patch that is not stored yet. */
  readonly patchId?: string;
  /** Removals stop as well. */
  readonly removals: boolean;
}

/** A patch that applies to devices of one model on one base. */
export interface Candidate extends Subject {
  readonly patch: PolicyPatch;
  readonly letter: string;
  readonly artifact: Artifact | undefined;
}

/** A full release that contains the fix of a patch. */
export interface FullRelease {
  readonly patch: PolicyPatch;
  readonly build: string;
  /** As it is shown: `26.4`. */
  readonly version: string;
}

export interface PlatformIndex {
  /** By base build, then by model; the highest letter first. */
  readonly candidates: Map<string, Map<string, Candidate[]>>;
  /** Builds that patched devices report: the patch they carry, and the base below it. */
  readonly patched: Map<string, { readonly base: string; readonly patch: PolicyPatch }>;
  /** Full releases that contain the fix of a patch, the latest first. */
  readonly fullReleases: FullRelease[];
}

/**
 * The snapshot that `decide` reads: catalog, rollouts and holds folded together, indexed by platform, base build and
 * model, so that a decision costs the same however many devices there are, or rollouts that do not apply.
 */
export interface Policy {
  readonly platforms: Map<string, PlatformIndex>;
  readonly patches: Map<string, PolicyPatch>;
  readonly rollouts: Map<string, PolicyRollout>;
  readonly holds: Map<string, Hold>;
  readonly holdsOnAllPatches: PolicyHold[];
  /** Set by whoever feeds the policy: true when the catalog was not heard of for too long. */
  stale: boolean;
  /** Rollouts that are stopped and holds that are placed, though the store has not taken it yet. */
  readonly stoppedRollouts: Set<string>;
  readonly unstoredHolds: PolicyHold[];
  /** The instant at which ramps of streams from before grants stand still: that of the store's last record (ms). */
  rampsUntilMs: number;
}

export function emptyPolicy(): Policy {
  return {
    platforms: new Map(),
    patches: new Map(),
    rollouts: new Map(),
    holds: new Map(),
    holdsOnAllPatches: [],
    stale: false,
    stoppedRollouts: new Set(),
    unstoredHolds: [],
    rampsUntilMs: Infinity,
  };
}

/** Takes the event into the policy, in place. Rollouts may be heard of before their patches, for they come by other ways. */
export function foldPolicy(policy: Policy, event: PolicyEvent): Policy {
  switch (event.type) {
    case 'PatchPublished':
    case 'PatchAmended':
    case 'PatchSuperseded':
    case 'PatchPulled':
    case 'PullRequested':
    case 'PatchFoldedIn':
      foldCatalog(policy, event);
      break;
    case 'PullRecorded':
      applyStop(policy, event);
      break;
    case 'RecallPaused':
    case 'RecallResumed':
      patchOf(policy, event.patchId).isRecallPaused = event.type === 'RecallPaused';
      break;
    case 'HoldPlaced':
    case 'HoldLifted':
    case 'HoldExpired':
      foldHold(policy, event);
      break;
    case 'RolloutPlanned':
    case 'RolloutReplanned':
    case 'RolloutApproved':
    case 'RolloutStarted':
    case 'WaveOpened':
    case 'ExposureGranted':
    case 'WaveBaked':
    case 'WaveWaiting':
    case 'RolloutPaused':
    case 'RolloutResumed':
    case 'RolloutHalted':
    case 'RolloutCompleted':
    case 'RolloutAborted':
      foldRollout(policy, event);
      break;
    default:
      return unknownEvent(policy, event);
  }
  return policy;
}

/** A pull that is known before the catalog has stored it: the patch counts as withdrawn, whatever its mode. */
export function applyStop(
  policy: Policy,
  { patchId, reason, at }: { patchId: string; reason: string; at: string },
): void {
  const patch = patchOf(policy, patchId);
  patch.pull ??= { mode: 'withdraw', reason, at };
}

/** A hold that is in force before it is stored. Returns how to end that. */
export function holdUnstored(policy: Policy, hold: HoldTerms & { readonly holdId: string }) {
  const { unstoredHolds } = policy;
  const unstored = { ...toPolicyHold(hold), ...(hold.patchId !== undefined && { patchId: hold.patchId }) };
  unstoredHolds.push(unstored);
  return () => removeFrom(unstoredHolds, (each) => each === unstored);
}

/** What rollouts and holds have made of the policy, as plain JSON, to compare one with another. */
export function describePolicy(policy: Policy) {
  const patches = [...policy.patches.values()].map(({ patchId, rollouts, aborted, holds }) => ({
    patchId,
    rollouts: rollouts.map(({ rolloutId }) => rolloutId),
    aborted: aborted ?? null,
    holds: holds.map(({ holdId }) => holdId).sort(),
  }));
  const touched = patches.filter(({ rollouts, aborted, holds }) => rollouts.length + holds.length > 0 || aborted);
  return {
    patches: touched.sort((left, right) => (left.patchId < right.patchId ? -1 : 1)),
    rollouts: Object.fromEntries([...policy.rollouts].map(([rolloutId, { state }]) => [rolloutId, state])),
    holds: Object.fromEntries(policy.holds),
    holdsOnAllPatches: policy.holdsOnAllPatches.map(({ holdId }) => holdId).sort(),
  };
}

function foldCatalog(policy: Policy, event: CatalogEvent): void {
  const patch = patchOf(policy, event.patchId);
  switch (event.type) {
    case 'PatchPublished': {
      const { platform, baseVersion, letter } = event;
      patch.published = { platform, baseVersion, letter, variants: [] };
      return addVariants(policy, patch, event.variants);
    }
    case 'PatchAmended':
      return addVariants(policy, patch, event.variants);
    case 'PatchSuperseded':
      patch.supersededBy = patchOf(policy, event.by);
      return;
    case 'PatchPulled': {
      const { mode, reason, at, replacement, removePerHourMax, recallEpoch } = event;
      const pace = removePerHourMax !== undefined && { removePerHourMax };
      patch.pull = { mode, reason, at, ...(replacement !== undefined && { replacement }), ...pace };
      patch.recallEpoch = recallEpoch;
      // With a pace, nothing is removed until it is known how many devices there are.
      patch.removalShare = removePerHourMax === undefined ? 1 : 0;
      return;
    }
    case 'PullRequested':
      // What it does is in the PatchPulled before it: the patch is withdrawn.
      return;
    case 'PatchFoldedIn': {
      const { build, version } = event;
      patch.foldedInto = { patch, build, version };
      if (patch.published === undefined) return;
      const { fullReleases } = indexOf(policy, patch.published.platform);
      fullReleases.push(patch.foldedInto);
      fullReleases.sort((left, right) => compareVersionTexts(right.version, left.version));
    }
  }
}

function addVariants(policy: Policy, patch: PolicyPatch, variants: readonly Variant[]): void {
  const { published } = patch;
  if (published === undefined) return;
  patch.published = { ...published, variants: variants.reduce(withVariant, published.variants) };
  const index = indexOf(policy, published.platform);
  for (const { build, prerequisiteBuild: base, models } of variants) {
    const variant = patch.published.variants.find((each) => each.build === build);
    index.patched.set(build, { base, patch });
    const byModel = index.candidates.get(base) ?? new Map<string, Candidate[]>();
    index.candidates.set(base, byModel);
    for (const model of models) {
      const others = (byModel.get(model) ?? []).filter((each) => each.patch !== patch);
      const artifact = variant && artifactOf(variant, model);
      const candidate = { patch, letter: published.letter, artifact, family: familyOf(model), model, base };
      byModel.set(model, [...others, candidate].sort(highestFirst));
    }
  }
}

function foldRollout(policy: Policy, event: RolloutEvent): void {
  const { rolloutId } = event;
  const rollout = policy.rollouts.get(rolloutId) ?? {
    rolloutId,
    state: rolloutDecider.initialState,
    audiences: [],
    wasHalted: false,
  };
  policy.rollouts.set(rolloutId, rollout);
  const wasLatest = unlist(policy, rollout);
  rollout.state = rolloutDecider.evolve(rollout.state, event);
  if (rollout.state.status === 'absent') return;
  const { plan } = rollout.state;
  if (event.type === 'RolloutHalted') rollout.wasHalted = true;
  if (event.type === 'RolloutResumed') rollout.wasHalted = false;
  if (event.type === 'RolloutPlanned' || event.type === 'RolloutReplanned')
    rollout.audiences = plan.waves.map(({ audience }) => compileAudience(audience));
  const patch = patchOf(policy, plan.patchId);
  if (event.type === 'RolloutStarted') patch.isEnded = false;
  if (rollout.state.status === 'aborted') {
    patch.aborted = rolloutId;
    patch.isEnded ||= wasLatest;
  } else if (rollout.state.status !== 'planned') {
    patch.rollouts.push(rollout);
    patch.rollouts.sort(latestFirst);
  }
}

/** True when it was the latest rollout of its patch that had started. */
function unlist(policy: Policy, rollout: PolicyRollout): boolean {
  if (rollout.state.status === 'absent') return false;
  const { rollouts } = patchOf(policy, rollout.state.plan.patchId);
  const wasLatest = rollouts[0] === rollout;
  removeFrom(rollouts, (each) => each === rollout);
  return wasLatest;
}

function foldHold(policy: Policy, event: HoldEvent): void {
  const { holdId } = event;
  const hold = holdDecider.evolve(policy.holds.get(holdId) ?? holdDecider.initialState, event);
  policy.holds.set(holdId, hold);
  if (hold.status === 'absent') return;
  const { patchId } = hold;
  const list = patchId === undefined ? policy.holdsOnAllPatches : patchOf(policy, patchId).holds;
  removeFrom(list, (each) => each.holdId === holdId);
  if (hold.status === 'active') list.push(toPolicyHold(hold));
}

function toPolicyHold(hold: HoldTerms & { readonly holdId: string }): PolicyHold {
  const { holdId, slice, expiresAt, removals = false } = hold;
  const expiresAtMs = expiresAt === undefined ? Infinity : Date.parse(expiresAt);
  return { holdId, audience: compileAudience(slice), expiresAtMs, removals };
}

function patchOf({ patches }: Policy, patchId: string): PolicyPatch {
  const patch = patches.get(patchId) ?? {
    patchId,
    published: undefined,
    supersededBy: undefined,
    foldedInto: undefined,
    pull: undefined,
    recallEpoch: 0,
    isRecallPaused: false,
    removalShare: 1,
    rollouts: [],
    aborted: undefined,
    isEnded: false,
    holds: [],
  };
  patches.set(patchId, patch);
  return patch;
}

function indexOf({ platforms }: Policy, platform: string): PlatformIndex {
  const index = platforms.get(platform) ?? { candidates: new Map(), patched: new Map(), fullReleases: [] };
  platforms.set(platform, index);
  return index;
}

function highestFirst(left: Candidate, right: Candidate): number {
  return compareLetters(right.letter, left.letter) || (left.patch.patchId < right.patch.patchId ? -1 : 1);
}

function latestFirst(left: PolicyRollout, right: PolicyRollout): number {
  return startedAtMs(right) - startedAtMs(left);
}

function startedAtMs({ state }: PolicyRollout): number {
  return 'startedAt' in state ? Date.parse(state.startedAt) : -Infinity;
}

function removeFrom<Item>(list: Item[], matches: (item: Item) => boolean): void {
  const index = list.findIndex(matches);
  if (index !== -1) list.splice(index, 1);
}
