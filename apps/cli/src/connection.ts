import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ADMIN_TOKEN_FILE } from '@sluice/contracts/tokens';
import { type ServiceName } from '@sluice/contracts/topic-owners';
import { usageError } from './errors.ts';
import { type Terminal } from './output.ts';

const DEFAULT_URL = 'http://127.0.0.1:4600';
/** The data folders of `npm start -- --empty` and of the demo. */
const DATA_FOLDERS = ['.sluice', '.sluice/demo'];

export interface Connection {
  readonly addresses: Readonly<Record<ServiceName, string>>;
  readonly tokens: readonly Token[];
}

export interface Token {
  readonly text: string;
  /** Where it comes from, for the person who has to find out why it was not taken. */
  readonly origin: string;
}

export interface ConnectionOptions {
  readonly url?: string;
  readonly token?: string;
  readonly data?: string;
}

/** Where the services are, and with which token: flags win over the environment, what is for one service over what is for all. */
export function connect(options: ConnectionOptions, { env, cwd }: Pick<Terminal, 'env' | 'cwd'>): Connection {
  const all = options.url ?? env['SLUICE_URL'] ?? DEFAULT_URL;
  const addressOf = (service: ServiceName) =>
    checkAddress((options.url === undefined ? env[`SLUICE_${service.toUpperCase()}_URL`] : undefined) ?? all);
  const addresses = {
    catalog: addressOf('catalog'),
    orchestrator: addressOf('orchestrator'),
    telemetry: addressOf('telemetry'),
  };
  return { addresses, tokens: findTokens(options, env, cwd, Object.values(addresses).every(isLoopback)) };
}

// A folder that the person did not name is good for a server on this machine only: an admin token must not travel by default.
function findTokens({ token, data }: ConnectionOptions, env: Terminal['env'], cwd: string, loopback: boolean): Token[] {
  if (token !== undefined) return [{ text: token, origin: '--token' }];
  const fromEnvironment = env['SLUICE_TOKEN'];
  if (fromEnvironment !== undefined && fromEnvironment !== '') {
    return [{ text: fromEnvironment, origin: 'SLUICE_TOKEN' }];
  }
  const folders = isDataNamed({ data }, env) || loopback ? findDataFolders({ data }, { env, cwd }) : [];
  return folders.flatMap((folder) => {
    const file = join(folder, ADMIN_TOKEN_FILE);
    const text = readIfThere(file);
    return text === undefined ? [] : [{ text, origin: file }];
  });
}

/** Whether the person said which data folder it is. */
export function isDataNamed({ data }: { readonly data?: string | undefined }, env: Terminal['env']): boolean {
  return (data ?? env['SLUICE_DATA']) !== undefined;
}

/** The data folder that was named, or else those where one may be. */
export function findDataFolders(
  { data }: { readonly data?: string | undefined },
  { env, cwd }: Pick<Terminal, 'env' | 'cwd'>,
): string[] {
  const named = data ?? env['SLUICE_DATA'];
  return (named === undefined ? DATA_FOLDERS : [named]).map((folder) => resolve(cwd, folder));
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function checkAddress(text: string): string {
  const protocol = URL.parse(text)?.protocol;
  if (protocol === 'http:' || protocol === 'https:') return text.replace(/\/+$/, '');
  throw usageError(`${JSON.stringify(text)} is no address.`, `Write it like ${DEFAULT_URL}.`);
}

function isLoopback(address: string): boolean {
  const host = URL.parse(address)?.hostname ?? '';
  return host === 'localhost' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
