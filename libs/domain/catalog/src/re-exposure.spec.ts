import { createHash } from 'node:crypto';
import { fold } from '@sluice/event-sourcing';
import { describe, expect, it } from 'vitest';
import { type KnownPatch, patchDecider, type PatchEvent } from './patch.ts';
import { presentLedger, reExposureOf } from './re-exposure.ts';

const BASE = '23D8133';
const day = (number: number) => `2026-03-0${String(number)}T10:00:00.000Z`;

function published(letter: string, change: Partial<Extract<PatchEvent, { type: 'PatchPublished' }>> = {}): PatchEvent {
  return {
    type: 'PatchPublished',
    patchId: `p-${letter}`,
    platform: 'ios',
    baseVersion: '26.3.1',
    letter,
    variants: [{ build: `23D77133${letter}`, prerequisiteBuild: BASE, models: ['iPhone18,1', 'iPad16,3'] }],
    cves: [{ id: 'CVE-2026-1', exploited: false }],
    at: day(1),
    ...change,
  };
}

function patchOf(...events: readonly PatchEvent[]): KnownPatch {
  const patch = fold(patchDecider, events);
  if (patch.status === 'absent') throw new Error('publish it first');
  return patch;
}

const hash = (text: string) => createHash('sha256').update(text).digest('hex');
const digestOf = (patch: KnownPatch, ...others: readonly KnownPatch[]) =>
  presentLedger(reExposureOf(patch, [patch, ...others]), hash).digest;
const pulled = (letter: string, mode: 'withdraw' | 'recall', more: object = {}): PatchEvent => ({
  ...{ type: 'PatchPulled', patchId: `p-${letter}`, mode, reason: 'bad', recallEpoch: 1, at: day(4) },
  ...more,
});

describe('what a recall re-opens', () => {
  it('is each CVE with its mark and the instant of its publication or amendment, and the builds that go back to their base', () => {
    const amended: PatchEvent = {
      ...{ type: 'PatchAmended', patchId: 'p-a', variants: [], at: day(3) },
      cves: [
        { id: 'CVE-2026-0', exploited: false },
        { id: 'CVE-2026-1', exploited: true },
      ],
    };
    const foldedIn: PatchEvent = {
      type: 'PatchFoldedIn',
      patchId: 'p-a',
      version: '26.4',
      build: '23E246',
      at: day(4),
    };
    expect(reExposureOf(patchOf(published('a'), amended, foldedIn), [])).toEqual({
      patchId: 'p-a',
      recallEpoch: 0,
      cves: [
        { id: 'CVE-2026-0', exploited: false, closedSince: day(3), closedBy: ['p-a'] },
        { id: 'CVE-2026-1', exploited: true, closedSince: day(1), closedBy: ['p-a'] },
      ],
      builds: [{ build: '23D77133a', base: BASE, models: ['iPad16,3', 'iPhone18,1'] }],
      patches: [],
      replacement: { named: null, available: [] },
      fullRelease: { version: '26.4', build: '23E246' },
    });
  });

  it('has what earlier letters closed on the base, for the device has nothing left of them, and of later letters nothing', () => {
    const a = patchOf(published('a', { cves: [{ id: 'CVE-2026-1', exploited: true }] }), pulled('a', 'recall'));
    const c = patchOf(published('c', { at: day(2), cves: [{ id: 'CVE-2026-3', exploited: false }] }));
    const ledgerOfC = reExposureOf(c, [a, c]);
    expect(ledgerOfC.patches).toEqual([{ patchId: 'p-a', letter: 'a' }]);
    expect(ledgerOfC.cves.map(({ id, exploited, closedBy }) => [id, exploited, closedBy])).toEqual([
      ['CVE-2026-1', true, ['p-a']],
      ['CVE-2026-3', false, ['p-c']],
    ]);
    const ledgerOfA = reExposureOf(a, [a, c]);
    expect([ledgerOfA.patches, ledgerOfA.cves.map(({ id }) => id)]).toEqual([[], ['CVE-2026-1']]);
  });

  it('names replacements of later letters for the same devices, and what they leave open', () => {
    const a = patchOf(published('a'));
    const elsewhere = { build: 'x', prerequisiteBuild: '23D9999', models: ['iPhone18,1'] };
    const others = [
      patchOf(published('b', { cves: [] })),
      patchOf(published('c')),
      patchOf(published('d'), pulled('d', 'withdraw')),
      patchOf(published('e', { variants: [elsewhere] })),
      patchOf(published('f', { variants: [{ ...elsewhere, prerequisiteBuild: BASE, models: ['Mac16,1'] }] })),
    ];
    expect(reExposureOf(a, others).replacement).toEqual({
      named: null,
      available: [
        { patchId: 'p-b', letter: 'b', leavesOpen: ['CVE-2026-1'] },
        { patchId: 'p-c', letter: 'c', leavesOpen: [] },
      ],
    });
    expect(
      reExposureOf(patchOf(published('a'), pulled('a', 'withdraw', { replacement: 'p-c' })), []).replacement,
    ).toEqual({
      named: 'p-c',
      available: [],
    });
  });
});

describe('the digest of a re-exposure ledger', () => {
  const a = patchOf(published('a'));
  const c = patchOf(published('c', { at: day(2) }));

  it('is that of the canonical JSON of what is shown', () => {
    const one = patchOf(published('a', { cves: [], variants: [] }));
    const text =
      '{"builds":[],"cves":[],"fullRelease":null,"patchId":"p-a","patches":[],"recallEpoch":0,"replacement":{"available":[],"named":null}}';
    expect(presentLedger(reExposureOf(one, []), hash)).toEqual({ digest: hash(text), reopensExploited: false });
  });

  it.each([
    ['a CVE is exploited', () => digestOf(patchOf(published('a', { cves: [{ id: 'CVE-2026-1', exploited: true }] })))],
    [
      'there is another CVE',
      () => digestOf(patchOf(published('a', { cves: [{ id: 'CVE-2026-2', exploited: false }] }))),
    ],
    ['a replacement is there', () => digestOf(a, c)],
    ['it was pulled', () => digestOf(patchOf(published('a'), pulled('a', 'withdraw')))],
    [
      'a full release contains it',
      () =>
        digestOf(
          patchOf(published('a'), { type: 'PatchFoldedIn', patchId: 'p-a', version: '26.4', build: 'x', at: day(4) }),
        ),
    ],
    [
      'a model is added',
      () =>
        digestOf(
          patchOf(
            published('a', { variants: [{ build: '23D77133a', prerequisiteBuild: BASE, models: ['iPhone18,1'] }] }),
          ),
        ),
    ],
  ])('is another one when %s', (_, changed) => {
    expect(changed()).not.toBe(digestOf(a));
  });

  it('is the same whatever the order of publication, and while a recall is asked for', () => {
    const [b, d] = [patchOf(published('b')), patchOf(published('d'))];
    expect(digestOf(a, d, b)).toBe(digestOf(a, b, d));
    const asked: PatchEvent = {
      ...{ type: 'PullRequested', patchId: 'p-a', mode: 'recall', reason: 'bad', ledgerDigest: 'x', recallEpoch: 0 },
      ...{ by: 'ann', replacement: 'p-d', at: day(4) },
    };
    expect(digestOf(patchOf(published('a'), pulled('a', 'withdraw'), asked), b, d)).toBe(digestOf(a, b, d));
  });
});
