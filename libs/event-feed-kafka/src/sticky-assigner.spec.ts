import { describe, expect, it } from 'vitest';
import { shareOut } from './sticky-assigner.ts';

const partitions = [0, 1, 2, 3, 4, 5, 6, 7];

describe('sharing out partitions', () => {
  it.each([
    ['one member has all', [['a', []]], { a: [0, 1, 2, 3, 4, 5, 6, 7] }],
    [
      'nobody has any yet',
      [
        ['b', []],
        ['a', []],
      ],
      { a: [0, 1, 2, 3], b: [4, 5, 6, 7] },
    ],
    [
      'a second comes',
      [
        ['a', partitions],
        ['b', []],
      ],
      { a: [0, 1, 2, 3], b: [4, 5, 6, 7] },
    ],
    [
      'a third comes',
      [
        ['a', [0, 1, 2, 3]],
        ['b', [4, 5, 6, 7]],
        ['c', []],
      ],
      { a: [0, 1, 2], b: [4, 5, 6], c: [3, 7] },
    ],
    [
      'one of three goes',
      [
        ['b', [4, 5, 6]],
        ['c', [3, 7]],
      ],
      { b: [4, 5, 6, 0], c: [3, 7, 1, 2] },
    ],
    [
      'two say they have the same',
      [
        ['a', [0, 1, 2, 3]],
        ['b', [0, 1, 2, 3]],
      ],
      { a: [0, 1, 2, 3], b: [4, 5, 6, 7] },
    ],
    [
      'one claims what there is not',
      [
        ['a', [99, 1]],
        ['b', []],
      ],
      { a: [1, 0, 2, 3], b: [4, 5, 6, 7] },
    ],
    [
      'there are more members than partitions',
      [
        ['a', []],
        ['b', []],
        ['c', []],
      ],
      { a: [0], b: [1], c: [] },
      [0, 1],
    ],
  ] as [string, [string, number[]][], Record<string, number[]>, number[]?][])(
    'gives each an even share when %s',
    (_, members, expected, all = partitions) => {
      const claims = members.map(([member, claimed]) => ({ member, partitions: claimed }));
      expect(Object.fromEntries(shareOut(all, claims))).toEqual(expected);
    },
  );
});
