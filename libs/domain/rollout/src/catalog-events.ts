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
  readonly artifact?: Artifact;
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
      readonly recallEpoch: number;
    }>
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
}
