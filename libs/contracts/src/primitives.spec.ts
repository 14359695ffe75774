import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { checkPublicEvent } from './feed-check.ts';
import { Time } from './primitives.ts';
import { isTime, parseTime } from './times.ts';

const time = Compile(Time);

/** Inputs that exist, and their instants. */
const real: readonly (readonly [string, string])[] = [
  ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
  ['2000-02-29T23:59:59Z', '2000-02-29T23:59:59.000Z'],
  ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
  ['2026-12-31T23:59:59.999999999Z', '2026-12-31T23:59:59.999Z'],
  ['2026-04-30T23:30:00-01:00', '2026-05-01T00:30:00.000Z'],
  // The day exists where the zone is, and no matter that it is another one in UTC.
  ['2024-02-29T00:30:00+14:00', '2024-02-28T10:30:00.000Z'],
  ['2027-02-28T23:59:59-23:59', '2027-03-01T23:58:59.000Z'],
  ['0000-02-29T00:00:00Z', '0000-02-29T00:00:00.000Z'],
  ['9999-12-31T23:59:59+00:00', '9999-12-31T23:59:59.000Z'],
];

/** Inputs that no calendar or no clock has, and forms that other parsers take for a time. */
const unreal = [
  ['29 February of a year that is no leap year', '2027-02-29T00:00:00Z'],
  ['29 February of a full century', '1900-02-29T00:00:00Z'],
  ['29 February of the next full century', '2100-02-29T00:00:00Z'],
  ['30 February of a leap year', '2024-02-30T00:00:00Z'],
  ['31 February with an offset', '2027-02-31T10:00:00+01:00'],
  ['31 April', '2026-04-31T00:00:00Z'],
  ['31 June', '2026-06-31T00:00:00Z'],
  ['31 September', '2026-09-31T00:00:00Z'],
  ['31 November', '2026-11-31T00:00:00Z'],
  ['day 0', '2026-11-00T00:00:00Z'],
  ['day 32', '2026-01-32T00:00:00Z'],
  ['month 0', '2026-00-10T00:00:00Z'],
  ['month 13', '2026-13-01T00:00:00Z'],
  ['24:00, which Date.parse takes', '2026-11-24T24:00:00Z'],
  ['minute 60', '2026-11-24T10:60:00Z'],
  ['a leap second', '2016-12-31T23:59:60Z'],
  ['an offset of 24 hours', '2026-11-24T10:00:00+24:00'],
  ['an offset of 60 minutes', '2026-11-24T10:00:00+01:60'],
  ['an offset without a colon', '2026-11-24T10:00:00+0100'],
  ['no zone', '2026-11-24T10:00:00'],
  ['no seconds', '2026-11-24T10:00Z'],
  ['a day alone', '2026-11-24'],
  ['a space between day and time', '2026-11-24 10:00:00Z'],
  ['lower case', '2026-11-24t10:00:00z'],
  ['ten digits of a second', '2026-11-24T10:00:00.1234567890Z'],
  ['a year of five digits', '+12026-11-24T10:00:00Z'],
  ['the form of mail', 'Tue, 24 Nov 2026 10:00:00 GMT'],
  ['a line end', '2026-11-24T10:00:00Z\n'],
  ['nothing', ''],
] as const;

describe('reading a time', () => {
  it.each(real)('reads %s', (text, instant) => {
    expect(isTime(text)).toBe(true);
    expect(new Date(parseTime(text)).toISOString()).toBe(instant);
    expect(time.Check(text)).toBe(true);
  });

  it.each(unreal)('refuses %s: %s', (_, text) => {
    expect(isTime(text)).toBe(false);
    expect(parseTime(text)).toBeNaN();
    expect(time.Check(text)).toBe(false);
  });

  it('agrees with the calendar about every day of four centuries', () => {
    const wrong: string[] = [];
    for (let year = 1900; year < 2300; year += 1) {
      for (let month = 1; month <= 12; month += 1) {
        for (let day = 28; day <= 31; day += 1) {
          const [mm, dd] = [String(month).padStart(2, '0'), String(day).padStart(2, '0')];
          const exists = new Date(Date.UTC(year, month - 1, day)).getUTCMonth() === month - 1;
          if (isTime(`${String(year)}-${mm}-${dd}T00:00:00Z`) !== exists) wrong.push(`${String(year)}-${mm}-${dd}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it.each([1_795_000_000_000, null, undefined, new Date(0), ['2026-11-24T10:00:00Z']])('refuses %j', (value) => {
    expect(isTime(value)).toBe(false);
  });
});

describe('checking a public event', () => {
  it('refuses a day that does not exist, in any of its times', () => {
    const hold = { type: 'HoldLifted', holdId: 'h1', reason: 'fixed', at: '2027-02-30T10:00:00Z' };
    expect(checkPublicEvent(hold)).toEqual({ fault: 'HoldLifted/at there is no such time' });
    expect(checkPublicEvent({ ...hold, at: '2027-02-28T10:00:00Z' })).toHaveProperty('event');
  });
});
