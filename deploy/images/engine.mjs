/**
 * The Docker engine of this machine. `node deploy/images/engine.mjs [package…]` makes sure that one answers, and installs
 * further Debian packages in the same go. It installs and starts an engine only as root in a sandboxed CI (CI and
 * SLUICE_CI_SANDBOX set, as .ci/run does), never on a person's machine: there it only says whether an engine answers.
 */
import { execFile, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { withLock } from '../lock.mjs';

const run = promisify(execFile);
const dist = join(dirname(dirname(import.meta.dirname)), 'dist', 'images');
/** The process id of a dockerd that was started here; .ci/run ends it. */
export const enginePidFile = join(dist, 'dockerd.pid');
const logFile = join(dist, 'dockerd.log');
const enginePackages = ['docker.io', 'debootstrap'];

const ANSWER_MS_MAX = 5_000;
const START_MS_MAX = 60_000;
const START_POLL_MS = 500;
const INSTALL_MS_MAX = 8 * 60 * 1000;

/** True when a Docker engine answers, wherever the docker command finds it. */
export async function engineAnswers() {
  try {
    await run('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: ANSWER_MS_MAX });
    return true;
  } catch {
    return false;
  }
}

/** May this process install packages and start daemons? */
export function mayInstall() {
  return Boolean(process.env.CI) && Boolean(process.env.SLUICE_CI_SANDBOX) && process.getuid?.() === 0;
}

/** True when an engine answers in the end. Installs `packages` too where installing is allowed. */
export async function ensureEngine(packages = []) {
  if (!mayInstall()) return await engineAnswers();
  return await withLock(join(dist, 'engine.lock'), async () => {
    await installMissing([...((await engineAnswers()) ? [] : enginePackages), 'debootstrap', ...packages]);
    return (await engineAnswers()) || (await startEngine());
  });
}

async function installMissing(packages) {
  const missing = [];
  for (const name of new Set(packages)) if (!(await isInstalled(name))) missing.push(name);
  if (missing.length === 0) return;
  const options = { timeout: INSTALL_MS_MAX, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
  await run('apt-get', ['update', '-qq'], options);
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], options);
}

async function isInstalled(name) {
  try {
    const { stdout } = await run('dpkg-query', ['--show', '--showformat=${db:Status-Status}', name]);
    return stdout === 'installed';
  } catch {
    return false;
  }
}

async function startEngine() {
  mkdirSync(dist, { recursive: true });
  const log = openSync(logFile, 'w');
  const engine = spawn('dockerd', [], { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  let failure;
  engine.once('error', (error) => (failure = error.message));
  engine.once('exit', (code) => (failure = `dockerd ended with code ${code}`));
  engine.unref();
  const giveUpAt = Date.now() + START_MS_MAX;
  while (failure === undefined && Date.now() < giveUpAt) {
    if (await engineAnswers()) {
      writeFileSync(enginePidFile, String(engine.pid));
      return true;
    }
    await sleep(START_POLL_MS);
  }
  const said = existsSync(logFile) ? readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-5).join('\n') : '';
  process.stderr.write(`sluice: no Docker engine: ${failure ?? `no answer in ${START_MS_MAX} ms`}\n${said}\n`);
  return false;
}

if (process.argv[1] === import.meta.filename) {
  const answers = await ensureEngine(process.argv.slice(2));
  process.stdout.write(answers ? 'a Docker engine answers\n' : 'no Docker engine answers\n');
  process.exitCode = answers ? 0 : 1;
}
