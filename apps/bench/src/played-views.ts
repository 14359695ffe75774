import { BEGINNING, type DomainEvent, toTimeText } from '@sluice/event-sourcing';
import { type FeedEvent } from '@sluice/event-feed';
import { type Views } from '@sluice/service-orchestrator';

/** Applies what a command came to to the views, as if it had come back from the store. */
export function applyOwn(views: Views, stream: string, events: readonly DomainEvent[], atMs: number): void {
  if (events.length === 0) return;
  const revision = (views.known(stream, undefined).revision ?? -1) + 1;
  const commitId = `${stream} ${String(revision)}`;
  const place = { stream, revision, position: BEGINNING, commitId, recordedAt: toTimeText(atMs) };
  views.applyOwn({ ...place, metadata: { actor: 'bench', correlationId: commitId }, body: { kind: 'events', events } });
}

/** An event of another service, as a feed hands it over. */
export function feedEvent<Data extends { readonly type: string }>(
  { source, stream, revision }: { readonly source: string; readonly stream: string; readonly revision: number },
  data: Data,
  atMs: number,
): FeedEvent<Data> {
  const place = { source, type: data.type, stream, place: { revision, index: 0 }, position: BEGINNING };
  return { ...place, time: toTimeText(atMs), actor: 'bench', correlationId: stream, data };
}
