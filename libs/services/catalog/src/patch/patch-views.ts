import { type PatchView, type PublishPatchBody, type ReExposureView } from '@sluice/api';
import { type KnownPatch, type PatchContent, type PresentLedger, type ReExposure } from '@sluice/domain-catalog';

/** The content without the fields that the class has but the body had not. */
export function toContent(body: PublishPatchBody): PatchContent {
  const { platform, baseVersion, letter, variants, cves = [], releaseNotesUrl } = body;
  return {
    platform,
    baseVersion,
    letter,
    variants: variants.map(({ build, prerequisiteBuild, models, artifact, artifacts = [] }) => ({
      build,
      prerequisiteBuild,
      models: [...models],
      ...(artifact !== undefined && { artifact: { ...artifact } }),
      ...(artifacts.length > 0 && { artifacts: artifacts.map((each) => ({ ...each, models: [...each.models] })) }),
    })),
    cves: cves.map(({ id, exploited }) => ({ id, exploited })),
    ...(releaseNotesUrl !== undefined && { releaseNotesUrl }),
  };
}

/** The patch as it is answered. `isDurable` is false where a pull of the patch is not stored. */
export function viewPatch(patch: KnownPatch, isDurable = true): PatchView {
  const { patchId, firstContent: _, closedSince: __, content, ...facts } = patch;
  if (isDurable || facts.status !== 'pulled') return { patchId, ...content, ...facts };
  return { patchId, ...content, ...facts, pulled: { ...facts.pulled, durable: false } };
}

/** The catalog's part of the re-exposure ledger as it is answered: whether it takes two people, its CVEs say. */
export function viewLedger({ reopensExploited: _, ...ledger }: ReExposure & PresentLedger): ReExposureView {
  return ledger;
}
