import {
  type BigIntStats,
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ADMIN_TOKEN_FILE, PEERS_KEY_FILE, PRIVATE_FILE_MODE } from '@sluice/contracts/tokens';
import { quoted } from '../output.ts';
import { fault, type Finding, ok, type Subject, warning } from './finding.ts';

const OTHERS = 0o007n;
const GROUP = 0o070n;
/** The store of a folder has its lock in this file. */
const LOCK_FILE = 'lock';
const LOCKS_OF_LINUX = '/proc/locks';
const GB = 1e9;
const FREE_BYTES_MIN = 0.1 * GB;
const FREE_BYTES_SCANT = GB;
const FSYNCS = 9;
const FSYNC_BYTES = 4_096;
/** Every answered command and batch of reports waits for one. */
const FSYNC_MS_SLOW = 50;

/** What is at a path. Only what is surely not there is absent; where nobody could look, anything may be. */
type Seen =
  | { readonly is: 'there'; readonly stats: BigIntStats }
  | { readonly is: 'absent' }
  | { readonly is: 'unseen'; readonly because: string };

/** Whether a process holds the lock, as far as can be told from here. */
type Holds = 'yes' | 'no' | 'maybe';

/** The folders that were named, or else those where one may be. */
export function checkDataFolders(folders: readonly string[], isNamed: boolean): Finding[] {
  const found = folders.filter((folder) => look(folder).is !== 'absent');
  if (found.length > 0) return found.flatMap(checkDataFolder);
  const says = `There is no data folder at ${folders.join(' or ')}.`;
  return isNamed
    ? [fault('data', says, 'Name another with --data, or start Sluice with it: npm start -- --empty --data DIR')]
    : [warning('data', says, 'If the services run on this machine, name theirs with --data.')];
}

function checkDataFolder(folder: string): Finding[] {
  const seen = look(folder);
  if (seen.is === 'unseen') return [unseen('data', folder, seen.because)];
  if (seen.is === 'absent') return [];
  if (!seen.stats.isDirectory()) return [fault('data', `${folder} is no folder.`, 'Name another with --data.')];
  return [...checkModes(folder), holderFinding(folder), ...checkDisk(folder)];
}

function unseen(about: Subject, path: string, because: string): Finding {
  return warning(about, `${path} could not be looked at: ${because}.`, `ls -ld ${quoted(path)}, as its owner`);
}

function checkModes(folder: string): Finding[] {
  if (process.platform === 'win32') {
    const says = `Who may read ${folder} and its secrets is not told on this system.`;
    return [warning('data', says, `icacls ${quoted(folder)} /T`)];
  }
  const files = [ADMIN_TOKEN_FILE, PEERS_KEY_FILE].map((name) => join(folder, name));
  const found = [
    ...modeFindings('data', folder, '700'),
    ...files.flatMap((file) => modeFindings('token', file, '600')),
  ];
  return found.length > 0 ? found : [ok('data', `${folder} and its secrets are for their owner only.`)];
}

function modeFindings(about: Subject, path: string, mode: string): Finding[] {
  const seen = look(path);
  if (seen.is === 'unseen') return [unseen(about, path, seen.because)];
  if (seen.is === 'absent') return [];
  const mend = `chmod ${mode} ${quoted(path)}`;
  if ((seen.stats.mode & OTHERS) !== 0n) {
    return [fault(about, `${path} is open to everybody on this machine; no service starts with it.`, mend)];
  }
  if ((seen.stats.mode & GROUP) === 0n) return [];
  const says = `${path} is open to its group, which only a volume that was given to a group may be.`;
  return [warning(about, says, mend)];
}

function holderFinding(folder: string): Finding {
  const lock = look(join(folder, LOCK_FILE));
  if (lock.is === 'absent') return ok('data', `${folder} has no store.`);
  if (lock.is === 'unseen') return unseen('data', join(folder, LOCK_FILE), lock.because);
  const locks = locksOfSystem();
  if (locks === undefined) {
    const says = `Which process has ${folder} is not told on this system.`;
    return warning('data', says, 'Before you start another, see that no process of Sluice uses the folder.');
  }
  const holders = holdersIn(locks, lock.stats);
  const named = (holds: Holds) => [...holders].filter(([, each]) => each === holds).map(([pid]) => processName(pid));
  const [sure, unsure] = [named('yes'), named('maybe')];
  if (sure.length > 0) return ok('data', `${folder} is in use by ${sure.join(', ')}.`);
  if (unsure.length === 0) return ok('data', `No process that can be seen from here has ${folder}.`);
  const says = `${folder} may be in use by ${unsure.join(', ')}, whose files cannot be seen from here.`;
  return warning('data', says, 'sluice doctor, as the user whose process that is');
}

/** Told by the system, without touching the lock: a service that starts at this moment must find it free. */
function locksOfSystem(): string | undefined {
  try {
    return readFileSync(LOCKS_OF_LINUX, 'utf8');
  } catch {
    return undefined;
  }
}

/** Of the system's locks those on this file, by process. An inode's number alone is that of a file on each other disk, too. */
export function holdersIn(
  locks: string,
  { dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>,
  hasOpen = hasFileOpen,
): Map<number, Holds> {
  const holders = new Map<number, Holds>();
  // 1: POSIX  ADVISORY  WRITE 1234 fe:00:10150234 0 EOF
  for (const line of locks.split('\n')) {
    const [, , , , pid = '', file = ''] = line.split(/\s+/);
    const [major = '', minor = '', inode] = file.split(':');
    if (inode !== String(ino) || holders.get(Number(pid)) === 'yes') continue;
    const isOnDisk = Number.parseInt(major, 16) === majorOf(dev) && Number.parseInt(minor, 16) === minorOf(dev);
    // Some file systems, such as btrfs, tell programs another device than they note for the lock.
    holders.set(Number(pid), isOnDisk ? 'yes' : hasOpen(Number(pid), { dev, ino }));
  }
  return holders;
}

function majorOf(device: bigint): number {
  return Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn));
}

function minorOf(device: bigint): number {
  return Number((device & 0xffn) | ((device >> 12n) & 0xfff00n));
}

function hasFileOpen(pid: number, { dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>): Holds {
  const folder = `/proc/${String(pid)}/fd`;
  try {
    const files = readdirSync(folder).map((name) => look(join(folder, name)));
    const isOpen = files.some((file) => file.is === 'there' && file.stats.dev === dev && file.stats.ino === ino);
    return isOpen ? 'yes' : 'no';
  } catch {
    return 'maybe';
  }
}

function processName(pid: number): string {
  try {
    // Only the program: its other arguments are nobody's business.
    const program = readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8')
      .split('\0')
      .find((part) => /\.m?js$/.test(part));
    return `process ${String(pid)}${program === undefined ? '' : ` (${program})`}`;
  } catch {
    return `process ${String(pid)}`;
  }
}

function checkDisk(folder: string): Finding[] {
  return [spaceFinding(folder), fsyncFinding(folder)];
}

function spaceFinding(folder: string): Finding {
  const freeBytes = freeBytesOf(folder);
  const mend = `df -h ${quoted(folder)}`;
  if (freeBytes === undefined) return warning('disk', `How much is free for ${folder} is not told.`, mend);
  const says = `${(freeBytes / GB).toFixed(1)} GB are free for ${folder}.`;
  if (freeBytes >= FREE_BYTES_SCANT) return ok('disk', says);
  return freeBytes < FREE_BYTES_MIN ? fault('disk', says, mend) : warning('disk', says, mend);
}

function freeBytesOf(folder: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

function fsyncFinding(folder: string): Finding {
  const file = join(folder, `.doctor-${String(process.pid)}`);
  try {
    const medianMs = medianFsyncMs(file);
    const says = `The disk of ${folder} syncs in ${medianMs.toFixed(1)} ms (median of ${String(FSYNCS)}).`;
    if (medianMs <= FSYNC_MS_SLOW) return ok('disk', says);
    return warning(
      'disk',
      says,
      'Each command waits for that: use a disk of this machine, or see what else writes to it.',
    );
  } catch (error) {
    return fault(
      'disk',
      `Nothing can be written to ${folder}: ${textOf(error)}.`,
      `ls -ld ${quoted(folder)}; df -h ${quoted(folder)}`,
    );
  }
}

function medianFsyncMs(file: string): number {
  const opened = openSync(file, 'wx', PRIVATE_FILE_MODE);
  try {
    const block = Buffer.alloc(FSYNC_BYTES);
    const timesMs = Array.from({ length: FSYNCS }, () => {
      writeSync(opened, block);
      const startedMs = performance.now();
      fsyncSync(opened);
      return performance.now() - startedMs;
    });
    return timesMs.sort((one, other) => one - other)[Math.floor(FSYNCS / 2)] ?? 0;
  } finally {
    closeSync(opened);
    rmSync(file, { force: true });
  }
}

function look(path: string): Seen {
  try {
    return { is: 'there', stats: statSync(path, { bigint: true }) };
  } catch (error) {
    const isAbsent = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return isAbsent ? { is: 'absent' } : { is: 'unseen', because: textOf(error) };
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
