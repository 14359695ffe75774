import { type KnownPatch } from '@sluice/domain-catalog';
import { comparePositions, type Position } from '@sluice/event-sourcing';
import { checkReceipts, type FoldStore, type FoldTask, type ReceiptsInput } from '@sluice/platform';
import { patchEventsOf, PatchTable } from './patch/patch-table.ts';
import { PATCH_STREAMS } from './publications.ts';
import { readSofaV2 } from './import/sofa-v2.ts';

/** Input: the position through which to fold. Result: PatchesAt. */
export const PATCHES_FOLD = 'catalog-patches';
/** Input: ReceiptsInput. Result: ReceiptsFound. */
export const RECEIPTS_FOLD = 'catalog-receipts';
/** Input: the bytes of the file. Result: SofaReading. */
export const SOFA_V2_FOLD = 'catalog-sofa-v2';

export interface PatchesAt {
  readonly through: Position;
  readonly patches: Record<string, KnownPatch>;
}

/** What the catalog does away from the thread that answers requests. */
export const folds: Record<string, FoldTask> = {
  [PATCHES_FOLD]: (store, through) => foldPatches(store, through as Position),
  // What a person has decided has no counts.
  [RECEIPTS_FOLD]: (store, input, progress) => checkReceipts(store, input as ReceiptsInput, () => 'none', progress),
  [SOFA_V2_FOLD]: (_, file) => Promise.resolve(readSofaV2(file as Uint8Array)),
};

async function foldPatches(store: FoldStore, through: Position): Promise<PatchesAt> {
  const table = new PatchTable();
  for await (const commit of store.readAll({ prefixes: PATCH_STREAMS })) {
    if (comparePositions(commit.position, through) > 0) break;
    for (const event of patchEventsOf(commit)) table.apply(event);
  }
  return { through, patches: table.snapshot() };
}
