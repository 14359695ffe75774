import { compareLetters } from '@sluice/domain-cohorts';
import { type KnownPatch, supersededByOf } from './patch.ts';

export interface Supersession {
  readonly patchId: string;
  readonly by: string;
}

/**
 * Who is to be superseded among the patches of one platform and base version: each that stands below the highest letter
 * that stands. Pulled patches neither supersede nor are superseded. It only ever moves to a higher letter, so that the
 * answer is the same whenever it is asked, also after the superseding patch was pulled.
 */
export function supersessions(patches: readonly KnownPatch[]): Supersession[] {
  const unpulled = patches.filter(({ status }) => status !== 'pulled');
  const highest = unpulled.reduce<KnownPatch | undefined>(higher, undefined);
  if (highest === undefined) return [];
  const letters = new Map(patches.map(({ patchId, content }) => [patchId, content.letter]));
  return unpulled
    .filter((patch) => {
      const by = supersededByOf(patch);
      const reached = (by === undefined ? undefined : letters.get(by)) ?? patch.content.letter;
      return compareLetters(reached, highest.content.letter) < 0;
    })
    .map(({ patchId }) => ({ patchId, by: highest.patchId }));
}

// Two patches may share a letter (other models of the same base); neither supersedes the other, the first one speaks for both.
function higher(highest: KnownPatch | undefined, patch: KnownPatch): KnownPatch {
  if (highest === undefined) return patch;
  const order =
    compareLetters(patch.content.letter, highest.content.letter) || (patch.patchId < highest.patchId ? 1 : -1);
  return order > 0 ? patch : highest;
}
