import { realpathSync, type Stats, statSync } from 'node:fs';
import { BlockList, isIP } from 'node:net';
import { dirname, join } from 'node:path';
import { ADMIN_TOKEN_FILE, PEERS_KEY_FILE } from '@sluice/contracts/tokens';
import { SettingsError, type SettingValues } from './settings.ts';

const OTHERS = 0o007;
const GROUP = 0o070;
const SETGID = 0o2000;

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/**
 * How this process meets the network: over TLS, or without where nobody else can listen in. `warning` is to be said at
 * each start. Throws SettingsError where tokens would go over a network as they are, and nobody said that this is meant.
 */
export function checkListening(settings: Pick<SettingValues, 'host' | 'tlsCert' | 'tlsKey' | 'insecureHttp'>): {
  readonly isTls: boolean;
  readonly warning?: string;
} {
  const { host, tlsCert, tlsKey, insecureHttp } = settings;
  if ((tlsCert === '') !== (tlsKey === '')) throw new SettingsError('--tls-cert and --tls-key go together.');
  if (tlsCert !== '') return { isTls: true };
  if (isLoopback(host)) return { isTls: false };
  const what = `Other machines reach ${host}, and tokens go there as plain text`;
  if (insecureHttp === 'on') {
    return { isTls: false, warning: `${what} (--insecure-http): only a proxy with TLS may be in front of it.` };
  }
  throw new SettingsError(
    `${what}. Listen with --tls-cert FILE --tls-key FILE, or on --host 127.0.0.1. ` +
      'Behind a proxy that ends TLS, in a network where nobody else listens: --insecure-http',
  );
}

/** Whether only this machine reaches an address. A name other than localhost may lead anywhere. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 4 ? 'ipv4' : 'ipv6');
}

/**
 * Throws SettingsError, with the command that mends it, when others than the owner of the process may get at its data or
 * its tokens. What is not there yet is made for the owner only.
 */
export function checkFiles({ data, tokens, peersKeyFile }: Pick<SettingValues, 'data' | 'tokens' | 'peersKeyFile'>) {
  // Windows has no such bits.
  if (process.platform === 'win32') return;
  const tokensFolder = tokens === '' ? data : tokens;
  for (const folder of new Set([data, tokensFolder])) checkPath(folder, '700');
  const peersKey = peersKeyFile === '' ? join(tokensFolder, PEERS_KEY_FILE) : peersKeyFile;
  for (const file of [join(tokensFolder, ADMIN_TOKEN_FILE), peersKey]) checkPath(file, '600');
}

/** The same for one file with secrets in it that the process is given. */
export function checkPrivateFile(path: string): void {
  if (process.platform !== 'win32') checkPath(path, '600');
}

function checkPath(path: string, mode: string): void {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  const open = (stats.mode & OTHERS) !== 0 ? 'everybody' : isOpenToGroup(path, stats) ? 'its group' : undefined;
  if (open === undefined) return;
  const command = `chmod ${mode} '${path.replaceAll("'", String.raw`'\''`)}'`;
  throw new SettingsError(`${path} is open to ${open} on this machine. Close it: ${command}`);
}

/**
 * A group is let in where this process gets in through it itself: on a volume that an orchestrator gave to the group of a
 * pod (fsGroup) files belong to another user (2770, 0440), or lie in a folder that hands its group on (setgid).
 */
function isOpenToGroup(path: string, { mode, uid, gid }: Stats): boolean {
  if ((mode & GROUP) === 0) return false;
  const ownGroups = [process.getgid?.(), ...(process.getgroups?.() ?? [])];
  const isGivenToGroup = uid !== process.getuid?.() || handsGroupOn(path);
  return !(isGivenToGroup && ownGroups.includes(gid));
}

function handsGroupOn(path: string): boolean {
  const real = realpathSync(path);
  const folder = statSync(real).isDirectory() ? real : dirname(real);
  return (statSync(folder).mode & SETGID) !== 0;
}
