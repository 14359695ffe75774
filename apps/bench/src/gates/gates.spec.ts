import { describe, expect, it } from 'vitest';
import { harmRows, nullRows } from './gate-rows.ts';
import { ofGates } from './tables.ts';
import { incidentHarms, incidentNulls, silenceHarms, silenceNulls } from './incident-rows.ts';
import { playIncidents } from './incident-run.ts';
import { Random } from '@sluice/simulation';

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
    for (const row of rows) expect(ofGates(row).measure(1).verdict).toMatchObject({ isReached: true });
  });

  it.each([
    ['crashes, 2 %'],
    ['two audiences'],
    ['crashes are told with the next contact'],
    ['30 % flaky of 600'],
    ['crash × 3, 10000 devices, check-ins every 1 h'],
  ])('judges incidents and removals as the table asks for: %s', (name) => {
    const played = [...incidentNulls(20), ...incidentHarms(10)];
    const rows = played.filter((row) => row.name.startsWith(name));
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row.measure(1).verdict).toMatchObject({ isReached: true });
  });

  it.each([
    ['daily status alone, never late'],
    ['daily status, and one after'],
    ['5 % fall silent 1–24 h later, a day'],
  ])('judges silence as the table asks for: %s', (name) => {
    const rows = [...silenceNulls(1), ...silenceHarms(1)].filter((row) => row.name.startsWith(name));
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row.measure(1).verdict).toMatchObject({ isReached: true });
  });

  it('would stop good patches if incidents that are kept were judged as if they came at once', () => {
    const world = { devices: 20_000, ratePerDay: 0.05, ratio: 1, holdBackPercent: 2, keepsIncidents: true } as const;
    const random = Random.seeded(1);
    const atOnce = Array.from({ length: 10 }, () => playIncidents({ ...world, saysAtOnce: true }, random.split()));
    expect(atOnce.filter(({ stood }) => stood !== 'go').length).toBeGreaterThan(5);
  });

  it('gives the same outcomes for the same seed, and others for another', () => {
    const [row] = rowsNamed('40 models × 50');
    if (row === undefined) throw new Error('there is no such row');
    expect(ofGates(row).measure(7)).toEqual(ofGates(row).measure(7));
    expect(ofGates(row).measure(8)).not.toEqual(ofGates(row).measure(7));
  });

  it('would stop good patches if failures counted as they come', () => {
    const [row] = rowsNamed('agents without starts');
    if (row === undefined) throw new Error('there is no such row');
    const world = { ...row.world, agents: 'as-it-comes' } as const;
    const stopped = ofGates({ ...row, world, runs: 40 })
      .measure(1)
      .outcomes.filter(({ stood }) => stood !== 'go').length;
    expect(stopped).toBeGreaterThan(5);
  });
});
