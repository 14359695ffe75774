import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { type PatchEvent } from '@sluice/domain-catalog';
import { BEGINNING, type CommandContext, EventStore, handle, Rejection } from '@sluice/event-sourcing';
import { seal, type SeenVersions } from '@sluice/platform';
import { BuildReservations } from './build-reservations.ts';
import { patchStream } from './patch-table.ts';
import { amongOthers, type OrderedCommand, type PatchDecider } from './patch-rules.ts';
import { Patches } from './patches.projection.ts';
import { PullsInForce } from './pulls-in-force.ts';
import { SupersessionProcess } from './supersession.process.ts';

/** Any command on one patch. Answers with the events that came of it, once they show in every query. */
export class ChangePatch extends Command<readonly PatchEvent[]> {
  constructor(
    readonly command: OrderedCommand,
    readonly context: CommandContext,
    /** What a person has seen: at another revision the command is refused with revision-changed. */
    readonly seen?: SeenVersions,
  ) {
    super();
  }
}

@CommandHandler(ChangePatch)
export class ChangePatchHandler implements ICommandHandler<ChangePatch> {
  constructor(
    private readonly store: EventStore,
    private readonly patches: Patches,
    private readonly supersession: SupersessionProcess,
    private readonly builds: BuildReservations,
    private readonly pulls: PullsInForce,
  ) {}

  async execute({ command, context, seen }: ChangePatch): Promise<readonly PatchEvent[]> {
    // A pull waits for nothing that others wait for, and the store may be unable to take it.
    if (command.type === 'PullPatch') return this.pulls.pull(command, context);
    await this.patches.reached(BEGINNING);
    const decider = amongOthers(this.patches.table, (patch) => this.pulls.over(patch));
    if (command.type === 'PublishPatch' || command.type === 'AmendPatch') {
      await this.patches.reached(await this.store.head());
      await this.builds.reserve(decider, command, context);
    }
    try {
      return await this.change(decider, { command, context, seen });
    } catch (error) {
      // Who decided on another revision is shown what there is now.
      if (seen !== undefined && error instanceof Rejection) await this.patches.reached(await this.store.head());
      throw error;
    }
  }

  private async change(
    decider: PatchDecider,
    { command, context, seen: revisions }: Pick<ChangePatch, 'command' | 'context' | 'seen'>,
  ): Promise<readonly PatchEvent[]> {
    const seen = revisions && { revisions, counts: () => true };
    const stream = patchStream(command.patchId);
    const { events, position } = await handle(this.store, decider, stream, command, { ...context, seen, seal });
    if (position !== undefined) {
      await this.patches.reached(position);
      if (command.type === 'PublishPatch') await this.supersession.reached(position);
    }
    return events;
  }
}
