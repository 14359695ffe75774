import { join } from 'node:path';
import { type Type } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type EventFeed, OwnSigns, type Publication, type ShardOwnership } from '@sluice/event-feed';
import { type Clock, type EventStore, toTimeText, type Traces } from '@sluice/event-sourcing';
import { openTraceExport } from '@sluice/trace-export';
import { type Logger } from 'pino';
import { ManualClock, WallClock } from './time/clock.ts';
import { checkFiles, checkListening } from './settings/exposure.ts';
import { Certificate } from './http/certificate.ts';
import { type StoreLocation, WorkerFolds } from './replay/folds.ts';
import { WorkerFeed } from './feed/feed-thread.ts';
import { type Companion } from './replay/followers.ts';
import { ExportingTraces, SpanTraces } from './observe/traces.ts';
import { type ServiceAddresses } from './http/questions.ts';
import { createApp, createLogger, serve } from './http/serve.ts';
import { type Composition } from './platform.module.ts';
import {
  HelpWanted,
  readSettings,
  type SettingRules,
  type Settings,
  SettingsError,
  type SettingValues,
} from './settings/settings.ts';
import { readReceivers } from './webhooks/receivers.ts';
import { WebhookWorld } from './webhooks/webhooks.ts';
import { ServiceName } from './settings/service-name.ts';
import { Tokens } from './auth/tokens.ts';

const EXIT_WRONG_USE = 2;
const EXIT_FAILED = 1;

/** What an app hands in: its services, and the adapters that only an app may know. */
export interface ServiceProcess {
  readonly modules: readonly Type[];
  readonly publications: readonly Publication[];
  /** What its services, and what connects them, can be told; none if not given. */
  readonly settings?: readonly SettingRules[];
  readonly openStore: (location: StoreLocation, clock: Clock, traces: Traces) => Promise<EventStore>;
  readonly foldsWorker: URL;
  readonly feedWorker: URL;
  /** How the service hears others, and others it; if not given, it hears itself only. */
  readonly connect?: (surroundings: Surroundings) => Connections;
}

export interface Surroundings {
  readonly settings: Settings;
  readonly store: EventStore;
  readonly tokens: Tokens;
  readonly publications: readonly Publication[];
  readonly log: Logger;
  /** What this process says of itself. */
  readonly signs: OwnSigns;
  readonly traces: Traces;
}

export interface Connections {
  readonly feed?: EventFeed;
  /** Where the tokens of another process come from, when it is not `feed`. */
  readonly accessFeed?: EventFeed;
  /** Where the owner of the tokens listens, to be named to those who would make one here. */
  readonly accessOwner?: string;
  /** Where each service listens, to be asked; this process is all of them if not given. */
  readonly addresses?: ServiceAddresses;
  readonly ownership?: ShardOwnership;
  readonly companions?: readonly Companion[];
}

export interface RunningService {
  readonly app: NestFastifyApplication;
  readonly address: string;
  readonly tokens: Tokens;
  readonly store: EventStore;
}

/** The whole of a service's main: reads the settings, opens the store, listens, until it is told to stop. */
export async function runService(process_: ServiceProcess, defaults: Partial<SettingValues>): Promise<void> {
  await orExit(async () => {
    const { settings } = readSettings(process.argv.slice(2), process.env, { defaults, rules: process_.settings });
    const { address } = await startService(process_, settings, clockOf(settings.values));
    process.stderr.write(`Sluice listens at ${address}\n`);
  });
}

/** Boots and listens. */
export async function startService(
  { modules, publications, openStore, foldsWorker, feedWorker, connect }: ServiceProcess,
  settings: Settings,
  clock: Clock,
): Promise<RunningService> {
  const { values } = settings;
  const { isTls, warning } = checkListening(values);
  checkFiles(values);
  const webhooks = values.webhooks === '' ? new WebhookWorld() : new WebhookWorld(readReceivers(values.webhooks));
  if (warning !== undefined) process.stderr.write(`${warning}\n`);
  const certificate = isTls ? new Certificate(values) : undefined;
  const log = createLogger(values);
  const location: StoreLocation = { kind: values.store, path: join(values.data, 'sluice.db'), url: values.storeUrl };
  const exporting = await openTraceExport({ target: values.traces, service: nameOf(publications), env: process.env });
  const traces = new SpanTraces(exporting?.tracer);
  const store = await openStore(location, clock, traces);
  await compareWithStore(clock, store);
  const tokens = new Tokens(tokensFolder(values), values.peersKeyFile === '' ? undefined : values.peersKeyFile);
  if (tokens.adminIsNew) {
    process.stderr.write(`Admin token, kept in ${join(tokensFolder(values), 'admin-token')}: ${tokens.adminToken()}\n`);
  }
  const folds = new WorkerFolds(foldsWorker, location);
  const feedThread = new WorkerFeed(feedWorker, location);
  const signs = new OwnSigns();
  const connections = connect?.({ settings, store, tokens, publications, log, signs, traces }) ?? {};
  const own = { settings, clock, store, tokens, folds, feedThread, publications, signs, ...foldersOf(values) };
  const composition = {
    ...{ ...own, ...connections, traces, webhooks },
    companions: [
      ...(connections.companions ?? []),
      ...(exporting === undefined ? [] : [new ExportingTraces(exporting)]),
    ],
    ...(certificate !== undefined && { certificate }),
  };
  const app = await createApp(modules, composition, log);
  return { app, tokens, store, address: await serve(app, values, log) };
}

/** What a process is called in traces: after its service, unless it is all of them. */
function nameOf(publications: readonly Publication[]): string {
  const { service } = ServiceName.of(publications);
  return service === 'sluice' ? service : `sluice-${service}`;
}

/** A wall that is far from the store's last record is not believed until somebody accepts it; that is said first. */
async function compareWithStore(clock: Clock, store: EventStore): Promise<void> {
  const last = await store.lastRecordedAt();
  if (!(clock instanceof WallClock) || last === undefined) return;
  clock.startAfter(Date.parse(last));
  const soundness = clock.soundness();
  if (soundness.sound) return;
  const wall = toTimeText(soundness.wallMs);
  process.stderr.write(
    `The clock is not believed: it says ${wall}, and the last record of the store is of ${last}. Nothing starts or widens, ` +
      'and soon nothing is offered, until it agrees again. If the clock is right: sluice clock accept\n',
  );
}

/** The wall's time, or one that stands at 1970 until a scenario moves it. */
function clockOf({ clock }: SettingValues): Clock {
  return clock === 'manual' ? new ManualClock(0) : new WallClock();
}

/** What is kept beside the store. Processes that may share a data folder, which has no lock then, have an audit each. */
function foldersOf({ data, store, port }: SettingValues): Pick<Composition, 'folder' | 'auditFolder'> {
  const audit = store === 'embedded' ? 'audit' : `audit-${String(port)}`;
  return { folder: data, auditFolder: join(data, audit) };
}

/** Where tokens are kept: a folder that services share, or the data folder. */
export function tokensFolder({ tokens, data }: Pick<SettingValues, 'tokens' | 'data'>): string {
  return tokens === '' ? data : tokens;
}

/** Runs a main; an error becomes one readable text on standard error and an exit code. */
export async function orExit(main: () => Promise<void>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (error instanceof HelpWanted) {
      process.stdout.write(error.message);
      process.exit(0);
    }
    process.stderr.write(`${describe(error)}\n`);
    process.exit(error instanceof SettingsError ? EXIT_WRONG_USE : EXIT_FAILED);
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if ('code' in error && error.code === 'EADDRINUSE')
    return `${error.message}\nAnother process listens there. Choose another with --port.`;
  // Errors with a name of their own are written for people; the rest are faults, and their stack helps.
  return error.name === 'Error' || error.name === 'TypeError' ? (error.stack ?? error.message) : error.message;
}
