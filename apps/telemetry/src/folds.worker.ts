import { SqliteReader } from '@sluice/event-store-sqlite';
import { serveFold } from '@sluice/platform';
import { folds } from '@sluice/service-telemetry';

await serveFold((path) => SqliteReader.open(path), folds);
