/** RFC 3339 with a zone; seconds required, as JSON Schema's date-time has it. It knows no calendar: `isTime` does. */
export const TIME_PATTERN =
  '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$';

const TIME = new RegExp(TIME_PATTERN);
/** Each month has days up to here. */
const DAYS_OF_ALL_MONTHS = 28;

/** Whether the value is the text of an instant that exists: the one rule for every time that comes from outside. */
export function isTime(value: unknown): value is string {
  return typeof value === 'string' && TIME.test(value) && hasRealDay(value);
}

/** The instant in ms since 1970; NaN for every text that `isTime` refuses. Date.parse takes 30 February for 2 March. */
export function parseTime(text: string): number {
  return isTime(text) ? Date.parse(text) : Number.NaN;
}

/** Whether the calendar has the day of a text that matches TIME_PATTERN. */
export function hasRealDay(text: string): boolean {
  const day = Number(text.slice(8, 10));
  return day <= DAYS_OF_ALL_MONTHS || day <= daysOfMonth(Number(text.slice(0, 4)), Number(text.slice(5, 7)));
}

function daysOfMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
