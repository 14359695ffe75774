import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  type Hold,
  type HoldCommand,
  holdDecider,
  isUnderWay,
  makesVersion,
  type Recall,
  type RecallCommand,
  recallDecider,
  type Rollout,
  type RolloutCommand,
  rolloutDecider,
  type StartRollout,
} from '@sluice/domain-rollout';
import {
  type CommandContext,
  type Decider,
  type DomainEvent,
  EventStore,
  handle,
  type KnownState,
  load,
  type OwnerStatus,
  reject,
  rejectUnreserved,
  Rejection,
  Reservations,
} from '@sluice/event-sourcing';
import { seal, type SeenVersions } from '@sluice/platform';
import { type OwnEvent, ownEventsOf } from './publications.ts';
import { Sources } from './sources.ts';

/**
 * Any command on one rollout. Answers with the events that came of it, once they show in every query. A process manager
 * names the state that it decided on: it is appended after that one, and the stream is read only after a conflict.
 */
export class ChangeRollout extends Command<readonly OwnEvent[]> {
  constructor(
    readonly command: RolloutCommand,
    readonly context: CommandContext,
    readonly known?: KnownState<Rollout>,
    /** What a person has seen: at another version the command is refused with revision-changed. */
    readonly seen?: SeenVersions,
  ) {
    super();
  }
}

/**
 * A command of a person that is made from what the views say now, and may be refused for it. One that was carried out before,
 * under the same commit id, is not made again: it answers with the events that came of it.
 */
export class DecideRollout extends Command<readonly OwnEvent[]> {
  constructor(
    readonly rolloutId: string,
    readonly prepare: () => RolloutCommand | Promise<RolloutCommand>,
    readonly context: CommandContext,
    readonly seen?: SeenVersions,
  ) {
    super();
  }
}

/** Any command on one hold. */
export class ChangeHold extends Command<readonly OwnEvent[]> {
  constructor(
    readonly command: HoldCommand,
    readonly context: CommandContext,
    readonly known?: KnownState<Hold>,
    readonly seen?: SeenVersions,
  ) {
    super();
  }
}

/** Any command on the recall of one patch. */
export class ChangeRecall extends Command<readonly OwnEvent[]> {
  constructor(
    readonly command: RecallCommand,
    readonly context: CommandContext,
    readonly known?: KnownState<Recall>,
    readonly seen?: SeenVersions,
  ) {
    super();
  }
}

@CommandHandler(ChangeRollout)
export class ChangeRolloutHandler implements ICommandHandler<ChangeRollout> {
  constructor(
    private readonly store: EventStore,
    private readonly sources: Sources,
    private readonly reservations: Reservations,
  ) {}

  async execute({ command, context, known, seen }: ChangeRollout): Promise<readonly OwnEvent[]> {
    if (command.type === 'StartRollout') await this.reserve(command, context);
    const change = { stream: rolloutStream(command.rolloutId), command, context, known, seen };
    return changeStream(this.store, this.sources, rolloutDecider, change);
  }

  // One rollout of a patch is under way: reserve first, act second. What cannot start anyway reserves nothing.
  private async reserve(command: StartRollout, context: CommandContext): Promise<void> {
    const { state, done } = await load(this.store, rolloutDecider, rolloutStream(command.rolloutId), context);
    if (done !== undefined || state.status === 'absent') return;
    rolloutDecider.decide(command, state);
    const { patchId } = state.plan;
    const { rolloutId, at } = command;
    // Rollouts that were started before there were reservations have none.
    if (this.sources.views.policy.isAnotherUnderWay(patchId, rolloutId)) reject('rollout-of-patch-running');
    const answer = await this.reservations.reserve({
      stream: `underway-${patchId}`,
      keys: [patchId],
      owner: rolloutId,
      at,
      context,
      statusOf: (owner) => this.statusOf(owner),
    });
    rejectUnreserved('rollout-of-patch-running', answer);
  }

  private async statusOf(rolloutId: string): Promise<OwnerStatus> {
    const { state } = await load(this.store, rolloutDecider, rolloutStream(rolloutId));
    if (isUnderWay(state)) return 'in-force';
    return state.status === 'absent' || state.status === 'planned' ? 'not-yet' : 'over';
  }
}

@CommandHandler(DecideRollout)
export class DecideRolloutHandler implements ICommandHandler<DecideRollout> {
  constructor(
    private readonly store: EventStore,
    private readonly sources: Sources,
    private readonly changes: ChangeRolloutHandler,
  ) {}

  async execute({ rolloutId, prepare, context, seen }: DecideRollout): Promise<readonly OwnEvent[]> {
    const change = async () => this.changes.execute(new ChangeRollout(await prepare(), context, undefined, seen));
    if (context.keyed === undefined) return change();
    const before = context.keyed === 'maybe-again' ? await this.doneBefore(rolloutId, context) : undefined;
    if (before !== undefined) return before;
    try {
      return await change();
    } catch (error) {
      // Another instance may have been asked the same at the same time, and what it did must not refuse this one.
      const done = await this.doneBefore(rolloutId, context);
      if (done === undefined) throw error;
      return done;
    }
  }

  /** What the command has done, undefined when it is not in the stream. */
  private async doneBefore(rolloutId: string, { commitId }: CommandContext): Promise<readonly OwnEvent[] | undefined> {
    const { done, position } = await load(this.store, rolloutDecider, rolloutStream(rolloutId), { commitId });
    if (done === undefined || position === undefined) return undefined;
    await this.sources.reached(position);
    return ownEventsOf(done);
  }
}

@CommandHandler(ChangeHold)
export class ChangeHoldHandler implements ICommandHandler<ChangeHold> {
  constructor(
    private readonly store: EventStore,
    private readonly sources: Sources,
  ) {}

  execute({ command, context, known, seen }: ChangeHold): Promise<readonly OwnEvent[]> {
    const change = { stream: `hold-${command.holdId}`, command, context, known, seen };
    return changeStream(this.store, this.sources, holdDecider, change);
  }
}

@CommandHandler(ChangeRecall)
export class ChangeRecallHandler implements ICommandHandler<ChangeRecall> {
  constructor(
    private readonly store: EventStore,
    private readonly sources: Sources,
  ) {}

  execute({ command, context, known, seen }: ChangeRecall): Promise<readonly OwnEvent[]> {
    const change = { stream: `recall-${command.patchId}`, command, context, known, seen };
    return changeStream(this.store, this.sources, recallDecider, change);
  }
}

interface Change<State, Given> {
  readonly stream: string;
  readonly command: Given;
  readonly context: CommandContext;
  readonly known: KnownState<State> | undefined;
  readonly seen: SeenVersions;
}

function rolloutStream(rolloutId: string): string {
  return `rollout-${rolloutId}`;
}

// An answered command is visible at once, also one that found its work done by another instance: the answer waits for the views.
// So does the refusal of what was decided on another version, which shows what there is now.
async function changeStream<State, Given, Event extends DomainEvent>(
  store: EventStore,
  sources: Sources,
  decider: Decider<State, Given, Event>,
  { stream, command, context, known, seen: revisions }: Change<State, Given>,
): Promise<readonly Event[]> {
  const seen = revisions && { revisions, counts: makesVersion };
  try {
    const { events, position } = await handle(store, decider, stream, command, { ...context, known, seen, seal });
    if (position !== undefined) await sources.reached(position);
    return events;
  } catch (error) {
    if (seen !== undefined && error instanceof Rejection) await sources.reached(await store.head());
    throw error;
  }
}
