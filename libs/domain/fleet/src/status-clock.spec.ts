import { describe, expect, it } from 'vitest';
import { MINUTE, NOON } from './facts.fixture.ts';
import { DeviceTable } from './device-table.ts';
import { StatusClocks } from './status-clock.ts';

const HOUR = 60 * MINUTE;
const STEP = 8 * MINUTE;

/** A status of the one device, at an hour after noon. */
type Status = readonly [hour: number, how?: { readonly everyHours?: number; readonly byInstall?: boolean }];

/** From which hour after noon on it is silent, undefined while it has no rhythm. */
function silentFrom(...statuses: readonly Status[]): number | undefined {
  const devices = new DeviceTable();
  const clocks = new StatusClocks(devices);
  devices.findOrAdd(new Uint32Array(4), 0);
  for (const [hour, { byInstall = false, everyHours } = {}] of statuses)
    clocks.wind(0, NOON + hour * HOUR, { everyHours, byInstall });
  const from = clocks.silentFrom(0);
  return from === Infinity ? undefined : Math.round((from - NOON) / HOUR);
}

const byInstall = { byInstall: true } as const;

describe('the clock of a device’s status', () => {
  it.each<readonly [string, readonly Status[], number | undefined]>([
    ['is wound by each status, for a day and a half', [[0], [24], [47]], 47 + 36],
    ['is wound for one and a half of the intervals that the device says', [[0, { everyHours: 168 }]], 252],
    ['is wound for as long as an install may take where it is wound often', [[0, { everyHours: 1 }]], 5],
    [
      'is wound by a status of an install that is on time for its interval only',
      [0, 2, 3.8].map((hour, index) => [hour, { everyHours: 2, byInstall: index === 2 }] as const),
      10,
    ],
    [
      'stops by one that is not',
      [0, 2, 4.8].map((hour, index) => [hour, { everyHours: 2, byInstall: index === 2 }] as const),
      undefined,
    ],
    ['is wound for a day again when it says no more', [[0, { everyHours: 168 }], [10]], 46],
    ['is not wound back by a status that comes late', [[24], [0]], 60],
    ['does not run before the first status', [], undefined],
    ['does not run by a status that an install brought about, alone', [[0, byInstall]], undefined],
    ['is not wound by an install', [[0], [24], [34, byInstall]], 60],
    ['is wound by the daily status when it falls together with an install', [[0], [24], [47.5, byInstall]], 48 + 36],
    ['is wound to when one was due, not to when it came', [[0], [24], [48.8, byInstall]], 48 + 36],
    ['stops by an install after one that was due and did not come', [[0], [24], [54, byInstall]], undefined],
    ['is wound to the last that was due', [[0], [24], [97, byInstall]], 96 + 36],
    ['goes on in its rhythm after that', [[0], [24], [48, byInstall], [60, byInstall], [72, byInstall]], 72 + 36],
    ['stops by an install where its rhythm is not known yet', [[0], [10, byInstall]], undefined],
    ['stops so where its last status came out of turn', [[0], [24], [36], [47.5, byInstall]], undefined],
    ['runs again with the next status', [[0], [10, byInstall], [24]], 60],
    [
      'stops by an install where the rhythm is another now',
      [[0], [24], [34, { everyHours: 12, byInstall: true }]],
      undefined,
    ],
    ['keeps its rhythm where a status is told twice', [[0], [24], [24.1], [48, byInstall]], 48 + 36],
  ])('%s', (_, statuses, hour) => {
    expect(silentFrom(...statuses)).toBe(hour);
  });

  it('says when it stops, because nobody knows what the device would have said without the install', () => {
    const devices = new DeviceTable();
    const clocks = new StatusClocks(devices);
    devices.findOrAdd(new Uint32Array(4), 0);
    const wind = (hour: number, byInstall: boolean) => clocks.wind(0, NOON + hour * HOUR, { byInstall });
    const goesOn = [wind(0, false), wind(24, false), wind(30, true), wind(48, true)];
    expect([...goesOn, wind(80, true)]).toEqual([false, false, false, false, true]);
  });

  it('is exact to eight minutes, until 2051', () => {
    const devices = new DeviceTable();
    const clocks = new StatusClocks(devices);
    devices.findOrAdd(new Uint32Array(4), 0);
    for (const text of ['2020-01-01T00:00:00Z', '2026-11-24T12:34:56Z', '2051-11-01T00:00:00Z']) {
      const when = Date.parse(text);
      clocks.wind(0, when, { byInstall: false });
      const error = when + 36 * HOUR - clocks.silentFrom(0);
      expect(error).toBeGreaterThanOrEqual(0);
      expect(error).toBeLessThan(STEP);
    }
  });
});
