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
  Versioned,
  withCurrent,
} from '@sluice/platform';
import { ChangeRollout } from '../commands.ts';
import { Knowledge } from '../knowledge/knowledge.ts';
import { Views } from '../views.ts';
import { rolloutOperations as operations } from './rollout-operations.ts';
import { viewRollout } from './rollout-views.ts';

const severalSeen = { path: '/if-match', code: 'if-match', detail: 'is one ETag: that of the plan that was seen' };

@ApiTags('rollouts')
@Controller('v1/rollouts')
export class RolloutApprovalsController {
  constructor(
    private readonly views: Views,
    private readonly knowledge: Knowledge,
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
    this.show(rolloutId);
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
    await withCurrent(
      () => this.commands.execute(new ChangeRollout(command, context, undefined, seen)),
      () => this.show(rolloutId),
    );
    return this.show(rolloutId);
  }

  private show(rolloutId: string): Versioned<RolloutView> {
    const rollout = this.views.policy.rollout(rolloutId);
    if (rollout.status === 'absent') throw new ProblemError('rollout-not-found', rolloutId);
    const view = viewRollout(rollout, this.knowledge, this.clock.now());
    return new Versioned(view, this.views.versionOf(`rollout-${rolloutId}`));
  }
}
