import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Series } from './series.ts';

const MINUTE = 60_000;

describe('keeping values over time', () => {
  it('keeps no more points than it may, evenly spread, and the last values at any instant', () => {
    const series = new Series(2, 50);
    for (let minute = 0; minute < 10_000; minute += 1) series.add(minute * MINUTE, [minute, -minute]);
    const points = series.within(-Infinity, Infinity);
    expect(points.length).toBeLessThanOrEqual(50);
    expect(points.length).toBeGreaterThan(25);
    const gaps = points.slice(1).map(({ atMs }, index) => atMs - (points[index]?.atMs ?? 0));
    // The last step is not over yet.
    expect(new Set(gaps.slice(0, -1)).size).toBe(1);
    expect(series.valuesAt(Infinity)).toEqual([9_999, -9_999]);
    expect(series.valuesAt(-1)).toBeUndefined();
  });

  it('keeps the largest values, whatever is thinned out', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1_000, max: 1_000 }), { minLength: 1, maxLength: 400 }), (values) => {
        const series = new Series(1, 8, 'largest');
        values.forEach((value, minute) => series.add(minute * MINUTE, [value]));
        const kept = series.within(-Infinity, Infinity).flatMap((point) => point.values);
        expect(kept.length).toBeLessThanOrEqual(8);
        expect(Math.max(...kept)).toBe(Math.max(...values));
      }),
      { seed: 1 },
    );
  });

  it('counts what comes late at the last instant that there is', () => {
    const series = new Series(1, 8);
    series.add(10 * MINUTE, [1]);
    series.add(5 * MINUTE, [2]);
    expect(series.within(-Infinity, Infinity)).toEqual([{ atMs: 10 * MINUTE, values: [2] }]);
  });
});
