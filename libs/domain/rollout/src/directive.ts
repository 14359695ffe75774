import { HOUR_MS } from '@sluice/domain-cohorts';
import { toTimeText } from '@sluice/event-sourcing';
import { type Artifact } from './catalog-events.ts';
import { type Candidate, type PolicyPatch } from './policy.ts';

/** Why a directive is what it is. The first rule that applies gives the reason (design §3.3). */
export type ReasonCode =
  | 'recalled'
  | 'recall-paused'
  | 'recall-ramp'
  | 'remove-failed-too-often'
  | 'policy-stale'
  | 'no-patch'
  | 'no-rollout'
  | 'already-installed'
  | 'folded-in'
  | 'pulled'
  | 'on-hold'
  | 'rollout-paused'
  | 'rollout-aborted'
  | 'outside-audience'
  | 'hold-back'
  | 'beyond-exposure'
  | 'removed-by-user'
  | 'failed-too-often'
  | 'manual-track'
  | 'in-ring'
  | 'in-wave'
  | 'completed';

export interface Directive {
  readonly directive: 'install' | 'offer' | 'remove' | 'none';
  readonly reason: ReasonCode;
  readonly patchId?: string;
  readonly patchIds?: string[];
  readonly rolloutId?: string;
  readonly wave?: number;
  readonly artifact?: Artifact;
  /** With `remove`, on the manual track: the replacement, which its user may choose. */
  readonly offer?: Offer;
  /** With `none`: the full release that contains the patch, which the device is not on. */
  readonly updateTo?: string;
  readonly lease: { readonly expiresAt: string; readonly recallEpoch: number };
  readonly nextCheckInSeconds: number;
}

/** A patch that a device may be brought. */
export interface Offer {
  readonly patchId: string;
  readonly rolloutId?: string;
  readonly wave?: number;
  readonly artifact?: Artifact;
}

/** How one rollout, or one patch, answers for a device. */
export interface Verdict {
  readonly reason: ReasonCode;
  readonly rolloutId?: string;
  readonly wave?: number;
  /** Running time until the ramp reaches the device. */
  readonly turnInMs?: number;
}

/** How long a directive may be acted on; short, because a pull reaches what was offered before only at its end. */
export const LEASE_MS = 60 * 60_000;
const CHECK_IN_SECONDS = 3600;
const CHECK_IN_SECONDS_MIN = 60;
/** By up to this much devices come earlier than after an hour, each by another part of it. */
const CHECK_IN_SPREAD_SECONDS = 720;

/** Who asks, and when (ms since 1970). */
export interface Asking {
  readonly device: { readonly deviceId: string };
  readonly nowMs: number;
}

/** Brings the patch of the candidate to a device that its rollout has reached. */
export function install(candidate: Candidate, verdict: Verdict, reason: ReasonCode, asking: Asking): Directive {
  return {
    directive: 'install',
    ...offerOf(candidate, verdict),
    reason,
    lease: leaseOf(candidate.patch, asking.nowMs),
    nextCheckInSeconds: secondsToNext(asking),
  };
}

export function offerOf({ patch, artifact }: Candidate, { rolloutId, wave }: Verdict): Offer {
  return {
    patchId: patch.patchId,
    ...(rolloutId !== undefined && { rolloutId }),
    ...(wave !== undefined && { wave }),
    ...(artifact !== undefined && { artifact }),
  };
}

/** Nothing to do, and why. */
export function none(
  { reason, rolloutId, wave, turnInMs }: Verdict,
  patch: PolicyPatch | undefined,
  asking: Asking,
): Directive {
  return {
    directive: 'none',
    reason,
    ...(patch !== undefined && { patchId: patch.patchId }),
    ...(rolloutId !== undefined && { rolloutId }),
    ...(wave !== undefined && { wave }),
    lease: leaseOf(patch, asking.nowMs),
    nextCheckInSeconds: secondsToNext(asking, turnInMs),
  };
}

/**
 * When a device is to ask again: after an hour at most, earlier when its turn comes. Devices that asked at the same instant,
 * because an outage was over, come back apart, and each hour in another order: by a hash of the id (FNV-1a) and the hour.
 */
export function secondsToNext({ device, nowMs }: Asking, turnInMs = Infinity): number {
  const { deviceId } = device;
  let hash = 0x811c9dc5 ^ Math.floor(nowMs / HOUR_MS);
  for (let index = 0; index < deviceId.length; index += 1) {
    hash = Math.imul(hash ^ deviceId.charCodeAt(index), 0x01000193);
  }
  // The last characters of ids differ most, and FNV leaves them in the low bits.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash ^= hash >>> 13;
  const latest = CHECK_IN_SECONDS - ((hash >>> 0) % CHECK_IN_SPREAD_SECONDS);
  return Math.max(CHECK_IN_SECONDS_MIN, Math.min(latest, Math.ceil(turnInMs / 1000)));
}

export function leaseOf(patch: PolicyPatch | undefined, nowMs: number): Directive['lease'] {
  return { expiresAt: leaseEnd(nowMs), recallEpoch: patch?.recallEpoch ?? 0 };
}

// Many devices ask within a millisecond, and the text of its lease is a good part of what an answer costs.
let lastLease = { nowMs: NaN, expiresAt: '' };

function leaseEnd(nowMs: number): string {
  if (nowMs !== lastLease.nowMs) lastLease = { nowMs, expiresAt: toTimeText(nowMs + LEASE_MS) };
  return lastLease.expiresAt;
}
