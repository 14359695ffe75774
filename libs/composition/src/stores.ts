import { type Clock, type EventStore } from '@sluice/event-sourcing';
import { SqliteEventStore, SqliteReader } from '@sluice/event-store-sqlite';
import { type FoldStore, type StoreLocation } from '@sluice/platform';

/** Opens the store that the settings name, for writing. Throws with a text that says what to do. */
export async function openStore({ kind, path }: StoreLocation, clock: Clock): Promise<EventStore> {
  return SqliteEventStore.open({ path, clock, shared: kind === 'embedded-shared' });
}

/** Opens the same store in another thread, for reading. */
export function openReader({ path }: StoreLocation): FoldStore & { close(): void | Promise<void> } {
  return SqliteReader.open(path);
}
