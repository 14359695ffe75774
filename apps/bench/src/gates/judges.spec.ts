import { describe, expect, it } from 'vitest';
import { haltedSoon, neverPast } from './fleet-rows.ts';
import { type FleetOutcome } from './fleet-run.ts';
import { FAULTY, heldAt, judgeNull, overAll } from './gate-rows.ts';
import { type GateOutcome } from './gate-world.ts';
import { overAllOf } from './gates.ts';
import { foundAfter } from './incident-rows.ts';
import { type IncidentOutcome } from './incident-run.ts';
import { type Measured } from './tables.ts';
import { replayDifference, Tape } from './tape.ts';

const times = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('judging what a row came to', () => {
  const outcome: GateOutcome = {
    ...{ stood: 'go', ended: 'go', startedThen: 0, exposedThen: 1, held: [], suspected: -1, largestLogSum: -1 },
  };
  const held: GateOutcome = { ...outcome, stood: 'hold', ended: 'hold', exposedThen: 0.2, held: [FAULTY] };

  it.each([
    ['it is held', held, true],
    ['nothing is held', outcome, false],
    ['the rollout waits for it', { ...held, ended: 'wait', held: [], suspected: FAULTY }, false],
    ['a healthy one is held, too', { ...held, held: [FAULTY, FAULTY + 1] }, false],
    ['all of it halts', { ...held, ended: 'halt' }, false],
    ['it stands late', { ...held, exposedThen: 0.9 }, false],
  ] as const)('says of a slice at fault where %s: %s', (_what, each, isReached) => {
    expect(heldAt(1, 0.65)([each, each])).toMatchObject({ isReached });
  });

  it('asks that enough of the runs hold the slice', () => {
    const three = [held, held, held, { ...held, ended: 'wait', held: [], suspected: FAULTY } as const];
    expect([heldAt(0.75, 0.65)(three).isReached, heldAt(0.76, 0.65)(three).isReached]).toEqual([true, false]);
  });

  it('says no where the sum comes near in more than one in twenty runs, of whatever number', () => {
    const near = (of: number, runs: number) =>
      times(runs).map((run) => ({ ...outcome, largestLogSum: run < of ? Math.log(20) : -1 }));
    expect([judgeNull(near(2, 40)).isReached, judgeNull(near(3, 40)).isReached]).toEqual([true, false]);
    expect([judgeNull(near(1, 39)).isReached, judgeNull(near(2, 39)).isReached]).toEqual([true, false]);
    expect(judgeNull(near(1, 19)).isReached).toBe(false);
  });

  it('says no where a halt after the completion comes late, or nothing proves what was to be found', () => {
    const halted = { haltedAt: 104, provenAt: 100, firstFailureAt: 90, failures: 9 } as FleetOutcome;
    const says = (...outcomes: FleetOutcome[]) => haltedSoon(5)(outcomes).isReached;
    expect(says(halted, halted)).toBe(true);
    expect(says(halted, { ...halted, haltedAt: 111 })).toBe(false);
    expect(says(halted, { ...halted, haltedAt: Infinity })).toBe(false);
    expect(says(halted, { ...halted, provenAt: Infinity })).toBe(false);
  });

  it('says no where nothing is ever exposed, or too much, or no word is said of it', () => {
    const stuck = { mostExposed: 290, completedAt: Infinity, words: ['pace: 290 of 300'] } as unknown as FleetOutcome;
    const says = (change: Partial<FleetOutcome>) => neverPast(300)([stuck, { ...stuck, ...change }]).isReached;
    expect([says({}), says({ mostExposed: 0 }), says({ mostExposed: 301 })]).toEqual([true, false, false]);
    expect([says({ words: ['ramp: 3 %'] }), says({ completedAt: 5 })]).toEqual([false, false]);
  });

  it('says of harm without onsets that it is found late, or never, only where it is seen with them', () => {
    const seen = { ...outcome, largestLogSum: Math.log(100) };
    const after = (hours: number): IncidentOutcome => ({ ...seen, stood: 'wait', stoodAfter: hours * 60 });
    const never: IncidentOutcome = { ...seen, stoodAfter: Infinity };
    expect(foundAfter(7)([after(9), after(9), never]).isReached).toBe(true);
    expect(foundAfter(7)([never, never, never]).isReached).toBe(true);
    expect(foundAfter(7)([after(6), after(6), never]).isReached).toBe(false);
    expect(foundAfter(7)([never, never, { ...never, largestLogSum: 4 }]).isReached).toBe(false);
  });
});

describe('judging a table', () => {
  const measured = (outcome: Partial<GateOutcome>): Measured => {
    const outcomes = times(1000).map(() => ({ ended: 'go', largestLogSum: -1, ...outcome }));
    return { verdict: { must: '', found: '', isReached: true }, beside: [], replay: undefined, outcomes };
  };
  const table = { overAll: (outcomes: readonly unknown[]) => overAll(outcomes as GateOutcome[]), rowsInAll: 2 };

  it('asks of all rows together, and of fewer than all nothing', () => {
    expect(overAllOf(table, [measured({}), measured({})])).toMatchObject({ isReached: true });
    expect(overAllOf(table, [measured({}), measured({ ended: 'halt' })])).toMatchObject({ isReached: false });
    const one = overAllOf(table, [measured({})]);
    expect(one).toMatchObject({ found: 'not asked: 1 of 2 rows were run', isReached: undefined });
    expect(overAllOf({ rowsInAll: 2 }, [measured({})])).toBeUndefined();
  });
});

describe('folding a history again', () => {
  it('says that nothing was compared where no verdict was asked', () => {
    expect(replayDifference(new Tape(), 1)).toBe('no verdict was asked');
  });
});
