import { type DynamicModule, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Followers } from '@sluice/platform';
import { TelemetryAttention } from './attention.ts';
import { CatalogView } from './fleet/catalog-view.projection.ts';
import { DeviceNames, deviceNames } from './shard/device-names.ts';
import { FleetCreation } from './fleet/fleet-creation.ts';
import { HolderCounts } from './fleet/holder-counts.ts';
import { FleetReplay } from './fleet/fleet-folds.ts';
import { DeviceLists } from './fleet/device-lists.ts';
import { FleetQueries } from './fleet/fleet-queries.ts';
import { FleetController, ShardsController } from './fleet/fleet.controller.ts';
import { FleetStreams } from './fleet/fleet-streams.ts';
import { Fleet } from './fleet/fleet.ts';
import { HealthBuckets } from './health/health-buckets.process.ts';
import { HealthController } from './health/health.controller.ts';
import { HealthThrough } from './health/health-through.ts';
import { HealthTotals } from './health/health.projection.ts';
import { Peers } from './shard/peers.ts';
import { ReportHandover } from './intake/report-handover.ts';
import { ReportsIntake } from './intake/reports.intake.ts';
import { ReportsRoute } from './intake/reports.route.ts';
import { RolloutsView } from './fleet/rollouts-view.projection.ts';
import { Observe } from './observe.ts';
import { RetireDeviceHandler } from './fleet/retire-device.handler.ts';
import { ShardNotesProcess } from './shard/shard-notes.process.ts';
import { ShardTakeover } from './shard/shard-takeover.ts';

/** Hears the fleet: takes in reports, knows every device, and tells how patches fare. */
@Module({
  controllers: [FleetController, HealthController, ShardsController],
  providers: [
    CatalogView,
    { provide: DeviceNames, useValue: deviceNames },
    Fleet,
    FleetCreation,
    FleetQueries,
    DeviceLists,
    HolderCounts,
    FleetReplay,
    FleetStreams,
    HealthBuckets,
    HealthThrough,
    HealthTotals,
    Observe,
    TelemetryAttention,
    Peers,
    ReportHandover,
    ReportsIntake,
    ReportsRoute,
    RetireDeviceHandler,
    RolloutsView,
    ShardNotesProcess,
    ShardTakeover,
  ],
})
export class TelemetryModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly creation: FleetCreation,
    private readonly takeover: ShardTakeover,
    private readonly totals: HealthTotals,
    private readonly notes: ShardNotesProcess,
    private readonly rollouts: RolloutsView,
    private readonly followers: Followers,
  ) {}

  /** With names that publications of its own know, where several instances run in one process. */
  static with(names: DeviceNames): DynamicModule {
    return { module: TelemetryModule, providers: [{ provide: DeviceNames, useValue: names }] };
  }

  // In this order: health is told, and facts are taken, only of shards whose state is what the store says.
  async onModuleInit(): Promise<void> {
    const { followers, takeover, totals } = this;
    await this.creation.check();
    followers.add(takeover.fleet.catalog.follower);
    followers.add(this.rollouts.follower);
    followers.add(totals.follower);
    this.notes.start();
    followers.work(() => this.notes.idle());
    followers.onStop('notes', () => this.notes.stop());
    await takeover.start();
    followers.onStop('shards', () => takeover.stop());
    followers.accompany({
      name: 'shards',
      start: () => undefined,
      // By then the shards are given up, while nothing else had stopped yet.
      stop: () => Promise.resolve(),
      notReady: () => takeover.fleet.ownership.notReady(),
    });
  }

  onApplicationShutdown(): void {
    this.takeover.forget();
  }
}
