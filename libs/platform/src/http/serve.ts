import { randomUUID } from 'node:crypto';
import { type RequestListener, type Server } from 'node:http';
import { type Server as TlsServer } from 'node:https';
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet';
import { type DynamicModule, type LoggerService, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type ErrorCode } from '@sluice/contracts/errors';
import { EventStore, untraced } from '@sluice/event-sourcing';
import { fastify, type FastifyInstance } from 'fastify';
import { type InjectOptions, type Response as InjectResponse } from 'light-my-request';
import { type Logger, pino } from 'pino';
import { Audit } from '../audit/audit.ts';
import { DeviceRoutes, type DoorOptions } from '../device-door/device-routes.ts';
import { createDoorServer } from '../device-door/server.ts';
import { type Companion, Followers } from '../replay/followers.ts';
import { Metrics } from '../observe/metrics.ts';
import { RequestLog } from '../observe/request-log.ts';
import { traceRequests } from '../observe/request-traces.ts';
import { BodyBudget } from './body-budget.ts';
import { type Certificate } from './certificate.ts';
import { answerUnreadable } from './connections.ts';
import { guardRoutes } from './door.ts';
import { injectInto } from './inject.ts';
import { encodeInSlices, ListTurns } from './long-lists.ts';
import { OpenApi } from './open-api.ts';
import { type Composition, PlatformModule, type Shared } from '../platform.module.ts';
import { CORRELATION_HEADER, countAnswered, countProblems, isCorrelationId, sendProblem } from './problem.ts';
import { type SettingValues } from '../settings/settings.ts';
import { WallTimers } from '../time/timers.ts';

/** The id of a parked event names its consumer, and its stream with the slashes escaped. */
const PATH_ID_CHARACTERS_MAX = 800;
const HEADERS_TIMEOUT_MS = 10_000;
/** The backstop for bodies that nobody reads: those that are read have 10 s of their own. */
const REQUEST_TIMEOUT_MS = 20_000;
const TIMEOUTS_CHECKED_EVERY_MS = 1_000;
/** Connections that wait to be accepted. Of those that do not fit, the system lets each try again after a second only. */
const BACKLOG = 4_096;
const SHUTDOWN_GRACE_MS = 20_000;

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
  const { tokens, timers = new WallTimers(), traces = untraced, certificate } = composition;
  // The server is made before the routes are, and asks for them with each request.
  const devices: Devices = { routes: undefined };
  const adapter = createAdapter(log, devices, certificate);
  const instance = adapter.getInstance<FastifyInstance>();
  await instance.register(helmet, helmetOptions(certificate !== undefined));
  addHooks(instance);
  const budget = new BodyBudget();
  guardRoutes(instance, { tokens, budget, timers });
  traceRequests(instance, traces);
  const listTurns = new ListTurns();
  encodeInSlices(instance, listTurns);
  const app = await NestFactory.create<NestFastifyApplication>(
    rootOf(modules, { ...composition, budget, listTurns }),
    adapter,
    {
      logger: asNestLogger(log),
      abortOnError: false,
      // Fastify's own parser of JSON does the same in less time, and no route takes web forms.
      bodyParser: false,
    },
  );
  const problems = app
    .get(Metrics)
    .counter('sluice_problems_total', 'Requests refused or failed, by error code', ['code']);
  const countProblem = (code: ErrorCode) => problems.inc({ code });
  countProblems(instance, countProblem);
  devices.routes = openDeviceDoor(app, { log, countProblem });
  app.get(Metrics).gauge('sluice_bodies_bytes', 'What bodies that are not yet parsed hold', () => budget.heldBytes);
  app.get(OpenApi).attach(app);
  noteAnswers(instance, app.get(Audit));
  const requestLog = new RequestLog(log, timers, () => devices.routes?.sums() ?? []);
  requestLog.attach(instance);
  await app.init();
  certificate?.follow(instance.server as TlsServer, log, timers);
  const companions: Companion[] = [...(composition.companions ?? []), requestLog];
  if (certificate !== undefined) companions.push(certificate);
  for (const companion of companions) {
    app.get(Followers).accompany(companion);
    for (const { name, help, read } of companion.gauges ?? []) app.get(Metrics).gauge(name, help, read);
    for (const { name, help, read } of companion.counters ?? []) app.get(Metrics).count(name, help, read);
  }
  app.get(Followers).start();
  await instance.ready();
  return app;
}

interface Devices {
  routes: DeviceRoutes | undefined;
}

function createAdapter(log: Logger, devices: Devices, certificate: Certificate | undefined): FastifyAdapter {
  const http = {
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUTS_CHECKED_EVERY_MS,
    // The door says it as a problem.
    requireHostHeader: false,
  };
  const adapter: FastifyAdapter = new FastifyAdapter({
    serverFactory: (others: RequestListener, options: object) =>
      createDoorServer((request, response) => {
        if (devices.routes?.answer(request, response) !== true) others(request, response);
      }, options),
    loggerInstance: log,
    logController: new fastify.LogController({ disableRequestLogging: true }),
    routerOptions: { maxParamLength: PATH_ID_CHARACTERS_MAX },
    genReqId: correlationId,
    skipMiddie: true,
    frameworkErrors: sendProblem,
    // The door says it as a problem.
    return503OnClosing: false,
    clientErrorHandler: (error, socket) => {
      const code = answerUnreadable(error, socket);
      if (code !== undefined) countAnswered(adapter.getInstance<FastifyInstance>(), code);
    },
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    ...(certificate === undefined
      ? { http }
      : { https: { ...http, ...certificate.current, handshakeTimeout: HEADERS_TIMEOUT_MS } }),
  });
  return adapter;
}

/**
 * A request to the app without a socket, through the handler of its server: `app.inject` would go past the device routes.
 * Answers like `app.inject`.
 */
export function inject(app: NestFastifyApplication, request: InjectOptions): Promise<InjectResponse> {
  const server: Server = app.getHttpServer();
  return injectInto(server, request);
}

/** A browser that was told so once asks over TLS for good: only who listens with it may say that. */
function helmetOptions(isTls: boolean): FastifyHelmetOptions {
  return isTls ? {} : { hsts: false, contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } } };
}

/** Listens until SIGINT or SIGTERM, then finishes what it acknowledged. Resolves with the address once it listens. */
export async function serve(
  app: NestFastifyApplication,
  { host, port }: Pick<SettingValues, 'host' | 'port'>,
  log: Logger,
) {
  await app.listen({ port, host, backlog: BACKLOG });
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

function rootOf(modules: readonly (Type | DynamicModule)[], composition: Composition & Shared): DynamicModule {
  @Module({})
  class Root {}
  return { module: Root, imports: [PlatformModule.with(composition), ...modules] };
}

// With the answer, and not after it: whoever hangs up before it has commanded all the same.
function noteAnswers(instance: FastifyInstance, audit: Audit): void {
  instance.addHook('onSend', (request, _reply, payload, done) => {
    audit.note(request);
    done(null, payload);
  });
}

function addHooks(instance: FastifyInstance): void {
  instance.addHook('onRequest', (request, reply, done) => {
    void reply.header(CORRELATION_HEADER, request.id);
    done();
  });
}

function openDeviceDoor(app: NestFastifyApplication, options: DoorOptions): DeviceRoutes {
  const routes = app.get(DeviceRoutes);
  routes.open(options);
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('preClose', (done) => {
      routes.startClosing();
      done();
    });
  return routes;
}

function correlationId(request: { headers: Record<string, string | string[] | undefined> }): string {
  const given = request.headers[CORRELATION_HEADER];
  return isCorrelationId(given) ? given : randomUUID();
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
