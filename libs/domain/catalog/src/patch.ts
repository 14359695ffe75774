import { compareVersionTexts } from '@sluice/domain-cohorts';
import { type Decider, type Receipted, reject, unknownEvent } from '@sluice/event-sourcing';
import { type Addition, addToContent, compareContent, isSameContent, type PatchContent } from './patch-content.ts';

export type PullMode = 'withdraw' | 'recall';

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

/** Whether the replacement exists and suits is for the caller to check: it is another patch. */
export interface PullPatch {
  readonly type: 'PullPatch';
  readonly patchId: string;
  readonly mode: PullMode;
  readonly reason: string;
  readonly replacement?: string;
  /** Of a recall: so many devices an hour are directed to remove the patch, and no more; absent is all at once. */
  readonly removePerHourMax?: number;
  readonly ledgerDigest?: string;
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
  | (Omit<PullPatch, 'type'> & { readonly type: 'PatchPulled'; readonly recallEpoch: number })
  | (Omit<FoldInPatch, 'type'> & { readonly type: 'PatchFoldedIn' });

export interface FoldedInto {
  readonly version: string;
  readonly build: string;
  readonly at: string;
}

export type Pulled = Pick<PullPatch, 'mode' | 'reason' | 'replacement' | 'removePerHourMax' | 'ledgerDigest' | 'at'>;

interface Known {
  readonly patchId: string;
  readonly publishedAt: string;
  /** As published at first, to recognise the same publication sent again. */
  readonly firstContent: PatchContent;
  readonly content: PatchContent;
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
      readonly foldedInto?: FoldedInto;
      readonly supersededBy?: string;
    });

export type Patch = { readonly status: 'absent' } | KnownPatch;

/**
 * The life of one patch, stream `patch-<patchId>`.
 * Rejections: patch-not-found, patch-exists, patch-pulled, patch-already-recalled, patch-folded-in,
 * release-not-later, replacement-unsuitable.
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

function pull(command: PullPatch, patch: KnownPatch): readonly PatchEvent[] {
  if (command.replacement === command.patchId) reject('replacement-unsuitable', 'a patch does not replace itself');
  if (patch.status === 'pulled') {
    if (patch.pulled.mode === 'recall') {
      if (isSamePull(command, patch.pulled)) return [];
      return [{ ...recalledFurther(command, patch.pulled), recallEpoch: patch.recallEpoch + 1 }];
    }
    if (command.mode === 'withdraw') return [];
  }
  return [{ ...command, type: 'PatchPulled', recallEpoch: patch.recallEpoch + 1 }];
}

function supersede({ patchId, by, at }: SupersedePatch, patch: KnownPatch): readonly PatchEvent[] {
  if (patch.status === 'pulled' || by === patchId || supersededByOf(patch) === by) return [];
  return [{ type: 'PatchSuperseded', patchId, by, at }];
}

function foldIn({ patchId, version, build, at }: FoldInPatch, patch: KnownPatch): readonly PatchEvent[] {
  // A pulled patch is offered to nobody, so that what overtakes it no longer matters.
  if (patch.status === 'pulled') reject('patch-pulled', patchId);
  if (patch.status === 'folded-in') {
    if (patch.foldedInto.version === version && patch.foldedInto.build === build) return [];
    reject('patch-folded-in', `into ${patch.foldedInto.version} (${patch.foldedInto.build})`);
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
      return { ...patch, content: addToContent(patch.content, event) };
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
      return { ...patch, status: 'pulled', pulled, recallEpoch };
    }
    default:
      return unknownEvent(patch, event);
  }
}

function published(event: Extract<PatchEvent, { type: 'PatchPublished' }>): Patch {
  const { type: _, patchId, at, receipt: __, ...content } = event;
  return { status: 'published', patchId, publishedAt: at, firstContent: content, content, recallEpoch: 0 };
}

/** A recall is never undone; but a replacement can be named later, and its pace be changed. What is not named stays. */
function recalledFurther(
  command: PullPatch,
  pulled: Pulled,
): Omit<PullPatch, 'type'> & { readonly type: 'PatchPulled' } {
  const { replacement = pulled.replacement, removePerHourMax = pulled.removePerHourMax } = command;
  const isSame = replacement === pulled.replacement && removePerHourMax === pulled.removePerHourMax;
  if (command.mode !== 'recall' || isSame) reject('patch-already-recalled', `at ${pulled.at}`);
  return {
    ...command,
    type: 'PatchPulled',
    ...(replacement !== undefined && { replacement }),
    ...(removePerHourMax !== undefined && { removePerHourMax }),
  };
}

/** What a command does not name, it does not change. */
function isSamePull(command: PullPatch, pulled: Pulled): boolean {
  return (['mode', 'reason', 'replacement', 'removePerHourMax', 'ledgerDigest'] as const).every(
    (field) => command[field] === undefined || command[field] === pulled[field],
  );
}

/** Which patch superseded this one, if one did. */
export function supersededByOf(patch: KnownPatch): string | undefined {
  return patch.status === 'published' ? undefined : patch.supersededBy;
}
