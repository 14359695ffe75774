import { FleetSeries, HealthQuery, Operation, PatchHealth, SeriesQuery } from '@sluice/api';
import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { parseTime } from '@sluice/contracts/times';
import { toTimeText } from '@sluice/event-sourcing';
import { ProblemError, Roles } from '@sluice/platform';
import { HealthTotals } from './health.projection.ts';

/** How patches fare: now, as the gates hear it, and over time. */
@ApiTags('fleet')
@Controller('v1')
export class HealthController {
  constructor(private readonly totals: HealthTotals) {}

  @Get('health')
  @Roles('viewer', 'publisher', 'operator', 'responder')
  @Operation({ id: 'showHealth', summary: 'How a patch fares, as the gates hear it', answers: { 200: PatchHealth } })
  of(@Query() { patchId }: HealthQuery): PatchHealth {
    return this.totals.of(patchId);
  }

  @Get('fleet/series')
  @Roles('viewer', 'publisher', 'operator', 'responder')
  @Operation({
    id: 'showFleetSeries',
    summary: 'How a patch came into the fleet, and out of it, over time',
    description: 'The counts of all shards together, as of the ends of their health buckets.',
    answers: { 200: FleetSeries },
  })
  series(@Query() { patchId, from, to, points: pointsMax }: SeriesQuery): FleetSeries {
    const [fromMs, toMs] = [from, to].map((time) => (time === undefined ? undefined : parseTime(time)));
    if (fromMs !== undefined && toMs !== undefined && toMs < fromMs)
      throw new ProblemError('invalid-request', undefined, [{ path: '/to', code: 'order', detail: 'before `from`' }]);
    const known = this.totals.seriesOf(patchId);
    if (known === undefined) return { patchId, through: null, stepSeconds: null, points: null };
    const span = { from: fromMs ?? -Infinity, to: toMs ?? Infinity, pointsMax };
    const { stepMs, points } = known.series.points(span);
    const shown = points.map((point) => ({ ...point, at: toTimeText(point.at) }));
    return { patchId, through: known.through, stepSeconds: stepMs / 1000, points: shown };
  }
}
