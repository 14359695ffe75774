import { appendOf, collect, StoppedClock } from '@sluice/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Decider, reject } from './decider.ts';
import { type Append, type Appended, RevisionConflict } from './event-store.ts';
import { handle } from './handle.ts';
import { InMemoryEventStore } from './in-memory-event-store.ts';

type Counted = { type: 'Counted'; by: number };

const counter: Decider<number, { by: number; atMost?: number }, Counted> = {
  initialState: 0,
  decide: ({ by, atMost }, count) => {
    if (atMost !== undefined && count + by > atMost) reject('too-many');
    return by === 0 ? [] : [{ type: 'Counted', by }];
  },
  evolve: (count, { by }) => count + by,
};

/** Another writer is faster than each of the first appends. */
class ContendedStore extends InMemoryEventStore {
  attempts = 0;
  rivals = 0;

  override async append(append: Append): Promise<Appended> {
    this.attempts += 1;
    if (this.rivals > 0) {
      this.rivals -= 1;
      await super.append(rival(this.attempts));
    }
    return super.append(append);
  }
}

function rival(attempt: number): Append {
  const body = { kind: 'events', events: [{ type: 'Counted', by: 100 } as Counted] } as const;
  return appendOf({ stream: 'counter-1', commitId: `rival-${attempt}`, body });
}

const context = { actor: 'tester', correlationId: 'r-1', commitId: 'c-1' };

describe('handling a command', () => {
  let store: ContendedStore;
  const count = (by: number, more: { atMost?: number; commitId?: string } = {}) =>
    handle(store, counter, 'counter-1', { by, ...more }, { ...context, ...more });

  beforeEach(() => {
    store = new ContendedStore(new StoppedClock());
  });

  it('appends what was decided and answers with the new state', async () => {
    await count(1, { commitId: 'before' });
    expect(await count(2)).toEqual({ state: 3, events: [{ type: 'Counted', by: 2 }], position: '2' });
    const [, commit] = await collect(store.readStream('counter-1'));
    expect(commit).toMatchObject({ commitId: 'c-1', body: { events: [{ type: 'Counted', by: 2 }] } });
    expect(commit?.metadata).toEqual({ actor: 'tester', correlationId: 'r-1' });
  });

  it('appends nothing when the command changes nothing', async () => {
    expect(await count(0)).toEqual({ state: 0, events: [] });
    expect(store.attempts).toBe(0);
  });

  it('says through where it looked, also when the command changes nothing', async () => {
    await store.append(rival(1));
    expect(await count(0)).toEqual({ state: 100, events: [], position: '1' });
  });

  it('decides on what was seen, or not at all', async () => {
    await store.append(rival(1));
    const at = (revision: number, by = 1, counts = () => true) =>
      handle(store, counter, 'counter-1', { by }, { ...context, seen: { revisions: [revision], counts } });
    await expect(at(1)).rejects.toMatchObject({ code: 'revision-changed' });
    store.rivals = 1;
    await expect(at(0)).rejects.toMatchObject({ code: 'revision-changed' });
    expect(await at(1)).toMatchObject({ state: 201 });
    // Sent again it has been done, whatever the revision is by now.
    expect(await at(1)).toMatchObject({ state: 201, events: [{ by: 1 }] });
    // Commits without an event that counts make no version.
    const large = ({ by }: { by: number }) => by > 50;
    const seen = { revisions: [7, 1], counts: large };
    const next = { ...context, commitId: 'c-9', seen };
    expect(await handle(store, counter, 'counter-1', { by: 1 }, next)).toMatchObject({ state: 202 });
  });

  it('passes a rejection on', async () => {
    await expect(count(2, { atMost: 1 })).rejects.toMatchObject({ name: 'Rejection', code: 'too-many' });
  });

  it('decides anew on the new state when another writer came first', async () => {
    store.rivals = 2;
    expect(await count(1)).toMatchObject({ state: 201, position: '3' });
    store.rivals = 1;
    await expect(count(1, { commitId: 'c-2', atMost: 210 })).rejects.toMatchObject({ code: 'too-many' });
  });

  it('gives up with the conflict after a bounded number of attempts', async () => {
    store.rivals = Number.POSITIVE_INFINITY;
    await expect(count(1)).rejects.toBeInstanceOf(RevisionConflict);
    expect(store.attempts).toBe(8);
  });

  it('answers a command that is sent again with what it has done, though it would be refused now', async () => {
    const first = await count(2, { atMost: 2 });
    await count(40, { commitId: 'c-2' });
    const again = await count(2, { atMost: 2 });
    expect(again).toMatchObject({ state: 42, events: first.events });
    expect(again.position).toBe('2');
    expect(await collect(store.readStream('counter-1'))).toHaveLength(2);
  });

  it('writes once when the same command is sent twice at the same time', async () => {
    const [first, second] = await Promise.all([count(2), count(2)]);
    expect(second.position).toBe(first.position);
    expect(await collect(store.readStream('counter-1'))).toHaveLength(1);
  });
});
