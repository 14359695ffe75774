/**
 * A real Kafka broker on this machine, without Docker: `node deploy/kafka/broker.mjs [--port 9092] [--data DIR]` runs until
 * SIGTERM or Ctrl-C, and prints one line of JSON, { brokers, addresses, processId }, once it answers. Needs Java 17 and, for
 * the first time, Maven. Other scripts import startBroker(), tests go through libs/testing/src/kafka.ts.
 */
import { execFile, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import kafkajs from 'kafkajs';
import { javaCommand, kafkaClassPath } from './class-path.mjs';
import {
  addresses,
  certificateFile,
  makeCertificate,
  propertiesFile,
  save,
  serverProperties,
  settle,
} from './settings.mjs';

const HEAP_MIB = 512;
const READY_MS_MAX = 120_000;
const READY_POLL_MS = 100;
const PROBE_MS_MAX = 5_000;
const STOP_MS_MAX = 20_000;
const LOG_TAIL_LINES = 20;

/**
 * Starts a broker whose data, settings and log lie in `folder`, and waits until it answers. Without a folder they lie in a
 * temporary one, which asyncDispose removes. `port` is that of the PLAINTEXT listener (default: a free one); `secured` names further listeners out of SASL_PLAINTEXT, SSL, SASL_SSL; `users` are
 * passwords by name, for PLAIN and SCRAM-SHA-256 alike; `properties` go into server.properties. The broker dies with
 * this process, however that ends. Throws, and says what to install, without Java or Maven.
 */
export async function startBroker(options = {}) {
  const java = javaCommand();
  const classPath = await kafkaClassPath();
  const temporary = options.folder === undefined;
  const folder = temporary ? mkdtempSync(join(tmpdir(), 'sluice-kafka-')) : resolve(options.folder);
  const settings = await settle({ ...options, folder });
  if (options.secured?.some((listener) => listener.endsWith('SSL'))) {
    await makeCertificate(folder, settings, javaCommand('keytool'));
  }
  writeFileSync(propertiesFile(folder), serverProperties(folder, settings, options.properties));
  if (!settings.formatted) await format(java, classPath, { folder, settings });
  const start = () => launch(java, classPath, { folder, settings, temporary });
  return handleOf({ folder, settings, start, running: await start(), temporary });
}

/** What startBroker() answers. One of stop, kill and restart at a time. */
function handleOf({ folder, settings, start, running, temporary }) {
  let current = running;
  async function end(signal) {
    await current?.end(signal);
    current = undefined;
  }
  return {
    folder,
    addresses: addresses(settings),
    brokers: addresses(settings).PLAINTEXT,
    certificateFile: certificateFile(folder),
    logFile: logFile(folder),
    get processId() {
      return current?.processId;
    },
    get ended() {
      return current?.exited;
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGTERM');
      current = await start();
    },
    async [Symbol.asyncDispose]() {
      await end('SIGKILL');
      if (temporary) rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function format(java, classPath, { folder, settings }) {
  const scram = Object.entries(settings.users).flatMap(([name, password]) => [
    '--add-scram',
    `SCRAM-SHA-256=[name=${name},password=${password}]`,
  ]);
  const parameters = ['format', '--standalone', '--ignore-formatted', '-t', settings.clusterId];
  const tool = ['-cp', classPath, ...quiet, 'kafka.tools.StorageTool', ...parameters];
  await promisify(execFile)(java, [...tool, '-c', propertiesFile(folder), ...scram]);
  save(folder, { ...settings, formatted: true });
}

async function launch(java, classPath, { folder, settings, temporary }) {
  const log = openSync(logFile(folder), 'a');
  const parameters = [`-Xmx${HEAP_MIB}m`, `-Xms${HEAP_MIB}m`, ...quiet, '-cp', classPath];
  const child = spawn(java, [...parameters, 'kafka.Kafka', propertiesFile(folder)], { stdio: ['ignore', log, log] });
  closeSync(log);
  const exited = new Promise((done) => {
    child.once('error', done);
    child.once('exit', done);
  });
  const loosen = tether(child.pid, temporary ? folder : undefined);
  void exited.then(loosen);
  const end = async (signal) => {
    child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
    await exited;
    clearTimeout(late);
  };
  try {
    await answering(settings, exited);
  } catch (error) {
    await end('SIGKILL');
    const said = readFileSync(logFile(folder), 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
    throw new Error(`Kafka did not start: ${error.message}. The end of ${logFile(folder)}:\n${said}`, { cause: error });
  }
  return { processId: child.pid, exited, end };
}

/**
 * Kills the broker when this process is gone, also when that was killed itself: a shell waits for the end of a pipe that
 * only this process holds. A folder that is given is removed then, too. Answers the function that takes the shell away.
 */
function tether(processId, folder = '') {
  if (processId === undefined || process.platform === 'win32') return () => {};
  const script = 'read -r _; kill -9 "$0"; if [ -n "$1" ]; then rm -rf "$1"; fi';
  const guard = spawn('/bin/sh', ['-c', script, String(processId), folder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // A terminal's Ctrl-C, or whoever kills the whole group, must not take the guard first.
    detached: true,
  });
  guard.unref();
  guard.stdin.unref();
  return () => {
    guard.kill('SIGKILL');
    guard.stdin.destroy();
  };
}

/** Waits until the broker names itself as alive: a port that is open says nothing yet. */
async function answering(settings, exited) {
  const giveUpAt = Date.now() + READY_MS_MAX;
  let gone = false;
  void exited.then(() => (gone = true));
  while (Date.now() < giveUpAt) {
    if (gone) throw new Error('the process ended');
    // Another broker may have the port; then this one is about to end.
    if ((await clusterAt(addresses(settings).PLAINTEXT)) === settings.clusterId) return;
    await sleep(READY_POLL_MS);
  }
  throw new Error(`no answer within ${READY_MS_MAX} ms`);
}

/** True when a broker at this address answers and is part of its cluster. */
export async function isAlive(brokers) {
  return (await clusterAt(brokers)) !== undefined;
}

/** The id of the cluster whose broker answers at this address; undefined when none does. */
async function clusterAt(brokers) {
  const admin = new kafkajs.Kafka({
    clientId: 'sluice-probe',
    brokers: [brokers],
    logLevel: kafkajs.logLevel.NOTHING,
    connectionTimeout: PROBE_MS_MAX,
    requestTimeout: PROBE_MS_MAX,
    retry: { retries: 0 },
  }).admin();
  try {
    await admin.connect();
    const { brokers: alive, clusterId, controller } = await admin.describeCluster();
    return alive.length > 0 && controller !== null ? clusterId : undefined;
  } catch {
    return undefined;
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

function logFile(folder) {
  return join(folder, 'broker.log');
}

const quiet = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-Dorg.slf4j.simpleLogger.showDateTime=true'];

async function main() {
  const { values } = parseArgs({
    options: { port: { type: 'string', default: '9092' }, data: { type: 'string', default: '.sluice/kafka' } },
  });
  const broker = await startBroker({ folder: values.data, port: Number(values.port) });
  let asked = false;
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      asked = true;
      void broker.stop();
    });
  }
  const { brokers, processId } = broker;
  process.stdout.write(`${JSON.stringify({ brokers, addresses: broker.addresses, processId })}\n`);
  await broker.ended;
  if (!asked) throw new Error(`Kafka ended by itself; ${broker.logFile} says why`);
}

// At the end, when every constant above has its value.
if (process.argv[1] === import.meta.filename) {
  await main().catch((error) => {
    process.stderr.write(`sluice: ${error.message}\n`);
    process.exitCode = 1;
  });
}
