import { describe, expect, it } from 'vitest';
import { toSchema31 } from './open-api-31.ts';

const $ref = '#/components/schemas/Platform';

describe('writing a schema in the form of 3.1', () => {
  it.each([
    ['nullable', { type: 'integer', minimum: 0, nullable: true }, { type: ['integer', 'null'], minimum: 0 }],
    [
      'a nullable reference',
      { allOf: [{ $ref }], nullable: true, description: 'so' },
      { anyOf: [{ $ref }, { type: 'null' }], description: 'so' },
    ],
    [
      'an excluded bound',
      { type: 'number', minimum: 0, exclusiveMinimum: true },
      { type: 'number', exclusiveMinimum: 0 },
    ],
    ['an example', { type: 'string', example: 'a' }, { type: 'string', examples: ['a'] }],
    ['a reference with words', { allOf: [{ $ref }], description: 'so' }, { $ref, description: 'so' }],
    ['one of two shapes', { type: 'object', anyOf: [{ $ref }, {}] }, { anyOf: [{ $ref }, {}] }],
    ['anything', { type: 'object', anyOf: [{}], description: 'so' }, { description: 'so' }],
    ['the name of a schema', { $id: 'CheckIn', type: 'object' }, { type: 'object' }],
    [
      'what lies inside',
      { type: 'object', properties: { example: { type: 'string', nullable: true } } },
      { type: 'object', properties: { example: { type: ['string', 'null'] } } },
    ],
  ])('changes %s', (_, before, after) => {
    expect(toSchema31(before)).toEqual(after);
  });
});
