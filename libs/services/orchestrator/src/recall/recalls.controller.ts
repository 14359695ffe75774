import { Controller, Get, Param } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ProblemError, Roles } from '@sluice/platform';
import { Views } from '../views.ts';

@ApiTags('recalls')
@Controller('v1/recalls')
export class RecallsController {
  constructor(private readonly views: Views) {}

  /** How far the recall of a patch has burned down: devices that held it, those freed of it, those left. */
  @Get(':patchId')
  @Roles('viewer', 'operator', 'responder')
  show(@Param('patchId') patchId: string) {
    const recall = this.views.recalls.recall(patchId);
    if (recall.status === 'absent' || recall.status === 'recorded') throw new ProblemError('recall-not-found', patchId);
    const {
      holders = 0,
      removed = 0,
      longOffline = 0,
      removalsFailed = 0,
      complete = false,
      ...quantiles
    } = this.views.recalls.progressOf(patchId) ?? {};
    return {
      ...recall,
      status: recall.status === 'completed' ? 'completed' : 'running',
      devices: removed + holders,
      removed,
      remaining: holders,
      longOffline,
      removalsFailed,
      /** False while a shard has not counted since the pull: the numbers are lower bounds then. */
      counted: complete,
      ...quantiles,
    };
  }
}
