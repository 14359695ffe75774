import { Injectable } from '@nestjs/common';
import { type AmendPatch, patchDecider, type PatchEvent, type PublishPatch } from '@sluice/domain-catalog';
import {
  type CommandContext,
  EventStore,
  load,
  type OwnerStatus,
  rejectUnreserved,
  Reservations,
} from '@sluice/event-sourcing';
import { type PatchDecider } from './patch-rules.ts';

/**
 * One patch for a build: `builds-<platform>` holds whose each build is. Patches that were published before there were
 * reservations have none; the decider, which asks the read model first, knows their builds.
 */
@Injectable()
export class BuildReservations {
  constructor(
    private readonly store: EventStore,
    private readonly reservations: Reservations,
  ) {}

  /** Reserves the builds that the command would bring. Throws Rejection, with `build-taken` where another patch has one. */
  async reserve(decider: PatchDecider, command: PublishPatch | AmendPatch, context: CommandContext): Promise<void> {
    const { patchId, at } = command;
    const { state, done } = await load(this.store, patchDecider, patchStream(patchId), context);
    if (done !== undefined) return;
    const keys = decider.decide(command, state).flatMap(buildsOf);
    if (keys.length === 0) return;
    const platform = state.status === 'absent' ? command.content.platform : state.content.platform;
    const statusOf = (owner: string, build: string) => this.statusOf(owner, build);
    const request = { stream: `builds-${platform}`, keys, owner: patchId, at, context, statusOf };
    rejectUnreserved('build-taken', await this.reservations.reserve(request));
  }

  /** A build is its owner's for good: a patch never loses a variant, and no other patch can have the build after a pull. */
  private async statusOf(owner: string, build: string): Promise<OwnerStatus> {
    const { state } = await load(this.store, patchDecider, patchStream(owner));
    const hasBuild = state.status !== 'absent' && state.content.variants.some((variant) => variant.build === build);
    return hasBuild ? 'in-force' : 'not-yet';
  }
}

/** The stream of a patch. */
export function patchStream(patchId: string): string {
  return `patch-${patchId}`;
}

function buildsOf(event: PatchEvent): string[] {
  if (event.type !== 'PatchPublished' && event.type !== 'PatchAmended') return [];
  return event.variants.map(({ build }) => build);
}
