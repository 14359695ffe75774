import {
  type Commit,
  type CommandContext,
  type Decider,
  type EventStore,
  type Follower,
  handle,
  reject,
} from '@sluice/event-sourcing';
import { type AttentionOwner } from '@sluice/api';
import { type Followers } from '../replay/followers.ts';

/** Owners that are known; those of items that ended long ago are forgotten first. */
const OWNERS_KEPT_MAX = 10_000;

/** `from`: the owner that it is taken over from. */
export interface TakeItem {
  readonly type: 'TakeItem';
  readonly itemId: string;
  readonly by: string;
  readonly from?: string | undefined;
  readonly note?: string | undefined;
  readonly at: string;
}

export interface ItemTaken {
  readonly type: 'ItemTaken';
  readonly itemId: string;
  readonly by: string;
  readonly from?: string;
  readonly note?: string;
  readonly at: string;
}

/** Who has taken an item. */
export type Ownership = { readonly status: 'free' } | { readonly status: 'taken'; readonly owner: AttentionOwner };

export const ownershipDecider: Decider<Ownership, TakeItem, ItemTaken> = {
  initialState: { status: 'free' },
  decide({ itemId, by, from, note, at }, ownership) {
    const before = ownership.status === 'taken' ? ownership.owner : undefined;
    if (before?.by === by) return [];
    if (before !== undefined && before.by !== from) reject('attention-taken', `${before.by} took it at ${before.at}`);
    const over = before !== undefined && { from: before.by };
    return [{ type: 'ItemTaken', itemId, by, ...over, ...(note !== undefined && { note }), at }];
  },
  evolve(ownership, event) {
    return isTaking(event) ? { status: 'taken', owner: ownerOf(event) } : ownership;
  },
};

/**
 * Who has taken which item, as events of the service: a stream an item, `attention-<service>-<item>`. An item that ends takes
 * its owner with it, because another cause has another id.
 */
export class Owners {
  private readonly known = new Map<string, AttentionOwner>();
  private readonly follower: Follower<Commit>;
  private readonly prefix: string;

  constructor(
    private readonly store: EventStore,
    followers: Followers,
    service: string,
  ) {
    this.prefix = `attention-${service}-`;
    this.follower = followers.follow({
      kind: 'projection',
      name: 'attention',
      streams: [this.prefix],
      apply: ({ body }) => {
        for (const event of body.kind === 'events' ? (body.events as readonly ItemTaken[]) : []) this.apply(event);
      },
    });
  }

  of(itemId: string): AttentionOwner | null {
    return this.known.get(itemId) ?? null;
  }

  /** Shows at once. Throws Rejection: attention-taken. */
  async takeItem(command: TakeItem, context: CommandContext): Promise<AttentionOwner | null> {
    const stream = `${this.prefix}${command.itemId}`;
    const { state, position } = await handle(this.store, ownershipDecider, stream, command, context);
    if (position !== undefined) await this.follower.reached(position);
    return state.status === 'taken' ? state.owner : null;
  }

  private apply(event: ItemTaken): void {
    if (!isTaking(event)) return;
    this.known.delete(event.itemId);
    this.known.set(event.itemId, ownerOf(event));
    const oldest = this.known.keys().next().value;
    if (this.known.size > OWNERS_KEPT_MAX && oldest !== undefined) this.known.delete(oldest);
  }
}

/** False for what a later version writes. */
function isTaking(event: { readonly type: string }): boolean {
  return event.type === 'ItemTaken';
}

function ownerOf({ by, at, note }: ItemTaken): AttentionOwner {
  return { by, at, ...(note !== undefined && { note }) };
}
