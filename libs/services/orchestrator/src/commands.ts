import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import {
  type HoldCommand,
  holdDecider,
  type RecallCommand,
  recallDecider,
  type RolloutCommand,
  rolloutDecider,
} from '@sluice/domain-rollout';
import { type CommandContext, type Decider, type DomainEvent, EventStore, handle } from '@sluice/event-sourcing';
import { Overview } from './overview.projection.ts';
import { type OwnEvent } from './publications.ts';

/** Any command on one rollout. Answers with the events that came of it, once they show in every query. */
export class ChangeRollout extends Command<readonly OwnEvent[]> {
  constructor(
    readonly command: RolloutCommand,
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
    const change = () =>
      changeStream(this.store, this.overview, rolloutDecider, `rollout-${command.rolloutId}`, command, context);
    if (command.type !== 'StartRollout') return change();
    const mine = this.lastStart.then(() => {
      const rollout = this.overview.rollout(command.rolloutId);
      const patchId = rollout.status === 'absent' ? '' : rollout.plan.patchId;
      const anotherUnderWay = this.overview.isAnotherUnderWay(patchId, command.rolloutId);
      return changeStream(
        this.store,
        this.overview,
        rolloutDecider,
        `rollout-${command.rolloutId}`,
        { ...command, anotherUnderWay },
        context,
      );
    });
    this.lastStart = mine.catch(() => undefined);
    return mine;
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
