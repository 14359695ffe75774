import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 100;
const WAIT_MS_MAX = 15 * 60 * 1000;

/** Does the work while no other process of this machine holds the lock file. A lock dies with its process. */
export async function withLock(file, work) {
  await acquire(file);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

async function acquire(file) {
  const own = `${file}.${process.pid}`;
  const giveUpAt = Date.now() + WAIT_MS_MAX;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(own, String(process.pid));
  let waiting = false;
  try {
    while (!tryLink(own, file)) {
      const holder = readHolder(file);
      if (holder !== undefined && !isAlive(holder)) removeStale(file, holder);
      else if (Date.now() > giveUpAt) throw new Error(`process ${holder} has held ${file} for too long`);
      else {
        if (!waiting) process.stderr.write(`sluice: waiting for process ${holder}, which installs or builds already\n`);
        waiting = true;
        await sleep(POLL_MS);
      }
    }
  } finally {
    rmSync(own, { force: true });
  }
}

// A link puts the lock there with its content at once, or fails when there is one.
function tryLink(own, file) {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function readHolder(file) {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

// Two may find the same stale lock; the second must not take away the lock that the first has made since.
function removeStale(file, holder) {
  const aside = `${file}.stale.${process.pid}`;
  try {
    renameSync(file, aside);
  } catch {
    return;
  }
  if (readHolder(aside) !== holder) tryLink(aside, file);
  rmSync(aside, { force: true });
}
