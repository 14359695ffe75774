import { SqliteReader } from '@sluice/event-store-sqlite';
import { serveFolds } from '@sluice/platform';
import { folds } from '@sluice/service-telemetry';

serveFolds((path) => SqliteReader.open(path), folds);
