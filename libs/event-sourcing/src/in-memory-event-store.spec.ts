import { appendOf, checkpointsContract, collect, eventStoreContract, StoppedClock } from '@sluice/testing';
import { describe, expect, it } from 'vitest';
import { InMemoryEventStore } from './in-memory-event-store.ts';

eventStoreContract('InMemoryEventStore', (clock) => Promise.resolve(new InMemoryEventStore(clock)));
checkpointsContract('InMemoryEventStore', (clock) => Promise.resolve(new InMemoryEventStore(clock)));

describe('numbering positions', () => {
  it('counts the commits, without a gap for what conflicted', async () => {
    const store = new InMemoryEventStore(new StoppedClock());
    await store.append(appendOf({ stream: 's-1', commitId: 'a' }));
    await expect(store.append(appendOf({ stream: 's-1', commitId: 'b', expected: 'no-stream' }))).rejects.toThrow();
    await store.append(appendOf({ stream: 's-2', commitId: 'c' }));
    expect((await collect(store.readAll())).map(({ position }) => position)).toEqual(['1', '2']);
  });
});
