import { compareTexts, compareVersionTexts, type Platform } from '@sluice/domain-cohorts';

export interface Artifact {
  readonly url: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

/** A package for some of the models of a variant: one build comes in many. */
export interface ModelArtifact extends Artifact {
  readonly models: readonly string[];
}

/**
 * The form of a patch for one base build: `build` is what a patched device reports as its own. A model gets its package
 * from `artifacts`, else `artifact`, which serves all models.
 */
export interface Variant {
  readonly build: string;
  readonly prerequisiteBuild: string;
  readonly models: readonly string[];
  readonly artifact?: Artifact;
  readonly artifacts?: readonly ModelArtifact[];
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
  const addition = { variants, cves, ...(notesUrl !== undefined && { releaseNotesUrl: notesUrl }) };
  return {
    addition: isEmpty ? undefined : addition,
    conflicts: [...headConflicts(present, wanted), ...variantConflicts(present, wanted, addition)],
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
  for (const [index, { build, prerequisiteBuild, models, artifacts = [] }] of variants.entries()) {
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
    faults.push(...artifactFaults(models, artifacts, path));
  }
  const ids = new Set<string>();
  for (const [index, { id }] of cves.entries()) {
    if (ids.has(id))
      faults.push({ path: `/cves/${String(index)}/id`, code: 'duplicate', detail: `${id} is listed twice` });
    ids.add(id);
  }
  return faults;
}

/** Each package is for models of its variant, and each model has one. */
function artifactFaults(
  models: readonly string[],
  artifacts: readonly ModelArtifact[],
  path: string,
): readonly ContentFault[] {
  const served = new Set<string>();
  return artifacts.flatMap((artifact, index) =>
    artifact.models.flatMap((model, place) => {
      const at = `${path}/artifacts/${String(index)}/models/${String(place)}`;
      const isTwice = served.has(model);
      served.add(model);
      if (!models.includes(model))
        return [{ path: at, code: 'unknown-model', detail: `${model} is no model of this variant` }];
      return isTwice ? [{ path: at, code: 'duplicate', detail: `${model} has two artifacts` }] : [];
    }),
  );
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

function variantConflicts(present: PatchContent, wanted: PatchContent, addition: Addition): string[] {
  const conflicts = wanted.variants.flatMap((variant) => {
    const had = variantOf(present, variant.build);
    return had === undefined ? [] : changes(had, variant).map((what) => `variant ${variant.build}: ${what}`);
  });
  const combined = addToContent(present, addition);
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
  if (differ(had.artifact, wants.artifact)) found.push('the artifact differs');
  // The one for all models serves those that have none of their own.
  const changed = had.models.filter((model) => differ(artifactOf(had, model), ownArtifactOf(wants, model)));
  if (changed.length > 0 && found.length === 0) found.push(`the artifact differs for ${changed.join(' ')}`);
  return found;
}

/** True when both are there, and are not the same package. */
function differ(left: Artifact | undefined, right: Artifact | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  return JSON.stringify(artifactInOrder(left)) !== JSON.stringify(artifactInOrder(right));
}

/** The package that a model of the variant gets. */
function artifactOf(variant: Variant, model: string): Artifact | undefined {
  return ownArtifactOf(variant, model) ?? variant.artifact;
}

function ownArtifactOf({ artifacts = [] }: Variant, model: string): Artifact | undefined {
  return artifacts.find(({ models }) => models.includes(model));
}

/** What a variant has beyond the present one: all of it, or its new models and those that have a package now. */
function growthOf(had: Variant | undefined, wants: Variant): Variant[] {
  if (had === undefined) return [wants];
  const isNew = (model: string) =>
    !had.models.includes(model) || (artifactOf(had, model) === undefined && artifactOf(wants, model) !== undefined);
  const models = wants.models.filter(isNew);
  return models.length === 0 ? [] : [{ ...wants, models, ...artifactsFor(wants.artifacts, models) }];
}

/** The packages, each with those of its models that are wanted. */
function artifactsFor(artifacts: Variant['artifacts'], wanted: readonly string[]): Pick<Variant, 'artifacts'> {
  if (artifacts === undefined) return {};
  const some = artifacts.map((each) => ({ ...each, models: each.models.filter((model) => wanted.includes(model)) }));
  return { artifacts: some.filter(({ models }) => models.length > 0) };
}

function grown(had: Variant, additions: readonly Variant[]): Variant {
  const addition = additions.find(({ build }) => build === had.build);
  if (addition === undefined) return had;
  const artifact = had.artifact ?? addition.artifact;
  const models = [...new Set([...had.models, ...addition.models])];
  const artifacts = [...(had.artifacts ?? []), ...(addition.artifacts ?? [])];
  return {
    ...had,
    models,
    ...(artifact !== undefined && { artifact }),
    ...(artifacts.length > 0 && { artifacts }),
  };
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

function variantInOrder({ build, prerequisiteBuild, models, artifact, artifacts = [] }: Variant): Variant {
  const packages = artifacts.map((each) => ({ models: [...each.models].sort(compareTexts), ...artifactInOrder(each) }));
  return {
    build,
    prerequisiteBuild,
    models: [...models].sort(compareTexts),
    ...(artifact !== undefined && { artifact: artifactInOrder(artifact) }),
    ...(packages.length > 0 && {
      artifacts: packages.sort((left, right) => compareTexts(left.models.join(), right.models.join())),
    }),
  };
}

function artifactInOrder({ url, sha256, sizeBytes }: Artifact): Artifact {
  return { url, sha256, sizeBytes };
}
