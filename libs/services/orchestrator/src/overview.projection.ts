import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { type CatalogEvent, type HealthEvent } from '@sluice/contracts';
import {
  type Assessment,
  assessRollout,
  emptyCensus,
  emptyGateLedger,
  emptyPolicy,
  emptyRecallLedger,
  foldCensus,
  foldGateLedger,
  foldPolicy,
  foldRecallLedger,
  isUnderWay,
  type Policy,
  type Recall,
  type RecallProgress,
  recallProgress,
  type Release,
  type Rollout,
  type StartedRollout,
} from '@sluice/domain-rollout';
import { EventFeed } from '@sluice/event-feed';
import { BEGINNING, type Commit, EventStore, type Follower, followStore, type Position } from '@sluice/event-sourcing';
import { type Difference, firstDifference, Folds, Followers, Settings, Verifications } from '@sluice/platform';
import { OWN_BOOK_FOLD, OwnBook } from './own-book.ts';
import { OWN_STREAMS, type OwnEvent, ownEventsOf } from './publications.ts';

/** A patch that was published a moment ago may take as long to be heard of here. */
const PATCH_WAIT_MS = 1_000;
const PATCH_POLL_MS = 10;

/**
 * All that the orchestrator knows, in memory: its own rollouts, holds and recalls from its store, patches and health from
 * the feeds of their owners. Built again at every start; until all of it is heard, the policy is stale.
 */
@Injectable()
export class Overview {
  private readonly book = new OwnBook();
  private readonly policy = emptyPolicy();
  private readonly gates = emptyGateLedger();
  private readonly removals = emptyRecallLedger();
  private readonly populations = emptyCensus();
  private readonly own: Follower<Commit>;
  private applied: Position = BEGINNING;
  private catalogHeard: () => boolean = () => false;
  private readonly staleMs: number;

  constructor(
    store: EventStore,
    private readonly feed: EventFeed,
    private readonly folds: Folds,
    followers: Followers,
    verifications: Verifications,
    settings: Settings,
  ) {
    this.staleMs = settings.values.policyStaleSeconds * 1000;
    this.own = followers.add(
      followStore(store, 'orchestrator-overview', OWN_STREAMS, (commit) => {
        for (const event of ownEventsOf(commit)) this.applyOwn(event);
        this.applied = commit.position;
      }),
    );
    verifications.add({ name: 'orchestrator-overview', verify: () => this.verify() });
  }

  /** Resolves when everything of the own store up to the position shows here. */
  reached(position: Position): Promise<void> {
    return this.own.reached(position);
  }

  /** The policy of this instant. Stale when the catalog was not heard of for too long, or not yet in full. */
  currentPolicy(): Policy {
    this.policy.stale = !this.own.caughtUp || !this.catalogHeard() || this.feed.silentForMs('catalog') > this.staleMs;
    return this.policy;
  }

  rollout(rolloutId: string): Rollout {
    return this.book.rollouts.get(rolloutId) ?? { status: 'absent' };
  }

  rollouts(): readonly Rollout[] {
    return [...this.book.rollouts.values()];
  }

  rolloutsOf(patchId: string): readonly Rollout[] {
    return this.rollouts().filter((each) => each.status !== 'absent' && each.plan.patchId === patchId);
  }

  isAnotherUnderWay(patchId: string, rolloutId: string): boolean {
    return this.rolloutsOf(patchId).some(
      (each) => each.status !== 'absent' && each.rolloutId !== rolloutId && isUnderWay(each),
    );
  }

  holds() {
    return [...this.book.holds.values()];
  }

  hold(holdId: string) {
    return this.book.holds.get(holdId);
  }

  recalls(): readonly Recall[] {
    return [...this.book.recalls.values()];
  }

  recall(patchId: string): Recall | undefined {
    return this.book.recalls.get(patchId);
  }

  progressOf(patchId: string): RecallProgress | undefined {
    return recallProgress(this.removals, patchId);
  }

  assess(rollout: StartedRollout): Assessment {
    return assessRollout(this.gates, rollout);
  }

  census() {
    return this.populations;
  }

  isPulled(patchId: string): boolean {
    return this.policy.standings.get(patchId)?.pull !== undefined;
  }

  /** What was published of the patch; waits a moment for one that is not heard of yet. */
  async releaseOf(patchId: string): Promise<Release | undefined> {
    for (let waited = 0; ; waited += PATCH_POLL_MS) {
      const release = this.policy.standings.get(patchId)?.release;
      if (release !== undefined || waited >= PATCH_WAIT_MS) return release;
      await sleep(PATCH_POLL_MS);
    }
  }

  applyCatalog(event: CatalogEvent): void {
    foldPolicy(this.policy, event);
  }

  applyHealth(event: HealthEvent): void {
    foldGateLedger(this.gates, event);
    foldRecallLedger(this.removals, event);
    foldCensus(this.populations, event);
  }

  /** Told by whoever feeds the catalog's events in: true while all of them arrive here. */
  watchCatalog(heard: () => boolean): void {
    this.catalogHeard = heard;
  }

  private applyOwn(event: OwnEvent): void {
    this.book.apply(event);
    if (event.type === 'RecallStarted' || event.type === 'RecallCompleted' || event.type === 'RecallReopened') {
      foldRecallLedger(this.removals, event);
      return;
    }
    foldPolicy(this.policy, event);
    if (event.type !== 'HoldPlaced' && event.type !== 'HoldLifted' && event.type !== 'HoldExpired') {
      foldGateLedger(this.gates, event);
    }
  }

  private async verify(): Promise<Difference | undefined> {
    const [through, live] = [this.applied, this.book.snapshot()];
    return firstDifference(live, await this.folds.run(OWN_BOOK_FOLD, through));
  }
}
