import { RolloutPath, type RolloutView } from '@sluice/api';
import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiTags } from '@nestjs/swagger';
import { Clock, type CommandContext } from '@sluice/event-sourcing';
import {
  IfMatch,
  ProblemError,
  RequestContext,
  Roles,
  type SeenVersions,
  type Versioned,
  withCurrent,
} from '@sluice/platform';
import { ChangeRollout } from '../commands.ts';
import { rolloutOperations as operations } from './rollout-operations.ts';
import { RolloutsController } from './rollouts.controller.ts';

const severalSeen = { path: '/if-match', code: 'if-match', detail: 'is one ETag: that of the plan that was seen' };

@ApiTags('rollouts')
@Controller('v1/rollouts')
export class RolloutApprovalsController {
  constructor(
    private readonly rollouts: RolloutsController,
    private readonly commands: CommandBus,
    private readonly clock: Clock,
  ) {}

  @Post(':id/approve')
  @HttpCode(200)
  @Roles('operator', 'responder')
  @operations.approve
  async approve(
    @Param() { id: rolloutId }: RolloutPath,
    @RequestContext() context: CommandContext,
    @IfMatch() seen: SeenVersions,
  ): Promise<Versioned<RolloutView>> {
    const show = () => this.rollouts.show({ id: rolloutId });
    show();
    if (seen === undefined) throw new ProblemError('if-match-missing', rolloutId);
    // Who approves has seen one plan.
    const [revision = 0, another] = seen;
    if (another !== undefined) throw new ProblemError('invalid-request', undefined, [severalSeen]);
    const command = {
      type: 'ApproveRollout',
      rolloutId,
      revision,
      by: context.actor,
      at: this.clock.nowText(),
    } as const;
    await withCurrent(() => this.commands.execute(new ChangeRollout(command, context, undefined, seen)), show);
    return show();
  }
}
