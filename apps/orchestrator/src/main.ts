import { HttpFeed } from '@sluice/event-feed-http';
import { SqliteEventStore } from '@sluice/event-store-sqlite';
import { readFeedToken, runService } from '@sluice/platform';
import { orchestratorPublications, OrchestratorModule } from '@sluice/service-orchestrator';

await runService(
  {
    modules: [OrchestratorModule],
    publications: orchestratorPublications(),
    openStore: (path, clock) => SqliteEventStore.open({ path, clock }),
    foldsWorker: new URL('./folds.worker.js', import.meta.url),
    feed: (settings, log) =>
      new HttpFeed({
        addresses: { catalog: settings.catalogUrl, telemetry: settings.telemetryUrl },
        token: () => readFeedToken(settings),
        onDisconnect: (source, reason) => {
          log.warn({ source, reason: String(reason) }, 'feed lost, connecting again');
        },
      }),
  },
  { port: 4602, data: '.sluice/orchestrator' },
);
