import { openStore } from '@sluice/composition';
import { type DeviceNaming, type ServiceProcess } from '@sluice/platform';
import { CatalogModule, catalogPublications, folds as catalogFolds } from '@sluice/service-catalog';
import {
  folds as orchestratorFolds,
  OrchestratorModule,
  orchestratorPublications,
  orchestratorSettings,
} from '@sluice/service-orchestrator';
import {
  folds as telemetryFolds,
  TelemetryModule,
  telemetryPublications,
  telemetrySettings,
} from '@sluice/service-telemetry';

/** All three services, and all that they fold, as one process has them. */
export const services = {
  modules: [CatalogModule, OrchestratorModule, TelemetryModule],
  publications: publicationsWith(),
  folds: { ...catalogFolds, ...orchestratorFolds, ...telemetryFolds },
  settings: [orchestratorSettings, telemetrySettings],
  openStore,
  foldsWorker: new URL('./folds.worker.js', import.meta.url),
  feedWorker: new URL('./feed.worker.js', import.meta.url),
} satisfies ServiceProcess & { folds: object };

/** What the three tell the world; `names` has the ids of devices, where that is not the process that keeps the fleet. */
export function publicationsWith(names?: DeviceNaming) {
  return [...catalogPublications(), ...orchestratorPublications(), ...telemetryPublications(names)];
}
