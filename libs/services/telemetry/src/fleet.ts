import { Injectable, Logger } from '@nestjs/common';
import {
  type DeviceFilter,
  type DeviceView,
  type FleetSummary,
  type HealthBucketClosed,
  listDevices,
  nothingTold,
  summarize,
  tellHealth,
  type ToldHealth,
  viewDevice,
} from '@sluice/domain-fleet';
import { Clock, comparePositions, EventStore, type Position } from '@sluice/event-sourcing';
import { Settings, SettingsError } from '@sluice/platform';
import { AppendRounds } from './append-rounds.ts';
import { CatalogView } from './catalog-view.projection.ts';
import { FLEET_STREAMS, HEALTH_STREAMS } from './publications.ts';
import { hashDevice, shardOf } from './shard-of.ts';
import { ShardWriter } from './shard-writer.ts';

/** Where it is written how many parts the fleet has; the prefix is no public stream's. */
const CREATION_STREAM = 'telemetry-fleet';
const MINUTE_MS = 60_000;
const PROGRESS_EVERY_MS = 2_000;

interface FleetCreated {
  readonly type: 'FleetCreated';
  readonly shards: number;
  readonly at: string;
}

/** A device as the API shows it. */
export interface DeviceAnswer extends DeviceView {
  readonly base: string;
}

/** The live fleet: all shards of this process, built from the store at start, and what queries ask of them. */
@Injectable()
export class Fleet {
  readonly writers: readonly ShardWriter[];
  /** An outcome without a start counts as an install trial this long after its receipt. */
  readonly reportingDeadlineMs: number;
  private readonly log = new Logger('telemetry');

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    readonly catalog: CatalogView,
    settings: Settings,
  ) {
    this.reportingDeadlineMs = settings.values.reportingDeadlineMinutes * MINUTE_MS;
    const rounds = new AppendRounds();
    this.writers = Array.from({ length: settings.values.shards }, (_, shard) => new ShardWriter(shard, store, rounds));
  }

  writerOf(deviceHash: string): ShardWriter {
    const writer = this.writers[shardOf(deviceHash, this.writers.length)];
    if (writer === undefined) throw new Error('the shards do not cover the fleet');
    return writer;
  }

  summary(): FleetSummary & { asOf: string; position: Position } {
    const asOf = this.clock.nowText();
    const states = this.writers.map(({ state }) => state);
    return { asOf, position: this.position(), ...summarize(states, this.catalog.baseOf) };
  }

  device(deviceId: string): DeviceAnswer | undefined {
    const deviceHash = hashDevice(deviceId);
    const { state } = this.writerOf(deviceHash);
    const device = state.find(deviceHash);
    const view = device === undefined ? undefined : viewDevice(state, device);
    return view && withBase(view, this.catalog.baseOf);
  }

  /** Known devices that match, shard by shard; `next` is where to go on, absent at the end. */
  list(filter: DeviceFilter, page: { readonly from: DevicePlace; readonly limit: number }): DevicePage {
    const { shard, device } = page.from;
    const writer = this.writers[shard];
    if (writer === undefined) return { items: [] };
    const { baseOf } = this.catalog;
    const found = listDevices(writer.state, filter, baseOf, { from: device, limit: page.limit });
    const items = found.items.map((view) => withBase(view, baseOf));
    if (found.next !== undefined) return { items, next: { shard, device: found.next } };
    if (shard + 1 === this.writers.length) return { items };
    if (items.length === page.limit) return { items, next: { shard: shard + 1, device: 0 } };
    const rest = this.list(filter, { from: { shard: shard + 1, device: 0 }, limit: page.limit - items.length });
    return { ...rest, items: [...items, ...rest.items] };
  }

  /**
   * Folds all that is in the store, once. Facts that a health bucket has counted before are not counted again.
   * Returns what the buckets of each shard have told; throws SettingsError when the fleet has another number of shards.
   */
  async rebuild(onBucket: (bucket: HealthBucketClosed) => void): Promise<ToldHealth[]> {
    await this.checkShards();
    const told = this.writers.map(() => nothingTold);
    for await (const { body } of this.store.readAll({ prefixes: HEALTH_STREAMS })) {
      for (const event of body.kind === 'events' ? (body.events as readonly HealthBucketClosed[]) : []) {
        told[event.shard] = tellHealth(told[event.shard] ?? nothingTold, event);
        onBucket(event);
      }
    }
    await this.replay(told);
    return told;
  }

  private async replay(told: readonly ToldHealth[]): Promise<void> {
    const writerOfStream = new Map(
      this.writers.map((writer) => [`${FLEET_STREAMS[0]}${String(writer.shard)}`, writer]),
    );
    let [facts, said] = [0, performance.now()];
    for await (const commit of this.store.readAll({ prefixes: FLEET_STREAMS })) {
      const writer = writerOfStream.get(commit.stream);
      if (writer === undefined) continue;
      writer.replay(commit);
      const { throughRevision, to } = told[writer.shard] ?? nothingTold;
      // What these commits gave was told, but for outcomes whose deadline the bucket did not reach.
      if (commit.revision === throughRevision) writer.state.takeHealth(to - this.reportingDeadlineMs);
      facts += commit.body.kind === 'packed' ? commit.body.count : 0;
      if (performance.now() - said < PROGRESS_EVERY_MS) continue;
      said = performance.now();
      this.log.warn(`building the fleet from the store: ${String(facts)} facts so far`);
    }
  }

  /** The shard of a device, and with it its stream, must never change; so their number is written down at first. */
  private async checkShards(): Promise<void> {
    const shards = this.writers.length;
    for await (const { body } of this.store.readStream(CREATION_STREAM)) {
      const created = body.kind === 'events' ? (body.events[0] as FleetCreated) : undefined;
      if (created === undefined || created.shards === shards) return;
      throw new SettingsError(
        `The fleet in this store has ${String(created.shards)} shards, and that cannot be changed. Start with --shards ${String(created.shards)}.`,
      );
    }
    const created: FleetCreated = { type: 'FleetCreated', shards, at: this.clock.nowText() };
    await this.store.append({
      stream: CREATION_STREAM,
      expected: 'no-stream',
      commitId: CREATION_STREAM,
      metadata: { actor: 'telemetry', correlationId: CREATION_STREAM },
      body: { kind: 'events', events: [created] },
    });
  }

  private position(): Position {
    return this.writers.map(({ position }) => position).reduce((a, b) => (comparePositions(a, b) < 0 ? b : a));
  }
}

export interface DevicePlace {
  readonly shard: number;
  readonly device: number;
}

export interface DevicePage {
  readonly items: readonly DeviceAnswer[];
  readonly next?: DevicePlace;
}

export function withBase(view: DeviceView, baseOf: (build: string) => string): DeviceAnswer {
  return { ...view, base: baseOf(view.osBuild) };
}
