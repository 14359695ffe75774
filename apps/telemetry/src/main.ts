import { connect, connectionSettings, openStore } from '@sluice/composition';
import { runService } from '@sluice/platform';
import { TelemetryModule, telemetryPublications, telemetrySettings } from '@sluice/service-telemetry';

await runService(
  {
    modules: [TelemetryModule],
    publications: telemetryPublications(),
    settings: [connectionSettings, telemetrySettings],
    openStore,
    connect,
    foldsWorker: new URL('./folds.worker.js', import.meta.url),
    feedWorker: new URL('./feed.worker.js', import.meta.url),
  },
  { port: 4603, data: '.sluice/telemetry' },
);
