import { HealthQuery, Operation, PatchHealth } from '@sluice/api';
import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Roles } from '@sluice/platform';
import { HealthTotals } from './health.projection.ts';

/** How a patch fares, as the gates hear it. */
@ApiTags('fleet')
@Controller('v1/health')
export class HealthController {
  constructor(private readonly totals: HealthTotals) {}

  @Get()
  @Roles('viewer', 'publisher', 'operator', 'responder')
  @Operation({ id: 'showHealth', summary: 'How a patch fares, as the gates hear it', answers: { 200: PatchHealth } })
  of(@Query() { patchId }: HealthQuery): PatchHealth {
    return this.totals.of(patchId);
  }
}
