import { Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { type HaltRollout, holdUnstored, type HoldTerms, type PauseRollout } from '@sluice/domain-rollout';
import { type CommandContext } from '@sluice/event-sourcing';
import { StopsInForce } from '@sluice/platform';
import { ChangeHold, ChangeRollout } from '../commands.ts';
import { Views } from '../views.ts';

/** Pauses, halts and holds: in force at once, also when the store cannot take them (design §3.1). */
@Injectable()
export class Stops {
  constructor(
    private readonly views: Views,
    private readonly commands: CommandBus,
    private readonly stops: StopsInForce,
  ) {}

  /** Throws Rejection, or 'in-force-not-durable'. */
  async stopRollout(command: PauseRollout | HaltRollout, context: CommandContext): Promise<void> {
    const { rolloutId, type, at } = command;
    const { policy } = this.views.policy;
    await this.stops.enforce({
      stop: `${type === 'PauseRollout' ? 'pause' : 'halt'} ${rolloutId}`,
      since: at,
      store: () => this.commands.execute(new ChangeRollout(command, context)),
      begin: () => {
        const isThere = policy.rollouts.has(rolloutId);
        if (isThere) policy.stoppedRollouts.add(rolloutId);
        return isThere;
      },
      end: () => policy.stoppedRollouts.delete(rolloutId),
    });
  }

  /** Throws Rejection, or 'in-force-not-durable'. */
  async placeHold(
    hold: { readonly holdId: string; readonly terms: HoldTerms; readonly at: string },
    context: CommandContext,
  ) {
    const { holdId, terms, at } = hold;
    let end = (): void => undefined;
    await this.stops.enforce({
      stop: `hold ${holdId}`,
      since: at,
      store: () => this.commands.execute(new ChangeHold({ type: 'PlaceHold', ...hold }, context)),
      begin: () => {
        end = holdUnstored(this.views.policy.policy, { ...terms, holdId });
        return true;
      },
      end: () => end(),
    });
  }
}
