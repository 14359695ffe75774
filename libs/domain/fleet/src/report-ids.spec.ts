import { describe, expect, it } from 'vitest';
import { RecentReports, ReportSet } from './report-ids.ts';

const DAY = 86_400_000;

describe('remembering hashes', () => {
  it('finds what was added, and nothing else', () => {
    const set = new ReportSet();
    for (let low = 0; low < 5000; low += 1) set.add(low, low ^ 7, low % 100);
    set.add(4321, 4321 ^ 7, 99);
    expect(set.size).toBe(5000);
    for (let low = 0; low < 5000; low += 1) expect(set.find(low, low ^ 7, low % 100)).toBe('same');
    expect(set.find(17, 17, 0)).toBe('new');
  });

  it('tells another report under the same id, where it is known what both say', () => {
    const set = new ReportSet();
    set.add(1, 1, 5);
    set.add(2, 2, 0);
    expect([set.find(1, 1, 5), set.find(1, 1, 6), set.find(1, 1, 0), set.find(2, 2, 6)]).toEqual([
      'same',
      'other',
      'same',
      'same',
    ]);
  });
});

describe('remembering reports', () => {
  it('knows a report for at least as many days as it is told, and forgets it then', () => {
    const reports = new RecentReports(7);
    reports.add(1, 1, { content: 4, receivedAt: DAY * 100.9 });
    reports.add(2, 2, { content: 4, receivedAt: DAY * 107.9 });
    expect(reports.find(1, 1, 4)).toBe('same');
    reports.add(3, 3, { content: 4, receivedAt: DAY * 108 });
    expect(reports.find(1, 1, 4)).toBe('new');
    expect(reports.find(2, 2, 5)).toBe('other');
  });
});
