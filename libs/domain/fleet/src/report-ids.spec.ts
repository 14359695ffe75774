import { describe, expect, it } from 'vitest';
import { HashSet, RecentReports } from './report-ids.ts';

const DAY = 86_400_000;

describe('remembering hashes', () => {
  it('finds what was added, and nothing else', () => {
    const set = new HashSet();
    for (let low = 0; low < 5000; low += 1) expect(set.add(low, low ^ 7)).toBe(true);
    expect(set.add(4321, 4321 ^ 7)).toBe(false);
    expect(set.size).toBe(5000);
    for (let low = 0; low < 5000; low += 1) expect(set.has(low, low ^ 7)).toBe(true);
    expect(set.has(17, 17)).toBe(false);
  });
});

describe('remembering reports', () => {
  it('knows a report for at least as many days as it is told, and forgets it then', () => {
    const reports = new RecentReports(7);
    reports.add(1, 1, DAY * 100.9);
    reports.add(2, 2, DAY * 107.9);
    expect(reports.has(1, 1)).toBe(true);
    reports.add(3, 3, DAY * 108);
    expect(reports.has(1, 1)).toBe(false);
    expect(reports.has(2, 2)).toBe(true);
  });
});
