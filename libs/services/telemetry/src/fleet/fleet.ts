import { Injectable } from '@nestjs/common';
import { type DeviceView, viewDevice } from '@sluice/domain-fleet';
import { ShardOwnership } from '@sluice/event-feed';
import { EventStore } from '@sluice/event-sourcing';
import { Settings } from '@sluice/platform';
import { AppendRounds } from '../shard/append-rounds.ts';
import { CatalogView } from './catalog-view.projection.ts';
import { type ShardFold } from '../shard/shard-fold.ts';
import { hashDevice, shardOf } from '../shard/shard-of.ts';
import { ShardWriter } from '../shard/shard-writer.ts';
import { telemetrySettings } from '../settings.ts';

const MINUTE_MS = 60_000;

export interface DevicePlace {
  readonly shard: number;
  readonly device: number;
}

export interface DevicePage {
  readonly items: readonly DeviceView[];
  readonly next?: DevicePlace;
}

/** The live part of the fleet: the shards that this instance owns, and what they answer. */
@Injectable()
export class Fleet {
  /** How many parts the whole fleet has. */
  readonly shards: number;
  /** An outcome without a start counts as an install trial this long after its receipt. */
  readonly reportingDeadlineMs: number;
  private readonly writers: (ShardWriter | undefined)[];
  private readonly rounds = new AppendRounds();

  constructor(
    private readonly store: EventStore,
    readonly ownership: ShardOwnership,
    readonly catalog: CatalogView,
    settings: Settings,
  ) {
    this.shards = settings.values.shards;
    this.reportingDeadlineMs = settings.of(telemetrySettings).reportingDeadlineMinutes * MINUTE_MS;
    this.writers = new Array<ShardWriter | undefined>(this.shards).fill(undefined);
  }

  /** The shards that are taken over here. */
  owned(): ShardWriter[] {
    return this.writers.filter((writer) => writer !== undefined);
  }

  /** The writer of a shard, undefined unless it is taken over here. */
  writer(shard: number): ShardWriter | undefined {
    return this.writers[shard];
  }

  /** From now on the shard answers, and takes facts. */
  open(shard: number, fold: ShardFold): ShardWriter {
    const { store, rounds } = this;
    const writer = new ShardWriter(fold, { shard, store, rounds, onConflict: (each) => this.giveBack(each) });
    this.writers[shard] = writer;
    return writer;
  }

  /** The shard answers no longer. Returns its writer, which has facts under way; undefined when it was not open. */
  close(shard: number): ShardWriter | undefined {
    const writer = this.writers[shard];
    this.writers[shard] = undefined;
    return writer;
  }

  /** Another instance wrote to the shard: what is known of it here is not what the store says. */
  giveBack(shard: number): void {
    this.ownership.release(shard);
  }

  shardOf(deviceHash: string): number {
    return shardOf(deviceHash, this.shards);
  }

  /** The device, undefined when nothing was heard of it. Its shard has to be open here. */
  device(deviceId: string, { state }: ShardWriter): DeviceView | undefined {
    const device = state.find(hashDevice(deviceId));
    return device === undefined ? undefined : viewDevice(state, device);
  }
}
