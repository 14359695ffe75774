import { Controller, Get, Query } from '@nestjs/common';
import { ApiProperty, ApiTags } from '@nestjs/swagger';
import { ID_PATTERN } from '@sluice/contracts';
import { Roles } from '@sluice/platform';
import { Matches } from 'class-validator';
import { HealthTotals, type PatchHealth } from './health.projection.ts';

class HealthQuery {
  @ApiProperty()
  @Matches(new RegExp(ID_PATTERN))
  patchId!: string;
}

/** How a patch fares, as the gates hear it. */
@ApiTags('fleet')
@Controller('v1/health')
export class HealthController {
  constructor(private readonly totals: HealthTotals) {}

  @Get()
  @Roles('viewer', 'publisher', 'operator', 'responder')
  of(@Query() { patchId }: HealthQuery): PatchHealth {
    return this.totals.of(patchId);
  }
}
