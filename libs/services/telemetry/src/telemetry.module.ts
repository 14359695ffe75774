import { Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Followers } from '@sluice/platform';
import { CatalogView } from './catalog-view.projection.ts';
import { deviceNames } from './device-names.ts';
import { FleetReplay } from './fleet-folds.ts';
import { FleetController } from './fleet.controller.ts';
import { Fleet } from './fleet.ts';
import { HealthBuckets } from './health-buckets.policy.ts';
import { HealthController } from './health.controller.ts';
import { ReportsIntake } from './reports.intake.ts';
import { RetireDeviceHandler } from './retire-device.handler.ts';

/** Hears the fleet: takes in reports, knows every device, and tells how patches fare. */
@Module({
  controllers: [FleetController, HealthController],
  providers: [CatalogView, Fleet, FleetReplay, HealthBuckets, ReportsIntake, RetireDeviceHandler],
})
export class TelemetryModule implements OnModuleInit, OnApplicationShutdown {
  private forgetNames: (() => void) | undefined;

  constructor(
    private readonly fleet: Fleet,
    private readonly health: HealthBuckets,
    private readonly followers: Followers,
  ) {}

  // In this order: reports are taken, and health is told, only once the state is what the store says.
  async onModuleInit(): Promise<void> {
    this.forgetNames = deviceNames.add(this.fleet.writers.map(({ state }) => state));
    const told = await this.fleet.rebuild((bucket) => {
      this.health.totals.apply(bucket);
    });
    this.followers.add(this.fleet.catalog.follower);
    this.health.start(told);
    this.followers.onStop('health buckets', () => this.health.stop());
  }

  onApplicationShutdown(): void {
    this.forgetNames?.();
  }
}
