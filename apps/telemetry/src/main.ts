import { HttpFeed } from '@sluice/event-feed-http';
import { SqliteEventStore } from '@sluice/event-store-sqlite';
import { readFeedToken, runService } from '@sluice/platform';
import { telemetryPublications, TelemetryModule } from '@sluice/service-telemetry';

await runService(
  {
    modules: [TelemetryModule],
    publications: telemetryPublications(),
    openStore: (path, clock) => SqliteEventStore.open({ path, clock }),
    foldsWorker: new URL('./folds.worker.js', import.meta.url),
    feed: (settings, log) =>
      new HttpFeed({
        addresses: { catalog: settings.catalogUrl },
        token: () => readFeedToken(settings),
        onDisconnect: (source, reason) => {
          log.warn({ source, reason: String(reason) }, 'feed lost, connecting again');
        },
      }),
  },
  { port: 4603, data: '.sluice/telemetry' },
);
