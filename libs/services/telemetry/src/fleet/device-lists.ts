import { Injectable } from '@nestjs/common';
import { countDevices, countPopulation, type DeviceFilter, type DeviceView, listDevices } from '@sluice/domain-fleet';
import { type KnownOwner } from '@sluice/event-feed';
import { toTimeText } from '@sluice/event-sourcing';
import { ITEMS_AT_ONCE, ListTurns, ProblemError, readCursor, writeCursor } from '@sluice/platform';
import { type DevicePage, type DevicePlace, Fleet } from './fleet.ts';
import { FleetQueries } from './fleet-queries.ts';
import { type AskedFor, type HandedOn, Peers } from '../shard/peers.ts';
import { type ShardWriter } from '../shard/shard-writer.ts';

/** Other instances that one page of a list asks, one after the other; after that the page is handed over as it is. */
const ASKED_PER_PAGE_MAX = 8;
/** Devices that one page of a filtered list looks at; after that the page is handed over, even when it is not full. */
const LOOKS_PER_PAGE_MAX = 50_000;
/** In a larger shard the devices of a list are counted only where counters tell. */
const DEVICES_COUNTED_MAX = 200_000;
/** Devices that are looked at in one go, which takes less than a millisecond. */
const LOOKS_AT_ONCE = 2_000;

/** Where an instance tells another one how many devices of its shards match. */
export const DEVICE_COUNT_PATH = '/v1/shards/device-count';

const CURSOR_LIST = 'devices';
const UNKNOWN = 'unknown';

/** Where a list of devices goes on, and how many there were in all when it began; null when that is not known. */
export interface DeviceCursor {
  readonly from: DevicePlace;
  readonly total: number | null;
}

interface DeviceList {
  readonly items: readonly DeviceView[];
  readonly nextCursor?: string;
}

/** A part of a list: each device as JSON, written slice by slice like all of it. */
interface DeviceTexts {
  readonly items: readonly string[];
  readonly next?: DevicePlace;
}

interface Asking {
  readonly askedFor: AskedFor;
  readonly handedOn: HandedOn | undefined;
}

/** Lists of devices over all shards, in slices that leave the thread to others in between. */
@Injectable()
export class DeviceLists {
  constructor(
    private readonly fleet: Fleet,
    private readonly queries: FleetQueries,
    private readonly peers: Peers,
    private readonly turns: ListTurns,
  ) {}

  /**
   * Known devices that match, as JSON, shard by shard; `next` is where to go on, absent at the end. For another instance, of one
   * shard only. Throws 'shard-without-owner': a list with a hole would look like a whole one.
   */
  async list(
    filter: DeviceFilter,
    page: { readonly from: DevicePlace; readonly limit: number },
    { askedFor, handedOn }: Asking,
  ): Promise<DeviceTexts> {
    const items: string[] = [];
    let [place, asked, looks]: [DevicePlace, number, number] = [page.from, 0, 0];
    while (place.shard < this.fleet.shards) {
      const writer = this.fleet.writer(place.shard);
      const limit = page.limit - items.length;
      const found =
        writer === undefined
          ? await this.listElsewhere(this.queries.otherOwnerOf(place.shard, handedOn), filter, {
              ...{ from: place, limit, askedFor },
            })
          : this.slice(writer, filter, { from: place.device, limit });
      if (writer === undefined) asked += 1;
      else looks += LOOKS_AT_ONCE;
      items.push(...found.items.map((each) => JSON.stringify(each)));
      const isFull = items.length === page.limit || asked === ASKED_PER_PAGE_MAX || looks >= LOOKS_PER_PAGE_MAX;
      if (found.next === undefined && handedOn !== undefined) return { items };
      place = found.next ?? { shard: place.shard + 1, device: 0 };
      if ((isFull || (writer === undefined && found.next !== undefined)) && place.shard < this.fleet.shards)
        return { items, next: place };
      await this.turns.next();
    }
    return { items };
  }

  /** How many known devices match, over all shards; null when an owner did not answer, or they are too many to look at. */
  async count(filter: DeviceFilter, { askedFor, handedOn }: Asking): Promise<number | null> {
    const asked = handedOn?.shards ?? Array.from({ length: this.fleet.shards }, (_, shard) => shard);
    const writers = asked.map((shard) => this.fleet.writer(shard)).filter((writer) => writer !== undefined);
    const rest = asked.filter((shard) => this.fleet.writer(shard) === undefined);
    if (rest.length > 0 && handedOn !== undefined) return null;
    const elsewhere = this.queries.byOwner(rest).map(async ({ owner, shards }) => {
      if (owner === undefined || owner.isSelf) return null;
      const path = `${DEVICE_COUNT_PATH}?${queryOf(filter).toString()}`;
      const answer = this.peers.ask<{ total: number | null }>(owner, { method: 'GET', path, shards, askedFor });
      return answer.then(({ total }) => total).catch(() => null);
    });
    let total: number | null = 0;
    for (const writer of writers) total = sum(total, total === null ? null : await this.countOf(writer, filter));
    return (await Promise.all(elsewhere)).reduce(sum, total);
  }

  private slice(
    { state, shard }: ShardWriter,
    filter: DeviceFilter,
    { from, limit }: { readonly from: number; readonly limit: number },
  ): DevicePage {
    if (from > state.devices.count) throw new ProblemError('unknown-cursor');
    const looks = { from, looksMax: LOOKS_AT_ONCE, limit: Math.min(limit, ITEMS_AT_ONCE) };
    const { items, next } = listDevices(state, filter, looks);
    return next === undefined ? { items } : { items, next: { shard, device: next } };
  }

  private async countOf({ state }: ShardWriter, filter: DeviceFilter): Promise<number | null> {
    const population = countPopulation(state, filter);
    if (population !== undefined) return population;
    if (state.devices.count > DEVICES_COUNTED_MAX) return null;
    let total = 0;
    for (let from: number | undefined = 0; from !== undefined;) {
      const { count, next }: { count: number; next?: number } = countDevices(state, filter, {
        ...{ from, looksMax: LOOKS_AT_ONCE },
      });
      total += count;
      from = next;
      await this.turns.next();
    }
    return total;
  }

  private async listElsewhere(
    owner: KnownOwner,
    filter: DeviceFilter,
    { from, limit, askedFor }: { readonly from: DevicePlace; readonly limit: number; readonly askedFor: AskedFor },
  ): Promise<DevicePage> {
    const query = queryOf(filter);
    query.set('cursor', cursorText({ from, total: null }));
    query.set('limit', String(limit));
    const path = `/v1/devices?${query.toString()}`;
    const { items, nextCursor } = await this.peers.ask<DeviceList>(owner, { method: 'GET', path, askedFor });
    return nextCursor === undefined ? { items } : { items, next: cursorOf(nextCursor, this.fleet.shards).from };
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

function sum(total: number | null, count: number | null): number | null {
  return total === null || count === null ? null : total + count;
}

/** A place as a cursor has it. Devices keep their numbers, so that it names the same place for as long as the fleet is there. */
export function cursorText({ from, total }: DeviceCursor): string {
  return writeCursor(CURSOR_LIST, [String(from.shard), String(from.device), total === null ? UNKNOWN : String(total)]);
}

/** What a cursor says. Throws 'unknown-cursor'. */
export function cursorOf(cursor: string, shards: number): DeviceCursor {
  const [shard, device, total] = readCursor(CURSOR_LIST, cursor, 3).map((part) =>
    /^\d{1,15}$/.test(part) ? Number(part) : null,
  );
  if (typeof shard !== 'number' || typeof device !== 'number' || shard >= shards)
    throw new ProblemError('unknown-cursor');
  return { from: { shard, device }, total: total ?? null };
}
