import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  type HoldCommand,
  holdDecider,
  type RecallCommand,
  recallDecider,
  type RolloutCommand,
  rolloutDecider,
  type StartRollout,
} from '@sluice/domain-rollout';
import { type CommandContext, type Decider, type DomainEvent, EventStore, handle } from '@sluice/event-sourcing';
import { Overview } from './overview.projection.ts';
import { type OwnEvent } from './publications.ts';

/** Whether another rollout of the patch is under way is found out here. */
export type AskedOfRollout = Exclude<RolloutCommand, StartRollout> | Omit<StartRollout, 'anotherUnderWay'>;

/** Any command on one rollout. Answers with the events that came of it, once they show in every query. */
export class ChangeRollout extends Command<readonly OwnEvent[]> {
  constructor(
    readonly command: AskedOfRollout,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** Any command on one hold. */
export class ChangeHold extends Command<readonly OwnEvent[]> {
  constructor(
    readonly command: HoldCommand,
    readonly context: CommandContext,
  ) {
    super();
  }
}

/** Any command on the recall of one patch. */
export class ChangeRecall extends Command<readonly OwnEvent[]> {
  constructor(
    readonly command: RecallCommand,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(ChangeRollout)
export class ChangeRolloutHandler implements ICommandHandler<ChangeRollout> {
  private lastStart: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: EventStore,
    private readonly overview: Overview,
  ) {}

  // Two starts at once could both find the patch free, so they take turns; a halt never waits for its turn.
  execute({ command, context }: ChangeRollout): Promise<readonly OwnEvent[]> {
    if (command.type !== 'StartRollout') return this.change(command, context);
    const mine = this.lastStart.then(() => {
      const rollout = this.overview.rollout(command.rolloutId);
      const anotherUnderWay =
        rollout.status !== 'absent' && this.overview.isAnotherUnderWay(rollout.plan.patchId, command.rolloutId);
      return this.change({ ...command, anotherUnderWay }, context);
    });
    this.lastStart = mine.catch(() => undefined);
    return mine;
  }

  private change(command: RolloutCommand, context: CommandContext): Promise<readonly OwnEvent[]> {
    const stream = `rollout-${command.rolloutId}`;
    return changeStream(this.store, this.overview, rolloutDecider, stream, command, context);
  }
}

@CommandHandler(ChangeHold)
export class ChangeHoldHandler implements ICommandHandler<ChangeHold> {
  constructor(
    private readonly store: EventStore,
    private readonly overview: Overview,
  ) {}

  execute({ command, context }: ChangeHold): Promise<readonly OwnEvent[]> {
    return changeStream(this.store, this.overview, holdDecider, `hold-${command.holdId}`, command, context);
  }
}

@CommandHandler(ChangeRecall)
export class ChangeRecallHandler implements ICommandHandler<ChangeRecall> {
  constructor(
    private readonly store: EventStore,
    private readonly overview: Overview,
  ) {}

  execute({ command, context }: ChangeRecall): Promise<readonly OwnEvent[]> {
    return changeStream(this.store, this.overview, recallDecider, `recall-${command.patchId}`, command, context);
  }
}

// An answered command is visible at once: the answer waits for the read model.
async function changeStream<State, Given, Event extends DomainEvent>(
  store: EventStore,
  overview: Overview,
  decider: Decider<State, Given, Event>,
  stream: string,
  command: Given,
  context: CommandContext,
): Promise<readonly Event[]> {
  const { events, appended } = await handle(store, decider, stream, command, context);
  if (appended !== undefined) await overview.reached(appended.position);
  return events;
}
