import { Injectable } from '@nestjs/common';
import { BEGINNING, type Commit, EventStore, type Follower, followStore, type Position } from '@sluice/event-sourcing';
import { type Difference, firstDifference, Folds, Followers, Verifications } from '@sluice/platform';
import { PATCHES_FOLD, type PatchesAt } from './catalog-folds.ts';
import { patchEventsOf, PatchTable } from './patch-table.ts';
import { PATCH_STREAMS } from './publications.ts';

/** The catalog's read model: all patches, in memory, built again from the store at every start. */
@Injectable()
export class Patches {
  readonly table = new PatchTable();
  private applied: Position = BEGINNING;
  private readonly follower: Follower<Commit>;

  constructor(
    store: EventStore,
    private readonly folds: Folds,
    followers: Followers,
    verifications: Verifications,
  ) {
    this.follower = followers.add(
      followStore(store, 'catalog-patches', PATCH_STREAMS, (commit) => {
        this.project(commit);
      }),
    );
    verifications.add({ name: 'catalog-patches', verify: () => this.verify() });
  }

  /** Resolves when everything up to the position shows here. */
  reached(position: Position): Promise<void> {
    return this.follower.reached(position);
  }

  // The position moves in the same step as the table, so that both are of one instant whenever they are read.
  private project(commit: Commit): void {
    for (const event of patchEventsOf(commit)) this.table.apply(event);
    this.applied = commit.position;
  }

  private async verify(): Promise<Difference | undefined> {
    const live: PatchesAt = { through: this.applied, patches: this.table.snapshot() };
    return firstDifference(live, await this.folds.run(PATCHES_FOLD, live.through));
  }
}
