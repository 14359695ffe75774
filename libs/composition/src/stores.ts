import { type Clock, type EventStore, type Traces } from '@sluice/event-sourcing';
import { EventStoreDBEventStore } from '@sluice/event-store-eventstoredb';
import { SqliteEventStore, SqliteReader } from '@sluice/event-store-sqlite';
import { type FeedStore, type StoreLocation, WallClock } from '@sluice/platform';
import { VersionedReader, VersionedStore } from './versioned-store.ts';

/** Opens the store that the settings name, for writing. Throws with a text that says what to do. */
export async function openStore(location: StoreLocation, clock: Clock, traces?: Traces): Promise<EventStore> {
  return new VersionedStore(await openAdapter(location, clock), undefined, traces);
}

/** Opens the same store in another thread, for reading. */
export async function openReader(location: StoreLocation): Promise<FeedStore & { close(): unknown }> {
  // Its clock is asked for the time of appends only, and there are none.
  if (location.kind === 'eventstoredb') return new VersionedReader(await openAdapter(location, new WallClock()));
  return new VersionedReader(SqliteReader.open(location.path));
}

function openAdapter({ kind, path, url }: StoreLocation, clock: Clock): Promise<EventStore> {
  if (kind === 'eventstoredb') return EventStoreDBEventStore.open({ connectionString: url, clock });
  return SqliteEventStore.open({ path, clock, shared: kind === 'embedded-shared' });
}
