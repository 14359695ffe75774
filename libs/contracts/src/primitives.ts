import Type from 'typebox';

/** Ids of patches, rollouts, holds, reports and devices. */
export const ID_PATTERN = '^[A-Za-z0-9._:-]{1,64}$';
/** Model identifiers as devices report them: iPhone18,1 · MacPro7,1-Rack. */
export const MODEL_PATTERN = '^[A-Za-z0-9._,:-]{1,64}$';
/** Builds are opaque; this only keeps control characters and essays out. */
/** A ring, or a region. */
export const LABEL_PATTERN = '^[A-Za-z0-9._-]{1,32}$';
export const BUILD_PATTERN = '^[A-Za-z0-9._-]{1,32}$';
export const VERSION_PATTERN = '^[0-9]{1,4}(\\.[0-9]{1,4}){0,3}$';
/** A version as a patched device may show it, with the letter of its patch: 26.3.1 (a). */
export const SHOWN_VERSION_PATTERN = VERSION_PATTERN.replace('$', '( ?\\([a-z]{1,3}\\))?$');
/** RFC 3339 with a zone; seconds required, as JSON Schema's date-time has it. It knows no calendar: `isTime` does. */
export const TIME_PATTERN =
  '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$';

export const platforms = ['ios', 'macos', 'visionos', 'tvos', 'watchos'] as const;
export const tracks = ['automatic', 'manual'] as const;

/** What the holder of a token may do. `gateway` speaks for any device, `peer` is for services among themselves. */
export const tokenRoles = [
  'viewer',
  'publisher',
  'operator',
  'responder',
  'device',
  'gateway',
  'peer',
  'admin',
] as const;
export type TokenRole = (typeof tokenRoles)[number];
export const TOKEN_NAME_CHARACTERS_MAX = 64;

export const Id = Type.String({ pattern: ID_PATTERN });
export const Model = Type.String({ pattern: MODEL_PATTERN });
export const Build = Type.String({ pattern: BUILD_PATTERN });
export const Version = Type.String({ pattern: VERSION_PATTERN });
export const ShownVersion = Type.String({ pattern: SHOWN_VERSION_PATTERN });
export const Time = Type.Refine(Type.String({ pattern: TIME_PATTERN }), hasRealDay, () => 'there is no such time');
export const Platform = Type.Enum([...platforms]);
export const Track = Type.Enum([...tracks]);
export const Count = Type.Integer({ minimum: 0 });
export const Text = Type.String({ maxLength: 2000 });

export type Platform = Type.Static<typeof Platform>;
export type Track = Type.Static<typeof Track>;

const TIME = new RegExp(TIME_PATTERN);
/** Each month has days up to here. */
const DAYS_OF_ALL_MONTHS = 28;

/** Whether the value is the text of an instant that exists: the one rule for every time that comes from outside. */
export function isTime(value: unknown): value is string {
  return typeof value === 'string' && TIME.test(value) && hasRealDay(value);
}

/** W3C trace context, version 00 and those that look like it; ids of zeros only are none. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Whether the value is a W3C `traceparent`. */
export function isTraceparent(value: unknown): value is string {
  return typeof value === 'string' && TRACEPARENT.test(value);
}

/** The instant in ms since 1970; NaN for every text that `isTime` refuses. Date.parse takes 30 February for 2 March. */
export function parseTime(text: string): number {
  return isTime(text) ? Date.parse(text) : Number.NaN;
}

/** Whether the calendar has the day of a text that matches TIME_PATTERN. */
function hasRealDay(text: string): boolean {
  const day = Number(text.slice(8, 10));
  return day <= DAYS_OF_ALL_MONTHS || day <= daysOfMonth(Number(text.slice(0, 4)), Number(text.slice(5, 7)));
}

function daysOfMonth(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** The type with everything in it read-only, as domain events are. */
export type Immutable<Value> = Value extends object ? { readonly [Key in keyof Value]: Immutable<Value[Key]> } : Value;
