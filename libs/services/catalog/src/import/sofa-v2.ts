import { compareLetters } from '@sluice/domain-cohorts';
import { type Cve, type PatchContent, type Variant } from '@sluice/domain-catalog';
import { compareTexts, compareVersionTexts } from '@sluice/domain-cohorts';
import { readSofaFeed, type SofaFeed, type SofaImprovement, type UnreadableFile } from './sofa-v2-feed.ts';

/** Something worth knowing of an imported patch that is no fault of it. */
export interface ImportNote {
  readonly code: string;
  readonly detail: string;
}

/** A patch as the file has it; `rows` are JSON Pointers into the file. */
export interface ImportCandidate {
  readonly patchId: string;
  readonly content: PatchContent;
  readonly rows: readonly string[];
  readonly notes: readonly ImportNote[];
}

/** A row that names no patch that could be offered. `patchId` is there as far as the row says one. */
export interface ImportRefusal {
  readonly patchId?: string;
  readonly row: string;
  readonly reason: string;
  readonly detail: string;
}

/** A file as a whole is read, or refused with every fault at once. */
export type ImportReading =
  | {
      readonly kind: 'read';
      readonly candidates: readonly ImportCandidate[];
      readonly refused: readonly ImportRefusal[];
      /** How many full releases the file lists. */
      readonly notPatches: number;
    }
  | UnreadableFile;

interface Row {
  readonly patchId: string;
  readonly pointer: string;
  readonly head: Pick<PatchContent, 'platform' | 'baseVersion' | 'letter'>;
  readonly variant: Variant;
  readonly cves: readonly Cve[];
  readonly releaseNotesUrl: string | undefined;
  readonly notes: readonly ImportNote[];
}

const LETTER = /^\(([a-z]{1,2})\)$/;
const WEB_ADDRESS = /^https?:\/\//;

/**
 * Reads the removable patches of a SOFA v2 feed (macadmins/sofa, `v2/<platform>_data_feed.json`): the entries of
 * `BackgroundSecurityImprovements`, named `<platform>-<baseVersion>-<letter>`. Entries of one name are variants of one patch.
 * The platform is the one that the feed's full releases are for (`OSVersions[].Latest.ProductName`).
 */
export function readSofaV2(file: Uint8Array): ImportReading {
  const reading = readSofaFeed(file);
  if (reading.kind === 'unreadable') return reading;
  const { feed } = reading;
  const refused = feed.unreadable.map(({ pointer, ...why }): ImportRefusal => ({ row: pointer, ...why }));
  const rows: Row[] = [];
  for (const improvement of feed.improvements) {
    const read = readRow(improvement, feed);
    if ('reason' in read) refused.push(read);
    else rows.push(read);
  }
  const candidates = [...Map.groupBy(rows, ({ patchId }) => patchId).values()].map(toCandidate).sort(byVersion);
  return { kind: 'read', candidates, refused, notPatches: feed.fullReleases };
}

function readRow(improvement: SofaImprovement, feed: SofaFeed): Row | ImportRefusal {
  const { pointer, version, versionExtra, build, prerequisiteBuild, securityInfo } = improvement;
  const letter = LETTER.exec(versionExtra ?? '')?.[1];
  if (letter === undefined) {
    return {
      row: pointer,
      reason: 'no-letter',
      detail: `VersionExtra is ${JSON.stringify(versionExtra ?? null)}, not (a) or the like`,
    };
  }
  const patchId = `${feed.platform}-${version}-${letter}`;
  if (prerequisiteBuild === undefined || prerequisiteBuild === '') {
    return {
      patchId,
      row: pointer,
      reason: 'no-prerequisite',
      detail: 'PrerequisiteBuild is not given, so its base is unknown',
    };
  }
  const { models, without } = toModels(improvement.devices, feed);
  if (models.length === 0) {
    return { patchId, row: pointer, reason: 'no-models', detail: `no model is known for ${without.join(' ') || 'it'}` };
  }
  return {
    patchId,
    pointer,
    head: { platform: feed.platform, baseVersion: version, letter },
    variant: { build, prerequisiteBuild, models },
    cves: improvement.cves.map((id) => ({ id, exploited: feed.exploited.has(id) })),
    releaseNotesUrl: securityInfo !== undefined && WEB_ADDRESS.test(securityInfo) ? securityInfo : undefined,
    notes: [...noteDevices(without), ...noteSuccessor(improvement, patchId)],
  };
}

/** Mac feeds name devices by board id, and their `Devices` table has the model; elsewhere the id is the model. */
function toModels(devices: readonly string[], { platform, models }: SofaFeed): { models: string[]; without: string[] } {
  const found = new Set<string>();
  const without: string[] = [];
  for (const device of devices) {
    const model = platform === 'macos' ? models.get(device) : device;
    if (model === undefined) without.push(device);
    else found.add(model);
  }
  return { models: [...found], without };
}

function noteDevices(without: readonly string[]): ImportNote[] {
  if (without.length === 0) return [];
  const detail = `left out, for the feed's Devices table has no DeviceID for them: ${without.join(' ')}`;
  return [{ code: 'devices-without-model', detail }];
}

/**
 * SOFA's `SupersededBy` is the next full release by date for a similar scope. Its build may be empty or another platform's
 * (iOS 26.3.1 (a) names 23T6570, a build of tvOS), and devices would stop being offered the patch on its word.
 */
function noteSuccessor({ supersededBy }: SofaImprovement, patchId: string): ImportNote[] {
  if (supersededBy === undefined) return [];
  const build = supersededBy.build === '' ? 'no build given' : `build ${supersededBy.build}`;
  const fullRelease = `${supersededBy.version} (${build})`;
  const detail = `SOFA names ${fullRelease} as the next full release. Not folded in on its word: POST /v1/patches/${patchId}/fold-in does.`;
  return [{ code: 'superseded-by-release', detail }];
}

function toCandidate(rows: readonly Row[]): ImportCandidate {
  const [first] = rows;
  if (first === undefined) throw new Error('a group has at least one row');
  const cves = new Map(rows.flatMap((row) => row.cves).map((cve) => [cve.id, cve]));
  const releaseNotesUrl = rows.find((row) => row.releaseNotesUrl !== undefined)?.releaseNotesUrl;
  return {
    patchId: first.patchId,
    content: {
      ...first.head,
      variants: joinVariants(rows.map(({ variant }) => variant)),
      cves: [...cves.values()],
      ...(releaseNotesUrl !== undefined && { releaseNotesUrl }),
    },
    rows: rows.map(({ pointer }) => pointer),
    notes: rows.flatMap(({ notes }) => notes),
  };
}

/** Rows of one build and base are one variant, for the models of all of them. */
function joinVariants(variants: readonly Variant[]): Variant[] {
  const groups = Map.groupBy(variants, ({ build, prerequisiteBuild }) => `${build} ${prerequisiteBuild}`);
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    return first === undefined ? [] : [{ ...first, models: [...new Set(group.flatMap(({ models }) => models))] }];
  });
}

// Earlier letters first, so that a file with (a) and (c) is told in the order in which it happened.
function byVersion(
  { content: left, patchId }: ImportCandidate,
  { content: right, patchId: other }: ImportCandidate,
): number {
  return (
    compareVersionTexts(left.baseVersion, right.baseVersion) ||
    compareLetters(left.letter, right.letter) ||
    compareTexts(patchId, other)
  );
}
