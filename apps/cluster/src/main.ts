import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { orExit, readSettings, SettingsError, type SettingValues, wholeNumber } from '@sluice/platform';
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
  attach: {
    type: 'string',
    description:
      'Start nothing: play with services that run, on manual clocks. As catalog=URL,orchestrator=URL,telemetry=URL.',
  },
  'admin-token-file': { type: 'string', description: 'With --attach: the file with the admin token of the services.' },
} as const;

/** Services that run, and how to speak to them as an administrator. */
interface Cluster {
  readonly addresses: Addresses;
  readonly adminTokenFile: string;
  /** Absent when somebody else has started them. */
  readonly processes?: Processes;
}

await orExit(async () => {
  const { settings, own } = readSettings(process.argv.slice(2), process.env, {
    defaults: { data: '.sluice/cluster' },
    flags,
  });
  const scenario = scenarioNames.find((name) => name === own.scenario);
  if ((own.scenario !== undefined || own.attach !== undefined) && scenario === undefined)
    throw new SettingsError(`--scenario takes one of ${scenarioNames.join(', ')}`);
  const devices = wholeNumber('devices', own.devices, SCENARIO_DEVICES);
  const seed = wholeNumber('seed', own.seed, SCENARIO_SEED);
  const instances = wholeNumber('telemetries', own.telemetries, TELEMETRY_INSTANCES);
  const plays = scenario !== undefined;
  const cluster = plays && own.attach !== undefined ? attach(own) : await start(settings.values, instances, plays);
  if (!plays) return;
  const world = await HttpWorld.enter(cluster.addresses, readToken(cluster.adminTokenFile), SCENARIO_START_MS);
  const result = await runScenario(world, {
    scenario,
    seed,
    devices,
    onProgress: (line) => process.stderr.write(process.stderr.isTTY ? `\r\u001b[K${line}` : `${line}\n`),
  });
  process.stdout.write(own.json === true ? `${JSON.stringify(result)}\n` : inWords(result));
  await world.close();
  if (cluster.processes !== undefined && own.exit !== true) return;
  await cluster.processes?.stop();
  process.exit(isAsPromised(result) ? 0 : 1);
});

function attach(own: Readonly<Record<string, string | boolean | undefined>>): Cluster {
  const addresses = { catalog: [], orchestrator: [], telemetry: [] } as Record<Start['app'], string[]>;
  for (const part of String(own.attach).split(',')) {
    const [app = '', url = ''] = part.split(/=(.*)/s);
    if (!Object.hasOwn(addresses, app) || !URL.canParse(url)) {
      throw new SettingsError('--attach takes catalog=URL,orchestrator=URL,telemetry=URL, each service once or more');
    }
    addresses[app as Start['app']].push(url.replace(/\/$/, ''));
  }
  const missing = Object.entries(addresses).find(([, urls]) => urls.length === 0);
  if (missing !== undefined) throw new SettingsError(`--attach names no ${missing[0]}`);
  const adminTokenFile = own['admin-token-file'];
  if (typeof adminTokenFile !== 'string') throw new SettingsError('--attach goes with --admin-token-file');
  return { addresses, adminTokenFile };
}

function readToken(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new SettingsError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

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
    : Array.from({ length: 2 + instances }, (_, index) => CATALOG_PORT + index);
  const starts = startsOf(given, { brokers, folder, ports, plays });
  const urls: Record<Start['app'], string[]> = { catalog: [], orchestrator: [], telemetry: [] };
  for (const each of starts) urls[each.app].push(await processes.startService(each));
  for (const url of Object.values(urls).flat()) await processes.ready(url);
  process.stderr.write(howToReach(urls, brokers, folder));
  return { processes, addresses: urls, adminTokenFile: join(folder, 'admin-token') };
}

interface Ground {
  readonly brokers: string;
  readonly folder: string;
  readonly ports: readonly number[];
  readonly plays: boolean;
}

function startsOf(given: SettingValues, { brokers, folder, ports, plays }: Ground): Start[] {
  const url = (index: number) => `http://127.0.0.1:${String(ports[index] ?? 0)}`;
  const shared = [
    ...['--tokens', folder, '--kafka', brokers, '--kafka-topic-prefix', given.kafkaTopicPrefix],
    ...['--catalog-url', url(0), '--orchestrator-url', url(1), '--telemetry-url', url(2)],
    ...['--shards', String(given.shards)],
    ...['--log-level', 'warn', '--clock', plays ? 'manual' : given.clock, '--store-url', given.storeUrl],
  ];
  const apps = ports.map(
    (port, index) => ({ app: (['catalog', 'orchestrator'] as const)[index] ?? 'telemetry', port }) as const,
  );
  return apps.map(({ app, port }) => {
    // The instances of telemetry read and write one store.
    const store = app === 'telemetry' && given.store === 'embedded' ? 'embedded-shared' : given.store;
    return { app, port, flags: [...shared, '--data', join(folder, app), '--store', store] };
  });
}

function howToReach(addresses: Addresses, brokers: string, folder: string): string {
  return [
    `Kafka listens at ${brokers}; the services:`,
    `  export SLUICE_CATALOG_URL=${addresses.catalog.join(' ')}`,
    `  export SLUICE_ORCHESTRATOR_URL=${addresses.orchestrator.join(' ')}`,
    ...addresses.telemetry.map(
      (url, index) => `  export SLUICE_TELEMETRY_URL=${url}${index === 0 ? '' : '   # or this one'}`,
    ),
    `  export SLUICE_DATA=${folder}`,
    '',
  ].join('\n');
}
