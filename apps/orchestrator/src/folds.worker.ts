import { SqliteReader } from '@sluice/event-store-sqlite';
import { serveFolds } from '@sluice/platform';
import { folds } from '@sluice/service-orchestrator';

serveFolds((path) => SqliteReader.open(path), folds);
