import { Injectable } from '@nestjs/common';
import {
  type DeviceView,
  factsAbout,
  firstDifference,
  type FleetEvent,
  FleetShard,
  type FleetSummary,
  readPackedFacts,
  type ShardSnapshot,
  snapshotOf,
  summarize,
  viewDevice,
} from '@sluice/domain-fleet';
import { parseTime } from '@sluice/contracts/times';
import { BEGINNING, Clock, type Commit, type Position, toTimeText } from '@sluice/event-sourcing';
import { type Difference, Folds, type FoldStore, type FoldTask, pastInstant, Verifications } from '@sluice/platform';
import { Fleet } from './fleet.ts';
import { FLEET_STREAMS, fleetStream } from '../publications.ts';
import { foldNotes } from '../shard/shard-fold.ts';
import { hashDevice, shardOf } from '../shard/shard-of.ts';

const FLEET_AT = 'fleet-at';
const DEVICE_AT = 'fleet-device-at';
const DEVICE_TIMELINE = 'fleet-device-timeline';
const SHARD_THROUGH = 'fleet-shard-through';

interface FleetAtInput {
  readonly at: string;
  readonly shards: number;
}

interface DeviceAtInput {
  readonly at: string;
  readonly shards: number;
  readonly deviceId: string;
}

/** Which part of what was heard of a device is asked for: `from` and `to` in recorded time (RFC 3339, UTC), both included. */
export interface TimelineSpan {
  readonly from?: string;
  readonly to?: string;
  readonly limit: number;
  /** Only what lies before it; nothing behind it is read. */
  readonly before?: FactPlace;
}

/** The place of a fact in the stream of its shard. */
export interface FactPlace {
  readonly revision: number;
  readonly index: number;
}

interface DeviceTimelineInput extends TimelineSpan {
  readonly shards: number;
  readonly deviceId: string;
}

/** A fact, when and where it was recorded. */
export interface RecordedFact {
  readonly fact: FleetEvent;
  readonly recordedAt: string;
  readonly place: FactPlace;
}

/** The newest first; `total` are those of the span before `before`. */
export interface Timeline {
  readonly facts: readonly RecordedFact[];
  readonly total: number;
  readonly hasMore: boolean;
}

interface ShardThroughInput {
  readonly shard: number;
  readonly revision: number;
}

export interface FleetAt {
  readonly position: Position;
  readonly summary: FleetSummary;
}

/** What telemetry folds away from the thread that answers requests. */
export const folds: Record<string, FoldTask> = {
  [FLEET_AT]: (store, input) => foldFleetAt(store, input as FleetAtInput),
  [DEVICE_AT]: (store, input) => foldDeviceAt(store, input as DeviceAtInput),
  [DEVICE_TIMELINE]: (store, input) => foldTimeline(store, input as DeviceTimelineInput),
  [SHARD_THROUGH]: (store, input) => foldShardThrough(store, input as ShardThroughInput),
};

/** The fleet as it was, and whether it is what the store says; folded where that holds up no request. */
@Injectable()
export class FleetReplay {
  constructor(
    private readonly folds: Folds,
    private readonly fleet: Fleet,
    private readonly clock: Clock,
    verifications: Verifications,
  ) {
    verifications.add({ name: 'fleet', verify: () => this.verify() });
  }

  /** The whole fleet as of an instant of recorded time (RFC 3339, UTC). Throws when there is none, or not yet. */
  async fleetAt(at: string): Promise<FleetAt & { asOf: string }> {
    const { shards } = this.fleet;
    const asOf = pastInstant(at, this.clock);
    const input: FleetAtInput = { at: asOf, shards };
    return { asOf, ...((await this.folds.run(FLEET_AT, input)) as FleetAt) };
  }

  /** One device as of an instant, undefined when nothing had been heard of it. */
  async deviceAt(deviceId: string, at: string): Promise<DeviceView | undefined> {
    const { shards } = this.fleet;
    const input: DeviceAtInput = { at: pastInstant(at, this.clock), deviceId, shards };
    return (await this.folds.run(DEVICE_AT, input)) as DeviceView | undefined;
  }

  /** What was heard of a device, undefined when nothing ever was. */
  async timelineOf(deviceId: string, span: TimelineSpan): Promise<Timeline | undefined> {
    const { shards } = this.fleet;
    const times = { ...(span.from && { from: recorded(span.from) }), ...(span.to && { to: recorded(span.to) }) };
    const input: DeviceTimelineInput = { ...span, ...times, deviceId, shards };
    return (await this.folds.run(DEVICE_TIMELINE, input)) as Timeline | undefined;
  }

  /** Folds each shard that is owned here anew up to where the live one is, and names the first difference. */
  async verify(): Promise<Difference | undefined> {
    for (const { shard, state, revision } of this.fleet.owned()) {
      const live = snapshotOf(state);
      const input: ShardThroughInput = { shard, revision };
      const replayed = (await this.folds.run(SHARD_THROUGH, input)) as ShardSnapshot;
      const difference = firstDifference(live, replayed);
      if (difference === undefined) continue;
      return {
        where: `shard ${String(shard)}, ${difference.where}`,
        live: difference.left,
        replayed: difference.right,
      };
    }
    return undefined;
  }
}

/** A time as records have it. */
function recorded(time: string): string {
  return toTimeText(parseTime(time));
}

async function foldFleetAt(store: FoldStore, { at, shards }: FleetAtInput): Promise<FleetAt> {
  const states = Array.from({ length: shards }, () => new FleetShard());
  const stateOfStream = new Map(states.map((state, shard) => [fleetStream(shard), state]));
  let position = BEGINNING;
  for await (const commit of store.readAll({ prefixes: FLEET_STREAMS })) {
    if (commit.recordedAt > at) break;
    const state = stateOfStream.get(commit.stream);
    if (state !== undefined) apply(state, commit);
    ({ position } = commit);
  }
  return { position, summary: summarize(states) };
}

async function foldDeviceAt(
  store: FoldStore,
  { at, shards, deviceId }: DeviceAtInput,
): Promise<DeviceView | undefined> {
  const deviceHash = hashDevice(deviceId);
  const state = new FleetShard();
  for await (const commit of store.readStream(fleetStream(shardOf(deviceHash, shards)))) {
    if (commit.recordedAt > at) break;
    apply(state, commit);
  }
  const device = state.find(deviceHash);
  return device === undefined ? undefined : viewDevice(state, device);
}

async function foldTimeline(
  store: FoldStore,
  { shards, deviceId, limit, before, from = '', to }: DeviceTimelineInput,
): Promise<Timeline | undefined> {
  const deviceHash = hashDevice(deviceId);
  let [isKnown, total, hasMore] = [false, 0, false];
  const latest: RecordedFact[] = [];
  for await (const { body, revision, recordedAt } of store.readStream(fleetStream(shardOf(deviceHash, shards)))) {
    if (to !== undefined && recordedAt > to && isKnown) break;
    if (before !== undefined && revision > before.revision) break;
    if (body.kind !== 'packed') continue;
    for (const { fact, index } of factsAbout(body.bytes, deviceHash, deviceId)) {
      isKnown = true;
      if (recordedAt < from || (to !== undefined && recordedAt > to)) continue;
      const place = { revision, index };
      if (before !== undefined && !isBefore(place, before)) continue;
      total += 1;
      latest.push({ fact, recordedAt, place });
      if (latest.length <= limit) continue;
      latest.shift();
      hasMore = true;
    }
  }
  return isKnown ? { facts: latest.reverse(), total, hasMore } : undefined;
}

function isBefore(place: FactPlace, other: FactPlace): boolean {
  return place.revision < other.revision || (place.revision === other.revision && place.index < other.index);
}

async function foldShardThrough(store: FoldStore, { shard, revision }: ShardThroughInput): Promise<ShardSnapshot> {
  const state = new FleetShard();
  for await (const commit of store.readStream(fleetStream(shard))) {
    if (commit.revision > revision) break;
    apply(state, commit);
  }
  return snapshotOf(state);
}

function apply(state: FleetShard, { body }: Commit): void {
  if (body.kind === 'packed') state.apply(readPackedFacts(body.bytes));
  else foldNotes(state, body.events);
}
