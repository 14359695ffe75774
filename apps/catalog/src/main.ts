import { connect, connectionSettings, openStore } from '@sluice/composition';
import { runService } from '@sluice/platform';
import { CatalogModule, catalogPublications } from '@sluice/service-catalog';

await runService(
  {
    modules: [CatalogModule],
    publications: catalogPublications(),
    settings: [connectionSettings],
    openStore,
    connect,
    foldsWorker: new URL('./folds.worker.js', import.meta.url),
    feedWorker: new URL('./feed.worker.js', import.meta.url),
  },
  { port: 4601, data: '.sluice/catalog' },
);
