import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OpenApiDocument } from '@sluice/api';
import { InMemoryEventStore } from '@sluice/event-sourcing';
import { close, createApp, InlineFolds, ManualClock, OpenApi, Settings, Tokens } from '@sluice/platform';
import { CatalogModule } from '@sluice/service-catalog';
import { OrchestratorModule } from '@sluice/service-orchestrator';
import { TelemetryModule } from '@sluice/service-telemetry';

/** The OpenAPI document of all services in one process, as its `/openapi.json` would answer. */
export async function openApiDocument(): Promise<OpenApiDocument> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-open-api-'));
  const clock = new ManualClock(0);
  const store = new InMemoryEventStore(clock);
  const modules = [CatalogModule, OrchestratorModule, TelemetryModule];
  const tokens = new Tokens(folder);
  const folds = new InlineFolds(store, {});
  const app = await createApp(modules, { settings: Settings.of(), clock, store, tokens, folds, publications: [] });
  try {
    return app.get(OpenApi).document();
  } finally {
    await close(app);
    rmSync(folder, { recursive: true, force: true });
  }
}
