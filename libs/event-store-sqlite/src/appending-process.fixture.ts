import { randomBytes, randomUUID } from 'node:crypto';
import { SqliteEventStore } from './sqlite-event-store.ts';
import { StoreRefused } from './store-refused.ts';

/**
 * A process that opens the store it is told, alone or shared, and appends as fast as it can to streams of that name, naming
 * each commit once it is acknowledged.
 */
const WRITERS = 16;
const STREAMS = 5;
/** Random, so that it stays as large on disk and the process gets to checkpoints. */
const BODY_BYTES = 8000;

const [, , path = '', name = 's', mode = 'alone'] = process.argv;
try {
  const store = await SqliteEventStore.open({
    path,
    clock: { kind: 'manual', nowText: () => '2026-11-24T10:00:00.000Z' },
    shared: mode === 'shared',
  });
  await Promise.all(
    Array.from({ length: WRITERS }, (_, writer) => appendForever(store, `${name}-${writer % STREAMS}`)),
  );
} catch (error) {
  if (!(error instanceof StoreRefused)) throw error;
  say(`refused ${error.code}: ${error.message}`);
}

async function appendForever(store: SqliteEventStore, stream: string): Promise<never> {
  for (;;) {
    const commitId = randomUUID();
    await store.append({
      stream,
      expected: 'any',
      commitId,
      metadata: { actor: 'tester', correlationId: commitId },
      body: { kind: 'packed', bytes: randomBytes(BODY_BYTES), count: 1 },
    });
    say(commitId);
  }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
