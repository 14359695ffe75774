import { Injectable } from '@nestjs/common';
import { BEGINNING, type Commit, EventStore, type Follower, followStore, type Position } from '@sluice/event-sourcing';
import {
  type Difference,
  firstDifference,
  Folds,
  Followers,
  ProblemError,
  type ReceiptsFound,
  type ReceiptsInput,
  Verifications,
} from '@sluice/platform';
import { type KnownPatch } from '@sluice/domain-catalog';
import { PATCHES_FOLD, type PatchesAt, type PatchesThrough, RECEIPTS_FOLD } from '../catalog-folds.ts';
import { patchEventsOf, patchStream, PatchTable } from './patch-table.ts';
import { PATCH_STREAMS } from '../publications.ts';

/** The catalog's read model: all patches, in memory, built again from the store at every start. */
@Injectable()
export class Patches {
  private readonly live = new PatchTable();
  private readonly revisions = new Map<string, number>();
  private applied: Position = BEGINNING;
  private readonly follower: Follower<Commit>;

  constructor(
    store: EventStore,
    private readonly folds: Folds,
    followers: Followers,
    verifications: Verifications,
  ) {
    this.follower = followers.add(
      followStore(store, {
        kind: 'projection',
        name: 'catalog-patches',
        streams: PATCH_STREAMS,
        apply: (commit) => this.project(commit),
      }),
    );
    verifications.add({ name: 'catalog-patches', verify: () => this.verify() });
    verifications.addReceipts({
      name: 'catalog',
      check: async (named, progress) => {
        const input: ReceiptsInput = { prefixes: PATCH_STREAMS, through: await store.head(), named };
        return (await this.folds.run(RECEIPTS_FOLD, input, progress)) as ReceiptsFound;
      },
    });
  }

  /** Whether all of the history is in. */
  get isRead(): boolean {
    const { caughtUp, failedBecause } = this.follower;
    return caughtUp && failedBecause === undefined;
  }

  /** Throws 'not-ready' rather than to answer from half of the history, after a start or a failure. */
  get table(): PatchTable {
    if (!this.isRead) throw new ProblemError('not-ready', 'the patches are not all read yet');
    return this.live;
  }

  /** What was read so far, also when reading has failed since: for stops, which cannot wait for it. */
  get lastKnown(): PatchTable {
    if (!this.follower.caughtUp) throw new ProblemError('not-ready', 'the patches are not all read yet');
    return this.live;
  }

  /** Resolves once all patches have been read for the first time. */
  async known(): Promise<void> {
    if (!this.follower.caughtUp) await this.follower.reached(BEGINNING);
  }

  /** Resolves when everything up to the position shows here. */
  reached(position: Position): Promise<void> {
    return this.follower.reached(position);
  }

  /** The revision of the last commit of a patch that shows here, undefined when there is no such patch. */
  revisionOf(patchId: string): number | undefined {
    return this.revisions.get(patchStream(patchId));
  }

  /** All patches as of an instant of recorded time (RFC 3339, UTC), or the one that is named. */
  async at(instant: string, patchId?: string): Promise<readonly KnownPatch[]> {
    const { patches } = await this.fold({ at: instant, ...(patchId !== undefined && { patchId }) });
    return Object.values(patches);
  }

  private async fold(end: PatchesThrough): Promise<PatchesAt> {
    return (await this.folds.run(PATCHES_FOLD, end)) as PatchesAt;
  }

  // The position moves in the same step as the table, so that both are of one instant whenever they are read.
  private project(commit: Commit): void {
    for (const event of patchEventsOf(commit)) this.live.apply(event);
    this.revisions.set(commit.stream, commit.revision);
    this.applied = commit.position;
  }

  private async verify(): Promise<Difference | undefined> {
    const live: PatchesAt = { through: this.applied, patches: this.live.snapshot() };
    return firstDifference(live, await this.fold({ through: live.through }));
  }
}
