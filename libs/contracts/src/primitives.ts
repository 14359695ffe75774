import Type from 'typebox';
import { hasRealDay, TIME_PATTERN } from './times.ts';

/** Ids of patches, rollouts, holds, reports and devices. */
export const ID_PATTERN = '^[A-Za-z0-9._:-]{1,64}$';
/** Model identifiers as devices report them: iPhone18,1 · MacPro7,1-Rack. */
export const MODEL_PATTERN = '^[A-Za-z0-9._,:-]{1,64}$';
/** A ring, or a region. */
export const LABEL_PATTERN = '^[A-Za-z0-9._-]{1,32}$';
/** Builds are opaque; this only keeps control characters and essays out. */
export const BUILD_PATTERN = '^[A-Za-z0-9._-]{1,32}$';
export const VERSION_PATTERN = '^[0-9]{1,4}(\\.[0-9]{1,4}){0,3}$';
/** A version as a patched device may show it, with the letter of its patch: 26.3.1 (a). */
export const SHOWN_VERSION_PATTERN = VERSION_PATTERN.replace('$', '( ?\\([a-z]{1,3}\\))?$');
/** What stands behind a version, in brackets or not: (a). */
export const EXTRA_PATTERN = '^ ?\\(?[a-z]{1,3}\\)?$';
export const SIGNAL_PATTERN = '^[a-z-]{1,32}$';
/** A SHA-256. */
export const DIGEST_PATTERN = '^[0-9a-f]{64}$';
export const WEB_ADDRESS_PATTERN = '^https?://\\S+$';

export const platforms = ['ios', 'macos', 'visionos', 'tvos', 'watchos'] as const;
export const tracks = ['automatic', 'manual'] as const;

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

/** The type with everything in it read-only, as domain events are. */
export type Immutable<Value> = Value extends object ? { readonly [Key in keyof Value]: Immutable<Value[Key]> } : Value;
