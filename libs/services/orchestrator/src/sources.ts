import { Injectable } from '@nestjs/common';
import { type HealthEvent } from '@sluice/contracts';
import { type Policy } from '@sluice/domain-rollout';
import { EventFeed, type FeedEvent, type FeedFollower, followFeed } from '@sluice/event-feed';
import { BEGINNING, type Commit, EventStore, type Follower, followStore, type Position } from '@sluice/event-sourcing';
import { Followers, Settings } from '@sluice/platform';
import { OWN_STREAMS } from './publications.ts';
import { Views } from './views.ts';

/** Who wants to know of an event of another service, once it shows in the views. Must not wait for anything. */
export type FeedListener = (event: FeedEvent) => void;

/**
 * Where the views come from: the own store, and the feeds of catalog and telemetry, each read once. Read again at every
 * start; until all of it is read, and while a source is silent, the policy is stale.
 */
@Injectable()
export class Sources {
  private readonly own: Follower<Commit>;
  private readonly catalog: FeedFollower;
  private readonly health: FeedFollower;
  private readonly silenceMsMax: number;
  private readonly listeners: FeedListener[] = [];
  /** The own store's position through which the views are folded. */
  applied: Position = BEGINNING;

  constructor(
    readonly views: Views,
    private readonly feed: EventFeed,
    store: EventStore,
    followers: Followers,
    settings: Settings,
  ) {
    this.silenceMsMax = settings.values.policyStaleSeconds * 1000;
    this.own = followers.add(
      followStore(store, {
        kind: 'projection',
        name: 'orchestrator-own',
        streams: OWN_STREAMS,
        apply: (commit) => {
          views.applyOwn(commit);
          this.applied = commit.position;
        },
      }),
    );
    this.catalog = this.follow(followers, 'catalog', (event) => views.policy.applyCatalog(event));
    this.health = this.follow(followers, 'health', (event) => {
      views.gates.applyHealth(event);
      views.recalls.applyHealth(event.data as HealthEvent);
    });
  }

  onEvent(listener: FeedListener): void {
    this.listeners.push(listener);
  }

  /** Resolves when everything of the own store up to the position shows in the views. */
  reached(position: Position): Promise<void> {
    return this.own.reached(position);
  }

  /** The policy of this instant. Stale when the catalog was silent for too long, or is not read in full yet. */
  currentPolicy(): Policy {
    const { policy } = this.views.policy;
    policy.stale = !isSound(this.own) || !this.isCurrent(this.catalog, 'catalog');
    return policy;
  }

  /** True when all of the health was read once: counts before that would be too low, and look well. */
  get healthIsKnown(): boolean {
    return isSound(this.health);
  }

  /** True while telemetry speaks: a wave does not go on in silence. */
  get healthIsCurrent(): boolean {
    return this.isCurrent(this.health, 'telemetry');
  }

  private follow(followers: Followers, topic: 'catalog' | 'health', apply: (event: FeedEvent) => void): FeedFollower {
    const source = topic === 'catalog' ? 'catalog' : 'telemetry';
    return followers.add(
      followFeed(this.feed, {
        name: `orchestrator-${topic}`,
        source,
        topics: [topic],
        // Nothing but the fold: a pull must not wait for the commands that follow from the one before it.
        apply: (event) => {
          apply(event);
          for (const listener of this.listeners) listener(event);
        },
      }),
    );
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
