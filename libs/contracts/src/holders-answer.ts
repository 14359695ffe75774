import Type from 'typebox';
import { compileLater } from './compile-later.ts';
import { Build, Count, type Immutable, Model, Platform, Track } from './primitives.ts';

const KINDS_MAX = 1_000_000;

/** Devices that look alike and hold a patch, by when they were last heard of. */
const HolderKind = Type.Object({
  platform: Platform,
  model: Model,
  base: Build,
  track: Track,
  ring: Type.Optional(Type.String()),
  withinDay: Count,
  withinWeek: Count,
  longer: Count,
});

/**
 * What telemetry answers when the orchestrator asks who holds a patch, of all shards or not at all: `counted` is null while
 * nobody answers for one of them.
 */
export const HoldersAnswer = Type.Object({
  counted: Type.Union([
    Type.Null(),
    Type.Object({ holders: Type.Array(HolderKind, { maxItems: KINDS_MAX }), inFlight: Count }),
  ]),
});
export type HoldersAnswer = Immutable<Type.Static<typeof HoldersAnswer>>;

/** Where the question is asked, with the id of the patch as `patchId`. */
export const HOLDERS_PATH = '/v1/shards/holders';

const checks = compileLater(HoldersAnswer);

/** Whether an answer is as the contract says. */
export function isHoldersAnswer(answer: unknown): answer is HoldersAnswer {
  return checks.Check(answer);
}
