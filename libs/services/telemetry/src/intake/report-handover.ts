import { Injectable } from '@nestjs/common';
import { type ReportReceipt } from '@sluice/contracts/device-protocol';
import { type KnownOwner, ShardOwnership } from '@sluice/event-feed';
import { type Metadata } from '@sluice/event-sourcing';
import { type Caller } from '@sluice/platform';
import { Peers, withoutOwner } from '../shard/peers.ts';

export const REPORTS_PATH = '/v1/reports';

/** A report, by its index in the request, for a shard that is not owned here. */
export interface Elsewhere {
  readonly shard: number;
  readonly index: number;
}

/** Who brings reports: the actor of the commit, and whether another instance has handed them on. */
export interface Delivered {
  readonly caller: Caller;
  readonly cause: Metadata;
  readonly handedOn: boolean;
}

/** Reports of one request for one owner, and the index that each of them has in the request. */
export interface Parcel {
  readonly owner: KnownOwner;
  readonly reports: unknown[];
  readonly indices: number[];
}

/** Hands reports on to the instances that own their shards: one request an owner and batch. */
@Injectable()
export class ReportHandover {
  constructor(
    private readonly ownership: ShardOwnership,
    private readonly peers: Peers,
  ) {}

  /** The reports by owner. Throws 'shard-without-owner', before any of the request was taken, when one of them has none. */
  pack(values: readonly unknown[], elsewhere: readonly Elsewhere[], { handedOn }: Delivered): Parcel[] {
    const parcels = new Map<string, Parcel>();
    for (const { shard, index } of elsewhere) {
      const owner = this.ownership.ownerOf(shard);
      // Handed on already: the owners are changing, and who is right the sender cannot know either.
      if (owner === undefined || owner.isSelf || handedOn) throw withoutOwner(shard);
      let parcel = parcels.get(owner.address);
      if (parcel === undefined) parcels.set(owner.address, (parcel = { owner, reports: [], indices: [] }));
      parcel.reports.push(values[index]);
      parcel.indices.push(index);
    }
    return [...parcels.values()];
  }

  /** The owner's receipt, with the indices of the request. Throws its problem, 'shard-without-owner' when it is silent. */
  async send({ owner, reports, indices }: Parcel, cause: Metadata): Promise<ReportReceipt> {
    const body = JSON.stringify({ reports });
    const call = { method: 'POST', path: REPORTS_PATH, body, askedFor: cause } as const;
    const receipt = await this.peers.ask<ReportReceipt>(owner, call);
    const refused = receipt.refused.map((each) => ({ ...each, index: indices[each.index] ?? each.index }));
    return { ...receipt, refused };
  }
}
