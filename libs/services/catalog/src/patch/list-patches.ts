import { type PatchesQuery } from '@sluice/api';
import { type KnownPatch } from '@sluice/domain-catalog';
import { compareLetters, compareTexts, compareVersionTexts } from '@sluice/domain-cohorts';
import { paged, type SortKey } from '@sluice/platform';

/** One page in version order. */
export function listPatches(
  all: readonly KnownPatch[],
  { platform, status, baseVersion, ...query }: PatchesQuery,
): { items: KnownPatch[]; total: number; nextCursor?: string } {
  const wanted = all
    .filter((patch) => platform === undefined || patch.content.platform === platform)
    .filter((patch) => status === undefined || patch.status === status)
    .filter((patch) => baseVersion === undefined || compareVersionTexts(patch.content.baseVersion, baseVersion) === 0);
  const keyOf = ({ patchId, content }: KnownPatch): SortKey => [content.baseVersion, content.letter, patchId];
  return paged(wanted, query, { list: 'patches', keyOf, compare: byVersion });
}

function byVersion([version = '', letter = '', id = '']: SortKey, right: SortKey): number {
  const [otherVersion = '', otherLetter = '', otherId = ''] = right;
  return compareVersionTexts(version, otherVersion) || compareLetters(letter, otherLetter) || compareTexts(id, otherId);
}
