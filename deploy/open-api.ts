import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type OpenApiDocument } from '@sluice/api';
import { InMemoryEventStore } from '@sluice/event-sourcing';
import { close, createApp, InlineFolds, ManualClock, OpenApi, Settings, Tokens } from '@sluice/platform';
import { CatalogModule, catalogPublications } from '@sluice/service-catalog';
import { OrchestratorModule } from '@sluice/service-orchestrator';
import { TelemetryModule } from '@sluice/service-telemetry';
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript';
import { format } from 'prettier';

/** The OpenAPI document of all services in one process, as its `/openapi.json` would answer. */
export async function openApiDocument(): Promise<OpenApiDocument> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-open-api-'));
  const clock = new ManualClock(0);
  const store = new InMemoryEventStore(clock);
  const modules = [CatalogModule, OrchestratorModule, TelemetryModule];
  const tokens = new Tokens(folder);
  const folds = new InlineFolds(store, {});
  // Who tells of tokens owns them: its document has the calls that make and end them.
  const publications = catalogPublications();
  const app = await createApp(modules, { settings: Settings.of(), clock, store, tokens, folds, publications });
  try {
    return app.get(OpenApi).document();
  } finally {
    await close(app);
    rmSync(folder, { recursive: true, force: true });
  }
}

const NOTE =
  '// Made from docs/reference/openapi.json. To make it again: UPDATE_DOCS=1 npm test -- deploy/open-api.spec.ts\n\n';

/** The types of libs/api-client, as they have to be. */
export async function clientTypes(document: OpenApiDocument): Promise<string> {
  const nodes = await openapiTS(structuredClone(document) as unknown as OpenAPI3, {
    rootTypes: true,
    rootTypesNoSchemaPrefix: true,
    // A field with a default may be left out of a request.
    defaultNonNullable: false,
  });
  return format(`${NOTE}${astToString(nodes)}\n${enumsOf(document)}`, {
    parser: 'typescript',
    printWidth: 120,
    singleQuote: true,
  });
}

/** The words of each enum, by its name, for programs that have to list them. */
function enumsOf({ components }: OpenApiDocument): string {
  const enums = Object.entries(components.schemas as Record<string, { readonly enum?: unknown }>).flatMap(
    ([name, { enum: words }]) => (words === undefined ? [] : [[name, words]]),
  );
  return `export const enums = ${JSON.stringify(Object.fromEntries(enums))} as const;\n`;
}
