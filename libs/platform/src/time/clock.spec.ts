import { beforeEach, describe, expect, it } from 'vitest';
import { WallClock } from './clock.ts';

const START = Date.parse('2026-11-26T08:00:00Z');
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const YEAR = 365 * 24 * HOUR;

/** A machine whose wall can be set by hand; its other clock only runs forward. */
class Machine {
  private elapsedMs = 0;
  offsetMs = 0;

  monotonicMs(): number {
    return this.elapsedMs;
  }

  wallMs(): number {
    return START + this.elapsedMs + this.offsetMs;
  }

  /** Second by second, as the clock ticks. */
  run(ms: number, clock: WallClock): void {
    for (let passed = 0; passed < ms; passed += SECOND) {
      this.elapsedMs += SECOND;
      clock.now();
    }
  }

  stop(ms: number): void {
    this.elapsedMs += ms;
  }
}

const SOUND = { sound: true, aheadMs: 0 };

let machine: Machine;
let clock: WallClock;

beforeEach(() => {
  machine = new Machine();
  clock = new WallClock(machine);
});

describe('keeping time on the wall', () => {
  it('follows drift and small steps, and never goes backwards', () => {
    machine.offsetMs = 3 * SECOND;
    machine.run(SECOND, clock);
    expect(clock.now()).toBe(START + 4 * SECOND);
    machine.offsetMs = 0;
    machine.run(SECOND, clock);
    expect(clock.now()).toBe(START + 4 * SECOND);
    expect(clock.soundness()).toEqual({ sound: true, aheadMs: 2 * SECOND });
    machine.run(3 * SECOND, clock);
    expect(clock.soundness()).toEqual(SOUND);
  });

  it('lets nothing of a jump through that is taken back', () => {
    machine.offsetMs = YEAR;
    machine.run(3 * SECOND, clock);
    expect(clock.now()).toBe(START + 3 * SECOND);
    expect(clock.soundness()).toMatchObject({ sound: false, because: 'jumped', differenceMs: YEAR });
    machine.offsetMs = 0;
    machine.run(SECOND, clock);
    expect(clock.soundness()).toEqual(SOUND);
    expect(clock.now()).toBe(START + 4 * SECOND);
  });

  it.each([
    ['20 minutes ahead', 20 * MINUTE, true],
    ['20 minutes behind', -20 * MINUTE, true],
    ['two hours ahead', 2 * HOUR, false],
  ])('believes a wall that is %s after a minute, if it is below an hour', (_, offsetMs, believed) => {
    machine.offsetMs = offsetMs;
    machine.run(59 * SECOND, clock);
    expect(clock.soundness().sound).toBe(false);
    machine.run(2 * SECOND, clock);
    expect(clock.soundness().sound).toBe(believed);
  });

  it('begins to count anew when the wall jumps again', () => {
    machine.offsetMs = 20 * MINUTE;
    machine.run(50 * SECOND, clock);
    machine.offsetMs = 40 * MINUTE;
    machine.run(50 * SECOND, clock);
    expect(clock.soundness().sound).toBe(false);
  });

  it('believes what a person accepts, but not another jump than was shown', () => {
    machine.offsetMs = 2 * HOUR;
    machine.run(5 * SECOND, clock);
    expect(clock.accept(HOUR)).toBe(false);
    expect(clock.accept(2 * HOUR)).toBe(true);
    expect(clock.soundness()).toEqual(SOUND);
    expect(clock.now()).toBe(START + 2 * HOUR + 5 * SECOND);
  });

  it('is right after a time without ticks', () => {
    machine.stop(2 * MINUTE);
    expect(clock.now()).toBe(START + 2 * MINUTE);
    expect(clock.soundness()).toEqual(SOUND);
  });

  it('takes many small steps for the one large step that they are', () => {
    for (let step = 0; step < 100; step += 1) {
      machine.offsetMs += 4 * SECOND;
      machine.run(SECOND, clock);
    }
    expect(clock.soundness()).toMatchObject({ sound: false, because: 'jumped' });
    expect(clock.now()).toBeLessThanOrEqual(START + 105 * SECOND);
  });

  it('does not count the time in which it did not look at the wall', () => {
    machine.offsetMs = 20 * MINUTE;
    machine.run(5 * SECOND, clock);
    machine.stop(2 * MINUTE);
    machine.run(30 * SECOND, clock);
    expect(clock.soundness().sound).toBe(false);
    machine.run(31 * SECOND, clock);
    expect(clock.soundness().sound).toBe(true);
  });

  it('waits for a wall that was set back by less than an hour, and says so', () => {
    machine.offsetMs = -20 * MINUTE;
    machine.run(2 * MINUTE, clock);
    const stoodAt = clock.now();
    expect(clock.soundness()).toEqual({ sound: true, aheadMs: stoodAt - machine.wallMs() });
    machine.run(19 * MINUTE, clock);
    expect(clock.now()).toBe(stoodAt);
    machine.run(MINUTE, clock);
    expect(clock.now()).toBe(machine.wallMs());
  });

  it.each([
    ['two hours', -2 * HOUR],
    ['a year', -YEAR],
  ])('goes on beside a wall that was set back by %s once a person has accepted it', (_, offsetMs) => {
    machine.offsetMs = offsetMs;
    machine.run(5 * SECOND, clock);
    expect(clock.accept(offsetMs)).toBe(true);
    machine.run(HOUR, clock);
    expect(clock.soundness()).toEqual({ sound: true, aheadMs: -offsetMs });
    expect(clock.now()).toBe(START + HOUR + 5 * SECOND);
  });

  describe('beside a wall that lies two hours behind', () => {
    beforeEach(() => {
      machine.offsetMs = -2 * HOUR;
      machine.run(5 * SECOND, clock);
      clock.accept(-2 * HOUR);
    });

    it('comes back to it when it is repaired', () => {
      machine.offsetMs = 0;
      machine.run(2 * SECOND, clock);
      expect(clock.soundness()).toEqual(SOUND);
      expect(clock.now()).toBe(START + 7 * SECOND);
    });

    it('notices when it jumps again', () => {
      machine.offsetMs = -4 * HOUR;
      machine.run(5 * SECOND, clock);
      expect(clock.soundness()).toMatchObject({ sound: false, because: 'jumped', differenceMs: -4 * HOUR });
      expect(clock.accept(-4 * HOUR)).toBe(true);
      expect(clock.soundness()).toEqual({ sound: true, aheadMs: 4 * HOUR });
      expect(clock.now()).toBe(START + 10 * SECOND);
    });

    it('believes one that a person accepts ahead of it', () => {
      machine.offsetMs = 3 * HOUR;
      machine.run(5 * SECOND, clock);
      expect(clock.accept(3 * HOUR)).toBe(true);
      expect(clock.soundness()).toEqual(SOUND);
      expect(clock.now()).toBe(START + 3 * HOUR + 10 * SECOND);
    });
  });
});

describe('starting on the store of an earlier run', () => {
  it.each([
    ['a minute ago', -MINUTE, undefined],
    ['three seconds ahead', 3 * SECOND, undefined],
    ['ten seconds ahead', 10 * SECOND, 'before-store'],
    ['31 days ago', -31 * 24 * HOUR, 'long-after-store'],
  ])('with a last record of %s', (_, lastRecord, because) => {
    clock.startAfter(START + lastRecord);
    const soundness = clock.soundness();
    expect(soundness.sound ? undefined : soundness.because).toBe(because);
    expect(clock.now()).toBe(because === undefined ? Math.max(START, START + lastRecord) : START + lastRecord);
  });

  it('is not believed by itself, however long the difference holds, and goes on from the last record', () => {
    clock.startAfter(START - 40 * 24 * HOUR);
    machine.run(10 * MINUTE, clock);
    expect(clock.soundness()).toMatchObject({ sound: false, because: 'long-after-store' });
    expect(clock.now()).toBe(START - 40 * 24 * HOUR + 10 * MINUTE);
    expect(clock.accept(40 * 24 * HOUR)).toBe(true);
    expect(clock.now()).toBe(START + 10 * MINUTE);
  });

  it.each([
    ['three days after the last record', 3 * 24 * HOUR, true],
    ['40 days after it', 40 * 24 * HOUR, false],
    ['a day before it', -24 * HOUR, false],
  ])('believes a wall that is repaired to %s', (_, afterRecordMs, believed) => {
    clock.startAfter(START + 10 * YEAR);
    machine.offsetMs = 10 * YEAR + afterRecordMs;
    machine.run(59 * SECOND, clock);
    expect(clock.soundness().sound).toBe(false);
    expect(clock.now()).toBe(START + 10 * YEAR + 59 * SECOND);
    machine.run(3 * SECOND, clock);
    expect(clock.soundness().sound).toBe(believed);
    if (believed) expect(clock.now()).toBe(machine.wallMs());
  });

  it('goes on from the last record when a wall of a year before it is accepted', () => {
    clock.startAfter(START + YEAR);
    machine.run(5 * SECOND, clock);
    expect(clock.accept(-YEAR)).toBe(true);
    machine.run(HOUR, clock);
    expect(clock.soundness()).toEqual({ sound: true, aheadMs: YEAR });
    expect(clock.now()).toBe(START + YEAR + HOUR + 5 * SECOND);
  });

  it('is sound again when the wall comes to agree', () => {
    clock.startAfter(START + HOUR);
    machine.offsetMs = HOUR;
    machine.run(2 * SECOND, clock);
    expect(clock.soundness()).toEqual(SOUND);
  });
});
