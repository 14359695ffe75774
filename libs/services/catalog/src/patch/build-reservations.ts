import { Injectable } from '@nestjs/common';
import {
  type AmendPatch,
  patchDecider,
  type PatchEvent,
  type PublishPatch,
  type Variant,
} from '@sluice/domain-catalog';
import { type Platform } from '@sluice/domain-cohorts';
import {
  type CommandContext,
  EventStore,
  load,
  type OwnerStatus,
  rejectUnreserved,
  Reservations,
} from '@sluice/event-sourcing';
import { type PatchDecider } from './patch-rules.ts';
import { patchStream } from './patch-table.ts';
import { Patches } from './patches.projection.ts';

/** Whose a build is that patches are for. No patch has such an id, so that all of them can have the base together. */
const BASES = 'the patches that are for it';

/**
 * One patch for a build, and no patch on top of another: `builds-<platform>` holds whose each build is, of patches and of
 * bases. Patches that were published before there were reservations have none; the decider, which asks the read model
 * first, knows their builds.
 */
@Injectable()
export class BuildReservations {
  constructor(
    private readonly store: EventStore,
    private readonly reservations: Reservations,
    private readonly patches: Patches,
  ) {}

  /**
   * Reserves the builds that the command would bring, and their bases. Throws Rejection: `build-taken` where another patch
   * has a build, `prerequisite-is-patch` where one build would be a patch's and a base.
   */
  async reserve(decider: PatchDecider, command: PublishPatch | AmendPatch, context: CommandContext): Promise<void> {
    const { patchId, at } = command;
    const { state, done } = await load(this.store, patchDecider, patchStream(patchId), context);
    if (done !== undefined) return;
    const variants = decider.decide(command, state).flatMap(variantsOf);
    if (variants.length === 0) return;
    const platform = state.status === 'absent' ? command.content.platform : state.content.platform;
    const statusOf = (owner: string, build: string) =>
      owner === BASES ? this.statusOfBase(platform, build) : this.statusOf(owner, build);
    const common = { stream: `builds-${platform}`, at, context, statusOf };
    const bases = unique(variants.map(({ prerequisiteBuild }) => prerequisiteBuild));
    const based = await this.reservations.reserve({ ...common, keys: bases, owner: BASES });
    rejectUnreserved('prerequisite-is-patch', based);
    const builds = variants.map(({ build }) => build);
    const own = await this.reservations.reserve({ ...common, keys: builds, owner: patchId });
    const isBase = own.outcome !== 'reserved' && own.owner === BASES;
    rejectUnreserved(isBase ? 'prerequisite-is-patch' : 'build-taken', own);
  }

  /** A build is a base for good once a patch for it is published. */
  private async statusOfBase(platform: Platform, build: string): Promise<OwnerStatus> {
    await this.patches.reached(await this.store.head());
    return this.patches.table.patchesFor(platform, build).length > 0 ? 'in-force' : 'not-yet';
  }

  /** A build is its owner's for good: a patch never loses a variant, and no other patch can have the build after a pull. */
  private async statusOf(owner: string, build: string): Promise<OwnerStatus> {
    const { state } = await load(this.store, patchDecider, patchStream(owner));
    const hasBuild = state.status !== 'absent' && state.content.variants.some((variant) => variant.build === build);
    return hasBuild ? 'in-force' : 'not-yet';
  }
}

function variantsOf(event: PatchEvent): readonly Variant[] {
  return event.type === 'PatchPublished' || event.type === 'PatchAmended' ? event.variants : [];
}

function unique(builds: readonly string[]): string[] {
  return [...new Set(builds)];
}
