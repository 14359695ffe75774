import { Injectable } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type FastifyReply, type FastifyRequest } from 'fastify';
import { authenticate } from '../auth/auth.ts';
import { Metrics } from '../observe/metrics.ts';
import { ProblemError, sendProblem } from './problem.ts';
import { type Caller } from '../auth/caller.ts';
import { Tokens } from '../auth/tokens.ts';

const LATENCY_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];

export interface DeviceRoute {
  readonly path: string;
  /** For the OpenAPI document: JSON Schemas of the body and the answer, and a line of text. */
  readonly summary: string;
  readonly body: object;
  readonly answer: object;
  readonly status: number;
  readonly bodyLimitBytes: number;
  /** Answers with a value, or throws what `toProblem` knows. `body` is JSON, not validated. */
  handle(body: unknown, caller: Caller, request: FastifyRequest): unknown;
}

/**
 * The routes that devices call, on bare Fastify: no guards, pipes, interceptors, helmet or log line a request,
 * which together cost more than half of the throughput. Metrics instead.
 */
@Injectable()
export class DeviceRoutes {
  readonly registered: DeviceRoute[] = [];
  private readonly latency;

  constructor(
    private readonly host: HttpAdapterHost,
    private readonly tokens: Tokens,
    metrics: Metrics,
  ) {
    this.latency = metrics.histogram(
      'sluice_device_request_seconds',
      'Time from request to answer on device routes (seconds)',
      LATENCY_BUCKETS_SECONDS,
      ['path', 'outcome'],
    );
  }

  /** To be called while modules are initialised, before the server listens. */
  post(route: DeviceRoute): void {
    const instance = (this.host.httpAdapter as ReturnType<NestFastifyApplication['getHttpAdapter']>).getInstance();
    const answered = this.latency.labels({ path: route.path, outcome: 'answered' });
    const refused = this.latency.labels({ path: route.path, outcome: 'refused' });
    this.registered.push(route);
    instance.post(
      route.path,
      { helmet: false, bodyLimit: route.bodyLimitBytes } as object,
      (request: FastifyRequest, reply: FastifyReply) => {
        const startedAt = performance.now();
        const succeed = (answer: unknown) => {
          answered.observe((performance.now() - startedAt) / 1000);
          void reply.code(route.status).send(answer);
        };
        const fail = (error: unknown) => {
          refused.observe((performance.now() - startedAt) / 1000);
          sendProblem(error, request, reply);
        };
        try {
          const caller = authenticate(this.tokens, request);
          if (!caller.has('device')) throw new ProblemError('forbidden', 'needs device');
          const answer = route.handle(request.body, caller, request);
          // A promise costs an answer that is there already another turn.
          if (answer instanceof Promise) void answer.then(succeed, fail);
          else succeed(answer);
        } catch (error) {
          fail(error);
        }
      },
    );
  }
}
