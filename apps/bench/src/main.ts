import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { orExit, SettingsError } from '@sluice/platform';
import { measureCheckIns } from './check-ins.ts';
import { measureDecide } from './decide.ts';
import { CHECK_INS_FLAG, playCheckIns } from './door/check-in-crowd.ts';
import { CROWD_FLAG, playCrowd } from './door/crowd.ts';
import { measureDoor } from './door/door.ts';
import { runDrills } from './drills/drills.ts';
import { PART_FLAG, playPart } from './drills/part.ts';
import { describeMachine, type Figure, isReached, machineInWords, toTable } from './figure.ts';
import { wholeNumber } from './flags.ts';
import { measureFsync } from './fsync.ts';
import { runGates } from './gates/gates.ts';
import { GATE_ROWS_FLAG, measureRows } from './gates/row-process.ts';
import { foldInProcess, MEMORY_FLAG, measureMemory } from './memory.ts';
import { measureCalls } from './history/calls.ts';
import { measureFleet } from './kafka-fleet.ts';
import { measureLatency } from './kafka-latency.ts';
import { measurePulls } from './kafka-pull.ts';
import { measureThroughput } from './kafka-throughput.ts';
import { measureReaders } from './readers/readers.ts';
import { playReaders, READERS_FLAG } from './readers/reading-crowd.ts';
import { measureReplay } from './replay.ts';
import { measureReports } from './reports.ts';
import { measureBuckets } from './steering/bucket-bytes.ts';
import { measureSteering } from './steering/steering.ts';
import { SERVE_FLAG, serveInProcess } from './server-process.ts';

const FSYNC_WRITES = 200;
const DECIDE = { rounds: 5, calls: 200_000 };
/** They fill the tables of 8 shards to the same part as 10 million do, which are measured with --devices. */
const MEMORY = { devices: 1_250_000 };
/** Design §5: the state of 30 days, of which every bucket changes 10 rollouts. */
const STEERING = {
  ...{ rollouts: 500, slices: 40, shards: 64, recalls: 20, days: 30 },
  ...{ changed: 10, passes: 300, resumes: 20 },
};
/** A month of a fleet of a million, which takes a quarter of an hour to write. */
const CALLS = { devices: 1_000_000, days: 30 };
const KAFKA = { events: 200_000, latencySeconds: 15, pullSeconds: 60, fleetSeconds: 60 };
/** As many devices as fill tables of 8 shards to the same part as 10 million do. */
const REPLAY = { devices: 312_500, factsPerDevice: 7, factsPerCommit: 1000, runs: 3 };

type Benchmark = (folder: string, options: Options) => Promise<Figure[]>;

/** What can be measured, by name. The folder lies on the disk that is measured, and is thrown away. */
const benchmarks: Readonly<Record<string, Benchmark>> = {
  fsync: async (folder) => [measureFsync(folder, FSYNC_WRITES)],
  decide: async () => [measureDecide(DECIDE)],
  'check-ins': measureCheckIns,
  reports: measureReports,
  readers: measureReaders,
  door: measureDoor,
  calls: (folder, { devices, days }) =>
    measureCalls(folder, { devices: devices ?? CALLS.devices, days: days ?? CALLS.days }),
  replay: (folder) => measureReplay(folder, REPLAY),
  memory: (_, { devices }) => measureMemory(devices ?? MEMORY.devices),
  'kafka-throughput': (folder, { events }) => measureThroughput(folder, events ?? KAFKA.events),
  'kafka-latency': (folder, { seconds }) => measureLatency(folder, seconds ?? KAFKA.latencySeconds),
  'kafka-pull': (folder, { seconds }) => measurePulls(folder, seconds ?? KAFKA.pullSeconds),
  'kafka-fleet': (folder, { seconds }) => measureFleet(folder, seconds ?? KAFKA.fleetSeconds),
  steering: async () => [...(await measureSteering(STEERING)), ...measureBuckets({ ...STEERING, devices: 10_000_000 })],
};
/** These take minutes and a broker: they are measured when they are asked for, by name or all of them as `kafka`. */
const withKafka = Object.keys(benchmarks).filter((name) => name.startsWith('kafka-'));
/** What takes minutes is measured when it is asked for. */
const onRequest = [...withKafka, 'door', 'readers', 'calls', 'steering'];

await orExit(async () => {
  const [flag, role = ''] = process.argv.slice(2);
  if (flag === SERVE_FLAG) await serveInProcess(role);
  else if (flag === MEMORY_FLAG) foldInProcess(Number(role));
  else if (flag === READERS_FLAG) await playReaders(role);
  else if (flag === CHECK_INS_FLAG) await playCheckIns(role);
  else if (flag === CROWD_FLAG) await playCrowd(role);
  else if (flag === PART_FLAG) await playPart(role);
  else if (flag === 'drill') process.exit(await runDrills(process.argv.slice(3)));
  else if (flag === 'gates') process.exit(await runGates(process.argv.slice(3)));
  else if (flag === GATE_ROWS_FLAG) measureRows(role);
  else await runBenchmarks();
});

async function runBenchmarks(): Promise<void> {
  const { names, json, data, options } = readArguments();
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
      figures.push(...((await benchmarks[name]?.(folderOf(folder, name), options)) ?? []));
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
      : `${machineInWords(machine)}\n\n${toTable(figures)}\n`,
  );
  process.exit(failed ? 1 : 0);
}

/** Each of those with a broker has a folder of its own. */
function folderOf(folder: string, name: string): string {
  return withKafka.includes(name) ? join(folder, name) : folder;
}

interface Options {
  /** How long one of those with a broker loads it, and how many events one relays; as long as it needs, if not given. */
  readonly seconds: number | undefined;
  readonly events: number | undefined;
  /** How many devices are folded for their memory, or have a history, of so many days. */
  readonly devices: number | undefined;
  readonly days: number | undefined;
}

interface Arguments {
  readonly names: readonly string[];
  readonly json: boolean;
  readonly data: string;
  readonly options: Options;
}

function readArguments(): Arguments {
  const known = Object.keys(benchmarks);
  const { values, positionals } = readFlags();
  const asked = positionals.flatMap((name) => (name === 'kafka' ? withKafka : [name]));
  const unknown = asked.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new SettingsError(
      `There is no benchmark "${unknown}", only ${known.join(', ')}, and kafka for all of those.`,
    );
  const chosen = asked.length === 0 ? known.filter((name) => !onRequest.includes(name)) : asked;
  const { seconds, events, devices, days } = values;
  const options = {
    seconds: wholeNumber('seconds', seconds),
    events: wholeNumber('events', events),
    devices: wholeNumber('devices', devices),
    days: wholeNumber('days', days),
  };
  // The disk's own time belongs to every run.
  const names = known.filter((name) => name === 'fsync' || chosen.includes(name));
  return { names, json: values.json === true, data: values.data ?? tmpdir(), options };
}

function readFlags() {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      allowPositionals: true,
      options: { json: { type: 'boolean' }, data: text, seconds: text, events: text, devices: text, days: text },
    });
  } catch (error) {
    const known = '--json --data DIR --seconds N --events N --devices N --days N';
    throw new SettingsError(`${error instanceof Error ? error.message : String(error)}\nKnown: ${known}`);
  }
}
