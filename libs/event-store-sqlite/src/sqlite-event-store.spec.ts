import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventStoreContract } from '@sluice/testing';
import { afterAll } from 'vitest';
import { SqliteEventStore } from './sqlite-event-store.ts';

const folders: string[] = [];

eventStoreContract('SqliteEventStore', async (clock) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-store-'));
  folders.push(folder);
  return SqliteEventStore.open({ path: join(folder, 'events.db'), clock });
});

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});
