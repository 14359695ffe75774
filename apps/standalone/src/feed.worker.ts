import { openReader } from '@sluice/composition';
import { serveFeed } from '@sluice/platform';
import { publicationsWith } from './services.ts';

await serveFeed(openReader, publicationsWith);
