import { type DynamicModule, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Followers } from '@sluice/platform';
import { CatalogView } from './catalog-view.projection.ts';
import { DeviceNames, deviceNames } from './device-names.ts';
import { FleetCreation } from './fleet-creation.ts';
import { FleetReplay } from './fleet-folds.ts';
import { FleetQueries } from './fleet-queries.ts';
import { FleetController, ShardsController } from './fleet.controller.ts';
import { FleetStreams } from './fleet-streams.ts';
import { Fleet } from './fleet.ts';
import { HealthBuckets } from './health-buckets.policy.ts';
import { HealthController } from './health.controller.ts';
import { HealthTotals } from './health.projection.ts';
import { Peers } from './peers.ts';
import { ReportHandover } from './report-handover.ts';
import { ReportsIntake } from './reports.intake.ts';
import { ReportsRoute } from './reports.route.ts';
import { RetireDeviceHandler } from './retire-device.handler.ts';
import { ShardTakeover } from './shard-takeover.ts';

/** Hears the fleet: takes in reports, knows every device, and tells how patches fare. */
@Module({
  controllers: [FleetController, HealthController, ShardsController],
  providers: [
    CatalogView,
    { provide: DeviceNames, useValue: deviceNames },
    Fleet,
    FleetCreation,
    FleetQueries,
    FleetReplay,
    FleetStreams,
    HealthBuckets,
    HealthTotals,
    Peers,
    ReportHandover,
    ReportsIntake,
    ReportsRoute,
    RetireDeviceHandler,
    ShardTakeover,
  ],
})
export class TelemetryModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly creation: FleetCreation,
    private readonly takeover: ShardTakeover,
    private readonly totals: HealthTotals,
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
    followers.add(totals.follower);
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
