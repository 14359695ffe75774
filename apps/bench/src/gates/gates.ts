import { parseArgs } from 'node:util';
import { SettingsError } from '@sluice/platform';
import { wholeNumber } from '../flags.ts';
import { median, tableOf } from '../figure.ts';
import { playRollout, type Rule } from './gate-run.ts';
import { type GateRow, harmRows, nullRows, overAll, percent, type PlayedRow, playedRow } from './gate-rows.ts';
import { incidentHarms, incidentNulls, silenceHarms, silenceNulls } from './incident-rows.ts';
import { overAllRemovals, removalHarmRows, removalNullRows } from './removal-rows.ts';

const NULL_RUNS = 400;
const HARM_RUNS = 100;
/** Rules of others are shown beside, from fewer runs: the median moves little. */
const OTHER_RUNS = 20;

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
  process.stdout.write(
    `\n${tableOf(
      ['nothing is wrong', 'must', 'found', ''],
      nulls.map(({ line }) => line),
    )}\n`,
  );
  process.stdout.write(`over all of them: ${all.must}; ${all.found}${all.isReached ? '' : ' NO'}\n`);
  const head = ['harm', 'must', 'found', '', 'gate of before', 'errors > 2 % of the group'];
  process.stdout.write(
    `\n${tableOf(
      head,
      harms.map(({ line }) => line),
    )}\n`,
  );
  const isReached = all.isReached && [...nulls, ...harms].every((each) => each.isReached);
  const areRemovalsReached = runRemovals(seed, runs);
  return isReached && areRemovalsReached ? 0 : 1;
}

/** Recalls through the gate that pauses them. True when all is as it has to be. */
function runRemovals(seed: number, runs: number | undefined): boolean {
  const nulls = removalNullRows(runs ?? NULL_RUNS).map((row) => measured(row, seed));
  const all = overAllRemovals(nulls.flatMap(({ outcomes }) => outcomes));
  const rows = [...nulls, ...removalHarmRows(runs ?? HARM_RUNS).map((row) => measured(row, seed))];
  const lines = rows.map(({ line }) => line);
  process.stdout.write(`\n${tableOf(['recalls', 'must', 'found', ''], lines)}\n`);
  process.stdout.write(`over all recalls without harm: ${all.must}; ${all.found}${all.isReached ? '' : ' NO'}\n`);
  return all.isReached && rows.every((each) => each.isReached);
}

/** A row of worlds as Sluice's gates, or the rule of others, play it. */
export function ofGates({ name, runs, world, judge }: GateRow, rule: Rule = 'sluice'): PlayedRow {
  return playedRow(name, runs, (random) => playRollout(world, random, rule), judge);
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
