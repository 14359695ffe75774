import { SqliteReader } from '@sluice/event-store-sqlite';
import { serveFold } from '@sluice/platform';
import { services } from './services.ts';

await serveFold((path) => SqliteReader.open(path), services.folds);
