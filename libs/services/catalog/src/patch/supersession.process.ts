import { Injectable } from '@nestjs/common';
import { patchDecider, supersessions } from '@sluice/domain-catalog';
import {
  Clock,
  type Commit,
  EventStore,
  type Follower,
  followStore,
  handle,
  type Position,
} from '@sluice/event-sourcing';
import { Followers, seal } from '@sluice/platform';
import { patchEventsOf } from './patch-table.ts';
import { Patches } from './patches.projection.ts';
import { PullsInForce } from './pulls-in-force.ts';
import { PATCH_STREAMS } from '../publications.ts';

/** Who acts, in the commits of this process manager. */
const ACTOR = 'system:supersession';

/**
 * Process manager: after each publication, the highest letter of a base that stands supersedes those below it.
 * What it did is what the patch streams say, so that a replay finds nothing left to do; a commit id per pair
 * keeps a crash between two steps from doing one twice.
 */
@Injectable()
export class SupersessionProcess {
  private readonly follower: Follower<Commit>;

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly patches: Patches,
    private readonly pulls: PullsInForce,
    followers: Followers,
  ) {
    this.follower = followers.add(
      followStore(store, {
        kind: 'process',
        name: 'catalog-supersession',
        streams: PATCH_STREAMS,
        apply: (commit) => this.react(commit),
      }),
    );
  }

  /** Resolves when everything that follows from the commits up to the position was done, and shows in the read model. */
  reached(position: Position): Promise<void> {
    return this.follower.reached(position);
  }

  private async react(commit: Commit): Promise<void> {
    for (const event of patchEventsOf(commit)) {
      if (event.type !== 'PatchPublished') continue;
      // At a start this waits until the read model knows all commits, also later ones: nothing is superseded by what is past.
      await this.patches.reached(commit.position);
      const published = this.patches.table.find(event.patchId);
      if (published === undefined) continue;
      const found = supersessions(this.patches.table.siblingsOf(published).map((patch) => this.pulls.over(patch)));
      for (const { patchId, by } of found) await this.supersede(patchId, by, commit);
    }
  }

  private async supersede(patchId: string, by: string, cause: Commit): Promise<void> {
    const command = { type: 'SupersedePatch', patchId, by, at: this.clock.nowText() } as const;
    const { correlationId, traceparent } = cause.metadata;
    const { position } = await handle(this.store, patchDecider, `patch-${patchId}`, command, {
      actor: ACTOR,
      correlationId,
      causationId: cause.commitId,
      ...(traceparent !== undefined && { traceparent }),
      commitId: `superseded-by-${by}`,
      seal,
    });
    if (position !== undefined) await this.patches.reached(position);
  }
}
