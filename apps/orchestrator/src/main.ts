import { connect, openStore } from '@sluice/composition';
import { runService } from '@sluice/platform';
import { OrchestratorModule, orchestratorPublications } from '@sluice/service-orchestrator';

await runService(
  {
    modules: [OrchestratorModule],
    publications: orchestratorPublications(),
    openStore,
    connect,
    foldsWorker: new URL('./folds.worker.js', import.meta.url),
    feedWorker: new URL('./feed.worker.js', import.meta.url),
  },
  { port: 4602, data: '.sluice/orchestrator' },
);
