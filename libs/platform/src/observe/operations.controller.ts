import { Controller, Get, Res } from '@nestjs/common';
import { ApiExcludeEndpoint, ApiTags } from '@nestjs/swagger';
import { type FastifyReply } from 'fastify';
import { AsyncApi } from '../http/async-api.ts';
import { Public, Roles } from '../auth/auth.ts';
import { Followers } from '../followers.ts';
import { Metrics } from './metrics.ts';
import { OpenApi } from '../http/open-api.ts';
import { ProblemError } from '../http/problem.ts';
import { StopsInForce } from '../stops-in-force.ts';

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
  live() {
    return { status: 'ok' };
  }

  @Get('health/ready')
  @Public()
  ready() {
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
  async read(@Res() reply: FastifyReply): Promise<void> {
    await reply.type(this.metrics.registry.contentType).send(await this.metrics.registry.metrics());
  }

  @Get('openapi.json')
  @Roles('viewer')
  @ApiExcludeEndpoint()
  document(): object {
    return this.openApi.document();
  }

  /** What the service publishes in Kafka, as its `/openapi.json` is what it answers over HTTP. */
  @Get('asyncapi.json')
  @Roles('viewer')
  @ApiExcludeEndpoint()
  channels(): object {
    return this.asyncApi.document();
  }
}

function inWords({ name, because }: { readonly name: string; readonly because: string }): string {
  return `${name} ${because}`;
}
