import { describe, expect, it } from 'vitest';
import { minuteMs } from '../examples.ts';
import { countTries, outageOf, unknownSupply } from './infrastructure.ts';

type Counted = readonly [minutes: number, model: string, got: number, unreached: number];

function after(...counted: Counted[]) {
  const supply = unknownSupply();
  for (const [minutes, slice, got, unreached] of counted)
    countTries(supply, { toMs: minuteMs(minutes), slice, got, unreached });
  return outageOf(supply);
}

describe('telling an outage of the package server from a faulty patch', () => {
  it.each<[string, Counted[], boolean]>([
    [
      'of 50 tries 11 got no package',
      [
        [1, 'A', 20, 6],
        [1, 'B', 19, 5],
      ],
      true,
    ],
    [
      'of 50 tries 10 got none',
      [
        [1, 'A', 20, 5],
        [1, 'B', 20, 5],
      ],
      false,
    ],
    [
      'of nine tries all got none',
      [
        [1, 'A', 0, 5],
        [1, 'B', 0, 4],
      ],
      false,
    ],
    [
      'of ten tries all got none',
      [
        [1, 'A', 0, 5],
        [1, 'B', 0, 5],
      ],
      true,
    ],
    ['all got none, in one slice only', [[1, 'A', 0, 50]], false],
    [
      'those that got none are an hour old',
      [
        [1, 'A', 0, 9],
        [62, 'B', 9, 1],
      ],
      false,
    ],
    [
      'many got it since',
      [
        [1, 'A', 0, 9],
        [2, 'B', 0, 9],
        [9, 'A', 30, 0],
        [9, 'B', 30, 0],
      ],
      false,
    ],
  ])('sees one when %s: %o, %s', (_, counted, isOut) => {
    expect(after(...counted) !== undefined).toBe(isOut);
  });

  it('stays while nobody tries, and ends when eight of ten got the package', () => {
    const outage: Counted[] = [
      [1, 'A', 0, 20],
      [1, 'B', 0, 20],
    ];
    expect(after(...outage)).toEqual({ tries: 40, unreached: 40 });
    expect(after(...outage, [300, 'A', 0, 0])).toBeDefined();
    expect(after(...outage, [300, 'A', 7, 3])).toBeDefined();
    expect(after(...outage, [300, 'A', 7, 0])).toBeDefined();
    expect(after(...outage, [300, 'A', 8, 2])).toBeUndefined();
  });

  it('is over for good once it is over, though most of the last 50 tries got no package', () => {
    const recovered: Counted[] = [
      [1, 'A', 0, 20],
      [1, 'B', 0, 20],
      [2, 'A', 8, 2],
    ];
    expect(after(...recovered, [3, 'A', 1, 0])).toBeUndefined();
    expect(after(...recovered, [3, 'A', 1, 0], [4, 'B', 0, 9])).toEqual({ tries: 20, unreached: 11 });
  });

  it('is the same in whichever order the shards tell of an instant', () => {
    const instant: Counted[] = [
      [2, 'A', 0, 30],
      [2, 'B', 30, 0],
      [2, 'A', 20, 0],
    ];
    const before: Counted = [1, 'A', 0, 10];
    const next: Counted = [3, 'A', 1, 0];
    const turned = instant.toReversed();
    expect(after(before, ...instant)).toEqual(after(before, ...turned));
    expect(after(before, ...instant, next)).toEqual(after(before, ...turned, next));
  });
});
