import { Compile } from 'typebox/compile';
import { describe, expect, it } from 'vitest';
import { CheckIn, Report } from './device-protocol.ts';
import { faultText, wordsOf } from './pattern-words.ts';

/** Every pattern in a schema. */
function patternsIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const own = 'pattern' in schema && typeof schema.pattern === 'string' ? [schema.pattern] : [];
  return [...own, ...Object.values(schema).flatMap(patternsIn)];
}

describe('telling what a pattern refuses', () => {
  it('has words for each that devices meet', () => {
    const patterns = [...patternsIn(CheckIn), ...patternsIn(Report)];
    expect(new Set(patterns).size).toBeGreaterThan(5);
    expect(patterns.filter((pattern) => wordsOf(pattern) === 'of another form')).toEqual([]);
  });

  it('shows no pattern, and leaves other faults as they are', () => {
    const faults = Compile(CheckIn).Errors({ deviceId: 'a b', platform: 'ios', model: 1, osVersion: 'x', osBuild: '' });
    const texts = faults.map(({ instancePath, ...fault }) => `${instancePath} ${faultText(fault)}`);
    expect(texts).toEqual(
      expect.arrayContaining([
        '/deviceId must be 1 to 64 letters, digits or any of . _ : -',
        '/osVersion must be a version such as 26.3.1 or 26.3.1 (a)',
        '/model must be string',
      ]),
    );
    expect(texts.join()).not.toContain('pattern');
    expect(faultText({ keyword: 'pattern', params: { pattern: '^q$' }, message: 'must match pattern "^q$"' })).toBe(
      'must be of another form',
    );
  });
});
