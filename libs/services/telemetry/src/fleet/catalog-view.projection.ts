import { Injectable } from '@nestjs/common';
import { type CatalogEvent, topics } from '@sluice/contracts';
import { EventFeed, type FeedEvent, followFeed } from '@sluice/event-feed';
import { type Follower } from '@sluice/event-sourcing';

/** What telemetry knows of the catalog: which base a patch's build stands on, and which patches were pulled. */
@Injectable()
export class CatalogView {
  readonly follower: Follower<FeedEvent>;
  private readonly bases = new Map<string, string>();
  private readonly epochs = new Map<string, number>();
  private readonly published = new Set<string>();

  constructor(feed: EventFeed) {
    this.follower = followFeed(feed, {
      name: 'telemetry-catalog',
      source: topics.catalog.service,
      topics: ['catalog'],
      apply: (event) => {
        this.apply(event.data as CatalogEvent);
      },
    });
  }

  /** The base of a device that reports a build. */
  readonly baseOf = (build: string): string => this.bases.get(build) ?? build;

  /** True for patches that were published, as far as it was heard. */
  knows(patchId: string): boolean {
    return this.published.has(patchId);
  }

  /** Base by build of a patch; other builds are their own base. */
  get baseByBuild(): ReadonlyMap<string, string> {
    return this.bases;
  }

  /** The recall epoch of each pulled patch. */
  get recallEpochs(): ReadonlyMap<string, number> {
    return this.epochs;
  }

  private apply(event: CatalogEvent): void {
    switch (event.type) {
      case 'PatchPublished':
      case 'PatchAmended':
        this.published.add(event.patchId);
        for (const { build, prerequisiteBuild } of event.variants) this.bases.set(build, prerequisiteBuild);
        return;
      case 'PatchPulled':
        this.epochs.set(event.patchId, event.recallEpoch);
        return;
      case 'PatchSuperseded':
      case 'PatchFoldedIn':
    }
  }
}
