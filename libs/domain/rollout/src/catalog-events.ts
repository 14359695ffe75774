import { type Platform } from '@sluice/domain-cohorts';

export interface Artifact {
  readonly url: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface Variant {
  readonly build: string;
  readonly prerequisiteBuild: string;
  readonly models: readonly string[];
  /** For models that have none in `artifacts`. */
  readonly artifact?: Artifact;
  readonly artifacts?: readonly (Artifact & { readonly models: readonly string[] })[];
}

type Of<Fields> = { readonly patchId: string; readonly at: string } & Fields;

/** The part of the catalog's events that deciding depends on. */
export type CatalogEvent =
  | Of<{
      readonly type: 'PatchPublished';
      readonly platform: Platform;
      readonly baseVersion: string;
      readonly letter: string;
      readonly variants: readonly Variant[];
    }>
  | Of<{ readonly type: 'PatchAmended'; readonly variants: readonly Variant[] }>
  | Of<{ readonly type: 'PatchSuperseded'; readonly by: string }>
  | Of<{
      readonly type: 'PatchPulled';
      readonly mode: 'withdraw' | 'recall';
      readonly reason: string;
      readonly replacement?: string;
      readonly removePerHourMax?: number;
      readonly recallEpoch: number;
    }>
  | Of<{ readonly type: 'PullRequested' }>
  | Of<{ readonly type: 'PatchFoldedIn'; readonly version: string; readonly build: string }>;

/** What was published of a patch. */
export interface PublishedPatch {
  readonly platform: Platform;
  readonly baseVersion: string;
  readonly letter: string;
  readonly variants: readonly Variant[];
}

export interface Pull {
  readonly mode: 'withdraw' | 'recall';
  readonly reason: string;
  readonly at: string;
  readonly replacement?: string;
  readonly removePerHourMax?: number;
}

/** The variants with one more; of a build that is there already, with the models and packages that it adds. */
export function withVariant(variants: readonly Variant[], added: Variant): readonly Variant[] {
  const had = variants.find(({ build }) => build === added.build);
  if (had === undefined) return [...variants, added];
  const artifact = had.artifact ?? added.artifact;
  const grown = {
    ...had,
    models: [...new Set([...had.models, ...added.models])],
    ...(artifact !== undefined && { artifact }),
    artifacts: [...(had.artifacts ?? []), ...(added.artifacts ?? [])],
  };
  return variants.map((each) => (each === had ? grown : each));
}

/** The package of a model; without the list of its models, which no device needs. */
export function artifactOf({ artifact, artifacts = [] }: Variant, model: string): Artifact | undefined {
  const own = artifacts.find(({ models }) => models.includes(model));
  return own === undefined ? artifact : { url: own.url, sha256: own.sha256, sizeBytes: own.sizeBytes };
}
