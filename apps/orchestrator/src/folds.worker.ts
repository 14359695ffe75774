import { SqliteReader } from '@sluice/event-store-sqlite';
import { serveFold } from '@sluice/platform';
import { folds } from '@sluice/service-orchestrator';

await serveFold((path) => SqliteReader.open(path), folds);
