import { appendOf, collect, StoppedClock } from '@sluice/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { type Append, type Appended, type EventStore, RevisionConflict } from './event-store.ts';
import { InMemoryEventStore } from './in-memory-event-store.ts';
import {
  holdersOf,
  type OwnerStatus,
  rejectUnreserved,
  RESERVATION_VOID_AFTER_MS,
  type ReservationRequest,
  Reservations,
} from './reservation.ts';

type StatusOf = ReservationRequest['statusOf'];

const AT = '2026-03-17T10:00:00.000Z';
const STREAM = 'builds-ios';
const ROUNDS = 200;

let nowMs: number;
let store: InMemoryEventStore;

beforeEach(() => {
  nowMs = 0;
  store = new InMemoryEventStore(new StoppedClock());
});

/** One instance of a service: what it saw of others lives in its memory only. */
function instance(own: Pick<EventStore, 'append' | 'readStream'> = store) {
  const reservations = new Reservations(own, () => nowMs);
  let commands = 0;
  return {
    reserve: (owner: string, keys: readonly string[] = ['23D771330a'], statusOf: StatusOf = statusInStore) =>
      reservations.reserve({
        stream: STREAM,
        keys,
        owner,
        at: AT,
        statusOf,
        context: { actor: owner, correlationId: 'c', commitId: `command-${String((commands += 1))}` },
      }),
  };
}

/** The second append: what the reservation was made for. */
function act(owner: string): Promise<Appended> {
  return store.append(appendOf({ stream: `patch-${owner}`, commitId: 'published', expected: 'no-stream' }));
}

async function statusInStore(owner: string): Promise<OwnerStatus> {
  return (await collect(store.readStream(`patch-${owner}`))).length > 0 ? 'in-force' : 'not-yet';
}

const reservedEvents = async () => (await collect(store.readStream(STREAM))).length;

describe('reserving', () => {
  it('refuses keys of an owner in force, names it, and leaves other keys free', async () => {
    await instance().reserve('a', ['1', '2']);
    await act('a');
    const other = instance();
    expect(await other.reserve('b', ['3', '2'])).toEqual({ outcome: 'refused', key: '2', owner: 'a' });
    expect(await other.reserve('b', ['3'])).toEqual({ outcome: 'reserved' });
    expect(await other.reserve('c', ['__proto__', 'constructor'])).toEqual({ outcome: 'reserved' });
  });

  it('writes all keys in one event', async () => {
    await instance().reserve('a', ['1', '2']);
    const [commit] = await collect(store.readStream(STREAM));
    const event = { type: 'Reserved', keys: ['1', '2'], owner: 'a', at: AT };
    expect(commit?.body).toEqual({ kind: 'events', events: [event] });
  });

  it('changes nothing when the owner in force reserves again', async () => {
    const one = instance();
    await one.reserve('a');
    await act('a');
    expect(await one.reserve('a')).toEqual({ outcome: 'reserved' });
    expect(await instance().reserve('a')).toEqual({ outcome: 'reserved' });
    expect(await reservedEvents()).toBe(1);
  });

  it('makes the reservation of an owner that is over free at once', async () => {
    await instance().reserve('a');
    expect(await instance().reserve('b', undefined, () => 'over')).toEqual({ outcome: 'reserved' });
  });

  it('tries again when another writer got through in between', async () => {
    const rivals = ['x', 'y'];
    const contended = {
      readStream: (stream: string) => store.readStream(stream),
      append: async (append: Append) => {
        const rival = rivals.shift();
        if (rival !== undefined) await instance().reserve(rival, [`of-${rival}`]);
        return store.append(append);
      },
    };
    expect(await instance(contended).reserve('a')).toEqual({ outcome: 'reserved' });
    expect(await reservedEvents()).toBe(3);
  });

  it('gives up with the conflict after a bounded number of attempts', async () => {
    let attempts = 0;
    const contended = {
      readStream: (stream: string) => store.readStream(stream),
      append: (append: Append) => {
        attempts += 1;
        return Promise.reject(new RevisionConflict(append.stream, append.expected, attempts));
      },
    };
    await expect(instance(contended).reserve('a')).rejects.toBeInstanceOf(RevisionConflict);
    expect(attempts).toBe(8);
  });

  it('reserves anew when the append took so long that others may soon void it', async () => {
    let lastsMs = 6000;
    const slow = {
      readStream: (stream: string) => store.readStream(stream),
      append: (append: Append) => {
        nowMs += lastsMs;
        lastsMs = 0;
        return store.append(append);
      },
    };
    expect(await instance(slow).reserve('a')).toEqual({ outcome: 'reserved' });
    expect(await reservedEvents()).toBe(2);
  });

  it('skips events that it does not know', () => {
    const odd = [{ type: 'Reserved' }, { type: 'Blessed', keys: ['1'] }];
    expect(holdersOf([...odd, { type: 'Reserved', keys: ['1'], owner: 'a', at: AT } as { type: string }])).toEqual(
      new Map([['1', { owner: 'a', place: 2 }]]),
    );
  });
});

describe('dying between the two appends', () => {
  it('blocks the key until each other writer has seen it for ten seconds', async () => {
    await instance().reserve('dead');
    const [early, late] = [instance(), instance()];
    const waitMs = RESERVATION_VOID_AFTER_MS;
    const refusal = { outcome: 'refused-for-now', key: '23D771330a', owner: 'dead' };
    expect(await early.reserve('b')).toEqual({ ...refusal, waitMs });
    nowMs = waitMs - 1;
    expect(await early.reserve('b')).toEqual({ ...refusal, waitMs: 1 });
    // It has not seen the reservation before, so it cannot know how old it is.
    expect(await late.reserve('c')).toEqual({ ...refusal, waitMs });
    nowMs = waitMs;
    expect(await early.reserve('b')).toEqual({ outcome: 'reserved' });
    expect(await late.reserve('c')).toMatchObject({ outcome: 'refused-for-now', owner: 'b', waitMs });
    expect(await reservedEvents()).toBe(2);
  });

  it('counts from the renewal when the owner comes back and reserves again', async () => {
    const [owner, rival] = [instance(), instance()];
    await owner.reserve('a');
    await rival.reserve('b');
    nowMs = RESERVATION_VOID_AFTER_MS - 1;
    expect(await owner.reserve('a')).toEqual({ outcome: 'reserved' });
    nowMs = RESERVATION_VOID_AFTER_MS;
    expect(await rival.reserve('b')).toMatchObject({ outcome: 'refused-for-now', owner: 'a' });
  });

  it('refuses for good once the owner has acted in the last moment', async () => {
    const [owner, rival] = [instance(), instance()];
    await owner.reserve('a');
    await rival.reserve('b');
    nowMs = RESERVATION_VOID_AFTER_MS;
    await act('a');
    expect(await rival.reserve('b')).toMatchObject({ outcome: 'refused', owner: 'a' });
  });
});

describe('racing on one store', () => {
  /** Each call lasts a few turns, another number of them each time. */
  function jittery(random: () => number): Pick<EventStore, 'append' | 'readStream'> {
    const pause = async () => {
      for (let turns = Math.floor(random() * 8); turns > 0; turns -= 1) await Promise.resolve();
    };
    return {
      append: async (append) => {
        await pause();
        return store.append(append);
      },
      readStream: async function* (stream) {
        await pause();
        yield* store.readStream(stream);
        await pause();
      },
    };
  }

  it(`lets one of two instances win, in each of ${String(ROUNDS)} rounds`, async () => {
    let seed = 1;
    const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
    const [one, two] = [instance(jittery(random)), instance(jittery(random))];
    const wins = { one: 0, two: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      const enter = async (owner: string, { reserve }: ReturnType<typeof instance>) => {
        const { outcome } = await reserve(owner, [`build-${String(round)}`]);
        if (outcome === 'reserved') await act(owner);
        return outcome;
      };
      const outcomes = await Promise.all([enter(`one-${String(round)}`, one), enter(`two-${String(round)}`, two)]);
      expect(outcomes.filter((outcome) => outcome === 'reserved')).toHaveLength(1);
      wins[outcomes[0] === 'reserved' ? 'one' : 'two'] += 1;
      // Asked again, the winner stands.
      expect(await instance().reserve(`three-${String(round)}`, [`build-${String(round)}`])).toMatchObject({
        outcome: 'refused',
      });
    }
    expect(wins.one + wins.two).toBe(ROUNDS);
    expect(Math.min(wins.one, wins.two)).toBeGreaterThan(ROUNDS / 10);
  });
});

describe('refusing what was not reserved', () => {
  it('names the owner, and says when to come again where that may help', () => {
    expect(() => rejectUnreserved('build-taken', { outcome: 'reserved' })).not.toThrow();
    const owned = { outcome: 'refused', key: '1', owner: 'a' } as const;
    expect(() => rejectUnreserved('build-taken', owned)).toThrow('build-taken: 1 belongs to a');
    const awaited = { outcome: 'refused-for-now', key: '1', owner: 'a', waitMs: 9001 } as const;
    expect(() => rejectUnreserved('build-taken', awaited)).toThrow(expect.objectContaining({ retryAfterSeconds: 10 }));
  });
});
