import { openReader } from '@sluice/composition';
import { serveFeed } from '@sluice/platform';
import { catalogPublications } from '@sluice/service-catalog';

await serveFeed(openReader, catalogPublications);
