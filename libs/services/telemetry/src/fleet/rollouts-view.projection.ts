import { Injectable } from '@nestjs/common';
import { type RolloutsEvent, topics } from '@sluice/contracts/events';
import { type ShardNoted } from '@sluice/domain-fleet';
import { EventFeed, type FeedEvent, followFeed } from '@sluice/event-feed';
import { type Follower } from '@sluice/event-sourcing';
import { NotesForShards } from './notes-for-shards.ts';

type Planned = Extract<RolloutsEvent, { type: 'RolloutPlanned' }>['plan'];

/**
 * What telemetry hears of rollouts, as the notes that each shard takes of it: for whom harm is counted. While the
 * orchestrator is away, notes come later, and nothing else waits for them.
 */
@Injectable()
export class RolloutsView extends NotesForShards {
  readonly follower: Follower<FeedEvent>;
  private readonly plans = new Map<string, Planned>();
  private readonly started = new Map<string, string>();

  constructor(feed: EventFeed) {
    super();
    this.follower = followFeed(feed, {
      name: 'telemetry-rollouts',
      source: topics.rollouts.service,
      topics: ['rollouts'],
      mayLag: true,
      apply: (event) => {
        this.apply(event as FeedEvent<RolloutsEvent>);
      },
    });
  }

  /** The patches of rollouts that have started and not ended; that of the last start comes last. */
  watchedPatches(): string[] {
    const patches = [...this.started.keys()].flatMap((rolloutId) => this.plans.get(rolloutId)?.patchId ?? []);
    return [...new Set(patches)];
  }

  private apply({ data, stream, place: { revision, index } }: FeedEvent<RolloutsEvent>): void {
    const source = { stream, revision, index };
    switch (data.type) {
      case 'RolloutPlanned':
        this.plans.set(data.rolloutId, data.plan);
        return;
      case 'RolloutReplanned':
        this.plans.set(data.rolloutId, data.plan);
        return this.note(data.rolloutId, source);
      case 'RolloutStarted':
        this.started.set(data.rolloutId, data.at);
        return this.note(data.rolloutId, source);
      case 'RolloutAborted':
        return this.noteEnd(data.rolloutId, source);
      case 'ExposureGranted':
        // Without devices that are held back there is nobody to judge against.
        if (data.because === 'hold-back') this.noteEnd(data.rolloutId, source);
        return;
      default:
    }
  }

  private note(rolloutId: string, source: ShardNoted['source']): void {
    const [plan, startedAt] = [this.plans.get(rolloutId), this.started.get(rolloutId)];
    if (plan === undefined || startedAt === undefined) return;
    const { patchId, salt } = plan;
    const waves = plan.waves.map(({ ring, audience }) => ({ ...(ring && { ring }), ...(audience && { audience }) }));
    this.add({ type: 'ShardNoted', about: 'rollout', rolloutId, patchId, salt, startedAt, waves, source });
  }

  private noteEnd(rolloutId: string, source: ShardNoted['source']): void {
    const patchId = this.plans.get(rolloutId)?.patchId;
    if (patchId === undefined || !this.started.delete(rolloutId)) return;
    this.add({ type: 'ShardNoted', about: 'rollout-end', rolloutId, patchId, source });
  }
}
