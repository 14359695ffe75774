import { type FleetView } from '@sluice/api';
import { Injectable } from '@nestjs/common';
import { type DeviceView, summarize } from '@sluice/domain-fleet';
import { type KnownOwner } from '@sluice/event-feed';
import { BEGINNING, Clock, comparePositions, EventStore, type Position, toEdge } from '@sluice/event-sourcing';
import { Fleet } from './fleet.ts';
import { type AskedFor, type HandedOn, Peers, withoutOwner } from '../shard/peers.ts';
import { hashDevice } from '../shard/shard-of.ts';

/** Answers about the whole fleet from any instance: from the shards that are owned here, and from the owners of the others. */
@Injectable()
export class FleetQueries {
  constructor(
    readonly fleet: Fleet,
    private readonly peers: Peers,
    private readonly clock: Clock,
    private readonly store: EventStore,
  ) {}

  /** The sum over the shards that are asked after (all if not given); for another instance, of those owned here only. */
  async summary(askedFor: AskedFor, handedOn: HandedOn | undefined): Promise<FleetView> {
    const asked = handedOn?.shards ?? Array.from({ length: this.fleet.shards }, (_, shard) => shard);
    const here = asked.filter((shard) => this.fleet.writer(shard) !== undefined);
    const rest = asked.filter((shard) => this.fleet.writer(shard) === undefined);
    const own = this.ownSummary(here);
    if (rest.length === 0) return own;
    if (handedOn !== undefined) return { ...own, shards: { total: this.fleet.shards, withoutOwner: rest } };
    const parts = await Promise.all(
      this.byOwner(rest).map(async ({ owner, shards }) => {
        if (owner === undefined || owner.isSelf) return { shards };
        const call = { method: 'GET', path: '/v1/fleet', shards, askedFor } as const;
        const part = await this.peers.ask<FleetView>(owner, call).catch(() => undefined);
        return part === undefined ? { shards } : { shards: part.shards?.withoutOwner ?? [], part };
      }),
    );
    const withoutOwner = parts.flatMap(({ shards }) => shards).toSorted((left, right) => left - right);
    const sum = parts.reduce((total, { part }) => (part === undefined ? total : add(total, part)), own);
    return withoutOwner.length === 0 ? sum : { ...sum, shards: { total: this.fleet.shards, withoutOwner } };
  }

  /** The device as its owner knows it, undefined when nothing was heard of it. Throws 'shard-without-owner'. */
  async device(deviceId: string, askedFor: AskedFor, handedOn: HandedOn | undefined): Promise<DeviceView | undefined> {
    const shard = this.fleet.shardOf(hashDevice(deviceId));
    const writer = this.fleet.writer(shard);
    if (writer !== undefined) return this.fleet.device(deviceId, writer);
    const path = `/v1/devices/${encodeURIComponent(deviceId)}`;
    return this.peers.ask<DeviceView>(this.otherOwnerOf(shard, handedOn), { method: 'GET', path, askedFor });
  }

  /** Retires a device at its owner, undefined when that is this instance. Throws 'shard-without-owner'. */
  async retireElsewhere(
    deviceId: string,
    askedFor: AskedFor,
    handedOn: HandedOn | undefined,
  ): Promise<DeviceView | undefined> {
    const shard = this.fleet.shardOf(hashDevice(deviceId));
    if (this.fleet.writer(shard) !== undefined) return undefined;
    const path = `/v1/devices/${encodeURIComponent(deviceId)}/retire`;
    return this.peers.ask<DeviceView>(this.otherOwnerOf(shard, handedOn), { method: 'POST', path, askedFor });
  }

  /** Another instance that owns the shard. Throws when there is none, or when the request has been handed on already. */
  otherOwnerOf(shard: number, handedOn: HandedOn | undefined): KnownOwner {
    const owner = this.fleet.ownership.ownerOf(shard);
    if (owner === undefined || owner.isSelf || handedOn !== undefined) throw withoutOwner(shard);
    return owner;
  }

  shardsWithoutOwner(): number {
    let without = 0;
    for (let shard = 0; shard < this.fleet.shards; shard += 1) {
      if (this.fleet.writer(shard) !== undefined) continue;
      const owner = this.fleet.ownership.ownerOf(shard);
      if (owner === undefined || this.peers.isSilent(owner)) without += 1;
    }
    return without;
  }

  /** Who is to be asked about which of the shards. */
  byOwner(shards: readonly number[]): { owner: KnownOwner | undefined; shards: number[] }[] {
    const groups = new Map<string | undefined, { owner: KnownOwner | undefined; shards: number[] }>();
    for (const shard of shards) {
      const owner = this.fleet.ownership.ownerOf(shard);
      const group = groups.get(owner?.instance) ?? { owner, shards: [] };
      group.shards.push(shard);
      groups.set(owner?.instance, group);
    }
    return [...groups.values()];
  }

  /** A position as others see it. */
  edge(position: Position): string {
    return toEdge(this.store.lineage, position);
  }

  private ownSummary(shards: readonly number[]): FleetView {
    const writers = this.fleet.owned().filter(({ shard }) => shards.includes(shard));
    const states = writers.map(({ state }) => state);
    const position = writers.reduce((last, writer) => later(last, writer.position), BEGINNING);
    return { asOf: this.clock.nowText(), position: this.edge(position), ...summarize(states) };
  }
}

function add(total: FleetView, { facts, devices, position, byPlatform, byBase, patches }: FleetView): FleetView {
  increase(total.byPlatform, byPlatform);
  increase(total.byBase, byBase);
  for (const [patchId, states] of Object.entries(patches)) {
    const known = total.patches[patchId];
    if (known === undefined) total.patches[patchId] = states;
    else increase(known, states);
  }
  return {
    ...total,
    facts: total.facts + facts,
    devices: total.devices + devices,
    position: later(total.position, position),
  };
}

function increase<Name extends string>(counts: Record<Name, number>, by: Readonly<Record<Name, number>>): void {
  for (const name of Object.keys(by) as Name[]) counts[name] = ((counts[name] as number | undefined) ?? 0) + by[name];
}

// Both are of one store, so that they differ in their numbers only.
function later(left: string, right: string): string {
  return comparePositions(left, right) < 0 ? right : left;
}
