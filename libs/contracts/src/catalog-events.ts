import Type from 'typebox';
import { chained } from './event-shapes.ts';
import { Build, Count, Id, Model, Platform, Text, Time, Version } from './primitives.ts';

export const Artifact = Type.Object({
  url: Type.String({ pattern: '^https?://', maxLength: 2000 }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
  sizeBytes: Count,
});

export const Variant = Type.Object({
  build: Build,
  prerequisiteBuild: Build,
  models: Type.Array(Model),
  /** The package of all models that have none in `artifacts`. */
  artifact: Type.Optional(Artifact),
  /** Packages by model: one build comes in many. */
  artifacts: Type.Optional(Type.Array(Type.Object({ models: Type.Array(Model), ...Artifact.properties }))),
});

export const Cve = Type.Object({ id: Type.String(), exploited: Type.Boolean() });

const patch = { patchId: Id, at: Time };

export const PatchPublished = chained('PatchPublished', {
  ...patch,
  platform: Platform,
  baseVersion: Version,
  letter: Type.String(),
  variants: Type.Array(Variant),
  cves: Type.Array(Cve),
  releaseNotesUrl: Type.Optional(Type.String()),
});

/** Variants and CVEs that were added, a variant that was there with its new models; nothing is ever taken away. `exploited: true` replaces an earlier `false`. */
export const PatchAmended = chained('PatchAmended', {
  ...patch,
  variants: Type.Array(Variant),
  cves: Type.Array(Cve),
  releaseNotesUrl: Type.Optional(Type.String()),
});

export const PatchSuperseded = chained('PatchSuperseded', { ...patch, by: Id });

export const PatchPulled = chained('PatchPulled', {
  ...patch,
  mode: Type.Enum(['withdraw', 'recall']),
  reason: Text,
  replacement: Type.Optional(Id),
  /** Of a recall: so many devices an hour are directed to remove the patch; absent is all at once. */
  removePerHourMax: Type.Optional(Type.Integer({ minimum: 1 })),
  ledgerDigest: Type.Optional(Type.String()),
  recallEpoch: Count,
  /** Who ordered it; absent in events from before it was kept. */
  by: Type.Optional(Type.String()),
  /** Of a recall that two people decided on, because it re-opens exploited CVEs. */
  requestedBy: Type.Optional(Type.String()),
  confirmedBy: Type.Optional(Type.String()),
  /** Of a recall that one person decided on although it does. */
  breakGlass: Type.Optional(Type.Object({ by: Type.String(), reason: Text })),
});

/**
 * One person asked for a recall that re-opens exploited CVEs; `recallEpoch` is that of the ledger seen. It comes with, or after,
 * a PatchPulled that withdraws the patch, which is all that has to be acted on.
 */
export const PullRequested = chained('PullRequested', {
  ...patch,
  mode: Type.Literal('recall'),
  reason: Text,
  replacement: Type.Optional(Id),
  removePerHourMax: Type.Optional(Type.Integer({ minimum: 1 })),
  ledgerDigest: Type.String(),
  recallEpoch: Count,
  by: Type.String(),
});

export const PatchFoldedIn = chained('PatchFoldedIn', { ...patch, version: Version, build: Build });
