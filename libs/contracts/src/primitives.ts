import Type from 'typebox';

/** Ids of patches, rollouts, holds, reports and devices. */
export const ID_PATTERN = '^[A-Za-z0-9._:-]{1,64}$';
/** Model identifiers as devices report them: iPhone18,1 · MacPro7,1-Rack. */
export const MODEL_PATTERN = '^[A-Za-z0-9._,:-]{1,64}$';
/** Builds are opaque; this only keeps control characters and essays out. */
export const BUILD_PATTERN = '^[A-Za-z0-9._-]{1,32}$';
export const VERSION_PATTERN = '^[0-9]{1,4}(\\.[0-9]{1,4}){0,3}$';
/** RFC 3339 with a zone; seconds required, as JSON Schema's date-time has it. */
export const TIME_PATTERN =
  '^\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])T([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$';

export const platforms = ['ios', 'macos', 'visionos', 'tvos', 'watchos'] as const;
export const tracks = ['automatic', 'manual'] as const;

export const Id = Type.String({ pattern: ID_PATTERN });
export const Model = Type.String({ pattern: MODEL_PATTERN });
export const Build = Type.String({ pattern: BUILD_PATTERN });
export const Version = Type.String({ pattern: VERSION_PATTERN });
export const Time = Type.String({ pattern: TIME_PATTERN });
export const Platform = Type.Enum([...platforms]);
export const Track = Type.Enum([...tracks]);
export const Count = Type.Integer({ minimum: 0 });
export const Text = Type.String({ maxLength: 2000 });

export type Platform = Type.Static<typeof Platform>;
export type Track = Type.Static<typeof Track>;

/** The instant of a text that matches TIME_PATTERN, in ms since 1970; NaN when the calendar has no such day. */
export function parseTime(text: string): number {
  const ms = Date.parse(text);
  const day = Number(text.slice(8, 10));
  // Date.parse takes 30 February for 2 March.
  const isReal =
    day <= 28 || day <= new Date(Date.UTC(Number(text.slice(0, 4)), Number(text.slice(5, 7)), 0)).getUTCDate();
  return isReal ? ms : Number.NaN;
}

/** The type with everything in it read-only, as domain events are. */
export type Immutable<Value> = Value extends object ? { readonly [Key in keyof Value]: Immutable<Value[Key]> } : Value;
