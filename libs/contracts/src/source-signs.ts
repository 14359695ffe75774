import Type from 'typebox';
import { compileLater } from './compile-later.ts';
import { Id, type Immutable, Text, Time } from './primitives.ts';
import { faultText } from './pattern-words.ts';

const SHARDS_MAX = 1024;
const STOPS_MAX = 10_000;

/** What a source says of itself beside its events: the latest values, which are not history. */
export const SourceSigns = Type.Object({
  writable: Type.Boolean({ description: 'False while the source cannot write to its store.' }),
  through: Type.Array(
    Type.Object({
      shard: Type.Integer({ minimum: 0, maximum: SHARDS_MAX - 1 }),
      shards: Type.Integer({ minimum: 1, maximum: SHARDS_MAX, description: 'How many shards the fleet has.' }),
      throughMs: Type.Integer({
        minimum: 0,
        description: 'Up to then the health of the shard is counted; domain time, milliseconds since 1970.',
      }),
      revision: Type.Integer({
        minimum: -1,
        description: 'The revision of `health-<shard>` that this covers; -1 while there is none.',
      }),
    }),
    { maxItems: SHARDS_MAX, description: 'The shards of which the source knows something, by shard.' },
  ),
  stops: Type.Array(Type.Object({ patchId: Id, mode: Type.Enum(['withdraw', 'recall']), reason: Text, at: Time }), {
    maxItems: STOPS_MAX,
    description: 'Stops that are in force at the source, but not in its store yet.',
  }),
});

export type SourceSignsData = Immutable<Type.Static<typeof SourceSigns>>;

const validator = compileLater(SourceSigns);

/** The signs with the fields that this version knows, when they are as the contract says; else a text that names the first fault. */
export function checkSigns(data: unknown): { readonly signs: SourceSignsData } | { readonly fault: string } {
  if (!validator.Check(data)) {
    const first = validator.Errors(data)[0];
    return {
      fault: `signs${first?.instancePath ?? ''} ${first === undefined ? 'are not as the contract says' : faultText(first)}`,
    };
  }
  const { writable, through, stops } = data;
  if (through.some(({ shard, shards }) => shard >= shards))
    return { fault: 'signs/through has a shard beyond the last' };
  return {
    signs: {
      writable,
      through: through.map(({ shard, shards, throughMs, revision }) => ({ shard, shards, throughMs, revision })),
      stops: stops.map(({ patchId, mode, reason, at }) => ({ patchId, mode, reason, at })),
    },
  };
}
