import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  type Hold,
  type HoldCommand,
  holdDecider,
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
} from '@sluice/event-sourcing';
import { type OwnEvent } from './publications.ts';
import { Sources } from './sources.ts';

/** Whether another rollout of the patch is under way is found out here. */
export type AskedOfRollout = Exclude<RolloutCommand, StartRollout> | Omit<StartRollout, 'anotherUnderWay'>;

/**
 * Any command on one rollout. Answers with the events that came of it, once they show in every query. A process manager
 * names the state that it decided on: it is appended after that one, and the stream is read only after a conflict.
 */
export class ChangeRollout extends Command<readonly OwnEvent[]> {
  constructor(
    readonly command: AskedOfRollout,
    readonly context: CommandContext,
    readonly known?: KnownState<Rollout>,
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
  private lastStart: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: EventStore,
    private readonly sources: Sources,
  ) {}

  // Two starts at once could both find the patch free, so they take turns; a halt never waits for its turn.
  execute({ command, context, known }: ChangeRollout): Promise<readonly OwnEvent[]> {
    if (command.type !== 'StartRollout') return this.change(command, context, known);
    const mine = this.lastStart.then(() => {
      const { policy } = this.sources.views;
      const rollout = policy.rollout(command.rolloutId);
      const anotherUnderWay =
        rollout.status !== 'absent' && policy.isAnotherUnderWay(rollout.plan.patchId, command.rolloutId);
      return this.change({ ...command, anotherUnderWay }, context, known);
    });
    this.lastStart = mine.catch(() => undefined);
    return mine;
  }

  private change(
    command: RolloutCommand,
    context: CommandContext,
    known?: KnownState<Rollout>,
  ): Promise<readonly OwnEvent[]> {
    const change = { stream: `rollout-${command.rolloutId}`, command, context, known };
    return changeStream(this.store, this.sources, rolloutDecider, change);
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

interface Change<State, Given> {
  readonly stream: string;
  readonly command: Given;
  readonly context: CommandContext;
  readonly known: KnownState<State> | undefined;
}

// An answered command is visible at once: the answer waits for the views.
async function changeStream<State, Given, Event extends DomainEvent>(
  store: EventStore,
  sources: Sources,
  decider: Decider<State, Given, Event>,
  { stream, command, context, known }: Change<State, Given>,
): Promise<readonly Event[]> {
  const { events, appended } = await handle(store, decider, stream, command, { ...context, known });
  if (appended !== undefined) await sources.reached(appended.position);
  return events;
}
