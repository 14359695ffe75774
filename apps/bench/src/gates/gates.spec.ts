import { describe, expect, it } from 'vitest';
import { harmRows, nullRows } from './gate-rows.ts';
import { playRow } from './gates.ts';

const rowsNamed = (name: string) => [...nullRows(20), ...harmRows(10)].filter((row) => row.name.startsWith(name));

describe('playing rollouts through the gates', () => {
  it.each([
    ['1 % fail, 36 slices, 500 devices'],
    ['5 % fail, 1 slices, 500 devices'],
    ['start and outcome together'],
    ['one slice of 20,000 fails at 5 %'],
    ['4 devices of'],
    ['25 % of the holders'],
  ])('comes to what the table asks for: %s', (name) => {
    const rows = rowsNamed(name);
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row.judge(playRow(row, 1))).toMatchObject({ isReached: true });
  });

  it('gives the same outcomes for the same seed, and others for another', () => {
    const [row] = rowsNamed('40 models × 50');
    if (row === undefined) throw new Error('there is no such row');
    expect(playRow(row, 7)).toEqual(playRow(row, 7));
    expect(playRow(row, 8)).not.toEqual(playRow(row, 7));
  });

  it('would stop good patches if failures counted as they come', () => {
    const [row] = rowsNamed('agents without starts');
    if (row === undefined) throw new Error('there is no such row');
    const world = { ...row.world, agents: 'as-it-comes' } as const;
    const stopped = playRow({ world, runs: 20 }, 1).filter(({ stood }) => stood !== 'go').length;
    expect(stopped).toBeGreaterThan(5);
  });
});
