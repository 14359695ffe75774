import { Injectable, type OnModuleInit } from '@nestjs/common';
import { type HealthEvent } from '@sluice/contracts/events';
import {
  EventFeed,
  type FeedEvent,
  type FeedFollower,
  followFeed,
  OwnSigns,
  type SourceSigns,
} from '@sluice/event-feed';
import { BEGINNING, type Commit, EventStore, type Follower, type Position } from '@sluice/event-sourcing';
import { Followers } from '@sluice/platform';
import { OWN_STREAMS } from './publications.ts';
import { Views } from './views.ts';

/** Streams whose events restart the counting of the gates. */
const GATE_STREAMS = ['rollout-', 'hold-', 'recall-'];
const HEALTH_SOURCE = 'telemetry';

/** Who wants to know of an event of another service, once it shows in the views. Must not wait for anything. */
export type FeedListener = (event: FeedEvent) => void;

/** How well one source of the views is known. `silentMs`: wall time since it was last in touch. */
export interface SourceState {
  readonly isRead: boolean;
  readonly failedBecause: unknown;
  readonly parked: number;
  /** It has another event where one was applied: what it says is of another past. */
  readonly contradiction: string | undefined;
  readonly silentMs: number;
  /** What it says of itself; undefined when it has said nothing yet. */
  readonly signs: SourceSigns | undefined;
}

/** Where the views come from: the own store, and the feeds of catalog and telemetry, each read once and anew at every start. */
@Injectable()
export class Sources implements OnModuleInit {
  private readonly ownFollower: Follower<Commit>;
  private readonly catalogFollower: FeedFollower;
  private readonly healthFollower: FeedFollower;
  private readonly listeners: FeedListener[] = [];
  /** The own store's position through which the views are folded. */
  applied: Position = BEGINNING;

  constructor(
    readonly views: Views,
    private readonly feed: EventFeed,
    private readonly ownSigns: OwnSigns,
    followers: Followers,
    private readonly store: EventStore,
  ) {
    this.ownFollower = followers.follow({
      kind: 'projection',
      name: 'orchestrator-own',
      streams: OWN_STREAMS,
      apply: (commit) => {
        views.applyOwn(commit);
        this.applied = commit.position;
      },
    });
    this.catalogFollower = this.followSource(followers, 'catalog', (event) => views.policy.applyCatalog(event));
    followers.healthSource = HEALTH_SOURCE;
    this.healthFollower = this.followSource(followers, 'health', (event) => {
      views.gates.applyHealth(event);
      views.recalls.applyHealth(event.data as HealthEvent);
    });
  }

  /** Ramps from before grants stand still where the last record of an earlier run left them; gates hear first what restarted the counting. */
  async onModuleInit(): Promise<void> {
    const { gates } = this.views;
    gates.isRead = () => this.telemetry().isRead && this.own().isRead;
    for await (const commit of this.store.readAll({ prefixes: GATE_STREAMS })) gates.applyOwn(commit);
    const last = await this.store.lastRecordedAt();
    if (last !== undefined) this.views.policy.policy.rampsUntilMs = Date.parse(last);
  }

  onEvent(listener: FeedListener): void {
    this.listeners.push(listener);
  }

  /** Resolves when everything of the own store up to the position shows in the views. */
  reached(position: Position): Promise<void> {
    return this.ownFollower.reached(position);
  }

  own(): SourceState {
    const { caughtUp, failedBecause } = this.ownFollower;
    return {
      isRead: caughtUp,
      failedBecause,
      parked: 0,
      contradiction: undefined,
      silentMs: 0,
      signs: this.ownSigns.current(),
    };
  }

  catalog(): SourceState {
    return this.stateOf(this.catalogFollower, 'catalog');
  }

  telemetry(): SourceState {
    return this.stateOf(this.healthFollower, 'telemetry');
  }

  private stateOf({ caughtUp, failedBecause, inbox }: FeedFollower, source: string): SourceState {
    const [parked, silentMs] = [inbox.letterCount, this.feed.silentForMs(source)];
    const { contradiction } = inbox.doubts;
    return { isRead: caughtUp, failedBecause, parked, contradiction, silentMs, signs: this.feed.signsOf(source) };
  }

  private followSource(
    followers: Followers,
    topic: 'catalog' | 'health',
    apply: (event: FeedEvent) => void,
  ): FeedFollower {
    const source = topic === 'catalog' ? 'catalog' : HEALTH_SOURCE;
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
}
