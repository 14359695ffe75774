import { Module } from '@nestjs/common';
import { CheckInRoute } from './check-in/check-in.route.ts';
import { ChangeHoldHandler, ChangeRecallHandler, ChangeRolloutHandler } from './commands.ts';
import { HoldsController } from './hold/holds.controller.ts';
import { OverviewVerification } from './overview-verification.ts';
import { OverviewMetrics } from './overview-metrics.ts';
import { Overview } from './overview.projection.ts';
import { RecallsController } from './recall/recalls.controller.ts';
import { RolloutsController } from './rollout/rollouts.controller.ts';
import { SteeringProcess } from './steering.process.ts';

/** The orchestrator: rollouts, holds, recalls, and what each device is told. Needs `PlatformModule` beside it. */
@Module({
  controllers: [RolloutsController, HoldsController, RecallsController],
  providers: [
    Overview,
    OverviewMetrics,
    OverviewVerification,
    SteeringProcess,
    CheckInRoute,
    ChangeRolloutHandler,
    ChangeHoldHandler,
    ChangeRecallHandler,
  ],
})
export class OrchestratorModule {}
