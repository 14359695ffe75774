import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toTimeText } from '@sluice/event-sourcing';
import { orExit, readSettings, SettingsError, type SettingValues, Tokens, wholeNumber } from '@sluice/platform';
import {
  inWords,
  isAsPromised,
  runScenario,
  SCENARIO_DEVICES,
  SCENARIO_SEED,
  SCENARIO_START_MS,
  scenarioNames,
} from '@sluice/simulation';
import { type Addresses, HttpWorld } from './http-world.ts';
import { freePorts, Processes, type Start } from './processes.ts';

const TELEMETRY_INSTANCES = { fallback: 2, most: 16 };
const CATALOG_PORT = 4601;

const flags = {
  scenario: { type: 'string', description: `Play a scenario on manual clocks: ${scenarioNames.join(', ')}.` },
  devices: { type: 'string', description: 'How many devices the scenario has. Normally 20000.' },
  seed: { type: 'string', description: 'The same seed gives the same scenario. Normally 1.' },
  exit: { type: 'boolean', description: 'End when the scenario is over, instead of going on listening.' },
  json: { type: 'boolean', description: 'Print the result of the scenario as one JSON object.' },
  telemetries: { type: 'string', description: 'How many processes of telemetry share the fleet. Normally 2.' },
} as const;

/** All services as processes of their own on this machine, around a real broker. */
interface Cluster {
  readonly processes: Processes;
  readonly addresses: Addresses;
  readonly brokers: string;
  readonly folder: string;
}

await orExit(async () => {
  const { settings, own } = readSettings(process.argv.slice(2), process.env, { data: '.sluice/cluster' }, flags);
  const scenario = scenarioNames.find((name) => name === own.scenario);
  if (own.scenario !== undefined && scenario === undefined)
    throw new SettingsError(`--scenario takes one of ${scenarioNames.join(', ')}`);
  const devices = wholeNumber('devices', own.devices, SCENARIO_DEVICES);
  const seed = wholeNumber('seed', own.seed, SCENARIO_SEED);
  const instances = wholeNumber('telemetries', own.telemetries, TELEMETRY_INSTANCES);
  const cluster = await start(settings.values, instances, scenario !== undefined);
  process.stderr.write(howToReach(cluster));
  if (scenario === undefined) return;
  const world = worldOf(cluster);
  await world.advanceTo(SCENARIO_START_MS);
  const result = await runScenario(world, {
    scenario,
    seed,
    devices,
    onProgress: (line) => process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`),
  });
  process.stdout.write(own.json === true ? `${JSON.stringify(result)}\n` : inWords(result));
  if (own.exit !== true) return;
  await world.close();
  await cluster.processes.stop();
  process.exit(isAsPromised(result) ? 0 : 1);
});

async function start(given: SettingValues, instances: number, plays: boolean): Promise<Cluster> {
  const folder = plays ? mkdtempSync(join(tmpdir(), 'sluice-cluster-')) : given.data;
  if (plays) process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const processes = new Processes((what) => {
    process.stderr.write(`sluice: ${what} has ended, and with it the cluster\n`);
    void processes.stop().then(() => process.exit(1));
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => void processes.stop().then(() => process.exit(0)));
  }
  process.stderr.write('starting the broker, then the services\n');
  const brokers = given.kafka === '' ? await processes.startBroker(join(folder, 'kafka')) : given.kafka;
  const ports = plays
    ? await freePorts(2 + instances)
    : Array.from({ length: 2 + instances }, (_, at) => CATALOG_PORT + at);
  const starts = startsOf(given, { brokers, folder, ports, plays });
  const urls: Record<Start['app'], string[]> = { catalog: [], orchestrator: [], telemetry: [] };
  for (const each of starts) urls[each.app].push(await processes.startService(each));
  for (const url of Object.values(urls).flat()) await processes.ready(url);
  return { processes, addresses: urls, brokers, folder };
}

interface Ground {
  readonly brokers: string;
  readonly folder: string;
  readonly ports: readonly number[];
  readonly plays: boolean;
}

function startsOf(given: SettingValues, { brokers, folder, ports, plays }: Ground): Start[] {
  const url = (at: number) => `http://127.0.0.1:${String(ports[at] ?? 0)}`;
  const shared = [
    ...['--tokens', folder, '--kafka', brokers, '--kafka-topic-prefix', given.kafkaTopicPrefix],
    ...['--catalog-url', url(0), '--telemetry-url', url(2), '--shards', String(given.shards)],
    ...['--log-level', 'warn', '--clock', plays ? 'manual' : given.clock, '--store-url', given.storeUrl],
  ];
  const apps = ports.map(
    (port, at) => ({ app: (['catalog', 'orchestrator'] as const)[at] ?? 'telemetry', port }) as const,
  );
  return apps.map(({ app, port }) => {
    // The instances of telemetry read and write one store.
    const store = app === 'telemetry' && given.store === 'embedded' ? 'embedded-shared' : given.store;
    return { app, port, flags: [...shared, '--data', join(folder, app), '--store', store] };
  });
}

function worldOf({ addresses, folder }: Cluster): HttpWorld {
  const createdAt = toTimeText(SCENARIO_START_MS);
  const bound = { devicePrefix: 'd-' };
  const { token } = new Tokens(folder).create('simulated-fleet', ['device'], createdAt, bound);
  const admin = readFileSync(join(folder, 'admin-token'), 'utf8').trim();
  return new HttpWorld(addresses, { admin, device: token }, SCENARIO_START_MS);
}

function howToReach({ addresses, brokers, folder }: Cluster): string {
  return [
    `Kafka listens at ${brokers}; the services:`,
    `  export SLUICE_CATALOG_URL=${addresses.catalog.join(' ')}`,
    `  export SLUICE_ORCHESTRATOR_URL=${addresses.orchestrator.join(' ')}`,
    ...addresses.telemetry.map(
      (url, at) => `  export SLUICE_TELEMETRY_URL=${url}${at === 0 ? '' : '   # or this one'}`,
    ),
    `  export SLUICE_DATA=${folder}`,
    '',
  ].join('\n');
}
