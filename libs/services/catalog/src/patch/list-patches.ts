import { type PatchesQuery } from '@sluice/api';
import { compareLetters } from '@sluice/domain-cohorts';
import { type KnownPatch } from '@sluice/domain-catalog';
import { compareTexts, compareVersionTexts } from '@sluice/domain-cohorts';
import { ProblemError } from '@sluice/platform';

/** One page in version order. The cursor is the id of the last patch of the page before, and patches are never removed. */
export function listPatches(
  all: readonly KnownPatch[],
  { platform, status, baseVersion, limit, cursor }: PatchesQuery,
): { items: KnownPatch[]; nextCursor?: string } {
  const last = cursor === undefined ? undefined : find(all, cursor);
  const rest = all
    .filter((patch) => platform === undefined || patch.content.platform === platform)
    .filter((patch) => status === undefined || patch.status === status)
    .filter((patch) => baseVersion === undefined || compareVersionTexts(patch.content.baseVersion, baseVersion) === 0)
    .filter((patch) => last === undefined || byVersion(patch, last) > 0)
    .sort(byVersion);
  const items = rest.slice(0, limit);
  const end = items.at(-1);
  return rest.length > items.length && end !== undefined ? { items, nextCursor: end.patchId } : { items };
}

function find(all: readonly KnownPatch[], cursor: string): KnownPatch {
  const patch = all.find(({ patchId }) => patchId === cursor);
  if (patch !== undefined) return patch;
  throw new ProblemError('invalid-request', undefined, [
    { path: '/cursor', code: 'unknown-cursor', detail: 'is not the nextCursor of a page' },
  ]);
}

function byVersion(left: KnownPatch, right: KnownPatch): number {
  return (
    compareVersionTexts(left.content.baseVersion, right.content.baseVersion) ||
    compareLetters(left.content.letter, right.content.letter) ||
    compareTexts(left.patchId, right.patchId)
  );
}
