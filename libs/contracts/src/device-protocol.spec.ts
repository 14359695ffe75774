import { describe, expect, it } from 'vitest';
import { asObserved, checkInValidator, reportValidator } from './device-protocol.ts';

const phone = {
  deviceId: 'd-1',
  platform: 'ios',
  model: 'iPhone18,1',
  osVersion: '26.3.1',
  osBuild: '23D8133',
  track: 'automatic',
  installed: [],
};
const PATCHED = '23D771330a';

describe('the ways in which a device says what it runs', () => {
  it.each([
    ['the base', {}, { osVersion: '26.3.1', osBuild: '23D8133' }],
    ['the build of the patch', { osBuild: PATCHED }, { osVersion: '26.3.1', osBuild: PATCHED }],
    ['and its letter', { osVersion: '26.3.1 (a)', osBuild: PATCHED }, { osVersion: '26.3.1', osBuild: PATCHED }],
    ['the letter without a space', { osVersion: '26(ab)' }, { osVersion: '26', osBuild: '23D8133' }],
    [
      'build and letter apart',
      { supplementalBuild: PATCHED, supplementalVersionExtra: '(a)' },
      { osVersion: '26.3.1', osBuild: PATCHED },
    ],
    ['the base twice', { supplementalBuild: '23D8133' }, { osVersion: '26.3.1', osBuild: '23D8133' }],
  ])('%s', (_, said, observed) => {
    const device = { ...phone, ...said };
    expect(checkInValidator.Check(device)).toBe(true);
    const report = { ...device, reportId: 'r', kind: 'status', occurredAt: '2026-11-26T08:00:00Z' };
    expect(reportValidator.Check(report)).toBe(true);
    expect(asObserved(device)).toMatchObject(observed);
  });

  it.each([
    { osVersion: '26.3.1 (A)' },
    { osVersion: '26.3.1 a' },
    { osVersion: '26.3.1 ()' },
    { osVersion: '(a)' },
    { osVersion: '26.3.1 (a) (b)' },
    { supplementalBuild: '' },
    { supplementalVersionExtra: 'beta' },
  ])('is refused as %j', (said) => {
    expect(checkInValidator.Check({ ...phone, ...said })).toBe(false);
  });

  it('may say how often it reports its status: whole hours, a week at most', () => {
    const { installed: _, ...said } = phone;
    const status = { ...said, reportId: 'r', kind: 'status', occurredAt: '2026-11-26T08:00:00Z' };
    const taken = [1, 24, 168, 0, 169, 1.5, '24'].map((hours) =>
      reportValidator.Check({ ...status, statusEveryHours: hours }),
    );
    expect(taken).toEqual([true, true, true, false, false, false, false]);
  });

  it('costs nothing where there is nothing to change', () => {
    expect(asObserved(phone)).toBe(phone);
  });
});
