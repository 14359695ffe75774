import { Injectable } from '@nestjs/common';
import { type HoldersAnswer, HOLDERS_PATH } from '@sluice/contracts/holders-answer';
import { HolderTally } from '@sluice/domain-fleet';
import { Clock } from '@sluice/event-sourcing';
import { ListTurns } from '@sluice/platform';
import { Fleet } from './fleet.ts';
import { FleetQueries } from './fleet-queries.ts';
import { type AskedFor, type HandedOn, Peers } from '../shard/peers.ts';

/** What is done in one go, which takes about a millisecond. */
const LOOKS_AT_ONCE = 10_000;

/** Counts under way at once; what would be one more is not known. */
const COUNTS_MAX = 16;

type Counted = HoldersAnswer['counted'];

/** Who holds a patch, over all shards: counted when somebody asks, in slices that leave the thread to others in between. */
@Injectable()
export class HolderCounts {
  /** Those who ask the same at the same time share one count. */
  private readonly underWay = new Map<string, Promise<Counted>>();

  constructor(
    private readonly fleet: Fleet,
    private readonly queries: FleetQueries,
    private readonly peers: Peers,
    private readonly clock: Clock,
    private readonly turns: ListTurns,
  ) {}

  /** Null when nobody answered for some shard, or too much is counted. For another instance, of the shards that it asks after. */
  async of(patchId: string, askedFor: AskedFor, handedOn: HandedOn | undefined): Promise<HoldersAnswer> {
    const shards = handedOn?.shards ?? Array.from({ length: this.fleet.shards }, (_, shard) => shard);
    const key = `${patchId} ${shards.join()}`;
    const before = this.underWay.get(key);
    if (before !== undefined) return { counted: await before };
    if (this.underWay.size >= COUNTS_MAX) return { counted: null };
    const counted = this.count(patchId, shards, handedOn === undefined ? askedFor : undefined);
    this.underWay.set(key, counted);
    try {
      return { counted: await counted };
    } finally {
      this.underWay.delete(key);
    }
  }

  private async count(patchId: string, shards: readonly number[], askedFor: AskedFor | undefined): Promise<Counted> {
    const rest = shards.filter((shard) => this.fleet.writer(shard) === undefined);
    if (rest.length > 0 && askedFor === undefined) return null;
    const path = `${HOLDERS_PATH}?${new URLSearchParams({ patchId }).toString()}`;
    const elsewhere = this.queries.byOwner(rest).map(async ({ owner, shards: theirs }): Promise<Counted> => {
      if (owner === undefined || owner.isSelf || askedFor === undefined) return null;
      const call = { method: 'GET', path, shards: theirs, askedFor } as const;
      const answer = await this.peers.ask<HoldersAnswer>(owner, call).catch(() => undefined);
      return answer?.counted ?? null;
    });
    const here = shards.filter((shard) => !rest.includes(shard));
    const own = await this.countHere(patchId, here);
    return (await Promise.all(elsewhere)).reduce(together, own);
  }

  private async countHere(patchId: string, shards: readonly number[]): Promise<Counted> {
    const tally = new HolderTally(patchId, this.clock.now());
    for (const shard of shards) {
      const state = this.fleet.writer(shard)?.state;
      // It was given up since: its devices are counted by nobody.
      if (state === undefined) return null;
      for (let from: number | undefined = 0; from !== undefined;) {
        from = tally.look(state, from, LOOKS_AT_ONCE);
        if (from !== undefined) await this.turns.next();
      }
    }
    return { holders: tally.holders(), inFlight: tally.inFlight };
  }
}

function together(one: Counted, other: Counted): Counted {
  if (one === null || other === null) return null;
  return { holders: [...one.holders, ...other.holders], inFlight: one.inFlight + other.inFlight };
}
