import { type PatchView, type PublishPatchBody } from '@sluice/api';
import { type KnownPatch, type PatchContent } from '@sluice/domain-catalog';

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
  const { patchId, firstContent: _, content, ...facts } = patch;
  if (isDurable || facts.status !== 'pulled') return { patchId, ...content, ...facts };
  return { patchId, ...content, ...facts, pulled: { ...facts.pulled, durable: false } };
}
