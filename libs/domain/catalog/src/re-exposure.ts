import { compareLetters, compareTexts } from '@sluice/domain-cohorts';
import { canonicalJson } from '@sluice/event-sourcing';
import { type KnownPatch } from './patch.ts';
import { type Variant } from './patch-content.ts';
import { ledgerEpochOf, type PresentLedger } from './pull.ts';

/** A CVE that a device is open to again once it is back on its base. */
export interface ReopenedCve {
  readonly id: string;
  readonly exploited: boolean;
  /** When it was first said that a patch closes it, RFC 3339. */
  readonly closedSince: string;
  /** The recalled patch, and those of an earlier letter that fall with it. */
  readonly closedBy: readonly string[];
}

/** A build that devices leave, and the base that they go back to. */
export interface FallingBuild {
  readonly build: string;
  readonly base: string;
  readonly models: readonly string[];
}

/** A patch of an earlier letter for the same base and model: a device of the recalled patch has nothing of it any more. */
export interface FallingPatch {
  readonly patchId: string;
  readonly letter: string;
}

/** A patch of a later letter for the same base and model that was not pulled. */
export interface PossibleReplacement {
  readonly patchId: string;
  readonly letter: string;
  /** CVEs of the ledger that it does not name. */
  readonly leavesOpen: readonly string[];
}

/**
 * What a recall of a patch re-opens: the catalog's part of the re-exposure ledger (design §3.5). Lists are in the order of
 * their ids, models in that of their names. No count of devices is in it, so that it does not go stale while they report.
 */
export interface ReExposure {
  readonly patchId: string;
  /** That of the patch; while a recall is asked for, the one that was asked on. */
  readonly recallEpoch: number;
  readonly cves: readonly ReopenedCve[];
  readonly builds: readonly FallingBuild[];
  readonly patches: readonly FallingPatch[];
  /** `named`: by the pull, null while none is. */
  readonly replacement: { readonly named: string | null; readonly available: readonly PossibleReplacement[] };
  /** The one that contains the fix; null while none is known. A device that stays on its base is not protected by it. */
  readonly fullRelease: { readonly version: string; readonly build: string } | null;
}

/** SHA-256 of a text, in hex. */
export type HashText = (text: string) => string;

/**
 * What a recall re-opens, of the patches for the same platform and base version. Removal always goes back to the base: whoever has
 * a later letter has left the recalled patch, and re-opens nothing; whoever has the recalled one loses what the earlier
 * letters had closed on that base as well.
 */
export function reExposureOf(patch: KnownPatch, siblings: readonly KnownPatch[]): ReExposure {
  const others = siblings.filter((other) => other.patchId !== patch.patchId && sharesDevices(other, patch)).sort(byId);
  const order = (other: KnownPatch) => compareLetters(other.content.letter, patch.content.letter);
  const earlier = others.filter((other) => order(other) < 0);
  const cves = reopenedBy([patch, ...earlier]);
  const available = others
    .filter((other) => order(other) > 0 && other.status !== 'pulled')
    .map(({ patchId, content }) => {
      const closes = new Set(content.cves.map(({ id }) => id));
      const leavesOpen = cves.map(({ id }) => id).filter((id) => !closes.has(id));
      return { patchId, letter: content.letter, leavesOpen };
    });
  const { version, build } = ('foldedInto' in patch ? patch.foldedInto : undefined) ?? {};
  return {
    patchId: patch.patchId,
    recallEpoch: ledgerEpochOf(patch),
    cves,
    builds: patch.content.variants.map(fallingBuild).sort((left, right) => compareTexts(left.build, right.build)),
    patches: earlier.map(({ patchId, content }) => ({ patchId, letter: content.letter })),
    replacement: { named: (patch.status === 'pulled' ? patch.pulled.replacement : undefined) ?? null, available },
    fullRelease: version === undefined || build === undefined ? null : { version, build },
  };
}

/** What a command has to name, and whether it takes two people. The digest is of the ledger as canonical JSON. */
export function presentLedger(ledger: ReExposure, hash: HashText): PresentLedger {
  return { digest: hash(canonicalJson(ledger)), reopensExploited: ledger.cves.some(({ exploited }) => exploited) };
}

function reopenedBy(patches: readonly KnownPatch[]): ReopenedCve[] {
  const cves = new Map<string, ReopenedCve>();
  for (const { patchId, content, closedSince, publishedAt } of patches) {
    for (const { id, exploited } of content.cves) {
      const since = closedSince[id] ?? publishedAt;
      const known = cves.get(id);
      cves.set(id, {
        id,
        exploited: exploited || known?.exploited === true,
        closedSince: known === undefined || since < known.closedSince ? since : known.closedSince,
        closedBy: [...(known?.closedBy ?? []), patchId].sort(compareTexts),
      });
    }
  }
  return [...cves.values()].sort((left, right) => compareTexts(left.id, right.id));
}

/** Whether both are for devices of one model on one base build. */
function sharesDevices(left: KnownPatch, right: KnownPatch): boolean {
  return left.content.variants.some(({ prerequisiteBuild, models }) =>
    right.content.variants.some(
      (other) => other.prerequisiteBuild === prerequisiteBuild && other.models.some((model) => models.includes(model)),
    ),
  );
}

function fallingBuild({ build, prerequisiteBuild, models }: Variant): FallingBuild {
  return { build, base: prerequisiteBuild, models: [...models].sort(compareTexts) };
}

function byId(left: KnownPatch, right: KnownPatch): number {
  return compareTexts(left.patchId, right.patchId);
}
