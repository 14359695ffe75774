import { Injectable } from '@nestjs/common';
import {
  type KnownPatch,
  type PatchPulled,
  patchDecider,
  type PatchEvent,
  type PresentLedger,
  type PullOrder,
  type PullRequested,
} from '@sluice/domain-catalog';
import { OwnSigns } from '@sluice/event-feed';
import { type CommandContext, EventStore, handle } from '@sluice/event-sourcing';
import { ProblemError, seal, type Stop, StopsInForce } from '@sluice/platform';
import { patchStream } from './patch-table.ts';
import { Patches } from './patches.projection.ts';
import { amongOthers, ledgerOf } from './patch-rules.ts';

/** What an order does while it waits for the store: a pull, and the recall that it asks for, if it does. */
interface Waiting {
  readonly words: string;
  readonly pulled: PatchPulled;
  readonly requested: PullRequested | undefined;
}

/**
 * Pulls, stored or not: a pull that the store cannot take counts here at once, and is tried again until it is stored.
 * Meanwhile other services hear of it by the signs of this process, which travel beside the events.
 */
@Injectable()
export class PullsInForce {
  /** In the order in which they came. */
  private waiting: readonly Waiting[] = [];

  constructor(
    private readonly store: EventStore,
    private readonly patches: Patches,
    private readonly stops: StopsInForce,
    private readonly signs: OwnSigns,
  ) {}

  /** The events of the pull, once they show in every query. Throws Rejection, or 'in-force-not-durable'. */
  async pull(order: PullOrder, context: CommandContext): Promise<readonly PatchEvent[]> {
    await this.patches.known();
    const words = this.wordsFor(order);
    return (await this.stops.enforce({ stop: words, since: order.at, ...this.stepsOf(order, words, context) })) ?? [];
  }

  /** The patch as it counts here, with the pulls that are not stored; the same object when there is none. */
  over(patch: KnownPatch): KnownPatch {
    return this.waiting.reduce<KnownPatch>((counted, { pulled, requested }) => {
      if (!addsTo(counted, pulled)) return counted;
      const after = evolved(counted, pulled);
      return requested === undefined ? after : evolved(after, requested);
    }, patch);
  }

  /** A stop that waits is the same one as what would add nothing to it; a second person's recall does, or one that breaks the glass. */
  private wordsFor({ patchId, mode, by, breakGlass }: PullOrder): string {
    const others = this.waiting.filter(({ pulled }) => pulled.patchId === patchId);
    const strongest = others.find(({ pulled }) => pulled.mode === 'recall') ?? others.at(-1);
    if (strongest === undefined) return `${mode} ${patchId}`;
    if (mode === 'withdraw' || strongest.pulled.mode === 'recall') return strongest.words;
    const asked = others.find(({ requested }) => requested !== undefined);
    if (asked?.requested?.by === by && breakGlass === undefined) return asked.words;
    return asked === undefined ? `recall ${patchId}` : `recall ${patchId}, as ${by} decides`;
  }

  private stepsOf(
    order: PullOrder,
    words: string,
    context: CommandContext,
  ): Pick<Stop<readonly PatchEvent[]>, 'store' | 'begin' | 'end'> {
    let inForce: { readonly waiting: Waiting; readonly ledger: PresentLedger } | undefined;
    return {
      store: () => this.storePull(order, context, inForce?.ledger),
      begin: (store) => {
        const state = this.patches.lastKnown.stateOf(order.patchId);
        const counted = state.status === 'absent' ? state : this.over(state);
        const events = this.rules().decide(order, counted);
        const pulled = events.find((event) => event.type === 'PatchPulled');
        const requested = events.find((event) => event.type === 'PullRequested');
        if (pulled === undefined || counted.status === 'absent') {
          if (requested === undefined) return false;
          throw requestNotKept(store);
        }
        const waiting = { words, pulled, requested };
        inForce = { waiting, ledger: ledgerOf(counted, this.patches.lastKnown, (patch) => this.over(patch)) };
        this.change([...this.waiting, waiting]);
        return true;
      },
      end: () => this.change(this.waiting.filter((each) => each !== inForce?.waiting)),
    };
  }

  // A pull in force was judged among the other patches when it was ordered; what they became since must not undo it.
  private async storePull(order: PullOrder, context: CommandContext, judged: PresentLedger | undefined) {
    const stream = patchStream(order.patchId);
    if (order.mode === 'recall' && judged === undefined) await this.catchUp();
    const { events, position } =
      judged === undefined
        ? await handle(this.store, this.rules(), stream, order, { ...context, seal })
        : await handle(this.store, patchDecider, stream, { ...order, ledger: judged }, { ...context, seal });
    if (position !== undefined) await this.patches.reached(position);
    return events;
  }

  /** What another instance has stored may be what the recall re-opens. Where that cannot be read, the rules go by it. */
  private async catchUp(): Promise<void> {
    await this.patches.reached(await this.store.head()).catch(() => undefined);
  }

  private rules() {
    return amongOthers(this.patches.lastKnown, (patch) => this.over(patch), this.patches.isRead);
  }

  private change(waiting: readonly Waiting[]): void {
    this.waiting = waiting;
    this.signs.setStops(waiting.map(({ pulled: { patchId, mode, reason, at } }) => ({ patchId, mode, reason, at })));
  }
}

/** A request for a recall is no stop: the patch is withdrawn already, and nothing of it waits for the store. */
function requestNotKept(store: 'failed' | 'late'): ProblemError {
  const before = 'the patch is withdrawn already; ';
  return store === 'late'
    ? new ProblemError('store-late', `${before}whether its recall counts as asked for is not known`)
    : new ProblemError('store-unavailable', `${before}that its recall is asked for is not kept`);
}

/** Whether the pull changes anything: the store may hold it already, or a stronger one. */
function addsTo(patch: KnownPatch, { patchId, mode }: PatchPulled): boolean {
  if (patch.patchId !== patchId) return false;
  return patch.status !== 'pulled' || (mode === 'recall' && patch.pulled.mode === 'withdraw');
}

function evolved(patch: KnownPatch, event: PatchEvent): KnownPatch {
  const next = patchDecider.evolve(patch, event);
  return next.status === 'absent' ? patch : next;
}
