import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Type } from '@nestjs/common';
import { type NestFastifyApplication } from '@nestjs/platform-fastify';
import { type EventFeed, type Publication } from '@sluice/event-feed';
import { type Clock, type EventStore } from '@sluice/event-sourcing';
import { type Logger } from 'pino';
import { WallClock } from './clock.ts';
import { WorkerFolds } from './folds.ts';
import { createApp, createLogger, serve } from './serve.ts';
import { HelpWanted, readSettings, type Settings, SettingsError, type SettingValues } from './settings.ts';
import { Tokens } from './tokens.ts';

const EXIT_WRONG_USE = 2;
const EXIT_FAILED = 1;

/** What an app hands in: its services, and the adapters that only an app may know. */
export interface ServiceProcess {
  readonly modules: readonly Type[];
  readonly publications: readonly Publication[];
  readonly openStore: (path: string, clock: Clock) => Promise<EventStore>;
  readonly foldsWorker: URL;
  /** Where the events of other services come from; the own store if not given. */
  readonly feed?: (settings: SettingValues, log: Logger) => EventFeed;
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
    const { settings } = readSettings(process.argv.slice(2), process.env, defaults);
    const { address } = await startService(process_, settings, new WallClock());
    process.stderr.write(`Sluice listens at ${address}\n`);
  });
}

/** Boots and listens. */
export async function startService(
  { modules, publications, openStore, foldsWorker, feed }: ServiceProcess,
  settings: Settings,
  clock: Clock,
): Promise<RunningService> {
  const { values } = settings;
  const log = createLogger(values);
  const tokens = new Tokens(tokensFolder(values));
  if (tokens.adminIsNew) {
    process.stderr.write(`Admin token, kept in ${join(tokensFolder(values), 'admin-token')}: ${tokens.adminToken()}\n`);
  }
  const storePath = join(values.data, 'sluice.db');
  const store = await openStore(storePath, clock);
  const folds = new WorkerFolds(foldsWorker, storePath);
  const own = { settings, clock, store, tokens, folds, publications };
  const app = await createApp(modules, feed === undefined ? own : { ...own, feed: feed(values, log) }, log);
  return { app, tokens, store, address: await serve(app, values, log) };
}

/** Where tokens are kept: a folder that services share, or the data folder. */
export function tokensFolder({ tokens, data }: Pick<SettingValues, 'tokens' | 'data'>): string {
  return tokens === '' ? data : tokens;
}

/** The token to read the feeds of other services with, read anew each time: it may be replaced while running. */
export function readFeedToken(settings: SettingValues): string {
  return readFileSync(settings.feedTokenFile || join(tokensFolder(settings), 'admin-token'), 'utf8').trim();
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
