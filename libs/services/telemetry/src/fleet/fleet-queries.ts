import { type DevicePage as DeviceList, type FleetView } from '@sluice/api';
import { sum } from '@sluice/domain-cohorts';
import { deviceFlags } from '@sluice/domain-fleet';
import { Injectable } from '@nestjs/common';
import { countDevices, type DeviceFilter, type DeviceView, summarize } from '@sluice/domain-fleet';
import { type KnownOwner } from '@sluice/event-feed';
import { BEGINNING, Clock, comparePositions, type Position, toTimeText } from '@sluice/event-sourcing';
import { Metrics } from '@sluice/platform';
import { type DevicePage, type DevicePlace, Fleet } from './fleet.ts';
import { type AskedFor, type HandedOn, Peers, withoutOwner } from '../shard/peers.ts';
import { hashDevice } from '../shard/shard-of.ts';

/** Other instances that one page of a list asks, one after the other; after that the page is handed over as it is. */
const ASKED_PER_PAGE_MAX = 8;

/** Where an instance tells another one how many devices of its shards match. */
export const DEVICE_COUNT_PATH = '/v1/shards/device-count';

/** Answers about the whole fleet from any instance: from the shards that are owned here, and from the owners of the others. */
@Injectable()
export class FleetQueries {
  constructor(
    private readonly fleet: Fleet,
    private readonly peers: Peers,
    private readonly clock: Clock,
    metrics: Metrics,
  ) {
    metrics.gaugeBy('sluice_devices_flagged', 'Devices of the own shards of which something is odd, by what it is', {
      label: 'flag',
      read: () =>
        new Map(deviceFlags.map((flag) => [flag, sum(fleet.owned().map(({ state }) => state.flags.count(flag)))])),
    });
    metrics.gauge('sluice_shards_owned', 'Shards of the fleet that this instance owns', () => fleet.owned().length);
    metrics.gauge(
      'sluice_shards_without_owner',
      'Shards that no instance owns as far as this one knows, or whose owner did not answer it when last asked',
      () => this.shardsWithoutOwner(),
    );
  }

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

  /**
   * Known devices that match, shard by shard; `next` is where to go on, absent at the end. For another instance, of one
   * shard only. Throws 'shard-without-owner': a list with a hole would look like a whole one.
   */
  async list(
    filter: DeviceFilter,
    page: { readonly from: DevicePlace; readonly limit: number },
    { askedFor, handedOn }: { readonly askedFor: AskedFor; readonly handedOn: HandedOn | undefined },
  ): Promise<DevicePage> {
    const items: DeviceView[] = [];
    let place = page.from;
    for (let asked = 0; place.shard < this.fleet.shards;) {
      const limit = page.limit - items.length;
      const writer = this.fleet.writer(place.shard);
      const found =
        writer !== undefined
          ? this.fleet.list(writer, filter, { from: place.device, limit })
          : await this.listElsewhere(this.otherOwnerOf(place.shard, handedOn), filter, {
              from: place,
              limit,
              askedFor,
            });
      if (writer === undefined) asked += 1;
      items.push(...found.items);
      if (found.next !== undefined) return { items, next: found.next };
      if (handedOn !== undefined) return { items };
      place = { shard: place.shard + 1, device: 0 };
      const isFull = items.length === page.limit || asked === ASKED_PER_PAGE_MAX;
      if (isFull && place.shard < this.fleet.shards) return { items, next: place };
    }
    return { items };
  }

  /** How many known devices match, over all shards; null when an owner did not answer, or they are too many to look at. */
  async count(filter: DeviceFilter, askedFor: AskedFor, handedOn: HandedOn | undefined): Promise<number | null> {
    const asked = handedOn?.shards ?? Array.from({ length: this.fleet.shards }, (_, shard) => shard);
    const writers = asked.map((shard) => this.fleet.writer(shard)).filter((writer) => writer !== undefined);
    const rest = asked.filter((shard) => this.fleet.writer(shard) === undefined);
    if (rest.length > 0 && handedOn !== undefined) return null;
    const elsewhere = this.byOwner(rest).map(async ({ owner, shards }) => {
      if (owner === undefined || owner.isSelf) return null;
      const path = `${DEVICE_COUNT_PATH}?${queryOf(filter).toString()}`;
      const answer = this.peers.ask<{ total: number | null }>(owner, { method: 'GET', path, shards, askedFor });
      return answer.then(({ total }) => total).catch(() => null);
    });
    const counts = [...writers.map(({ state }) => countDevices(state, filter)), ...(await Promise.all(elsewhere))];
    return counts.reduce((total, count) => (total === null || count === null ? null : total + count), 0);
  }

  private async listElsewhere(
    owner: KnownOwner,
    filter: DeviceFilter,
    { from, limit, askedFor }: { readonly from: DevicePlace; readonly limit: number; readonly askedFor: AskedFor },
  ): Promise<DevicePage> {
    const query = queryOf(filter);
    query.set('cursor', textOf(from));
    query.set('limit', String(limit));
    const path = `/v1/devices?${query.toString()}`;
    const { items, nextCursor } = await this.peers.ask<DeviceList>(owner, { method: 'GET', path, askedFor });
    return nextCursor === undefined ? { items } : { items, next: placeOf(nextCursor) };
  }

  /** Another instance that owns the shard. Throws when there is none, or when the request has been handed on already. */
  otherOwnerOf(shard: number, handedOn: HandedOn | undefined): KnownOwner {
    const owner = this.fleet.ownership.ownerOf(shard);
    if (owner === undefined || owner.isSelf || handedOn !== undefined) throw withoutOwner(shard);
    return owner;
  }

  private shardsWithoutOwner(): number {
    let without = 0;
    for (let shard = 0; shard < this.fleet.shards; shard += 1) {
      if (this.fleet.writer(shard) !== undefined) continue;
      const owner = this.fleet.ownership.ownerOf(shard);
      if (owner === undefined || this.peers.isSilent(owner)) without += 1;
    }
    return without;
  }

  private byOwner(shards: readonly number[]): { owner: KnownOwner | undefined; shards: number[] }[] {
    const groups = new Map<string | undefined, { owner: KnownOwner | undefined; shards: number[] }>();
    for (const shard of shards) {
      const owner = this.fleet.ownership.ownerOf(shard);
      const group = groups.get(owner?.instance) ?? { owner, shards: [] };
      group.shards.push(shard);
      groups.set(owner?.instance, group);
    }
    return [...groups.values()];
  }

  private ownSummary(shards: readonly number[]): FleetView {
    const writers = this.fleet.owned().filter(({ shard }) => shards.includes(shard));
    const states = writers.map(({ state }) => state);
    const position = writers.reduce((last, writer) => later(last, writer.position), BEGINNING);
    return { asOf: this.clock.nowText(), position, ...summarize(states) };
  }
}

/** The filter as the query of a request; `filterOf` reads it. */
function queryOf({ silentSince, idPrefix, ...filter }: DeviceFilter): URLSearchParams {
  const renamed = {
    ...filter,
    q: idPrefix,
    silentSince: silentSince === undefined ? undefined : toTimeText(silentSince),
  };
  const given = Object.entries(renamed).filter(([, value]) => value !== undefined);
  return new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
}

/** A place as a cursor has it. */
export function textOf({ shard, device }: DevicePlace): string {
  return `${String(shard)}.${String(device)}`;
}

export function placeOf(cursor: string | undefined): DevicePlace {
  const [shard = 0, device = 0] = cursor?.split('.').map(Number) ?? [];
  return { shard, device };
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

function later(left: Position, right: Position): Position {
  return comparePositions(left, right) < 0 ? right : left;
}
