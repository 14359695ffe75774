import { parseArgs } from 'node:util';
import { SettingsError } from '@sluice/platform';
import { wholeNumber } from '../flags.ts';
import { median, tableOf } from '../figure.ts';
import { liveRows, outageRows, stuckRows, watchRows } from './fleet-rows.ts';
import { playRollout } from './gate-run.ts';
import { type Rule } from './other-rules.ts';
import { type GateRow, harmRows, nullRows, overAll, percent, type PlayedRow, playedRow } from './gate-rows.ts';
import { incidentHarms, incidentNulls, silenceHarms, silenceNulls } from './incident-rows.ts';
import { overAllRemovals, removalHarmRows, removalNullRows } from './removal-rows.ts';
import { replayDifference } from './tape.ts';

const NULL_RUNS = 400;
const HARM_RUNS = 100;
/** Rules of others are shown beside, from fewer runs: the median moves little. */
const OTHER_RUNS = 20;
/** Of fleets, few runs say the same as many: what chance does is small beside the ramp. */
const FLEET_RUNS = 20;

/**
 * `bench gates`: made-up rollouts through the real fold and verdict, beside the gate of before and a threshold on the
 * errors of the whole group. Returns the exit code: 1 when a row is not as it has to be.
 */
export function runGates(argv: readonly string[]): number {
  const { seed, runs } = readFlags(argv);
  process.stdout.write(
    `seed ${String(seed)}; runs a row: ${runs === undefined ? `${String(NULL_RUNS)} without harm, ${String(HARM_RUNS)} with` : String(runs)}\n`,
  );
  const [nullRuns, harmRuns] = [runs ?? NULL_RUNS, runs ?? HARM_RUNS];
  const nulls = [
    ...nullRows(nullRuns).map((row) => ofGates(row)),
    ...incidentNulls(nullRuns),
    ...silenceNulls(harmRuns),
  ].map((row) => measured(row, seed));
  const all = overAll(nulls.flatMap(({ outcomes }) => outcomes));
  const harms = [
    ...harmRows(harmRuns).map((row) => {
      const { isReached, line } = measured(ofGates(row), seed);
      return { isReached, line: [...line, exposedBy(row, seed, 'former'), exposedBy(row, seed, 'hawkbit')] };
    }),
    // The rules of others know no crashes, and no silence.
    ...[...incidentHarms(harmRuns), ...silenceHarms(harmRuns)].map((row) => {
      const { isReached, line } = measured(row, seed);
      return { isReached, line: [...line, 'never', 'never'] };
    }),
  ];
  printRows('nothing is wrong', nulls);
  process.stdout.write(`over all of them: ${all.must}; ${all.found}${all.isReached ? '' : ' NO'}\n`);
  const head = ['harm', 'must', 'found', '', 'gate of before', 'errors > 2 % of the group'];
  process.stdout.write(
    `\n${tableOf(
      head,
      harms.map(({ line }) => line),
    )}\n`,
  );
  const isReached = all.isReached && [...nulls, ...harms].every((each) => each.isReached);
  const others = [runRemovals(seed, runs), runFleets(seed, runs), runReplays(seed)];
  return isReached && !others.includes(false) ? 0 : 1;
}

/** Recalls through the gate that pauses them. True when all is as it has to be. */
function runRemovals(seed: number, runs: number | undefined): boolean {
  const nulls = removalNullRows(runs ?? NULL_RUNS).map((row) => measured(row, seed));
  const all = overAllRemovals(nulls.flatMap(({ outcomes }) => outcomes));
  const areReached = printRows('recalls', [
    ...nulls,
    ...removalHarmRows(runs ?? HARM_RUNS).map((row) => measured(row, seed)),
  ]);
  process.stdout.write(`over all recalls without harm: ${all.must}; ${all.found}${all.isReached ? '' : ' NO'}\n`);
  return all.isReached && areReached;
}

/** Fleets of devices and the steering of their rollouts. True when all is as it has to be. */
function runFleets(seed: number, runs = FLEET_RUNS): boolean {
  const tables = [
    ['package server', outageRows(runs)],
    ['after completion', watchRows(runs)],
    ['liveness', [...liveRows(runs), ...stuckRows(runs)]],
  ] as const;
  const reached = tables.map(([head, rows]) =>
    printRows(
      head,
      rows.map((row) => measured(row, seed)),
    ),
  );
  return !reached.includes(false);
}

/** One history of each row, folded again. True when all verdicts are the same to the bit. */
function runReplays(seed: number): boolean {
  const rows = replayedRows();
  const differences = rows.flatMap(({ name, tape }) => {
    process.stderr.write(`replay: ${name}…\n`);
    const difference = replayDifference(tape(seed), seed);
    return difference === undefined ? [] : [`${name}: ${difference}`];
  });
  const found = differences.length === 0 ? 'yes' : `NO\n${differences.join('\n')}`;
  process.stdout.write(
    `\nreplay of one history of each of ${String(rows.length)} rows, as stored and in other orders of the shards: the same verdicts to the bit: ${found}\n`,
  );
  return differences.length === 0;
}

/** All rows; where `devices` is given, of at most so many where that changes nothing but the time. */
export function replayedRows(devices?: number): readonly Pick<PlayedRow<unknown>, 'name' | 'tape'>[] {
  const fleets = [outageRows, watchRows, liveRows, stuckRows].flatMap((rows) => rows(1, devices));
  const worlds = [...nullRows(1), ...harmRows(1)].map(({ world, ...row }) =>
    ofGates({ ...row, world: { ...world, devices: Math.min(world.devices, devices ?? Infinity) } }),
  );
  return [...worlds, ...incidentNulls(1), ...incidentHarms(1), ...removalNullRows(1), ...removalHarmRows(1), ...fleets];
}

function printRows(head: string, rows: readonly ReturnType<typeof measured>[]): boolean {
  process.stdout.write(
    `\n${tableOf(
      [head, 'must', 'found', ''],
      rows.map(({ line }) => line),
    )}\n`,
  );
  return rows.every((each) => each.isReached);
}

/** A row of worlds as Sluice's gates, or the rule of others, play it. */
export function ofGates({ name, runs, world, judge }: GateRow, rule: Rule = 'sluice'): PlayedRow {
  return playedRow(name, runs, (random, tape) => playRollout(world, random, rule, tape), judge);
}

function measured<Outcome>({ name, measure }: PlayedRow<Outcome>, seed: number) {
  process.stderr.write(`${name}…\n`);
  const { outcomes, verdict } = measure(seed);
  const { must, found, isReached } = verdict;
  return { outcomes, isReached, line: [name, must, found, isReached ? 'yes' : 'NO'] };
}

function exposedBy(row: GateRow, seed: number, rule: Rule): string {
  const { outcomes } = ofGates({ ...row, runs: Math.min(row.runs, OTHER_RUNS) }, rule).measure(seed);
  const stood = outcomes.filter((outcome) => outcome.stood !== 'go');
  if (stood.length === 0) return 'never';
  const exposed = median(stood.map(({ exposedThen }) => exposedThen));
  return `${percent(stood.length / outcomes.length)} stand, at ${percent(exposed)}`;
}

function readFlags(argv: readonly string[]): { seed: number; runs: number | undefined } {
  const text = { type: 'string' } as const;
  try {
    const { values } = parseArgs({ args: [...argv], options: { seed: text, runs: text } });
    return { seed: wholeNumber('seed', values.seed) ?? 1, runs: wholeNumber('runs', values.runs) };
  } catch (error) {
    throw new SettingsError(`${error instanceof Error ? error.message : String(error)}\nKnown: --seed N --runs N`);
  }
}
