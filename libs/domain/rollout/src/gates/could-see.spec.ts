import { describe, expect, it } from 'vitest';
import { smallestRateSeen } from './could-see.ts';

describe('what a wave could have seen', () => {
  it('is nothing for one device, and everything for a few that all fail', () => {
    expect(smallestRateSeen(0, 0.01)).toBeUndefined();
    expect(smallestRateSeen(1, 0.01)).toBeUndefined();
    expect(smallestRateSeen(4, 0.01)).toBeLessThanOrEqual(1);
    expect(smallestRateSeen(4, 0.5)).toBeUndefined();
  });

  it('comes nearer to what is tolerated with every trial', () => {
    const rates = [10, 30, 100, 300, 1000, 10_000, 100_000].map((trials) => smallestRateSeen(trials, 0.01) ?? 1);
    for (const [index, rate] of rates.entries()) {
      expect(rate).toBeGreaterThan(0.01);
      expect(rate).toBeLessThan(rates[index - 1] ?? 1);
    }
    // Rates below 1.25 times the tolerated one are looked for by no alternative.
    expect(rates.at(-1)).toBeLessThan(0.0125);
  });

  it('is much the same by the exact way and by the normal distribution, where one follows the other', () => {
    const rates = Array.from({ length: 200 }, (_, index) => smallestRateSeen(2000 + index * 20, 0.01) ?? 1);
    for (const [index, rate] of rates.entries())
      expect(Math.abs(rate - (rates[index - 1] ?? rate))).toBeLessThan(0.001);
  });
});
