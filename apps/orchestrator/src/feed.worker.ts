import { openReader } from '@sluice/composition';
import { serveFeed } from '@sluice/platform';
import { orchestratorPublications } from '@sluice/service-orchestrator';

await serveFeed(openReader, orchestratorPublications);
