import { randomUUID } from 'node:crypto';
import helmet from '@fastify/helmet';
import { type DynamicModule, type LoggerService, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { EventStore } from '@sluice/event-sourcing';
import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify';
import { type Logger, pino } from 'pino';
import { Audit } from '../audit/audit.ts';
import { Followers } from '../followers.ts';
import { Metrics } from '../observe/metrics.ts';
import { readBodies } from './bodies.ts';
import { OpenApi } from './open-api.ts';
import { type Composition, PlatformModule } from '../platform.module.ts';
import { countProblems, sendProblem } from './problem.ts';
import { type SettingValues } from '../settings.ts';

const BODY_LIMIT_BYTES = 2 * 1024 * 1024;
const HEADER_TIMEOUT_MS = 10_000;
const SHUTDOWN_GRACE_MS = 20_000;
const CORRELATION_HEADER = 'x-correlation-id';
const CORRELATION_ID = /^[A-Za-z0-9._:-]{1,64}$/;

/** Structured log lines on standard error: standard output belongs to what a program answers. */
export function createLogger({ logLevel }: Pick<SettingValues, 'logLevel'>): Logger {
  return pino({ level: logLevel, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
}

/** Boots services in one process, ready for `listen` or `inject`. */
export async function createApp(
  modules: readonly (Type | DynamicModule)[],
  composition: Composition,
  log: Logger = createLogger({ logLevel: 'silent' }),
): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({
    loggerInstance: log,
    logController: new fastify.LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_LIMIT_BYTES,
    genReqId: correlationId,
    skipMiddie: true,
    frameworkErrors: sendProblem,
    return503OnClosing: true,
    // One odd field must not refuse a whole batch of reports.
    onProtoPoisoning: 'remove',
    onConstructorPoisoning: 'remove',
    forceCloseConnections: 'idle',
    http: { headersTimeout: HEADER_TIMEOUT_MS },
  });
  const instance = adapter.getInstance<FastifyInstance>();
  await instance.register(helmet);
  instance.removeContentTypeParser('text/plain');
  addHooks(instance);
  readBodies(instance, composition.tokens);
  const app = await NestFactory.create<NestFastifyApplication>(rootOf(modules, composition), adapter, {
    logger: asNestLogger(log),
    abortOnError: false,
    // Fastify's own parser of JSON does the same in less time, and no route takes web forms.
    bodyParser: false,
  });
  const problems = app
    .get(Metrics)
    .counter('sluice_problems_total', 'Requests refused or failed, by error code', ['code']);
  countProblems(instance, (code) => problems.inc({ code }));
  app.get(OpenApi).attach(app);
  noteAnswers(instance, app.get(Audit));
  await app.init();
  for (const companion of composition.companions ?? []) {
    app.get(Followers).accompany(companion);
    for (const { name, help, read } of companion.gauges ?? []) app.get(Metrics).gauge(name, help, read);
  }
  app.get(Followers).start();
  await instance.ready();
  return app;
}

/** Listens until SIGINT or SIGTERM, then finishes what it acknowledged. Resolves with the address once it listens. */
export async function serve(
  app: NestFastifyApplication,
  { host, port }: Pick<SettingValues, 'host' | 'port'>,
  log: Logger,
) {
  await app.listen(port, host);
  let closing = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // A terminal and the launcher may both send the signal: the second one must not cut the first one's work short.
    process.on(signal, () => {
      if (closing) return;
      closing = true;
      log.info({ signal }, 'shutting down');
      setTimeout(() => process.exit(1), SHUTDOWN_GRACE_MS).unref();
      void close(app).then(() => process.exit(0));
    });
  }
  return app.getUrl();
}

/** Stops what runs behind the requests, answers the requests under way, then closes the store. */
export async function close(app: NestFastifyApplication): Promise<void> {
  const [followers, store] = [app.get(Followers), app.get(EventStore)];
  await followers.stopTasks();
  await app.close();
  await followers.stop();
  await store.close();
}

function rootOf(modules: readonly (Type | DynamicModule)[], composition: Composition): DynamicModule {
  @Module({})
  class Root {}
  return { module: Root, imports: [PlatformModule.with(composition), ...modules] };
}

// With the answer, and not after it: whoever hangs up before it has commanded all the same.
function noteAnswers(instance: FastifyInstance, audit: Audit): void {
  instance.addHook('onSend', (request, _reply, payload, done) => {
    if (!isDeviceRoute(request)) audit.note(request);
    done(null, payload);
  });
}

function addHooks(instance: FastifyInstance): void {
  instance.addHook('onRequest', (request, reply, done) => {
    if (!isDeviceRoute(request)) void reply.header(CORRELATION_HEADER, request.id);
    done();
  });
  instance.addHook('onResponse', (request, reply, done) => {
    if (!isDeviceRoute(request)) {
      request.log.info(
        {
          method: request.method,
          path: request.url.split('?')[0],
          status: reply.statusCode,
          ms: Math.round(reply.elapsedTime),
        },
        'request',
      );
    }
    done();
  });
}

// Device routes are the ones without helmet.
function isDeviceRoute(request: FastifyRequest): boolean {
  return (request.routeOptions.config as { helmet?: unknown } | undefined)?.helmet !== undefined;
}

function correlationId(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers[CORRELATION_HEADER];
  return typeof given === 'string' && CORRELATION_ID.test(given) ? given : randomUUID();
}

function asNestLogger(log: Logger): LoggerService {
  const write =
    (level: 'info' | 'warn' | 'error' | 'debug') =>
    (message: unknown, ...rest: unknown[]) => {
      log[level]({ context: rest.at(-1) }, String(message));
    };
  // Nest tells each mapped route at start; that is noise here.
  return { log: write('debug'), warn: write('warn'), error: write('error'), debug: write('debug') };
}
