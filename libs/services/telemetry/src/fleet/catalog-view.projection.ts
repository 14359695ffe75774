import { Injectable } from '@nestjs/common';
import { type CatalogEvent, topics } from '@sluice/contracts/events';
import { type Platform } from '@sluice/domain-cohorts';
import { type ShardNoted } from '@sluice/domain-fleet';
import { EventFeed, type FeedEvent, followFeed } from '@sluice/event-feed';
import { type Follower } from '@sluice/event-sourcing';
import { NotesForShards } from './notes-for-shards.ts';

/** What telemetry hears of the catalog, as the notes that each shard takes of it, in the order in which it was heard. */
@Injectable()
export class CatalogView extends NotesForShards {
  readonly follower: Follower<FeedEvent>;
  private readonly platforms = new Map<string, Platform>();

  constructor(feed: EventFeed) {
    super();
    this.follower = followFeed(feed, {
      name: 'telemetry-catalog',
      source: topics.catalog.service,
      topics: ['catalog'],
      apply: (event) => {
        this.apply(event as FeedEvent<CatalogEvent>);
      },
    });
  }

  /** True for patches that were published, as far as it was heard. */
  knows(patchId: string): boolean {
    return this.platforms.has(patchId);
  }

  private apply({ data, stream, place: { revision, index } }: FeedEvent<CatalogEvent>): void {
    const source = { stream, revision, index };
    const { patchId } = data;
    switch (data.type) {
      case 'PatchPublished':
        this.platforms.set(patchId, data.platform);
        return this.add(this.buildsOf(data, source));
      case 'PatchAmended':
        return this.add(this.buildsOf(data, source));
      case 'PatchPulled': {
        const { mode, recallEpoch } = data;
        return this.add({ type: 'ShardNoted', about: 'pull', patchId, mode, recallEpoch, source });
      }
      case 'PatchSuperseded':
      case 'PullRequested':
      case 'PatchFoldedIn':
    }
  }

  private buildsOf(
    { patchId, variants }: Extract<CatalogEvent, { type: 'PatchPublished' | 'PatchAmended' }>,
    source: ShardNoted['source'],
  ): ShardNoted | undefined {
    const platform = this.platforms.get(patchId);
    if (platform === undefined || variants.length === 0) return undefined;
    const builds = variants.map(({ build, prerequisiteBuild }) => ({ build, prerequisiteBuild }));
    return { type: 'ShardNoted', about: 'builds', patchId, platform, builds, source };
  }
}
