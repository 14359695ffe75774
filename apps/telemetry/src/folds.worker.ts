import { openReader } from '@sluice/composition';
import { serveFolds } from '@sluice/platform';
import { folds } from '@sluice/service-telemetry';

serveFolds(openReader, folds);
