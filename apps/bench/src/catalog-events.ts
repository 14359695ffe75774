import { topics } from '@sluice/contracts/events';
import { publishAsIs } from '@sluice/event-feed';
import { type EventStore, toTimeText } from '@sluice/event-sourcing';

/** What is relayed: events of the catalog, as they are in its store. */
export const publication = publishAsIs('catalog', 'catalog', topics.catalog.streams);

/** So many commits wait for the disk at once. */
const APPENDS_AT_ONCE = 1_000;

/** Appends one event, the n-th, to one of some streams in turn. */
export async function appendEvent(store: EventStore, n: number, streams: number): Promise<void> {
  const patchId = `ios-26.3.${String(n % streams)}-a`;
  const superseded = { type: 'PatchSuperseded', patchId, by: `ios-26.3.${String(n)}-b`, at: toTimeText(Date.now()) };
  await store.append({
    stream: `patch-${patchId}`,
    expected: 'any',
    commitId: `commit-${String(n)}`,
    metadata: { actor: 'bench', correlationId: `request-${String(n)}` },
    body: { kind: 'events', events: [superseded] },
  });
}

/** One event a commit, which is what the catalog does. */
export async function fillStore(store: EventStore, events: number, streams: number): Promise<void> {
  for (let from = 0; from < events; from += APPENDS_AT_ONCE) {
    const count = Math.min(APPENDS_AT_ONCE, events - from);
    await Promise.all(Array.from({ length: count }, (_, index) => appendEvent(store, from + index, streams)));
  }
}
