import { Injectable } from '@nestjs/common';
import { type KnownPatch, patchDecider, type PatchEvent, type PullPatch } from '@sluice/domain-catalog';
import { OwnSigns } from '@sluice/event-feed';
import { type CommandContext, EventStore, handle } from '@sluice/event-sourcing';
import { seal, type Stop, StopsInForce } from '@sluice/platform';
import { patchStream } from './patch-table.ts';
import { Patches } from './patches.projection.ts';
import { amongOthers } from './patch-rules.ts';

type Pulled = Extract<PatchEvent, { type: 'PatchPulled' }>;

/**
 * Pulls, stored or not: a pull that the store cannot take counts here at once, and is tried again until it is stored.
 * Meanwhile other services hear of it by the signs of this process, which travel beside the events.
 */
@Injectable()
export class PullsInForce {
  /** In the order in which they came. */
  private waiting: readonly Pulled[] = [];

  constructor(
    private readonly store: EventStore,
    private readonly patches: Patches,
    private readonly stops: StopsInForce,
    private readonly signs: OwnSigns,
  ) {}

  /** The events of the pull, once they show in every query. Throws Rejection, or 'in-force-not-durable'. */
  async pull(command: PullPatch, context: CommandContext): Promise<readonly PatchEvent[]> {
    const { patchId, mode, at } = command;
    await this.patches.known();
    const isRecalled = this.waiting.some((pulled) => pulled.patchId === patchId && pulled.mode === 'recall');
    const words = `${isRecalled ? 'recall' : mode} ${patchId}`;
    return (await this.stops.enforce({ stop: words, since: at, ...this.stepsOf(command, context) })) ?? [];
  }

  /** The patch as it counts here, with the pulls that are not stored; the same object when there is none. */
  over(patch: KnownPatch): KnownPatch {
    return this.waiting.reduce<KnownPatch>(
      (counted, pulled) => (addsTo(counted, pulled) ? evolved(counted, pulled) : counted),
      patch,
    );
  }

  private stepsOf(
    command: PullPatch,
    context: CommandContext,
  ): Pick<Stop<readonly PatchEvent[]>, 'store' | 'begin' | 'end'> {
    let pulled: Pulled | undefined;
    return {
      store: () => this.storePull(command, context, pulled !== undefined),
      begin: () => {
        const state = this.patches.lastKnown.stateOf(command.patchId);
        const counted = state.status === 'absent' ? state : this.over(state);
        const events = this.rules().decide(command, counted);
        pulled = events.find((event): event is Pulled => event.type === 'PatchPulled');
        if (pulled === undefined) return false;
        this.change([...this.waiting, pulled]);
        return true;
      },
      end: () => this.change(this.waiting.filter((each) => each !== pulled)),
    };
  }

  // A pull in force was judged among the other patches when it was ordered; what they became since must not undo it.
  private async storePull(command: PullPatch, context: CommandContext, isInForce: boolean) {
    const decider = isInForce ? patchDecider : this.rules();
    const { events, position } = await handle(this.store, decider, patchStream(command.patchId), command, {
      ...context,
      seal,
    });
    if (position !== undefined) await this.patches.reached(position);
    return events;
  }

  private rules() {
    return amongOthers(this.patches.lastKnown, (patch) => this.over(patch));
  }

  private change(waiting: readonly Pulled[]): void {
    this.waiting = waiting;
    this.signs.setStops(waiting.map(({ patchId, mode, reason, at }) => ({ patchId, mode, reason, at })));
  }
}

/** Whether the pull changes anything: the store may hold it already, or a stronger one. */
function addsTo(patch: KnownPatch, { patchId, mode }: Pulled): boolean {
  if (patch.patchId !== patchId) return false;
  return patch.status !== 'pulled' || (mode === 'recall' && patch.pulled.mode === 'withdraw');
}

function evolved(patch: KnownPatch, event: PatchEvent): KnownPatch {
  const next = patchDecider.evolve(patch, event);
  return next.status === 'absent' ? patch : next;
}
