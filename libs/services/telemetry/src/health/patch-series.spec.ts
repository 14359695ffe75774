import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PatchSeries } from './patch-series.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const NOON = Date.parse('2026-03-17T12:00:00Z');
const all = { from: -Infinity, to: Infinity, pointsMax: 1000 };

describe('keeping the counts of a patch over time', () => {
  it('tells each minute of the first hours', () => {
    const series = new PatchSeries();
    series.add(NOON, { holders: 2, started: 3 });
    series.add(NOON + 2 * MINUTE, { holders: -1, removed: 1 });
    const { stepMs, points } = series.points(all);
    expect(stepMs).toBe(MINUTE);
    expect(points.map(({ at, holders, started, removed }) => [at - NOON, holders, started, removed])).toEqual([
      [0, 2, 3, 0],
      [MINUTE, 2, 3, 0],
      [2 * MINUTE, 1, 3, 1],
    ]);
  });

  it('stays as small over a year, with wider steps, and loses no count', () => {
    const series = new PatchSeries();
    for (let day = 0; day < 365; day += 1) series.add(NOON + day * DAY, { holders: 1, fine: 2 });
    const { stepMs, points } = series.points(all);
    expect(points.length).toBeLessThanOrEqual(1000);
    expect(stepMs).toBeLessThan(DAY);
    expect(points.at(-1)).toMatchObject({ at: NOON + 364 * DAY, holders: 365, fine: 730 });
  });

  it('gives the points of a span, no more than asked for, and ends with the latest', () => {
    const series = new PatchSeries();
    for (let minute = 0; minute <= 600; minute += 1) series.add(NOON + minute * MINUTE, { started: 1 });
    const { points } = series.points({ from: NOON + 60 * MINUTE, to: NOON + 120 * MINUTE, pointsMax: 10 });
    expect(points.length).toBeLessThanOrEqual(10);
    expect(points.at(-1)).toMatchObject({ at: NOON + 120 * MINUTE, started: 121 });
    expect(points.every(({ at }) => at >= NOON + 60 * MINUTE)).toBe(true);
  });

  it('ends with what was counted last, also within a step', () => {
    const series = new PatchSeries();
    series.add(NOON, { started: 1 });
    series.add(NOON + 90_000, { started: 1 });
    expect(series.points({ ...all, to: NOON + 100_000 }).points.at(-1)).toMatchObject({
      at: NOON + 90_000,
      started: 2,
    });
    expect(series.points({ ...all, to: NOON + 80_000 }).points.at(-1)).toMatchObject({ at: NOON + MINUTE, started: 1 });
  });

  it('counts what is told late of before the first slot in that one', () => {
    const series = new PatchSeries();
    series.add(NOON, { started: 1 });
    series.add(NOON - DAY, { started: 5 });
    expect(series.points(all).points).toEqual([expect.objectContaining({ at: NOON, started: 6 })]);
  });

  it('says the same whichever shard tells first, at every instant that it shows', () => {
    const change = fc.record({ minute: fc.integer({ min: 1, max: 5000 }), started: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 200 }), (changes) => {
        const [early, late] = [new PatchSeries(), new PatchSeries()];
        for (const each of [early, late]) each.add(NOON, { started: 0 });
        for (const { minute, started } of changes) early.add(NOON + minute * MINUTE, { started });
        for (const { minute, started } of changes.toReversed()) late.add(NOON + minute * MINUTE, { started });
        const { points } = early.points(all);
        expect(late.points(all).points).toEqual(points);
        for (const { at, started } of points) {
          const counted = changes.filter(({ minute }) => NOON + minute * MINUTE <= at);
          expect(started).toBe(counted.reduce((sum, each) => sum + each.started, 0));
        }
      }),
    );
  });
});
