import { fold } from '@sluice/event-sourcing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KnownPatch, patchDecider, type PatchEvent } from './patch.ts';
import { type Supersession, supersessions } from './supersession.ts';

const at = '2026-03-17T10:00:00.000Z';

describe('superseding patches', () => {
  it('lets the highest letter supersede all below it', () => {
    expect(supersessions([patch('a'), patch('c'), patch('b')])).toEqual([by('a', 'c'), by('b', 'c')]);
  });

  it('lets a low letter that comes late be superseded at once', () => {
    expect(supersessions([patch('a', superseded('a', 'c')), patch('c'), patch('b')])).toEqual([by('b', 'c')]);
  });

  it('moves on to a higher letter', () => {
    expect(supersessions([patch('a', superseded('a', 'b')), patch('b'), patch('aa')])).toEqual([
      by('a', 'aa'),
      by('b', 'aa'),
    ]);
  });

  it('leaves pulled patches alone on both sides', () => {
    expect(supersessions([patch('a', pulled('a')), patch('b'), patch('c', pulled('c'))])).toEqual([]);
  });

  it('does not go back to a lower letter after the higher one was pulled', () => {
    expect(supersessions([patch('a', superseded('a', 'c')), patch('b'), patch('c', pulled('c'))])).toEqual([]);
  });

  it('leaves two patches of one letter beside each other', () => {
    const twin = { ...patch('b'), patchId: 'p-b2' };
    expect(supersessions([twin, patch('a'), patch('b')])).toEqual([by('a', 'b')]);
  });

  it('finds nothing more once it was done', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-f]$/), { maxLength: 6 }), fc.integer(), (letters, salt) => {
        const patches = letters.map((letter, index) =>
          (salt >> index) & 1 ? patch(letter, pulled(letter)) : patch(letter),
        );
        const done = patches.map((each) => apply(each, supersessions(patches)));
        expect(supersessions(done)).toEqual([]);
      }),
    );
  });
});

function patch(letter: string, ...events: PatchEvent[]): KnownPatch {
  const variants = [{ build: `2${letter}`, prerequisiteBuild: '1', models: ['Mac1,1'] }];
  const content = { platform: 'macos', baseVersion: '26.3', letter, variants, cves: [] } as const;
  const state = fold(patchDecider, [{ type: 'PatchPublished', patchId: `p-${letter}`, at, ...content }, ...events]);
  if (state.status === 'absent') throw new Error('a published patch is known');
  return state;
}

function apply(known: KnownPatch, found: readonly Supersession[]): KnownPatch {
  const mine = found.filter(({ patchId }) => patchId === known.patchId);
  return mine.reduce<KnownPatch>((state, { patchId, by: highest }) => {
    const next = patchDecider.evolve(state, { type: 'PatchSuperseded', patchId, by: highest, at });
    return next.status === 'absent' ? state : next;
  }, known);
}

function superseded(letter: string, highest: string): PatchEvent {
  return { type: 'PatchSuperseded', ...by(letter, highest), at };
}

function pulled(letter: string): PatchEvent {
  return { type: 'PatchPulled', patchId: `p-${letter}`, mode: 'withdraw', reason: 'bad', at, recallEpoch: 1 };
}

function by(letter: string, highest: string): Supersession {
  return { patchId: `p-${letter}`, by: `p-${highest}` };
}
