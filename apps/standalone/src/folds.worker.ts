import { SqliteReader } from '@sluice/event-store-sqlite';
import { serveFolds } from '@sluice/platform';
import { services } from './services.ts';

serveFolds((path) => SqliteReader.open(path), services.folds);
