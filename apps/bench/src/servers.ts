import { join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { OwnSigns, publishAsIs } from '@sluice/event-feed';
import { InMemoryEventStore } from '@sluice/event-sourcing';
import { SqliteEventStore } from '@sluice/event-store-sqlite';
import { close, createApp, Followers, inject, InlineFolds, Settings, Tokens, WallClock } from '@sluice/platform';
import { folds as orchestratorFolds, OrchestratorModule, orchestratorPublications } from '@sluice/service-orchestrator';
import { folds as telemetryFolds, TelemetryModule, telemetryPublications } from '@sluice/service-telemetry';
import { fastify } from 'fastify';
import { DEVICE_PREFIX, PATCH, PLAN } from './examples.ts';

/** What a server process serves; `folder` is for its tokens and its store. */
export type ServerRole =
  | { readonly kind: 'check-ins'; readonly folder: string }
  | { readonly kind: 'reports'; readonly folder: string }
  /** Parses the body and answers with this JSON: what Fastify alone can do. */
  | { readonly kind: 'bare'; readonly path: string; readonly status: number; readonly answer: object };

export interface Server {
  /** Listens on a free port. Resolves with the address. */
  listen(): Promise<string>;
  inject(path: string, body: string): Promise<{ status: number; answer: object }>;
  close(): Promise<void>;
  readonly token: string;
}

export async function createServer(role: ServerRole): Promise<Server> {
  switch (role.kind) {
    case 'check-ins':
      return serveCheckIns(role.folder);
    case 'reports':
      return serveReports(role.folder);
    case 'bare':
      return serveBare(role);
  }
}

/** The orchestrator as an app composes it, with a rollout that has reached every device. */
async function serveCheckIns(folder: string): Promise<Server> {
  const clock = new WallClock();
  const store = new InMemoryEventStore(clock);
  const publications = [
    ...orchestratorPublications(),
    publishAsIs('catalog', 'catalog', ['patch-']),
    publishAsIs('telemetry', 'health', ['health-']),
  ];
  const tokens = new Tokens(folder);
  const folds = new InlineFolds(store, orchestratorFolds);
  // Nothing widens before the health of the fleet is known.
  const signs = new OwnSigns();
  signs.setThrough([{ shard: 0, shards: 1, throughMs: clock.now(), revision: -1 }]);
  const app = await createApp([OrchestratorModule], {
    settings: Settings.of(),
    clock,
    store,
    tokens,
    folds,
    publications,
    signs,
  });
  const published = { type: 'PatchPublished', ...PATCH, at: clock.nowText() };
  await store.append({
    stream: `patch-${PATCH.patchId}`,
    expected: 'no-stream',
    commitId: 'published',
    metadata: { actor: 'bench', correlationId: 'bench' },
    body: { kind: 'events', events: [published] },
  });
  const headers = { authorization: `Bearer ${tokens.adminToken()}` };
  for (const request of [{ url: '/v1/rollouts', payload: PLAN }, { url: `/v1/rollouts/${PLAN.rolloutId}/start` }]) {
    const { statusCode, body } = await app.inject({ method: 'POST', headers, ...request });
    if (statusCode >= 300) throw new Error(`${request.url}: ${String(statusCode)} ${body}`);
  }
  await app.get(Followers).settle();
  return serverOf(app, deviceToken(tokens));
}

/** Telemetry as an app composes it, on the embedded store. */
async function serveReports(folder: string): Promise<Server> {
  const clock = new WallClock();
  const store = await SqliteEventStore.open({ path: join(folder, 'sluice.db'), clock });
  const publications = [...telemetryPublications(), publishAsIs('catalog', 'catalog', ['patch-'])];
  const tokens = new Tokens(folder);
  const folds = new InlineFolds(store, telemetryFolds);
  const app = await createApp([TelemetryModule], {
    settings: Settings.of(),
    clock,
    store,
    tokens,
    folds,
    publications,
  });
  return serverOf(app, deviceToken(tokens));
}

async function serveBare({ path, status, answer }: Extract<ServerRole, { kind: 'bare' }>): Promise<Server> {
  const instance = fastify();
  instance.post(path, async (request, reply) => {
    if (typeof request.body !== 'object') throw new Error('no JSON');
    if (status !== 200) void reply.code(status);
    return answer;
  });
  return {
    listen: () => instance.listen({ host: '127.0.0.1', port: 0 }),
    inject: async (url, payload) => {
      const response = await instance.inject({ method: 'POST', url, headers: JSON_BODY, payload });
      return { status: response.statusCode, answer: response.json<object>() };
    },
    close: () => instance.close(),
    token: 'none is asked for',
  };
}

const JSON_BODY = { 'content-type': 'application/json' };

function serverOf(app: NestFastifyApplication, token: string): Server {
  return {
    listen: async () => {
      await app.listen(0, '127.0.0.1');
      return app.getUrl();
    },
    inject: async (url, payload) => {
      const headers = { ...JSON_BODY, authorization: `Bearer ${token}` };
      const response = await inject(app, { method: 'POST', url, headers, payload });
      return { status: response.statusCode, answer: response.json<object>() };
    },
    close: () => close(app),
    token,
  };
}

/** The token of a gateway, which speaks for many devices; it may also look at the fleet. */
function deviceToken(tokens: Tokens): string {
  return tokens.createLocal('gateway', ['device', 'viewer'], { devicePrefix: DEVICE_PREFIX });
}
