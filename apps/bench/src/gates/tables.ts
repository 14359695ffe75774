import { median } from '../figure.ts';
import { liveRows, outageRows, stuckRows, watchRows } from './fleet-rows.ts';
import {
  type GateRow,
  harmRows,
  nullRows,
  overAll,
  percent,
  type PlayedRow,
  playedRow,
  type Verdict,
} from './gate-rows.ts';
import { playRollout } from './gate-run.ts';
import { type GateOutcome } from './gate-world.ts';
import { incidentHarms, incidentNulls, silenceHarms, silenceNulls } from './incident-rows.ts';
import { type Rule } from './other-rules.ts';
import { overAllRemovals, removalHarmRows, removalNullRows } from './removal-rows.ts';
import { type RemovalOutcome } from './removal-run.ts';
import { replayDifference } from './tape.ts';

/** How often each row is played. */
export interface Runs {
  readonly nulls: number;
  readonly harms: number;
  /** Of fleets, few runs say the same as many: what chance does is small beside the ramp. */
  readonly fleets: number;
}

export const FULL_RUNS: Runs = { nulls: 400, harms: 100, fleets: 20 };
/** Rules of others are shown beside, from fewer runs: the median moves little. */
const OTHER_RUNS = 20;

/** A row of a table, whatever its outcomes are. */
export interface TableRow {
  readonly name: string;
  readonly runs: number;
  readonly measure: (seed: number) => Measured;
}

/** `replay`: how the verdicts came out otherwise when one history was folded again; undefined when all are the same to the bit. */
export interface Measured {
  readonly verdict: Verdict;
  readonly beside: readonly string[];
  readonly replay: string | undefined;
  /** Where the table asks something of all its rows together. */
  readonly outcomes: readonly unknown[];
}

export interface Table {
  readonly head: string;
  /** The heads of what is shown beside. */
  readonly beside: readonly string[];
  readonly rows: readonly TableRow[];
  /** How many rows it has when all are chosen. */
  readonly rowsInAll: number;
  /** What is asked of the outcomes of all rows together. */
  readonly overAll?: (outcomes: readonly unknown[]) => Verdict;
}

/** All rows of the benchmark. The same runs give the same rows; no two have the same name. */
export function tablesOf({ nulls, harms, fleets }: Runs): Table[] {
  const fleetTables = [
    ['package server', outageRows(fleets)],
    ['after completion', watchRows(fleets)],
    ['liveness', [...liveRows(fleets), ...stuckRows(fleets)]],
  ] as const;
  const tables: Omit<Table, 'rowsInAll'>[] = [
    {
      ...{ head: 'nothing is wrong', beside: [] },
      rows: [...nullRows(nulls).map((row) => ofGates(row)), ...incidentNulls(nulls), ...silenceNulls(nulls)].map(
        (row) => tableRow(row, true),
      ),
      overAll: (outcomes) => overAll(outcomes as readonly GateOutcome[]),
    },
    {
      ...{ head: 'harm', beside: ['gate of before', 'errors > 2 % of the group'] },
      rows: [
        ...harmRows(harms).map((row) => ({
          ...tableRow(ofGates(row)),
          measure: (seed: number) => ({ ...tableRow(ofGates(row)).measure(seed), beside: besideOf(row, seed) }),
        })),
        // The rules of others know no crashes, and no silence.
        ...[...incidentHarms(harms), ...silenceHarms(harms)].map((row) => ({
          ...tableRow(row),
          measure: (seed: number) => ({ ...tableRow(row).measure(seed), beside: ['never', 'never'] }),
        })),
      ],
    },
    {
      ...{ head: 'recalls without harm', beside: [] },
      rows: removalNullRows(nulls).map((row) => tableRow(row, true)),
      overAll: (outcomes) => overAllRemovals(outcomes as readonly RemovalOutcome[]),
    },
    { head: 'recalls that harm', beside: [], rows: removalHarmRows(harms).map((row) => tableRow(row)) },
    ...fleetTables.map(([head, rows]) => ({ head, beside: [], rows: rows.map((row) => tableRow(row)) })),
  ];
  return tables.map((table) => ({ ...table, rowsInAll: table.rows.length }));
}

/** All rows; where `devices` is given, of at most so many where that changes nothing but the time. */
export function replayedRows(devices?: number): readonly Pick<PlayedRow<unknown>, 'name' | 'tape'>[] {
  const fleets = [outageRows, watchRows, liveRows, stuckRows].flatMap((rows) => rows(1, devices));
  const worlds = [...nullRows(1), ...harmRows(1)].map(({ world, ...row }) =>
    ofGates({ ...row, world: { ...world, devices: Math.min(world.devices, devices ?? Infinity) } }),
  );
  const silences = [...silenceNulls(1, devices), ...silenceHarms(1, devices)];
  return [
    ...[...worlds, ...incidentNulls(1), ...incidentHarms(1), ...silences],
    ...[...removalNullRows(1), ...removalHarmRows(1), ...fleets],
  ];
}

/** A row of worlds as Sluice's gates, or the rule of others, play it. */
export function ofGates({ name, runs, world, judge }: GateRow, rule: Rule = 'sluice'): PlayedRow {
  return playedRow(name, runs, (random, tape) => playRollout(world, random, rule, tape), judge);
}

function tableRow<Outcome>({ name, runs, measure, tape }: PlayedRow<Outcome>, keepsOutcomes = false): TableRow {
  return {
    name,
    runs,
    measure: (seed) => {
      const { outcomes, verdict } = measure(seed);
      const replay = replayDifference(tape(seed), seed);
      return { verdict, beside: [], replay, outcomes: keepsOutcomes ? outcomes : [] };
    },
  };
}

function besideOf(row: GateRow, seed: number): string[] {
  return (['former', 'hawkbit'] as const).map((rule) => {
    const { outcomes } = ofGates({ ...row, runs: Math.min(row.runs, OTHER_RUNS) }, rule).measure(seed);
    const stood = outcomes.filter((outcome) => outcome.stood !== 'go');
    if (stood.length === 0) return 'never';
    const exposed = median(stood.map(({ exposedThen }) => exposedThen));
    return `${percent(stood.length / outcomes.length)} stand, at ${percent(exposed)}`;
  });
}
