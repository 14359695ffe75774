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
export const CHECK_IN_SECONDS = 3600;
const CHECK_IN_SECONDS_MIN = 60;

/** Brings the patch of the candidate to a device that its rollout has reached. */
export function install(candidate: Candidate, verdict: Verdict, reason: ReasonCode, nowMs: number): Directive {
  return {
    directive: 'install',
    ...offerOf(candidate, verdict),
    reason,
    lease: leaseOf(candidate.patch, nowMs),
    nextCheckInSeconds: CHECK_IN_SECONDS,
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
  nowMs: number,
): Directive {
  return {
    directive: 'none',
    reason,
    ...(patch !== undefined && { patchId: patch.patchId }),
    ...(rolloutId !== undefined && { rolloutId }),
    ...(wave !== undefined && { wave }),
    lease: leaseOf(patch, nowMs),
    nextCheckInSeconds: turnInMs === undefined ? CHECK_IN_SECONDS : secondsUntil(turnInMs),
  };
}

function secondsUntil(turnInMs: number): number {
  const seconds = Math.min(CHECK_IN_SECONDS, Math.ceil(turnInMs / 1000));
  return Math.max(CHECK_IN_SECONDS_MIN, seconds);
}

export function leaseOf(patch: PolicyPatch | undefined, nowMs: number): Directive['lease'] {
  return { expiresAt: toTimeText(nowMs + LEASE_MS), recallEpoch: patch?.recallEpoch ?? 0 };
}
