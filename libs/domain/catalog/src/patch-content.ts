import { type Platform } from '@sluice/domain-cohorts';
import { compareTexts, compareVersionTexts } from './version.ts';

export interface Artifact {
  readonly url: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** The form of a patch for one base build: `build` is what a patched device reports as its own. */
export interface Variant {
  readonly build: string;
  readonly prerequisiteBuild: string;
  readonly models: readonly string[];
  readonly artifact?: Artifact;
}

export interface Cve {
  readonly id: string;
  readonly exploited: boolean;
}

/** What a publisher says of a patch. */
export interface PatchContent {
  readonly platform: Platform;
  readonly baseVersion: string;
  readonly letter: string;
  readonly variants: readonly Variant[];
  readonly cves: readonly Cve[];
  readonly releaseNotesUrl?: string;
}

/** The part of a content that can grow after publication. A variant that is there already comes with its new models only. */
export type Addition = Pick<PatchContent, 'variants' | 'cves' | 'releaseNotesUrl'>;

/** A fault within a content, by JSON Pointer. */
export interface ContentFault {
  readonly path: string;
  readonly code: string;
  readonly detail: string;
}

/** True when both say the same, in whatever order they list it. */
export function isSameContent(left: PatchContent, right: PatchContent): boolean {
  return JSON.stringify(inOrder(left)) === JSON.stringify(inOrder(right));
}

/**
 * What `wanted` has beyond `present`, and where the two contradict each other, in words.
 * What `wanted` merely leaves out (an artifact, a CVE, the notes) contradicts nothing; a model that is gone does.
 */
export function compareContent(
  present: PatchContent,
  wanted: PatchContent,
): { addition: Addition | undefined; conflicts: readonly string[] } {
  const variants = wanted.variants.flatMap((variant) => growthOf(variantOf(present, variant.build), variant));
  const cves = wanted.cves.filter((cve) => isNew(cve, present));
  const notesUrl = present.releaseNotesUrl === undefined ? wanted.releaseNotesUrl : undefined;
  const isEmpty = variants.length === 0 && cves.length === 0 && notesUrl === undefined;
  return {
    addition: isEmpty ? undefined : { variants, cves, ...(notesUrl !== undefined && { releaseNotesUrl: notesUrl }) },
    conflicts: [...headConflicts(present, wanted), ...variantConflicts(present, wanted)],
  };
}

/** The content after the addition; an exploited CVE never becomes an unexploited one. */
export function addToContent(present: PatchContent, { variants, cves, releaseNotesUrl }: Addition): PatchContent {
  const byId = new Map(present.cves.map((cve) => [cve.id, cve]));
  for (const cve of cves)
    byId.set(cve.id, { id: cve.id, exploited: cve.exploited || byId.get(cve.id)?.exploited === true });
  return {
    ...present,
    variants: [
      ...present.variants.map((had) => grown(had, variants)),
      ...variants.filter(({ build }) => variantOf(present, build) === undefined),
    ],
    cves: [...byId.values()],
    ...(releaseNotesUrl !== undefined && { releaseNotesUrl }),
  };
}

/**
 * The rules that need more than one field: no base is a build of the patch, no build and no CVE comes twice, and a model on one base build finds exactly one variant.
 */
export function contentFaults({ variants, cves }: Pick<PatchContent, 'variants' | 'cves'>): ContentFault[] {
  const faults: ContentFault[] = [];
  const builds = new Set<string>();
  const targets = new Map<string, string>();
  for (const [index, { build, prerequisiteBuild, models }] of variants.entries()) {
    const path = `/variants/${String(index)}`;
    if (build === prerequisiteBuild) {
      faults.push({ path: `${path}/build`, code: 'same-as-prerequisite', detail: `${build} is its own prerequisite` });
    } else if (variants.some((other) => other.build === prerequisiteBuild)) {
      const detail = `${prerequisiteBuild} is a build of this patch, and no base`;
      faults.push({ path: `${path}/prerequisiteBuild`, code: 'prerequisite-is-patch', detail });
    }
    if (builds.has(build))
      faults.push({ path: `${path}/build`, code: 'duplicate', detail: `${build} is listed twice` });
    builds.add(build);
    for (const [place, model] of models.entries()) {
      const target = `${prerequisiteBuild} ${model}`;
      const other = targets.get(target);
      targets.set(target, build);
      if (other === undefined) continue;
      const detail =
        other === build ? `${model} is listed twice` : `${model} on ${prerequisiteBuild} gets ${other} too`;
      faults.push({ path: `${path}/models/${String(place)}`, code: 'duplicate', detail });
    }
  }
  const ids = new Set<string>();
  for (const [index, { id }] of cves.entries()) {
    if (ids.has(id))
      faults.push({ path: `/cves/${String(index)}/id`, code: 'duplicate', detail: `${id} is listed twice` });
    ids.add(id);
  }
  return faults;
}

/** True when both patches are for the same base, and so one can replace the other. */
export function isSameBase(left: PatchContent, right: PatchContent): boolean {
  return left.platform === right.platform && compareVersionTexts(left.baseVersion, right.baseVersion) === 0;
}

function headConflicts(present: PatchContent, wanted: PatchContent): string[] {
  const conflicts = (['platform', 'baseVersion', 'letter'] as const)
    .filter((field) => present[field] !== wanted[field])
    .map((field) => `${field} is ${present[field]}, not ${wanted[field]}`);
  const [had, wants] = [present.releaseNotesUrl, wanted.releaseNotesUrl];
  if (had !== undefined && wants !== undefined && had !== wants)
    conflicts.push(`releaseNotesUrl is ${had}, not ${wants}`);
  return conflicts;
}

function variantConflicts(present: PatchContent, wanted: PatchContent): string[] {
  const conflicts = wanted.variants.flatMap((variant) => {
    const had = variantOf(present, variant.build);
    return had === undefined ? [] : changes(had, variant).map((what) => `variant ${variant.build}: ${what}`);
  });
  const combined = addToContent(present, wanted);
  // Faults among the models of changed variants are conflicts already; here only new variants can add some.
  return conflicts.length > 0 ? conflicts : contentFaults(combined).map(({ detail }) => detail);
}

function changes(had: Variant, wants: Variant): string[] {
  const [hadInOrder, wantsInOrder] = [variantInOrder(had), variantInOrder(wants)];
  const found: string[] = [];
  if (had.prerequisiteBuild !== wants.prerequisiteBuild) {
    found.push(`prerequisiteBuild is ${had.prerequisiteBuild}, not ${wants.prerequisiteBuild}`);
  }
  const surplus = hadInOrder.models.filter((model) => !wants.models.includes(model));
  if (surplus.length > 0) {
    const missing = wantsInOrder.models.filter((model) => !had.models.includes(model));
    found.push(`models differ (new: ${missing.join(' ') || 'none'}; gone: ${surplus.join(' ') || 'none'})`);
  }
  const [artifact, other] = [hadInOrder.artifact, wantsInOrder.artifact];
  if (artifact !== undefined && other !== undefined && JSON.stringify(artifact) !== JSON.stringify(other)) {
    found.push('the artifact differs');
  }
  return found;
}

/** What a variant has beyond the present one: all of it, its new models, or its artifact. */
function growthOf(had: Variant | undefined, wants: Variant): Variant[] {
  if (had === undefined) return [wants];
  const models = wants.models.filter((model) => !had.models.includes(model));
  const isNewArtifact = had.artifact === undefined && wants.artifact !== undefined;
  // An artifact is of the whole variant.
  if (isNewArtifact) return [wants];
  return models.length === 0 ? [] : [{ ...wants, models }];
}

function grown(had: Variant, additions: readonly Variant[]): Variant {
  const addition = additions.find(({ build }) => build === had.build);
  if (addition === undefined) return had;
  const artifact = had.artifact ?? addition.artifact;
  const models = [...new Set([...had.models, ...addition.models])];
  return { ...had, models, ...(artifact !== undefined && { artifact }) };
}

function isNew(cve: Cve, present: PatchContent): boolean {
  const had = present.cves.find(({ id }) => id === cve.id);
  return had === undefined || (cve.exploited && !had.exploited);
}

function variantOf(content: PatchContent, build: string): Variant | undefined {
  return content.variants.find((variant) => variant.build === build);
}

function inOrder(content: PatchContent): PatchContent {
  const { platform, baseVersion, letter, variants, cves, releaseNotesUrl } = content;
  return {
    platform,
    baseVersion,
    letter,
    variants: variants.map(variantInOrder).sort((left, right) => compareTexts(left.build, right.build)),
    cves: cves.map(({ id, exploited }) => ({ id, exploited })).sort((left, right) => compareTexts(left.id, right.id)),
    ...(releaseNotesUrl !== undefined && { releaseNotesUrl }),
  };
}

function variantInOrder({ build, prerequisiteBuild, models, artifact }: Variant): Variant {
  return {
    build,
    prerequisiteBuild,
    models: [...models].sort(compareTexts),
    ...(artifact !== undefined && { artifact: artifactInOrder(artifact) }),
  };
}

function artifactInOrder({ url, sha256, sizeBytes }: Artifact): Artifact {
  return { url, sha256, sizeBytes };
}
