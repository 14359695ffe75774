import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { SettingsError } from '@sluice/platform';
import { tableOf } from '../figure.ts';
import { wholeNumber } from '../flags.ts';
import { RowProcess } from './row-process.ts';
import { FULL_RUNS, type Measured, type Runs, type Table, type TableRow, tablesOf } from './tables.ts';

interface Flags {
  readonly seed: number;
  readonly runs: Runs;
  /** Parts of the names of the rows, or of the heads of the tables, that are measured; all rows if there are none. */
  readonly parts: readonly string[];
  readonly processes: number;
}

interface Result extends Measured {
  readonly seconds: number;
}

/**
 * `bench gates`: made-up rollouts, recalls and fleets through the real fold and verdict, beside the gate of before and a
 * threshold on the errors of the whole group. Each row is printed once it is measured, and the tables at the end, or when it
 * is stopped early, with the rows that were not run. Resolves with the exit code: 1 when a row is not as it has to be, or was
 * not run.
 */
export async function runGates(argv: readonly string[]): Promise<number> {
  const flags = readFlags(argv);
  const tables = chosenTables(flags);
  const { seed, runs, processes } = flags;
  process.stdout.write(
    `seed ${String(seed)}; runs a row: ${String(runs.nulls)} without harm, ${String(runs.harms)} with, ${String(runs.fleets)} of fleets, where a row has no other number; ${String(processes)} processes\n\n`,
  );
  const results = await measureAll(tables, flags);
  return printTables(tables, results) ? 0 : 1;
}

/** What was measured, by the name of the row; all rows unless it is stopped early. */
async function measureAll(tables: readonly Table[], flags: Flags): Promise<ReadonlyMap<string, Result>> {
  const rows = tables.flatMap((table) => table.rows);
  const queue = rows.values();
  const results = new Map<string, Result>();
  const workers = Array.from({ length: Math.min(flags.processes, rows.length) }, () => new RowProcess(flags));
  const stop = () => {
    for (const worker of workers) worker.end();
  };
  const stopped = new AbortController();
  stopped.signal.addEventListener('abort', stop);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopped.abort());
  const measured = workers.map(async (worker) => {
    for (const row of queue) {
      const { measured: found, seconds } = await worker.measure(row.name);
      results.set(row.name, { ...found, seconds });
      process.stdout.write(`${lineOf(row, { ...found, seconds }).join(' | ')}\n`);
    }
  });
  try {
    // The others go on with the rows that are left when one process fails.
    for (const outcome of await Promise.allSettled(measured))
      if (outcome.status === 'rejected' && !stopped.signal.aborted) process.stdout.write(`${String(outcome.reason)}\n`);
  } finally {
    stop();
  }
  return results;
}

/** True when all rows were run and are as they have to be. */
function printTables(tables: readonly Table[], results: ReadonlyMap<string, Result>): boolean {
  const areReached = tables.map((table) => {
    const { head, beside, rows } = table;
    const run = rows.flatMap((row) => {
      const result = results.get(row.name);
      return result === undefined ? [] : [{ row, result }];
    });
    const heads = ['', head, 'must', 'found', 'runs', 'replayed', 'seconds', ...beside];
    process.stdout.write(
      `\n${tableOf(
        heads,
        run.map(({ row, result }) => lineOf(row, result)),
      )}\n`,
    );
    const all = overAllOf(
      table,
      run.map(({ result }) => result),
    );
    if (all !== undefined)
      process.stdout.write(`over all of them: ${all.must}; ${all.found}${all.isReached === false ? ' NO' : ''}\n`);
    return all?.isReached !== false && run.every(({ result }) => isAsItMust(result));
  });
  const missing = tables.flatMap(({ rows }) => rows).filter(({ name }) => !results.has(name));
  const [seconds, replayed] = [[...results.values()].reduce((sum, each) => sum + each.seconds, 0), results.size];
  process.stdout.write(
    `\n${String(replayed)} rows in ${String(Math.round(seconds))} s of one core; one history of each was folded again, as stored and in other orders of the shards.\n`,
  );
  if (missing.length > 0)
    process.stdout.write(
      `not run: ${String(missing.length)} rows\n${missing.map(({ name }) => `  ${name}`).join('\n')}\n`,
    );
  return missing.length === 0 && !areReached.includes(false);
}

/**
 * What a table asks of all of its rows together: only of all of them can it be asked, so with fewer it is neither reached nor missed.
 * Undefined where it asks nothing.
 */
export function overAllOf({ overAll, rowsInAll }: Pick<Table, 'overAll' | 'rowsInAll'>, run: readonly Measured[]) {
  const all = overAll?.(run.flatMap(({ outcomes }) => outcomes));
  if (all === undefined || run.length === rowsInAll) return all;
  return {
    ...all,
    found: `not asked: ${String(run.length)} of ${String(rowsInAll)} rows were run`,
    isReached: undefined,
  };
}

function isAsItMust({ verdict, replay }: Measured): boolean {
  return verdict.isReached && replay === undefined;
}

function lineOf({ name, runs }: TableRow, result: Result): string[] {
  const { verdict, replay, seconds, beside } = result;
  const { must, found } = verdict;
  const answers = [isAsItMust(result) ? 'yes' : 'NO', name, must, found, String(runs), replay ?? 'the same'];
  return [...answers, seconds.toFixed(1), ...beside];
}

/** The tables with the rows that are asked for. Throws SettingsError where a part names none. */
function chosenTables({ runs, parts }: Flags): Table[] {
  const tables = tablesOf(runs);
  const has = (part: string, head: string, name: string) => head === part || name.includes(part);
  for (const part of parts)
    if (!tables.some(({ head, rows }) => rows.some(({ name }) => has(part, head, name))))
      throw new SettingsError(`No row has "${part}" in its name, and no table has that head.`);
  if (parts.length === 0) return tables;
  return tables.flatMap((table) => {
    const rows = table.rows.filter(({ name }) => parts.some((part) => has(part, table.head, name)));
    return rows.length === 0 ? [] : [{ ...table, rows }];
  });
}

function readFlags(argv: readonly string[]): Flags {
  const text = { type: 'string' } as const;
  try {
    const options = { seed: text, runs: text, processes: text, rows: { type: 'boolean' } } as const;
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
    if (positionals.length > 0 && values.rows !== true) throw new Error(`What is "${positionals.join(' ')}" for?`);
    const runs = wholeNumber('runs', values.runs);
    return {
      seed: wholeNumber('seed', values.seed) ?? 1,
      runs: runs === undefined ? FULL_RUNS : { nulls: runs, harms: runs, fleets: runs },
      parts: positionals,
      processes: wholeNumber('processes', values.processes) ?? availableParallelism(),
    };
  } catch (error) {
    const known = '--seed N --runs N --processes N --rows PART…';
    throw new SettingsError(`${error instanceof Error ? error.message : String(error)}\nKnown: ${known}`);
  }
}
