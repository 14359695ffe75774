import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PooledTrials } from './pooled-trials.ts';
import { type SliceCounts } from './trials.ts';

const rate = fc.record({ n: fc.nat(50), x: fc.nat(5) });
const period = fc.record({ period: fc.integer({ min: 1, max: 4 }), all: rate, missing: rate });
const counts: fc.Arbitrary<Omit<SliceCounts, 'harm'>> = fc.record(
  {
    ...{ all: rate, missing: rate, removed: rate, waiting: rate },
    bands: fc.array(rate, { minLength: 4, maxLength: 4 }),
    periods: fc.uniqueArray(period, { selector: (each) => each.period }),
  },
  { requiredKeys: ['all', 'missing', 'removed', 'bands', 'periods'] },
);
const sorted = ({ periods, ...others }: Omit<SliceCounts, 'harm'>) => ({
  ...others,
  periods: [...periods].sort((left, right) => left.period - right.period),
});

describe('pooling the trials of slices', () => {
  it('comes to the sum of what they are now, whatever they were before', () => {
    const [of, looks] = [
      fc.array(counts, { minLength: 6, maxLength: 6 }),
      fc.array(fc.array(fc.nat(5), { minLength: 1, maxLength: 4 })),
    ];
    fc.assert(
      fc.property(of, looks, (slices, all) => {
        const pooled = new PooledTrials();
        for (const look of all) {
          const members = look.flatMap((index) => slices[index] ?? []);
          const now = structuredClone(sorted(pooled.of(members)));
          expect(now).toEqual(sorted(new PooledTrials().of(members)));
          const sum = (counted: (each: (typeof members)[number]) => number) =>
            members.reduce((total, each) => total + counted(each), 0);
          expect(now.all).toEqual({ n: sum(({ all: { n } }) => n), x: sum(({ all: { x } }) => x) });
          expect(now.bands[2]?.x).toBe(sum(({ bands }) => bands[2]?.x ?? 0));
          const waits = members.some(({ waiting }) => waiting !== undefined);
          expect(now.waiting?.n).toBe(waits ? sum((each) => (each.waiting ?? each.all).n) : undefined);
          const inFirst = (each: (typeof members)[number]) =>
            each.periods.find((its) => its.period === 1)?.missing.x ?? 0;
          expect(now.periods.find((its) => its.period === 1)?.missing.x ?? 0).toBe(sum(inFirst));
        }
      }),
    );
  });
});
