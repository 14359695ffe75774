import { type KnownPatch } from '@sluice/domain-catalog';
import { BEGINNING, comparePositions, type Position } from '@sluice/event-sourcing';
import { checkReceipts, type FoldStore, type FoldTask, type ReceiptsInput } from '@sluice/platform';
import { patchEventsOf, patchStream, PatchTable } from './patch/patch-table.ts';
import { PATCH_STREAMS } from './publications.ts';
import { readSofaV2 } from './import/sofa-v2.ts';

/** Input: PatchesThrough. Result: PatchesAt. */
export const PATCHES_FOLD = 'catalog-patches';
/** Input: ReceiptsInput. Result: ReceiptsFound. */
export const RECEIPTS_FOLD = 'catalog-receipts';
/** Input: the bytes of the file. Result: SofaReading. */
export const SOFA_V2_FOLD = 'catalog-sofa-v2';

/**
 * How far to fold: through a position, or all that was recorded at an instant (RFC 3339, UTC) or before it; of one patch only, where
 * that is named.
 */
export type PatchesThrough = { readonly through: Position } | { readonly at: string; readonly patchId?: string };

export interface PatchesAt {
  readonly through: Position;
  readonly patches: Record<string, KnownPatch>;
}

/** What the catalog does away from the thread that answers requests. */
export const folds: Record<string, FoldTask> = {
  [PATCHES_FOLD]: (store, input) => foldPatches(store, input as PatchesThrough),
  // What a person has decided has no counts.
  [RECEIPTS_FOLD]: (store, input, progress) => checkReceipts(store, input as ReceiptsInput, () => 'none', progress),
  [SOFA_V2_FOLD]: (_, file) => Promise.resolve(readSofaV2(file as Uint8Array)),
};

async function foldPatches(store: FoldStore, end: PatchesThrough): Promise<PatchesAt> {
  const table = new PatchTable();
  let through = BEGINNING;
  const commits =
    'at' in end && end.patchId !== undefined
      ? store.readStream(patchStream(end.patchId))
      : store.readAll({ prefixes: PATCH_STREAMS });
  for await (const commit of commits) {
    if ('at' in end ? commit.recordedAt > end.at : comparePositions(commit.position, end.through) > 0) break;
    through = commit.position;
    for (const event of patchEventsOf(commit)) table.apply(event);
  }
  return { through, patches: table.snapshot() };
}
