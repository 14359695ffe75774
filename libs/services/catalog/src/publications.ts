import { topics } from '@sluice/contracts/events';
import { type Publication, publishAsIs } from '@sluice/event-feed';

/** The streams that the catalog owns. */
export const PATCH_STREAMS = topics.catalog.streams;

/** What the catalog tells the world: its events have the public shape from the start (`publications.spec.ts`). */
export function catalogPublications(): Publication[] {
  return [
    publishAsIs(topics.catalog.service, 'catalog', PATCH_STREAMS),
    publishAsIs(topics.access.service, 'access', topics.access.streams),
  ];
}
