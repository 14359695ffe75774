import { openReader } from '@sluice/composition';
import { serveFolds } from '@sluice/platform';
import { services } from './services.ts';

serveFolds(openReader, services.folds);
