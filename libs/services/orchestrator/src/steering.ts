import { Injectable, Logger } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import {
  Clock,
  Passes,
  type ProcessManager,
  Rejection,
  RevisionConflict,
  sideBySide,
  StoreUnavailable,
  toTimeText,
} from '@sluice/event-sourcing';
import { Followers } from '@sluice/platform';
import { holdsProcess } from './hold/holds.process.ts';
import { pullsProcess } from './recall/pulls.process.ts';
import { recallsProcess } from './recall/recalls.process.ts';
import { grantsProcess } from './rollout/grants.process.ts';
import { wavesProcess } from './rollout/waves.process.ts';
import { type OwnCommand, type Situation } from './situation.ts';
import { Knowledge } from './knowledge/knowledge.ts';

/** Appends of one pass that are under way at once. */
const APPENDS_MAX = 16;

/**
 * Runs the process managers: with every tick, and at once when something comes that they act on. Pulls have passes of
 * their own, because a pull never waits.
 */
@Injectable()
export class Steering {
  private readonly log = new Logger('steering');
  private readonly pulls = new Passes(() => this.pass([pullsProcess]));
  private readonly others = new Passes(() => this.passOfOthers());
  /** Up to when the health was known at the last pass. */
  private decidedThroughMs: number | undefined;

  constructor(
    private readonly knowledge: Knowledge,
    private readonly clock: Clock,
    private readonly commands: CommandBus,
    followers: Followers,
  ) {
    knowledge.sources.onEvent(({ type }) => {
      if (type === 'PatchPulled') void this.pulls.request();
      if (type === 'HealthBucketClosed') void this.others.request();
    });
    followers.work(() => this.idle());
    followers.onStop(
      'steering',
      clock.onTick(async () => {
        knowledge.tick();
        const { policy, recalls } = knowledge.sources.views;
        policy.paceRemovals(recalls, clock.now());
        await Promise.all([this.pulls.request(), this.others.request()]);
      }),
    );
  }

  // On a clock that is moved by hand, the health of an instant can come after the tick of that instant.
  private async idle(): Promise<void> {
    if (this.knowledge.healthThroughMs() !== this.decidedThroughMs) void this.others.request();
    await Promise.all([this.pulls.idle(), this.others.idle()]);
  }

  private passOfOthers(): Promise<void> {
    this.decidedThroughMs = this.knowledge.healthThroughMs();
    return this.pass([holdsProcess, recallsProcess, wavesProcess, grantsProcess]);
  }

  private async pass(processes: readonly ProcessManager<Situation, OwnCommand>[]): Promise<void> {
    try {
      for (const process of processes) await sideBySide(process.decide(this.situation()), APPENDS_MAX, this.send);
    } catch (error) {
      this.log.warn(`steering goes on with the next tick: ${String(error)}`);
    }
  }

  private situation(): Situation {
    const nowMs = this.clock.now();
    const { knowledge } = this;
    return { nowMs, at: toTimeText(nowMs), views: knowledge.sources.views, knowledge };
  }

  // A refusal means that somebody else was faster, or that it is not time yet. What the store could not take now does not
  // keep the other commands from it: a full store must not keep one patch on offer because of another.
  private readonly send = async (command: OwnCommand): Promise<void> => {
    try {
      await this.commands.execute(command);
    } catch (error) {
      if (error instanceof Rejection) return;
      if (!(error instanceof StoreUnavailable) && !(error instanceof RevisionConflict)) throw error;
      this.log.warn(`${command.command.type} is tried again with the next tick: ${error.message}`);
    }
  };
}
