import { compareVersionTexts } from '@sluice/domain-cohorts';
import { type Decider, type Receipted, reject, unknownEvent } from '@sluice/event-sourcing';
import { type Addition, addToContent, compareContent, isSameContent, type PatchContent } from './patch-content.ts';
import { type PatchPulled, pull, type Pulled, type PullPatch, type PullRequested, type Requested } from './pull.ts';

/** Of a patch that is there already, what the content has beyond the present one is added. */
export interface PublishPatch {
  readonly type: 'PublishPatch';
  readonly patchId: string;
  readonly content: PatchContent;
  readonly at: string;
}

/** Adds what the content has beyond the present one. Never changes what is there. */
export interface AmendPatch {
  readonly type: 'AmendPatch';
  readonly patchId: string;
  readonly content: PatchContent;
  readonly at: string;
}

/** A patch with a later letter for the same base stands. */
export interface SupersedePatch {
  readonly type: 'SupersedePatch';
  readonly patchId: string;
  readonly by: string;
  readonly at: string;
}

/** The full release `version`, `build` contains the patch. */
export interface FoldInPatch {
  readonly type: 'FoldInPatch';
  readonly patchId: string;
  readonly version: string;
  readonly build: string;
  readonly at: string;
}

export type PatchCommand = PublishPatch | AmendPatch | PullPatch | SupersedePatch | FoldInPatch;

/** Flat, and public as they are: the shapes are those of the catalog topic. */
export type PatchEvent = Receipted & PatchFact;

type PatchFact =
  | ({ readonly type: 'PatchPublished'; readonly patchId: string; readonly at: string } & PatchContent)
  | ({ readonly type: 'PatchAmended'; readonly patchId: string; readonly at: string } & Addition)
  | { readonly type: 'PatchSuperseded'; readonly patchId: string; readonly by: string; readonly at: string }
  | PatchPulled
  | PullRequested
  | (Omit<FoldInPatch, 'type'> & { readonly type: 'PatchFoldedIn' });

export interface FoldedInto {
  readonly version: string;
  readonly build: string;
  readonly at: string;
}

interface Known {
  readonly patchId: string;
  readonly publishedAt: string;
  /** As published at first, to recognise the same publication sent again. */
  readonly firstContent: PatchContent;
  readonly content: PatchContent;
  /** By the id of each CVE, when it was first said that the patch closes it. */
  readonly closedSince: Readonly<Record<string, string>>;
  /** 0 until the first pull; each pull makes a new one and so voids the leases of the old. */
  readonly recallEpoch: number;
}

/** The status is the last of these that applies; a later one keeps the facts of the earlier ones. */
export type KnownPatch =
  | (Known & { readonly status: 'published' })
  | (Known & { readonly status: 'superseded'; readonly supersededBy: string })
  | (Known & { readonly status: 'folded-in'; readonly foldedInto: FoldedInto; readonly supersededBy?: string })
  | (Known & {
      readonly status: 'pulled';
      readonly pulled: Pulled;
      /** A recall that one person has asked for, and no second one confirmed; meanwhile it is withdrawn. */
      readonly requested?: Requested;
      readonly foldedInto?: FoldedInto;
      readonly supersededBy?: string;
    });

export type Patch = { readonly status: 'absent' } | KnownPatch;

/**
 * The life of one patch, stream `patch-<patchId>`.
 * Rejections: patch-not-found, patch-exists, patch-pulled, patch-already-recalled, ledger-not-named, ledger-changed,
 * patch-folded-in, release-not-later, replacement-unsuitable.
 */
export const patchDecider: Decider<Patch, PatchCommand, PatchEvent> = {
  initialState: { status: 'absent' },
  decide,
  evolve,
};

function decide(command: PatchCommand, patch: Patch): readonly PatchEvent[] {
  if (command.type === 'PublishPatch') return publish(command, patch);
  if (patch.status === 'absent') reject('patch-not-found', command.patchId);
  switch (command.type) {
    case 'AmendPatch':
      return amend(command, patch);
    case 'PullPatch':
      return pull(command, patch);
    case 'SupersedePatch':
      return supersede(command, patch);
    case 'FoldInPatch':
      return foldIn(command, patch);
  }
}

function publish(command: PublishPatch, patch: Patch): readonly PatchEvent[] {
  const { patchId, content, at } = command;
  if (patch.status === 'absent') return [{ type: 'PatchPublished', patchId, at, ...content }];
  return isSameContent(patch.firstContent, content) ? [] : amend(command, patch);
}

function amend({ patchId, content, at }: PublishPatch | AmendPatch, patch: KnownPatch): readonly PatchEvent[] {
  const { addition, conflicts } = compareContent(patch.content, content);
  if (conflicts.length > 0) reject('patch-exists', conflicts.join('; '));
  if (addition === undefined) return [];
  // What a pulled patch closed is still learned, for the ledger; but nothing new of it is brought out.
  if (patch.status === 'pulled' && addition.variants.length > 0) reject('patch-pulled', 'no variants are added to it');
  return [{ type: 'PatchAmended', patchId, at, ...addition }];
}

function supersede({ patchId, by, at }: SupersedePatch, patch: KnownPatch): readonly PatchEvent[] {
  if (patch.status === 'pulled' || by === patchId || supersededByOf(patch) === by) return [];
  return [{ type: 'PatchSuperseded', patchId, by, at }];
}

function foldIn({ patchId, version, build, at }: FoldInPatch, patch: KnownPatch): readonly PatchEvent[] {
  // Of a pulled patch, too: the ledger names the full release that brings back what the recall takes away.
  const foldedInto = 'foldedInto' in patch ? patch.foldedInto : undefined;
  if (foldedInto !== undefined) {
    if (foldedInto.version === version && foldedInto.build === build) return [];
    reject('patch-folded-in', `into ${foldedInto.version} (${foldedInto.build})`);
  }
  const { baseVersion } = patch.content;
  if (compareVersionTexts(version, baseVersion) <= 0) {
    reject('release-not-later', `${version} is not later than ${baseVersion}`);
  }
  return [{ type: 'PatchFoldedIn', patchId, version, build, at }];
}

function evolve(patch: Patch, event: PatchEvent): Patch {
  if (patch.status === 'absent') return event.type === 'PatchPublished' ? published(event) : patch;
  switch (event.type) {
    case 'PatchPublished':
      return patch;
    case 'PatchAmended':
      return {
        ...patch,
        content: addToContent(patch.content, event),
        closedSince: { ...closedAt(event), ...patch.closedSince },
      };
    case 'PatchSuperseded':
      return patch.status === 'published' || patch.status === 'superseded'
        ? { ...patch, status: 'superseded', supersededBy: event.by }
        : { ...patch, supersededBy: event.by };
    case 'PatchFoldedIn': {
      const foldedInto = { version: event.version, build: event.build, at: event.at };
      return patch.status === 'pulled' ? { ...patch, foldedInto } : { ...patch, status: 'folded-in', foldedInto };
    }
    case 'PatchPulled': {
      const { recallEpoch, type: _, patchId: __, receipt: ___, ...pulled } = event;
      return decided({ ...patch, status: 'pulled', pulled, recallEpoch });
    }
    case 'PullRequested': {
      // It comes with its withdrawal, or after one; a recall that is in force is asked for no more.
      if (patch.status !== 'pulled' || patch.pulled.mode === 'recall') return patch;
      const { type: _, patchId: __, receipt: ___, ...requested } = event;
      return { ...patch, requested };
    }
    default:
      return unknownEvent(patch, event);
  }
}

function published(event: Extract<PatchEvent, { type: 'PatchPublished' }>): Patch {
  const { type: _, patchId, at, receipt: __, ...content } = event;
  const first = { firstContent: content, content, closedSince: closedAt(event), recallEpoch: 0 };
  return { status: 'published', patchId, publishedAt: at, ...first };
}

/** A pull ends the request that it answers. */
function decided(patch: Extract<KnownPatch, { status: 'pulled' }>): Patch {
  const { requested: _, ...rest } = patch;
  return rest;
}

function closedAt({ cves, at }: Pick<PatchContent, 'cves'> & { readonly at: string }): Record<string, string> {
  return Object.fromEntries(cves.map(({ id }) => [id, at]));
}

/** Which patch superseded this one, if one did. */
export function supersededByOf(patch: KnownPatch): string | undefined {
  return patch.status === 'published' ? undefined : patch.supersededBy;
}
