import { Liveness, Operation, Readiness } from '@sluice/api';
import { Controller, Get, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { AsyncApi } from '../http/async-api.ts';
import { Public, Roles } from '../auth/auth.ts';
import { Followers } from '../replay/followers.ts';
import { Metrics } from './metrics.ts';
import { OpenApi } from '../http/open-api.ts';
import { ProblemError } from '../http/problem.ts';
import { StopsInForce } from '../http/stops-in-force.ts';

@ApiTags('operations')
@Controller()
export class OperationsController {
  constructor(
    private readonly followers: Followers,
    private readonly metrics: Metrics,
    private readonly openApi: OpenApi,
    private readonly asyncApi: AsyncApi,
    private readonly stops: StopsInForce,
  ) {
    metrics.gauge('sluice_ready', 'Whether the process is ready (0 or 1)', () =>
      this.followers.notReady().length === 0 ? 1 : 0,
    );
  }

  @Get('health/live')
  @Public()
  @Operation({ id: 'isLive', summary: 'Whether the process answers', answers: { 200: Liveness } })
  live(): Liveness {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @Public()
  @Operation({ id: 'isReady', summary: 'Whether the process has caught up', answers: { 200: Readiness } })
  ready(): Readiness {
    const waiting = this.followers.notReady().map(inWords);
    const stopsNotDurable = this.stops.list();
    if (waiting.length > 0) {
      const stops = stopsNotDurable.map(({ stop }) => `${stop} is in force and not stored`);
      throw new ProblemError('not-ready', [...waiting, ...stops].join('; '));
    }
    const troubles = this.followers.troubles().map(inWords);
    // Neither makes it unready: a process that is restarted for a stop forgets the stop.
    return {
      status: 'ok',
      ...(troubles.length > 0 && { troubles }),
      ...(stopsNotDurable.length > 0 && { stopsNotDurable }),
    };
  }

  @Get('metrics')
  @Roles('viewer')
  @Operation({
    id: 'readMetrics',
    summary: 'Metrics of the process, for Prometheus',
    answers: { 200: { media: { 'text/plain': { type: 'string' } }, description: 'The text format of Prometheus.' } },
  })
  async read(@Res() reply: FastifyReply): Promise<void> {
    await reply.type(this.metrics.registry.contentType).send(await this.metrics.registry.metrics());
  }

  @Get('openapi.json')
  @Roles('viewer')
  @Operation({
    id: 'readOpenApi',
    summary: 'The OpenAPI document of this process',
    answers: { 200: { media: { 'application/json': { type: 'object' } }, description: 'OpenAPI 3.1.' } },
  })
  document(): object {
    return this.openApi.document();
  }

  @Get('asyncapi.json')
  @Roles('viewer')
  @Operation({
    id: 'readAsyncApi',
    summary: 'The AsyncAPI document of this process: what it publishes in Kafka',
    answers: { 200: { media: { 'application/json': { type: 'object' } }, description: 'AsyncAPI 3.' } },
  })
  channels(): object {
    return this.asyncApi.document();
  }
}

function inWords({ name, because }: { readonly name: string; readonly because: string }): string {
  return `${name} ${because}`;
}
