import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { type CatalogEvent, type HealthEvent } from '@sluice/contracts';
import {
  type Assessment,
  assessRollout,
  type Census,
  emptyCensus,
  emptyGateLedger,
  emptyRecallLedger,
  foldCensus,
  foldGateLedger,
  foldPolicy,
  foldRecallLedger,
  type Hold,
  isUnderWay,
  type Policy,
  type Recall,
  type RecallProgress,
  recallProgress,
  type PublishedPatch,
  type Rollout,
  type StartedRollout,
} from '@sluice/domain-rollout';
import { EventFeed, type FeedEvent, type FeedFollower, followFeed } from '@sluice/event-feed';
import { BEGINNING, type Commit, EventStore, type Follower, followStore, type Position } from '@sluice/event-sourcing';
import { Followers, Settings } from '@sluice/platform';
import { OwnBook } from './own-book.ts';
import { OWN_STREAMS, type OwnEvent, ownEventsOf } from './publications.ts';

/** A patch that was published a moment ago may take as long to be heard of here. */
const PATCH_WAIT_MS = 1_000;
const PATCH_POLL_MS = 10;

export type KnownRollout = Exclude<Rollout, { status: 'absent' }>;
export type KnownHold = Exclude<Hold, { status: 'absent' }>;
export type KnownRecall = Exclude<Recall, { status: 'absent' }>;

/** Someone who acts on what was heard from other services, after it shows here. */
export type FeedListener = (event: FeedEvent) => Promise<void>;

/**
 * All that the orchestrator knows, in memory: its own rollouts, holds and recalls from its store, patches and health from
 * the feeds of their owners. Built again at every start; until all of it is heard, the policy is stale.
 */
@Injectable()
export class Overview {
  private readonly book = new OwnBook();
  private readonly gates = emptyGateLedger();
  private readonly removals = emptyRecallLedger();
  private readonly populations = emptyCensus();
  private readonly own: Follower<Commit>;
  private readonly catalog: FeedFollower;
  private readonly health: FeedFollower;
  private readonly silenceMsMax: number;
  private applied: Position = BEGINNING;
  private listener: FeedListener | undefined;

  constructor(
    private readonly store: EventStore,
    private readonly feed: EventFeed,
    followers: Followers,
    settings: Settings,
  ) {
    this.silenceMsMax = settings.values.policyStaleSeconds * 1000;
    this.own = followers.add(
      followStore(store, 'orchestrator-own', OWN_STREAMS, (commit) => {
        for (const event of ownEventsOf(commit)) this.applyOwn(event);
        this.applied = commit.position;
      }),
    );
    this.catalog = followers.add(
      followFeed(feed, {
        name: 'orchestrator-catalog',
        source: 'catalog',
        topics: ['catalog'],
        // Nothing but the fold: a pull must not wait for the commands that follow from the one before it.
        apply: (event) => void foldPolicy(this.book.policy, event.data as CatalogEvent),
      }),
    );
    followers.add(
      followFeed(feed, {
        name: 'orchestrator-pulls',
        source: 'catalog',
        topics: ['catalog'],
        apply: async (event) => {
          await this.catalog.reached(event.position);
          await this.listener?.(event);
        },
      }),
    );
    this.health = followers.add(
      followFeed(feed, {
        name: 'orchestrator-health',
        source: 'telemetry',
        topics: ['health'],
        apply: (event) => {
          this.applyHealth(event.data as HealthEvent);
          return this.listener?.(event);
        },
      }),
    );
  }

  /** Hands every event of other services to the listener, once it shows here; the next one waits for it. */
  listen(listener: FeedListener): void {
    this.listener = listener;
  }

  /** Resolves when everything of the own store up to the position shows here. */
  reached(position: Position): Promise<void> {
    return this.own.reached(position);
  }

  /** Resolves when all that is in the own store by now shows here. */
  async upToDate(): Promise<void> {
    await this.own.reached(await this.store.head());
  }

  /** The policy of this instant. Stale when the catalog was not heard of for too long, or not yet in full. */
  currentPolicy(): Policy {
    const { policy } = this.book;
    policy.stale = !isSound(this.own) || !this.isCurrent(this.catalog, 'catalog');
    return policy;
  }

  /** True when all of the health was heard of once: counts before that would be too low, and sound well. */
  get healthIsKnown(): boolean {
    return isSound(this.health);
  }

  /** True while telemetry is heard: a wave does not go on in silence. */
  get healthIsCurrent(): boolean {
    return this.isCurrent(this.health, 'telemetry');
  }

  rollout(rolloutId: string): Rollout {
    return this.book.policy.rollouts.get(rolloutId)?.state ?? { status: 'absent' };
  }

  rollouts(): KnownRollout[] {
    return [...this.book.policy.rollouts.values()]
      .map(({ state }) => state)
      .filter((state) => state.status !== 'absent');
  }

  isAnotherUnderWay(patchId: string, rolloutId: string): boolean {
    return this.rollouts().some(
      (each) => each.plan.patchId === patchId && each.rolloutId !== rolloutId && isUnderWay(each),
    );
  }

  hold(holdId: string): Hold {
    return this.book.policy.holds.get(holdId) ?? { status: 'absent' };
  }

  holds(): KnownHold[] {
    return [...this.book.policy.holds.values()].filter((hold) => hold.status !== 'absent');
  }

  recall(patchId: string): Recall {
    return this.book.recalls.get(patchId) ?? { status: 'absent' };
  }

  recalls(): KnownRecall[] {
    return [...this.book.recalls.values()].filter((recall) => recall.status !== 'absent');
  }

  progressOf(patchId: string): RecallProgress | undefined {
    return recallProgress(this.removals, patchId);
  }

  assess(rollout: StartedRollout): Assessment {
    return assessRollout(this.gates, rollout);
  }

  census(): Census {
    return this.populations;
  }

  isPulled(patchId: string): boolean {
    return this.book.policy.patches.get(patchId)?.pull !== undefined;
  }

  /** What was published of the patch, as far as it is heard of. */
  publishedPatch(patchId: string): PublishedPatch | undefined {
    return this.book.policy.patches.get(patchId)?.published;
  }

  /** The same, but waits a moment for a patch that is not heard of yet. */
  async awaitPublished(patchId: string): Promise<PublishedPatch | undefined> {
    for (let waited = 0; waited < PATCH_WAIT_MS; waited += PATCH_POLL_MS) {
      const published = this.publishedPatch(patchId);
      if (published !== undefined) return published;
      await sleep(PATCH_POLL_MS);
    }
    return this.publishedPatch(patchId);
  }

  /** What the own streams have made of this, and the position through which they did. */
  snapshot() {
    return { through: this.applied, book: this.book.snapshot() };
  }

  private applyOwn(event: OwnEvent): void {
    this.book.apply(event);
    switch (event.type) {
      case 'RecallStarted':
      case 'RecallCompleted':
      case 'RecallReopened':
        foldRecallLedger(this.removals, event);
        break;
      case 'HoldPlaced':
      case 'HoldLifted':
      case 'HoldExpired':
        break;
      default:
        foldGateLedger(this.gates, event);
    }
  }

  private applyHealth(event: HealthEvent): void {
    foldGateLedger(this.gates, event);
    foldRecallLedger(this.removals, event);
    foldCensus(this.populations, event);
  }

  // An event that is parked may be the very one that pulls a patch, or tells of harm.
  private isCurrent(follower: FeedFollower, source: string): boolean {
    const isParked = follower.inbox.letters.length > 0;
    return isSound(follower) && !isParked && this.feed.silentForMs(source) <= this.silenceMsMax;
  }
}

/** A follower that stopped has left a hole in what it fed. */
function isSound({ caughtUp, failedBecause }: Pick<Follower<unknown>, 'caughtUp' | 'failedBecause'>): boolean {
  return caughtUp && failedBecause === undefined;
}
