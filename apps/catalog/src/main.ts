import { SqliteEventStore } from '@sluice/event-store-sqlite';
import { runService } from '@sluice/platform';
import { catalogPublications, CatalogModule } from '@sluice/service-catalog';

await runService(
  {
    modules: [CatalogModule],
    publications: catalogPublications(),
    openStore: (path, clock) => SqliteEventStore.open({ path, clock }),
    foldsWorker: new URL('./folds.worker.js', import.meta.url),
  },
  { port: 4601, data: '.sluice/catalog' },
);
