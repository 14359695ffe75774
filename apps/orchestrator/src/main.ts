import { connect, connectionSettings, openStore } from '@sluice/composition';
import { runService } from '@sluice/platform';
import { OrchestratorModule, orchestratorPublications, orchestratorSettings } from '@sluice/service-orchestrator';

await runService(
  {
    modules: [OrchestratorModule],
    publications: orchestratorPublications(),
    settings: [connectionSettings, orchestratorSettings],
    openStore,
    connect,
    foldsWorker: new URL('./folds.worker.js', import.meta.url),
    feedWorker: new URL('./feed.worker.js', import.meta.url),
  },
  { port: 4602, data: '.sluice/orchestrator' },
);
