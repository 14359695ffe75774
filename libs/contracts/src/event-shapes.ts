import Type from 'typebox';
import { Build, Count, Id, type Immutable, Model, Platform, Text, Time, Track } from './primitives.ts';

/** Shapes inside the events of rollouts and of health: slices, the evidence of the gates, counts. */

/** The unit in which harm is looked for. */
export const Slice = Type.Object({ platform: Platform, model: Model, base: Build });

/** Which devices a wave or a hold is about; an absent field means all. */
export const Audience = Type.Object({
  family: Type.Optional(Type.Array(Type.String())),
  model: Type.Optional(Type.Array(Model)),
  base: Type.Optional(Type.Array(Build)),
});

/** Known devices of a slice when the rollout started. */
export const KnownSlice = Type.Object({ ...Slice.properties, devices: Count });

/**
 * Known devices of a slice on the automatic track that were heard of shortly before a wave opened, and that it is for; it is
 * the first to expose them from so many percent of the buckets on.
 */
export const AwakeSlice = Type.Object({ ...Slice.properties, abovePercent: Type.Number(), devices: Count });

const CountedEvents = {
  events: Count,
  treated: Count,
  /** For each ratio (1.25, 1.5, 2, 3, 5, 10, 20) the natural logarithm of ratio^treated as it is expected where nothing harms. */
  logByChance: Type.Array(Type.Number()),
};

/**
 * What the evidence of a test is made of. `rate`: of its own numbers. `periods`: of the trials of each period of 6 h that is kept,
 * the k-th since the counting began. `lot`: of first incidents of devices, exposed ones (`treated`) and others, that came since
 * each onset of 3 h; up to the onset `through` they are together.
 */
const MadeOf = Type.Union([
  Type.Object({ by: Type.Literal('rate') }),
  Type.Object({
    by: Type.Literal('periods'),
    periods: Type.Array(Type.Object({ k: Count, trials: Count, failures: Count })),
  }),
  Type.Object({
    by: Type.Literal('lot'),
    onsets: Count,
    /** How many of all events would be of exposed devices by chance; absent in evidence from before it was kept. */
    expected: Type.Optional(Type.Number()),
    since: Type.Array(Type.Object({ onset: Count, ...CountedEvents })),
    older: Type.Object({ through: Count, ...CountedEvents }),
  }),
]);

/** What one test found on devices that are looked at together: `of` names the family, the model, or model and base. */
export const TestEvidence = Type.Object({
  test: Type.String(),
  level: Type.Enum(['all', 'family', 'model', 'slice']),
  of: Type.Optional(Type.String()),
  trials: Count,
  failures: Count,
  toleratedRate: Type.Number(),
  /** The natural logarithm of its evidence, and its weight in the sum. */
  logE: Type.Number(),
  weight: Type.Number(),
  /** Absent in evidence from before it was kept, which cannot be recomputed. */
  madeOf: Type.Optional(MadeOf),
});

/**
 * What the decision of the gates is recomputed from (design §3.4): the strongest tests, as many as reach the limit by themselves
 * (at most 20); of a hold those of its slice, too. Logarithms are natural ones, of the weighted sum of all tests and of what it has to reach.
 */
export const SumEvidence = Type.Object({
  rule: Type.String(),
  patchId: Id,
  alpha: Type.Number(),
  logSum: Type.Number(),
  logLimit: Type.Number(),
  since: Time,
  through: Time,
  words: Text,
  tests: Type.Array(TestEvidence),
  /** The logarithm of what all other tests come to in the sum; absent where there are none. */
  logOthers: Type.Optional(Type.Number()),
});
export type SumEvidence = Immutable<Type.Static<typeof SumEvidence>>;

/** What an install gate found before the evidence of all tests was summed, of the rules `install-e-value/…`. */
export const InstallEvidence = Type.Object({
  rule: Type.String(),
  patchId: Id,
  slice: Slice,
  trials: Count,
  failures: Count,
  toleratedRate: Type.Number(),
  logE: Type.Number(),
  logThreshold: Type.Number(),
  hypotheses: Count,
  alpha: Type.Number(),
  since: Time,
  through: Time,
});
export type InstallEvidence = Immutable<Type.Static<typeof InstallEvidence>>;

const Column = Type.Array(Count);

/**
 * Install trials, in columns of equal length: one row for each patch and slice (indexes into `patches` and `slices`),
 * cohort and age band. All but the first four are counts within the bucket.
 */
export const InstallColumns = Type.Object({
  patch: Column,
  slice: Column,
  /** The hour in which the trials began, in hours since 1970; 0 for trials of buckets of version 1. */
  cohort: Column,
  /** How old they were: 0 for 0–1 h, 1 for 1–6 h, 2 for 6–24 h, 3 for 24–72 h since the cohort's hour began. */
  band: Column,
  started: Column,
  failed: Column,
  /** Of the failed, those that had been fine before. */
  relapsed: Column,
  fine: Column,
  /** Removed by their user within the time of the trial. */
  removed: Column,
  /** Trials whose outcome is due by now, and those of them without any; where the package could not be got, none is missed. */
  due: Column,
  open: Column,
  /** Of the started, those of devices on the manual track. */
  manual: Type.Optional(Column),
});

/**
 * First incidents of devices since a rollout started, in columns of equal length, one row for each: `rollout` and `signal` are
 * indexes into `rollouts` and `signals`, `slice` into the slices of the bucket.
 */
export const HarmColumns = Type.Object({
  rollouts: Type.Array(Id),
  signals: Type.Array(Type.String()),
  rollout: Column,
  slice: Column,
  /** The waves that the device is in, as bits, the first wave lowest. Members of rings are left out. */
  waves: Column,
  signal: Column,
  /** Where the device lies among the buckets of the rollout, in millionths. */
  place: Column,
  /** When it happened, and when it was received, in minutes since the start of the rollout. */
  minute: Column,
  received: Column,
});

/**
 * Removals of recalled patches that are known to have begun, in columns of equal length: one row for each patch, slice and
 * cohort. All but the first three count devices within the bucket.
 */
export const RemovalColumns = Type.Object({
  patch: Column,
  slice: Column,
  /** The hour in which they began, in hours since 1970; of those whose start was not told, the hour of their outcome. */
  cohort: Column,
  started: Column,
  failed: Column,
  fine: Column,
  /** Their outcome was due, and nothing was heard; what is heard later is counted in `failed` no more. */
  missing: Column,
});

/** Counts in columns of equal length: one row for each patch and slice. */
export const CountColumns = Type.Object({ patch: Column, slice: Column, count: Column });

/**
 * The devices of a recall in one shard: those that held the patch when the shard heard of the recall, and those that held
 * it later. `set` is all of them, each under one of the next six; `inFlight` are devices outside of it that have begun to
 * install the patch.
 */
export const RecallCount = Type.Object({
  set: Count,
  /** Their build showed that they went back to the base; by the cause that they gave, `unknown` when they gave none. */
  freed: Type.Object({ recall: Count, user: Count, failure: Count, unknown: Count }),
  /** They went on to another build. */
  replaced: Count,
  retired: Count,
  /** Of those that still hold it: a removal failed; else not heard of for long; else the rest. */
  failing: Count,
  offline: Count,
  waiting: Count,
  inFlight: Count,
  /** Of the freed, those that were seen on nothing but the base since. */
  reExposed: Type.Optional(Count),
});

/** How many known devices of the shard hold a patch at the end of the bucket, and what happened to it within. */
export const HolderCount = Type.Object({
  patchId: Id,
  /** The recall epoch that the shard had heard of when it counted. */
  recallEpoch: Count,
  holders: Count,
  /** Of a recalled patch, those not heard of for longer than the limit set by configuration; 0 of another one. */
  longOffline: Count,
  /** Devices that stopped holding the patch, and failed removals, within the bucket. */
  removed: Count,
  removalsFailed: Count,
  /** Present when the patch is recalled, and the shard has noted that. */
  recall: Type.Optional(RecallCount),
});

/** How many known devices of the shard look like this at the end of the bucket. */
export const Population = Type.Object({
  ...Slice.properties,
  track: Track,
  ring: Type.Optional(Type.String()),
  devices: Count,
  /** Those that were heard of in the last 36 h; told anew when it has changed by more than one in fifty devices. */
  awake: Type.Optional(Count),
});

/** The SHA-256 of an event and of all before it in its stream, in hex. */
const Receipt = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** The receipt of the event of another stream from which this one has followed. */
export const Cause = Type.Object({ stream: Type.String(), receipt: Receipt });

/** The schema of an event of a stream whose events form a chain; those from before there were receipts have none. */
export function chained<const Name extends string, const Fields extends Type.TProperties>(name: Name, fields: Fields) {
  return event(name, { ...fields, receipt: Type.Optional(Receipt) });
}

/** The schema of one event. */
export function event<const Name extends string, const Fields extends Type.TProperties>(name: Name, fields: Fields) {
  return Type.Object({ type: Type.Literal(name), ...fields }, { $id: name });
}
