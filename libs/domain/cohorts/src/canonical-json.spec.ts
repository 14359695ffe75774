import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.ts';

describe('writing canonical JSON', () => {
  it.each([
    [
      'orders fields by their code units, also names that are numbers',
      { b: 1, 10: 2, '€': 3, 9: 4, B: 5 },
      '{"10":2,"9":4,"B":5,"b":1,"€":3}',
    ],
    [
      'orders the fields of all that is inside, and keeps the order of lists',
      [{ b: [{ d: 1, c: 2 }], a: null }],
      '[{"a":null,"b":[{"c":2,"d":1}]}]',
    ],
    ['leaves out what is undefined', { a: undefined, b: 'x' }, '{"b":"x"}'],
    [
      'writes numbers and texts as RFC 8785 does',
      [1e21, 0.000001, -0, 333333333.33333329, '\u20ac"\\\n\u000f'],
      '[1e+21,0.000001,0,333333333.3333333,"€\\"\\\\\\n\\u000f"]',
    ],
  ])('%s', (_, value, text) => {
    expect(canonicalJson(value)).toBe(text);
  });
});
