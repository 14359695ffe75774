import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { InMemoryEventStore } from '@sluice/event-sourcing';
import { close, createApp, InlineFolds, ManualClock, OpenApi, Settings, Tokens } from '@sluice/platform';
import { CatalogModule, catalogPublications } from '@sluice/service-catalog';
import { OrchestratorModule, orchestratorPublications } from '@sluice/service-orchestrator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Every call that stops something, for a thing that is not there: its own answer shows that the body was no obstacle. */
const stops = [
  ['/v1/patches/none/pull', 'patch-not-found'],
  ['/v1/rollouts/none/pause', 'rollout-not-found'],
  ['/v1/rollouts/none/halt', 'rollout-not-found'],
  ['/v1/rollouts/none/abort', 'rollout-not-found'],
] as const;
const types = [undefined, 'application/json', 'application/x-www-form-urlencoded', 'text/plain', 'text/csv'];
const bodies = [undefined, '', '{"reason":', 'reason=smoke', 'null'];

const folder = mkdtempSync(join(tmpdir(), 'sluice-stops-'));
const tokens = new Tokens(folder);
let app: NestFastifyApplication;

beforeAll(async () => {
  const clock = new ManualClock(Date.parse('2026-03-17T12:00:00Z'));
  const store = new InMemoryEventStore(clock);
  const publications = [...catalogPublications(), ...orchestratorPublications()];
  const folds = new InlineFolds(store, {});
  const composition = { settings: Settings.of(), clock, store, tokens, folds, publications };
  app = await createApp([CatalogModule, OrchestratorModule], composition);
});
afterAll(async () => {
  await close(app);
  rmSync(folder, { recursive: true, force: true });
});

describe('stopping', () => {
  it.each(stops)('asks for no body and no content type at %s', async (url, code) => {
    for (const type of types) {
      for (const payload of bodies) {
        const headers = {
          authorization: `Bearer ${tokens.adminToken()}`,
          ...(type !== undefined && { 'content-type': type }),
        };
        const answer = await app.inject({ method: 'POST', url, headers, ...(payload !== undefined && { payload }) });
        expect(answer.json(), `${type ?? 'no type'}, ${JSON.stringify(payload)}`).toMatchObject({ code });
      }
    }
  });

  it.each(stops)('says so in the document: %s', (url) => {
    const { paths } = app.get(OpenApi).document();
    const requestBody = paths[url.replace('/none/', '/{id}/')]?.post?.['requestBody'];
    expect(requestBody).toMatchObject({ required: false, content: { 'application/json': { schema: {} } } });
  });
});
