import { Liveness, Operation, Readiness } from '@sluice/api';
import { Body, Controller, Delete, Get, HttpCode, Param, Post, Res } from '@nestjs/common';
import { ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { ID_PATTERN } from '@sluice/contracts';
import { Clock } from '@sluice/event-sourcing';
import { ArrayNotEmpty, ArrayUnique, IsIn, IsNotEmpty, IsString, Matches, MaxLength } from 'class-validator';
import { type FastifyReply } from 'fastify';
import { AsyncApi } from '../http/async-api.ts';
import { Public, Roles } from '../auth/auth.ts';
import { Followers } from '../followers.ts';
import { AnswerNotKept } from '../http/keyed-requests.ts';
import { Metrics } from './metrics.ts';
import { OpenApi } from '../http/open-api.ts';
import { ProblemError } from '../http/problem.ts';
import { type Binding, type Role, roles, Tokens } from '../auth/tokens.ts';
import { StopsInForce } from '../stops-in-force.ts';
import { Optional } from '../http/validation.ts';

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

class CreateTokenBody {
  @ApiProperty({ description: 'Who or what uses the token; the actor of its commands.', maxLength: 64 })
  @IsString()
  @IsNotEmpty()
  @MaxLength(64)
  name!: string;

  @ApiProperty({ enum: roles, isArray: true })
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(roles, { each: true })
  roles!: Role[];

  @ApiPropertyOptional({ description: 'A device token that speaks for this device only.' })
  @Optional()
  @Matches(ID_PATTERN)
  deviceId?: string;

  @ApiPropertyOptional({ description: 'A device token that speaks for all devices whose id starts so.' })
  @Optional()
  @Matches(ID_PATTERN)
  devicePrefix?: string;
}

@ApiTags('operations')
@Controller('v1/tokens')
export class TokensController {
  constructor(
    private readonly tokens: Tokens,
    private readonly clock: Clock,
  ) {}

  @Post()
  @AnswerNotKept()
  @Roles()
  create(@Body() body: CreateTokenBody) {
    return this.tokens.create(body.name, body.roles, this.clock.nowText(), toBinding(body));
  }

  @Get()
  @Roles()
  list() {
    return { items: this.tokens.list() };
  }

  @Delete(':id')
  @HttpCode(204)
  @Roles()
  revoke(@Param('id') id: string): void {
    if (!this.tokens.revoke(id)) throw new ProblemError('token-not-found', id);
  }
}

// A device token speaks for the devices it is bound to and for no other; a gateway's is bound to a prefix.
function toBinding({ roles: granted, deviceId, devicePrefix }: CreateTokenBody): Binding | undefined {
  if (deviceId === undefined && devicePrefix === undefined) {
    return granted.includes('device')
      ? fault('/deviceId', 'a device token is bound: deviceId or devicePrefix')
      : undefined;
  }
  if (deviceId !== undefined && devicePrefix !== undefined)
    return fault('/devicePrefix', 'only one of deviceId and devicePrefix');
  if (!granted.includes('device')) return fault('/roles', 'only a device token is bound to devices');
  return deviceId !== undefined ? { deviceId } : { devicePrefix: devicePrefix ?? '' };
}

function fault(path: string, detail: string): never {
  throw new ProblemError('invalid-request', undefined, [{ path, code: 'binding', detail }]);
}
