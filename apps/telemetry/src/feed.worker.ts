import { openReader } from '@sluice/composition';
import { serveFeed } from '@sluice/platform';
import { telemetryPublications } from '@sluice/service-telemetry';

await serveFeed(openReader, telemetryPublications);
