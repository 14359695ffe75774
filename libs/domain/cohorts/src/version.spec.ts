import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareVersions, compareVersionTexts, formatVersion, parseVersion, type Version } from './version.ts';

const RELEASES = fileURLToPath(
  new URL('../../../../../shared/data/appledb/derived/os_releases.ndjson', import.meta.url),
);

const anyVersion: fc.Arbitrary<Version> = fc.record({
  numbers: fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 4 }),
  letter: fc.oneof(fc.constant(''), fc.stringMatching(/^[a-z]{1,2}$/)),
});

describe('parsing versions', () => {
  it.each(['26', '26.3', '26.3.1', '26.3.1 (a)', '10.15.7.1 (ab)'])('reads %s and writes it the same', (text) => {
    const version = parseVersion(text);
    expect(version === undefined ? undefined : formatVersion(version)).toBe(text);
  });

  it.each([
    '',
    '26.',
    '26.3.1(a)',
    '26.3.1 (A)',
    '26.3.1 (abc)',
    '26.3 beta 2',
    '1.2.3.4.5',
    '12345',
    'v26',
    '26.3.1 (a) ',
  ])('does not read %j', (text) => {
    expect(parseVersion(text)).toBeUndefined();
  });
});

describe('comparing versions', () => {
  it('orders by base version, then by letter', () => {
    const inOrder = [
      '9.3',
      '16.5',
      '16.5.1',
      '16.5.1 (a)',
      '16.5.1 (c)',
      '16.5.1 (z)',
      '16.5.1 (aa)',
      '16.5.2',
      '26.3',
      '26.3.1',
    ];
    expect([...inOrder].reverse().sort(compareVersionTexts)).toEqual(inOrder);
  });

  it('takes a missing number for zero', () => {
    expect(compareVersionTexts('26', '26.0')).toBe(0);
    expect(compareVersionTexts('26.0', '26.0.1')).toBeLessThan(0);
  });

  it('puts what is no version before all that are', () => {
    expect(['1.0', 'beta', '0.1', 'alpha'].sort(compareVersionTexts)).toEqual(['alpha', 'beta', '0.1', '1.0']);
  });

  it('is a total order', () => {
    fc.assert(
      fc.property(anyVersion, anyVersion, anyVersion, (a, b, c) => {
        expect(compareVersions(a, a)).toBe(0);
        expect(Math.sign(compareVersions(a, b))).toBe(-Math.sign(compareVersions(b, a)) + 0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it('keeps a patch between its base and everything later', () => {
    fc.assert(
      fc.property(anyVersion, anyVersion, (one, other) => {
        const base = { ...one, letter: '' };
        const patch = { ...one, letter: one.letter === '' ? 'a' : one.letter };
        expect(compareVersions(base, patch)).toBeLessThan(0);
        const fullRelease = { ...other, letter: '' };
        if (compareVersions(base, fullRelease) < 0) expect(compareVersions(patch, fullRelease)).toBeLessThan(0);
      }),
    );
  });
});

describe('ordering the versions of real full releases', () => {
  const isThere = existsSync(RELEASES);
  if (!isThere) console.warn('SKIPPED: version order of real full releases, for ../shared/data/appledb is not there');

  it.skipIf(!isThere)('agrees with a natural sort of their texts', () => {
    const texts = readFileSync(RELEASES, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { version: string }).version);
    const versions = [...new Set(texts)].filter((text) => parseVersion(text) !== undefined);
    expect(versions.length).toBeGreaterThan(200);
    expect(versions.filter((text) => text.endsWith(')')).sort()).toEqual([
      ...['13.0 (a)', '13.2 (a)', '13.2 (b)', '13.3 (a)', '13.3 (b)', '13.3.1 (a)', '13.4.1 (a)', '13.4.1 (c)'],
      ...['16.2 (a)', '16.2 (b)', '16.4 (a)', '16.4 (b)', '16.4.1 (a)', '16.5.1 (a)', '16.5.1 (c)'],
    ]);
    const natural = new Intl.Collator('en', { numeric: true });
    expect([...versions].sort(compareVersionTexts)).toEqual([...versions].sort((a, b) => natural.compare(a, b)));
  });
});
