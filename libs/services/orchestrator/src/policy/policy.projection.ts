import { type CatalogEvent } from '@sluice/contracts/events';
import { familyOf, type Slice } from '@sluice/domain-cohorts';
import { compileAudience, includes } from '@sluice/domain-cohorts';
import {
  applyStop,
  coversAll,
  emptyPolicy,
  foldPolicy,
  type Hold,
  type HoldEvent,
  isUnderWay,
  type Plan,
  type PullRecorded,
  type RecallPause,
  type Policy,
  type PublishedPatch,
  removalShare,
  type Rollout,
  type RolloutEvent,
} from '@sluice/domain-rollout';
import { type FeedEvent, type UnstoredStop } from '@sluice/event-feed';
import { type RecallsView } from '../recall/recalls.projection.ts';

export type KnownRollout = Exclude<Rollout, { status: 'absent' }>;
export type KnownHold = Exclude<Hold, { status: 'absent' }>;
type ActiveHold = Extract<Hold, { status: 'active' }>;
export type Pull = Extract<CatalogEvent, { type: 'PatchPulled' }>;

/** Rollouts, holds and patches: all that devices are answered by, and what the process managers look at with each pass. */
export class PolicyView {
  /** The pull of each pulled patch, the last one if there were two. */
  readonly pulls = new Map<string, FeedEvent<Pull>>();
  private readonly allPulls = new Map<string, Pull[]>();
  private readonly open = new Set<string>();
  private readonly expiring = new Set<string>();

  constructor(readonly policy: Policy = emptyPolicy()) {}

  applyOwn(event: RolloutEvent | HoldEvent | PullRecorded | RecallPause): void {
    foldPolicy(this.policy, event);
    if ('recallEpoch' in event) return;
    if ('rolloutId' in event) keep(this.open, event.rolloutId, isOpen(this.rollout(event.rolloutId)));
    else keep(this.expiring, event.holdId, mayExpire(this.hold(event.holdId)));
  }

  /** Pulls that the catalog has in force without having stored them: their patches count as withdrawn at once. */
  applyStops(stops: readonly UnstoredStop[]): void {
    for (const stop of stops) applyStop(this.policy, stop);
  }

  applyCatalog(event: FeedEvent): void {
    const data = event.data as CatalogEvent;
    foldPolicy(this.policy, data);
    if (data.type !== 'PatchPulled') return;
    const pull = event as FeedEvent<Pull>;
    this.pulls.set(data.patchId, pull);
    const others = this.pullsOf(data.patchId).filter(({ recallEpoch }) => recallEpoch !== data.recallEpoch);
    this.allPulls.set(data.patchId, [...others, pull.data]);
  }

  /** All pulls of a patch, in order. */
  pullsOf(patchId: string): readonly Pull[] {
    return this.allPulls.get(patchId) ?? [];
  }

  rollout(rolloutId: string): Rollout {
    return this.policy.rollouts.get(rolloutId)?.state ?? { status: 'absent' };
  }

  rollouts(): KnownRollout[] {
    return [...this.policy.rollouts.values()].map(({ state }) => state).filter((state) => state.status !== 'absent');
  }

  /** Those that may still start, widen or offer: what a pass has to visit. */
  openRollouts(): KnownRollout[] {
    return [...this.open].map((rolloutId) => this.rollout(rolloutId)).filter((state) => state.status !== 'absent');
  }

  isAnotherUnderWay(patchId: string, rolloutId: string): boolean {
    return this.openRollouts().some(
      (each) => each.plan.patchId === patchId && each.rolloutId !== rolloutId && isUnderWay(each),
    );
  }

  hold(holdId: string): Hold {
    return this.policy.holds.get(holdId) ?? { status: 'absent' };
  }

  holds(): KnownHold[] {
    return [...this.policy.holds.values()].filter((hold) => hold.status !== 'absent');
  }

  /** Active holds that end by themselves. */
  expiringHolds(): KnownHold[] {
    return [...this.expiring].map((holdId) => this.hold(holdId)).filter((hold) => hold.status !== 'absent');
  }

  /** A hold in force that covers all devices that the plan is for: then nothing of it widens. */
  holdOverAll(plan: Plan, nowMs: number): ActiveHold | undefined {
    const published = this.publishedPatch(plan.patchId);
    if (published === undefined) return undefined;
    return this.holdsOn(plan.patchId, nowMs).find((hold) => coversAll(hold.slice, plan, published));
  }

  /** Whether a hold in force covers all of a slice of the patch. */
  heldSlices(patchId: string, nowMs: number): (slice: Slice) => boolean {
    const audiences = this.holdsOn(patchId, nowMs).map(({ slice }) => compileAudience(slice));
    return ({ model, base }) =>
      audiences.some((audience) => includes(audience, { family: familyOf(model), model, base }));
  }

  /** Holds in force on the patch, or on all patches. */
  private holdsOn(patchId: string, nowMs: number): ActiveHold[] {
    return [...this.policy.holds.values()].filter(
      (hold): hold is ActiveHold =>
        hold.status === 'active' && (hold.patchId ?? patchId) === patchId && !isExpired(hold, nowMs),
    );
  }

  /** True when a hold that is not stored yet is about the patch or all patches, whatever its slice. */
  isHeldUnstored({ patchId }: Plan): boolean {
    return this.policy.unstoredHolds.some((hold) => (hold.patchId ?? patchId) === patchId);
  }

  /** Rollouts of the patch that were halted and not resumed. */
  haltedRolloutsOf(patchId: string): string[] {
    return this.rollouts()
      .filter(
        ({ plan, rolloutId }) => plan.patchId === patchId && this.policy.rollouts.get(rolloutId)?.wasHalted === true,
      )
      .map(({ rolloutId }) => rolloutId);
  }

  /** Lets the recalls that have a pace go on as far as it allows by now. */
  paceRemovals(recalls: RecallsView, nowMs: number): void {
    for (const { patchId, pulledAt } of recalls.recalls()) {
      const patch = this.policy.patches.get(patchId);
      const perHourMax = patch?.pull?.removePerHourMax;
      if (patch === undefined || perHourMax === undefined || patch.removalShare === 1) continue;
      const count = recalls.progressOf(patchId)?.count ?? null;
      patch.removalShare = removalShare({ perHourMax, pulledAtMs: Date.parse(pulledAt) }, count, nowMs);
    }
  }

  /** False when no rollout of the patch ever ran: then no lease of it is out. */
  wasOffered(patchId: string): boolean {
    const patch = this.policy.patches.get(patchId);
    return patch !== undefined && (patch.rollouts.length > 0 || patch.aborted !== undefined);
  }

  isPulled(patchId: string): boolean {
    return this.policy.patches.get(patchId)?.pull !== undefined;
  }

  /** What was published of the patch, as far as the catalog was read. */
  publishedPatch(patchId: string): PublishedPatch | undefined {
    return this.policy.patches.get(patchId)?.published;
  }
}

function isOpen({ status }: Rollout): boolean {
  return status !== 'absent' && status !== 'aborted';
}

function isExpired({ expiresAt }: KnownHold, nowMs: number): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) <= nowMs;
}

function mayExpire(hold: Hold): boolean {
  return hold.status === 'active' && hold.expiresAt !== undefined;
}

function keep(set: Set<string>, id: string, isWanted: boolean): void {
  if (isWanted) set.add(id);
  else set.delete(id);
}
