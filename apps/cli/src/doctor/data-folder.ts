import {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  rmSync,
  type Stats,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { ADMIN_TOKEN_FILE, PEERS_KEY_FILE, PRIVATE_FILE_MODE } from '@sluice/contracts/tokens';
import { quoted } from '../output.ts';
import { fault, type Finding, ok, type Subject, warning } from './finding.ts';

const OTHERS = 0o007;
const GROUP = 0o070;
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

/** The folders that were named, or else those where one may be. */
export function checkDataFolders(folders: readonly string[], isNamed: boolean): Finding[] {
  const found = folders.filter((folder) => statsOf(folder) !== undefined);
  if (found.length > 0) return found.flatMap(checkDataFolder);
  const says = `There is no data folder at ${folders.join(' or ')}.`;
  return isNamed
    ? [fault('data', says, 'Name another with --data, or start Sluice with it: npm start -- --empty --data DIR')]
    : [warning('data', says, 'If the services run on this machine, name theirs with --data.')];
}

function checkDataFolder(folder: string): Finding[] {
  const stats = statsOf(folder);
  if (stats === undefined) return [];
  if (!stats.isDirectory()) return [fault('data', `${folder} is no folder.`, 'Name another with --data.')];
  return [...checkModes(folder), holderFinding(folder), ...checkDisk(folder)];
}

function checkModes(folder: string): Finding[] {
  const files = [ADMIN_TOKEN_FILE, PEERS_KEY_FILE].map((name) => join(folder, name));
  const open = [...modeFindings('data', folder, '700'), ...files.flatMap((file) => modeFindings('token', file, '600'))];
  return open.length > 0 ? open : [ok('data', `${folder} and its secrets are for their owner only.`)];
}

function modeFindings(about: Subject, path: string, mode: string): Finding[] {
  const stats = process.platform === 'win32' ? undefined : statsOf(path);
  if (stats === undefined) return [];
  const mend = `chmod ${mode} ${quoted(path)}`;
  if ((stats.mode & OTHERS) !== 0) {
    return [fault(about, `${path} is open to everybody on this machine; no service starts with it.`, mend)];
  }
  if ((stats.mode & GROUP) === 0) return [];
  const says = `${path} is open to its group, which only a volume that was given to a group may be.`;
  return [warning(about, says, mend)];
}

function holderFinding(folder: string): Finding {
  const lock = statsOf(join(folder, LOCK_FILE));
  if (lock === undefined) return ok('data', `${folder} has no store.`);
  const holders = holdersOf(lock);
  if (holders === undefined) return ok('data', `Which process has ${folder} is not told on this system.`);
  if (holders.length === 0) return ok('data', `No process that can be seen from here has ${folder}.`);
  return ok('data', `${folder} is in use by ${holders.map(processName).join(', ')}.`);
}

/** Told by the system, without touching the lock: a service that starts at this moment must find it free. */
function holdersOf({ ino }: Stats): number[] | undefined {
  let locks: string;
  try {
    locks = readFileSync(LOCKS_OF_LINUX, 'utf8');
  } catch {
    return undefined;
  }
  // 1: POSIX  ADVISORY  WRITE 1234 fe:00:10150234 0 EOF
  const pids = locks.split('\n').flatMap((line) => {
    const [, , , , pid, file] = line.split(/\s+/);
    return file?.split(':')[2] === String(ino) ? [Number(pid)] : [];
  });
  return [...new Set(pids)];
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
  const { bavail, bsize } = statfsSync(folder);
  const freeBytes = bavail * bsize;
  const says = `${(freeBytes / GB).toFixed(1)} GB are free for ${folder}.`;
  if (freeBytes >= FREE_BYTES_SCANT) return ok('disk', says);
  const mend = `df -h ${quoted(folder)}`;
  return freeBytes < FREE_BYTES_MIN ? fault('disk', says, mend) : warning('disk', says, mend);
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
    const because = error instanceof Error ? error.message : String(error);
    return fault(
      'disk',
      `Nothing can be written to ${folder}: ${because}.`,
      `ls -ld ${quoted(folder)}; df -h ${quoted(folder)}`,
    );
  } finally {
    rmSync(file, { force: true });
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
  }
}

function statsOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
