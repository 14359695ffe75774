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
  Reservations,
  type Seen,
} from '@sluice/event-sourcing';
import { type OwnEvent } from './publications.ts';
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
    /** The version of the rollout that a person has seen: at another one the command is refused with revision-changed. */
    readonly version?: number,
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

  async execute({ command, context, known, version }: ChangeRollout): Promise<readonly OwnEvent[]> {
    const stream = rolloutStream(command.rolloutId);
    if (command.type === 'StartRollout') await this.reserve(command, context);
    const seen = version === undefined ? undefined : { revision: version, counts: makesVersion };
    const change = { stream, command, context, known, seen };
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

@CommandHandler(ChangeHold)
export class ChangeHoldHandler implements ICommandHandler<ChangeHold> {
  constructor(
    private readonly store: EventStore,
    private readonly sources: Sources,
  ) {}

  execute({ command, context, known }: ChangeHold): Promise<readonly OwnEvent[]> {
    const change = { stream: `hold-${command.holdId}`, command, context, known };
    return changeStream(this.store, this.sources, holdDecider, change);
  }
}

@CommandHandler(ChangeRecall)
export class ChangeRecallHandler implements ICommandHandler<ChangeRecall> {
  constructor(
    private readonly store: EventStore,
    private readonly sources: Sources,
  ) {}

  execute({ command, context, known }: ChangeRecall): Promise<readonly OwnEvent[]> {
    const change = { stream: `recall-${command.patchId}`, command, context, known };
    return changeStream(this.store, this.sources, recallDecider, change);
  }
}

interface Change<State, Given, Event> {
  readonly stream: string;
  readonly command: Given;
  readonly context: CommandContext;
  readonly known: KnownState<State> | undefined;
  readonly seen?: Seen<Event> | undefined;
}

function rolloutStream(rolloutId: string): string {
  return `rollout-${rolloutId}`;
}

// An answered command is visible at once, also one that found its work done by another instance: the answer waits for the views.
async function changeStream<State, Given, Event extends DomainEvent>(
  store: EventStore,
  sources: Sources,
  decider: Decider<State, Given, Event>,
  { stream, command, context, known, seen }: Change<State, Given, Event>,
): Promise<readonly Event[]> {
  const { events, position } = await handle(store, decider, stream, command, { ...context, known, seen });
  if (position !== undefined) await sources.reached(position);
  return events;
}
