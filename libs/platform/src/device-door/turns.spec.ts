import { describe, expect, it } from 'vitest';
import { Turns } from './turns.ts';

const TURN_MS = 4;

function situation() {
  let [nowMs, nextTurn] = [0, [] as (() => void)[]];
  const turns = new Turns(
    () => nowMs,
    (call) => nextTurn.push(call),
  );
  const done: string[] = [];
  return {
    turns,
    done,
    /** A request that takes so long (ms). */
    add: (name: string, ms: number) =>
      turns.add({
        cameAtMs: nowMs,
        work: () => {
          done.push(name);
          nowMs += ms;
        },
      }),
    refuse: (name: string, ms: number) =>
      turns.refuse(() => {
        done.push(name);
        nowMs += ms;
      }),
    pass: (ms: number) => (nowMs += ms),
    turn: () => {
      const calls = nextTurn;
      nextTurn = [];
      for (const call of calls) call();
    },
    delayMs: () => turns.delayMs(nowMs),
  };
}

describe('sharing the event loop', () => {
  it('answers at once while the turn has room', () => {
    const { add, done, delayMs } = situation();
    add('a', TURN_MS - 1);
    add('b', 1);
    expect([done, delayMs()]).toEqual([['a', 'b'], 0]);
  });

  it('leaves what does not fit to the next turns, in the order in which it came', () => {
    const { add, done, turn } = situation();
    for (const name of ['a', 'b', 'c', 'd']) add(name, TURN_MS);
    expect(done).toEqual(['a']);
    turn();
    expect(done).toEqual(['a', 'b']);
    // Whoever comes while others wait comes after them, also where there would be room.
    turn();
    add('e', 1);
    expect(done).toEqual(['a', 'b', 'c']);
    turn();
    expect(done).toEqual(['a', 'b', 'c', 'd']);
    turn();
    expect(done).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('says how late it is, once requests have waited for ten turns', () => {
    const { add, turn, delayMs, pass } = situation();
    for (let n = 0; n < 12; n += 1) add(String(n), TURN_MS);
    // The process stood still for a second: that is not overload.
    pass(1000);
    for (let turns = 1; turns < 10; turns += 1) {
      turn();
      expect(delayMs()).toBe(0);
    }
    turn();
    expect(delayMs()).toBe(1000 + 10 * TURN_MS);
    turn();
    expect(delayMs()).toBe(0);
  });

  it('is full with ten thousand requests', () => {
    const { add, turn, delayMs } = situation();
    for (let n = 0; n <= 10_000; n += 1) {
      expect(delayMs()).toBe(0);
      add(String(n), TURN_MS);
    }
    expect(delayMs()).toBe(Infinity);
    turn();
    expect(delayMs()).toBe(0);
  });

  it('begins every turn anew, also when nobody waits', () => {
    const { add, done, turn } = situation();
    add('a', TURN_MS);
    turn();
    add('b', 1);
    expect(done).toEqual(['a', 'b']);
  });

  it('turns away before it answers, in half of a turn', () => {
    const { add, refuse, done, turn } = situation();
    for (const name of ['a', 'b']) add(name, TURN_MS);
    for (const name of ['no', 'nor', 'never', 'not']) expect(refuse(name, 1)).toBe(true);
    expect(done).toEqual(['a']);
    turn();
    expect(done).toEqual(['a', 'no', 'nor', 'b']);
    turn();
    expect(done).toEqual(['a', 'no', 'nor', 'b', 'never', 'not']);
  });

  it('cannot even turn away more than ten thousand', () => {
    const { add, refuse } = situation();
    add('long', TURN_MS);
    for (let n = 0; n < 10_000; n += 1) expect(refuse(String(n), 1)).toBe(true);
    expect(refuse('one more', 1)).toBe(false);
  });

  it('answers several small ones in a turn', () => {
    const { add, done, turn } = situation();
    add('long', TURN_MS);
    for (let n = 0; n < 20; n += 1) add(String(n), 1);
    turn();
    expect(done).toHaveLength(1 + TURN_MS);
  });
});
