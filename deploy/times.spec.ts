import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { InMemoryEventStore } from '@sluice/event-sourcing';
import { close, createApp, inject, InlineFolds, ManualClock, OpenApi, Settings, Tokens } from '@sluice/platform';
import { CatalogModule, catalogPublications, folds as catalogFolds } from '@sluice/service-catalog';
import { folds as orchestratorFolds, OrchestratorModule, orchestratorPublications } from '@sluice/service-orchestrator';
import { folds as telemetryFolds, TelemetryModule, telemetryPublications } from '@sluice/service-telemetry';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const NO_SUCH_DAYS = ['2027-02-30T10:00:00Z', '2100-02-29T00:00:00Z', '2027-04-31T00:00:00+02:00'];

const folder = mkdtempSync(join(tmpdir(), 'sluice-times-'));
const tokens = new Tokens(folder);
let app: NestFastifyApplication;

beforeAll(async () => {
  const clock = new ManualClock(Date.parse('2026-03-17T12:00:00Z'));
  const store = new InMemoryEventStore(clock);
  const folds = new InlineFolds(store, { ...catalogFolds, ...orchestratorFolds, ...telemetryFolds });
  const publications = [...catalogPublications(), ...orchestratorPublications(), ...telemetryPublications()];
  const modules = [CatalogModule, OrchestratorModule, TelemetryModule];
  app = await createApp(modules, { settings: Settings.of(), clock, store, tokens, folds, publications });
});
afterAll(async () => {
  await close(app);
  rmSync(folder, { recursive: true, force: true });
});

interface Shape {
  readonly $ref?: string;
  readonly format?: string;
  readonly properties?: Readonly<Record<string, Shape>>;
}
interface Place {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly in: 'query' | 'body';
  readonly field: string;
}

/** Every time that an operator may send, by the document that all clients are made from. */
function timesAsked(): Place[] {
  const { paths, components } = app.get(OpenApi).document();
  const schemas = components.schemas as Readonly<Record<string, Shape>>;
  return Object.entries(paths).flatMap(([path, item]) =>
    (['get', 'post', 'put'] as const).flatMap((method) => {
      const place = { method: method.toUpperCase() as Place['method'], path: path.replaceAll(/\{\w+\}/g, 'x') };
      const { parameters = [], requestBody } = (item[method] ?? {}) as {
        parameters?: { name: string; in: string; schema?: Shape }[];
        requestBody?: { content?: Record<string, { schema?: Shape }> };
      };
      const asked = parameters.filter((each) => each.in === 'query' && each.schema?.format === 'date-time');
      const body = requestBody?.content?.['application/json']?.schema;
      const { properties = {} } = schemas[body?.$ref?.split('/').at(-1) ?? ''] ?? body ?? {};
      const fields = Object.entries(properties).filter(([, { format }]) => format === 'date-time');
      return [
        ...asked.map(({ name }) => ({ ...place, in: 'query' as const, field: name })),
        ...fields.map(([field]) => ({ ...place, in: 'body' as const, field })),
      ];
    }),
  );
}

function send(method: Place['method'], url: string, payload?: object) {
  const headers = { authorization: `Bearer ${tokens.adminToken()}` };
  return inject(app, { method, url, headers, ...(payload !== undefined && { payload }) });
}

describe('refusing days that do not exist', () => {
  it('refuses them in every time of the document', async () => {
    const places = timesAsked();
    const names = places.map((each) => `${each.method} ${each.path} ${each.field}`);
    expect(names).toEqual(
      expect.arrayContaining([
        ...['POST /v1/rollouts startAt', 'PUT /v1/rollouts/x startAt', 'POST /v1/holds expiresAt'],
        ...['POST /v1/clock now', 'GET /v1/fleet at', 'GET /v1/devices/x at'],
      ]),
    );
    for (const { method, path, field, ...place } of places) {
      for (const time of NO_SUCH_DAYS) {
        const query = place.in === 'query' ? `?${field}=${encodeURIComponent(time)}` : '';
        const answer = await send(method, path + query, place.in === 'body' ? { [field]: time } : undefined);
        expect(answer.json(), `${method} ${path} ${field}=${time}`).toMatchObject({
          status: 400,
          code: 'invalid-request',
          errors: expect.arrayContaining([expect.objectContaining({ path: `/${field}`, code: 'is-time' })]) as unknown,
        });
      }
    }
  });

  it('refuses them in a report, and not the other reports of the batch', async () => {
    const report = (reportId: string, occurredAt: string) => ({
      ...{ reportId, deviceId: 'd-1', kind: 'status', occurredAt, platform: 'ios', model: 'iPhone18,1' },
      ...{ osVersion: '26.3.1', osBuild: '23D8133', track: 'automatic' },
    });
    const reports = [...NO_SUCH_DAYS, '2026-03-17T11:00:00Z'].map((time, index) => report(`r-${String(index)}`, time));
    const answer = await send('POST', '/v1/reports', { reports });
    const detail = '/occurredAt: there is no such time';
    expect(answer.json()).toEqual({
      accepted: 1,
      duplicates: 0,
      refused: NO_SUCH_DAYS.map((_, index) => ({ index, code: 'invalid-report', detail })),
    });
  });
});
