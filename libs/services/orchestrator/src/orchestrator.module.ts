import { Module } from '@nestjs/common';
import { AsOf } from './as-of/as-of.ts';
import { OrchestratorAttention } from './attention.ts';
import { CheckInRoute } from './check-in/check-in.route.ts';
import { ChangeHoldHandler, ChangeRecallHandler, ChangeRolloutHandler, DecideRolloutHandler } from './commands.ts';
import { ExplainController } from './explain/explain.controller.ts';
import { ReportedDevices } from './explain/reported-devices.ts';
import { HoldsController, StopController } from './hold/holds.controller.ts';
import { OrchestratorNotices } from './notices.ts';
import { Observe } from './observe.ts';
import { OrchestratorVerification } from './orchestrator-verification.ts';
import { RecallPreviews } from './recall/recall-previews.ts';
import { RecallsController } from './recall/recalls.controller.ts';
import { RolloutApprovalsController } from './rollout/rollout-approvals.controller.ts';
import { RolloutHistoryController } from './rollout/rollout-history.controller.ts';
import { RolloutsController } from './rollout/rollouts.controller.ts';
import { Knowledge } from './knowledge/knowledge.ts';
import { Sources } from './sources.ts';
import { Steering } from './steering.ts';
import { Stops } from './rollout/stops.ts';
import { Views } from './views.ts';

/** The orchestrator: rollouts, holds, recalls, and what each device is told. Needs `PlatformModule` beside it. */
@Module({
  controllers: [
    RolloutsController,
    RolloutApprovalsController,
    RolloutHistoryController,
    HoldsController,
    StopController,
    RecallsController,
    ExplainController,
  ],
  providers: [
    Views,
    Sources,
    Knowledge,
    Steering,
    Stops,
    RecallPreviews,
    AsOf,
    ReportedDevices,
    Observe,
    OrchestratorAttention,
    OrchestratorNotices,
    OrchestratorVerification,
    CheckInRoute,
    ChangeRolloutHandler,
    DecideRolloutHandler,
    ChangeHoldHandler,
    ChangeRecallHandler,
  ],
})
export class OrchestratorModule {}
