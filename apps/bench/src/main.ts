import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { orExit, SettingsError } from '@sluice/platform';
import { measureCheckIns } from './check-ins.ts';
import { measureDecide } from './decide.ts';
import { type Figure, inWords, isReached, toTable } from './figure.ts';
import { measureFsync } from './fsync.ts';
import { measureReplay } from './replay.ts';
import { measureReports } from './reports.ts';
import { SERVE_FLAG, serveInProcess } from './server-process.ts';

const FSYNC_WRITES = 200;
const DECIDE = { rounds: 5, calls: 200_000 };
/** As many devices as fill tables of 8 shards to the same part as 10 million do. */
const REPLAY = { devices: 312_500, factsPerDevice: 7, factsPerCommit: 1000, runs: 3 };

/** What can be measured, by name. The folder lies on the disk that is measured, and is thrown away. */
const benchmarks: Readonly<Record<string, (folder: string) => Promise<Figure[]>>> = {
  fsync: async (folder) => [measureFsync(folder, FSYNC_WRITES)],
  decide: async () => [measureDecide(DECIDE)],
  'check-ins': measureCheckIns,
  reports: measureReports,
  replay: (folder) => measureReplay(folder, REPLAY),
};

await orExit(async () => {
  const [flag, role = ''] = process.argv.slice(2);
  if (flag === SERVE_FLAG) await serveInProcess(role);
  else await runBenchmarks();
});

async function runBenchmarks(): Promise<void> {
  const { names, json, data } = readArguments();
  mkdirSync(data, { recursive: true });
  const folder = mkdtempSync(join(data, 'sluice-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  const machine = describeMachine();
  const startedAt = performance.now();
  const figures: Figure[] = [];
  let failed = false;
  for (const name of names) {
    process.stderr.write(`measuring ${name}…\n`);
    try {
      figures.push(...((await benchmarks[name]?.(folder)) ?? []));
    } catch (error) {
      // The others' figures are not lost with it.
      failed = true;
      process.stderr.write(
        `${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
      );
    }
  }
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const results = figures.map((figure) => ({ ...figure, reached: isReached(figure) ?? null }));
  process.stdout.write(
    json
      ? `${JSON.stringify({ ...machine, seconds, figures: results })}\n`
      : `${Object.entries(machine)
          .map(([name, value]) => `${name}: ${String(value)}`)
          .join(', ')}\n\n${toTable(figures)}\n`,
  );
  process.exit(failed ? 1 : 0);
}

function readArguments(): { names: readonly string[]; json: boolean; data: string } {
  const known = Object.keys(benchmarks);
  const { values, positionals } = readFlags();
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new SettingsError(`There is no benchmark "${unknown}", only ${known.join(', ')}.`);
  // The disk's own time belongs to every run.
  const names =
    positionals.length === 0 ? known : known.filter((name) => name === 'fsync' || positionals.includes(name));
  return { names, json: values.json === true, data: values.data ?? tmpdir() };
}

function readFlags() {
  try {
    return parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' }, data: { type: 'string' } } });
  } catch (error) {
    throw new SettingsError(`${error instanceof Error ? error.message : String(error)}\nKnown: --json --data DIR`);
  }
}

/** What the figures depend on; a load above 0 before the start means that others used the machine. */
function describeMachine() {
  return {
    at: new Date().toISOString(),
    node: process.versions.node,
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    loadBefore: inWords(loadavg()[0] ?? 0),
  };
}
