import { connect, openStore } from '@sluice/composition';
import { runService } from '@sluice/platform';
import { TelemetryModule, telemetryPublications } from '@sluice/service-telemetry';

await runService(
  {
    modules: [TelemetryModule],
    publications: telemetryPublications(),
    openStore,
    connect,
    foldsWorker: new URL('./folds.worker.js', import.meta.url),
    feedWorker: new URL('./feed.worker.js', import.meta.url),
  },
  { port: 4603, data: '.sluice/telemetry' },
);
