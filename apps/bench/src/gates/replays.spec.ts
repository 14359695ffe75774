import { describe, expect, it } from 'vitest';
import { replayedRows } from './tables.ts';
import { replayDifference, Tape } from './tape.ts';

const DEVICES = 600;
const SEED = 1;
// The benchmark replays them at their full sizes.
const rows = replayedRows(DEVICES);

describe('folding a history again', () => {
  it.each(rows.map((row) => [row.name, row] as const))('gives the same verdicts to the bit: %s', (_name, row) => {
    const tape = row.tape(SEED);
    expect(tape.entries.some((entry) => 'asked' in entry)).toBe(true);
    expect(replayDifference(tape, SEED)).toBeUndefined();
  });

  it('shows that a verdict is another one', () => {
    const [row] = replayedRows(DEVICES);
    const { entries } = row?.tape(SEED) ?? new Tape();
    const changed = new Tape();
    for (const entry of entries) {
      if ('event' in entry) changed.fold(entry.event);
      else changed.found(entry.asked, { says: 'go', logSum: 0 });
    }
    expect(replayDifference(changed, SEED)).toMatch(/^stored: verdict 1$/);
  });
});
