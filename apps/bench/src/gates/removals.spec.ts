import { describe, expect, it } from 'vitest';
import { playRemovalRow } from './gates.ts';
import { removalHarmRows, removalNullRows } from './removal-rows.ts';

describe('playing recalls through the gate', () => {
  it.each(removalHarmRows(15).map((row) => [row.name, row] as const))('pauses what harms: %s', (_name, row) => {
    expect(row.judge(playRemovalRow(row, 1))).toMatchObject({ isReached: true });
  });

  it.each(removalNullRows(8).map((row) => [row.name, row] as const))('lets go on: %s', (_name, row) => {
    expect(row.judge(playRemovalRow(row, 1))).toMatchObject({ isReached: true });
  });

  it('gives the same outcomes for the same seed', () => {
    const [row] = removalHarmRows(5);
    if (row === undefined) throw new Error('there is no row');
    expect(playRemovalRow(row, 7)).toEqual(playRemovalRow(row, 7));
  });
});
