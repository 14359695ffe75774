import { RevisionConflict } from '@sluice/event-sourcing';
import { SqliteEventStore } from './sqlite-event-store.ts';

/**
 * A process that shares the store it is told with another of its kind, both appending and subscribing at the same time.
 * Once it has seen all that both append, it says what came of it, as JSON.
 */
const WRITERS = 8;
const OWN_COMMITS = 40;
const COMMON_COMMITS = 30;
const PROCESSES = 2;
const TOTAL = PROCESSES * WRITERS * (OWN_COMMITS + COMMON_COMMITS);
const ATTEMPTS_MAX = 10_000;

const [, , path = '', name = ''] = process.argv;
const store = await SqliteEventStore.open({
  path,
  clock: { kind: 'manual', nowText: () => '2026-11-24T10:00:00.000Z' },
  shared: true,
});
const seen: string[] = [];
const acknowledged: string[] = [];
let conflicts = 0;
const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer));
const abort = new AbortController();
for await (const message of store.subscribe({ signal: abort.signal })) {
  if (message.kind === 'commit') seen.push(`${message.commit.position} ${message.commit.commitId}`);
  if (seen.length >= TOTAL && message.kind === 'caught-up') abort.abort();
}
await Promise.all(writers);
await store.close();
process.stdout.write(JSON.stringify({ seen, acknowledged, conflicts }));

async function write(writer: number): Promise<void> {
  for (let n = 0; n < OWN_COMMITS; n += 1) {
    await append({ stream: `own-${name}`, commitId: `own-${name}-${writer}-${n}` }, 'any');
  }
  for (let n = 0; n < COMMON_COMMITS; n += 1) await appendInOrder(`common-${name}-${writer}-${n}`);
}

/** As a handler does: whoever loses reads again and goes on from there. */
async function appendInOrder(commitId: string): Promise<void> {
  let next = 0;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    for await (const { revision } of store.readStream('common', next)) next = revision + 1;
    try {
      await append({ stream: 'common', commitId }, next === 0 ? 'no-stream' : next - 1);
      return;
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
      conflicts += 1;
    }
  }
  throw new Error(`${commitId} has conflicted ${ATTEMPTS_MAX} times`);
}

async function append(
  what: { stream: string; commitId: string },
  expected: number | 'no-stream' | 'any',
): Promise<void> {
  const { position } = await store.append({
    ...what,
    expected,
    metadata: { actor: 'tester', correlationId: what.commitId },
    body: { kind: 'events', events: [{ type: 'Said' }] },
  });
  acknowledged.push(`${position} ${what.commitId}`);
}
