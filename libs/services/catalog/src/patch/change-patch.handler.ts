import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { isSameBase, type Patch, type PatchCommand, patchDecider, type PatchEvent } from '@sluice/domain-catalog';
import { BEGINNING, type CommandContext, type Decider, EventStore, handle, reject } from '@sluice/event-sourcing';
import { BuildReservations, patchStream } from './build-reservations.ts';
import { type PatchTable } from './patch-table.ts';
import { Patches } from './patches.projection.ts';
import { SupersessionProcess } from './supersession.process.ts';

/** Any command on one patch. Answers with the events that came of it, once they show in every query. */
export class ChangePatch extends Command<readonly PatchEvent[]> {
  constructor(
    readonly command: PatchCommand,
    readonly context: CommandContext,
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
  ) {}

  async execute({ command, context }: ChangePatch): Promise<readonly PatchEvent[]> {
    await this.patches.reached(BEGINNING);
    const decider = amongOthers(this.patches.table);
    // A pull never waits for what publications wait for.
    if (command.type === 'PublishPatch' || command.type === 'AmendPatch') {
      await this.patches.reached(await this.store.head());
      await this.builds.reserve(decider, command, context);
    }
    const { events, appended } = await handle(this.store, decider, patchStream(command.patchId), command, context);
    if (appended !== undefined) {
      await this.patches.reached(appended.position);
      if (command.type === 'PublishPatch') await this.supersession.reached(appended.position);
    }
    return events;
  }
}

/**
 * The decider with the rules that need other patches: whose a build is, and what can replace a pulled patch.
 * Asked only where something would change, so that a command sent again is still answered with nothing.
 */
export function amongOthers(table: PatchTable): Decider<Patch, PatchCommand, PatchEvent> {
  return {
    ...patchDecider,
    decide(command, patch) {
      const events = patchDecider.decide(command, patch);
      for (const event of events) checkOthers(event, patch, table);
      return events;
    },
  };
}

function checkOthers(event: PatchEvent, patch: Patch, table: PatchTable): void {
  if (event.type === 'PatchPublished') return checkBuilds(event, event.platform, table);
  if (patch.status === 'absent') return;
  if (event.type === 'PatchAmended') return checkBuilds(event, patch.content.platform, table);
  if (event.type !== 'PatchPulled' || event.replacement === undefined) return;
  const replacement = table.find(event.replacement);
  if (replacement === undefined) reject('replacement-unsuitable', `there is no patch ${event.replacement}`);
  if (replacement.status === 'pulled') reject('replacement-unsuitable', `${event.replacement} was pulled`);
  if (!isSameBase(replacement.content, patch.content)) {
    const { platform, baseVersion } = replacement.content;
    reject('replacement-unsuitable', `${event.replacement} is for ${platform} ${baseVersion}`);
  }
}

function checkBuilds(
  { patchId, variants }: Extract<PatchEvent, { type: 'PatchPublished' | 'PatchAmended' }>,
  platform: Parameters<PatchTable['ownerOf']>[0],
  table: PatchTable,
): void {
  for (const { build } of variants) {
    const owner = table.ownerOf(platform, build);
    if (owner !== undefined && owner !== patchId) reject('build-taken', `${build} belongs to ${owner}`);
  }
}
