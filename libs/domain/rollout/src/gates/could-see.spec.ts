import { describe, expect, it } from 'vitest';
import { addHarm, type HarmEvent, harmFound, logHarmRatioEvidence, noHarm } from './harm.ts';
import { smallestRatioSeen } from './incidents.ts';
import { smallestRateSeen } from './installs.ts';

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

describe('what harm could have been seen', () => {
  it('is nothing without incidents of devices without the patch, or without devices that have it', () => {
    expect(smallestRatioSeen(0, 0.5)).toBeUndefined();
    expect(smallestRatioSeen(100, 0)).toBeUndefined();
    expect(smallestRatioSeen(100, 1)).toBeUndefined();
    expect(smallestRatioSeen(1, 0.001)).toBeUndefined();
  });

  it('comes nearer to none with every incident, and is smaller where half is exposed than where little is', () => {
    const ratios = [5, 20, 100, 1000, 10_000].map((control) => smallestRatioSeen(control, 0.5) ?? Infinity);
    for (const [index, ratio] of ratios.entries()) expect(ratio).toBeLessThan(ratios[index - 1] ?? Infinity);
    expect(ratios.at(-1)).toBeGreaterThan(1);
    expect(ratios.at(-1)).toBeLessThan(1.3);
    expect(smallestRatioSeen(1000, 0.05)).toBeGreaterThan(smallestRatioSeen(1000, 0.5) ?? Infinity);
  });

  it('asks for the evidence that the test has after its first period', () => {
    const tally = noHarm();
    const event: HarmEvent = { minute: 1, place: 0, shareBegin: 0.3, shareEnd: 0.3 };
    for (let index = 0; index < 40; index += 1) addHarm(tally, event);
    for (let index = 0; index < 30; index += 1) addHarm(tally, { ...event, place: 900_000 });
    expect(logHarmRatioEvidence({ treated: 40, control: 30 }, 0.3)).toBeCloseTo(harmFound([tally], 1).logE, 6);
  });
});
