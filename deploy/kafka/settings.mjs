/**
 * What a single Kafka node (KRaft, broker and controller in one) is told: ports, listeners, users, certificate. All of it
 * lies in the broker's folder, so that a second start on the same folder finds the same addresses.
 */
import { execFile } from 'node:child_process';
import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';

const host = '127.0.0.1';
// Below the range of outgoing ports: while the broker is down, nothing else may be given its port, and a client that keeps
// connecting to a port of that range can meet itself.
const PORT_MIN = 20_000;
const PORT_MAX = 30_000;
const PORT_TRIES_MAX = 100;
const CERTIFICATE_DAYS = 30;

export const certificateFile = (folder) => join(folder, 'certificate.pem');
export const propertiesFile = (folder) => join(folder, 'server.properties');

/**
 * The settings kept in the folder, or new ones: { clusterId, ports, users, secret, formatted }.
 * `ports` has one entry a listener: CONTROLLER, PLAINTEXT, and those of `options.secured`.
 */
export async function settle({ folder, port, secured = [], users = {} }) {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'settings.json');
  const kept = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : fresh();
  const ports = { ...kept.ports };
  if (port !== undefined) ports.PLAINTEXT = port;
  for (const listener of ['CONTROLLER', 'PLAINTEXT', ...secured]) {
    ports[listener] ??= await freePort(Object.values(ports));
  }
  const settings = { ...kept, ports, users: { ...kept.users, ...users } };
  save(folder, settings);
  return settings;
}

export function save(folder, settings) {
  const file = join(folder, 'settings.json');
  // Written aside and renamed: a process that is killed here must not leave half a file.
  writeFileSync(`${file}.new`, JSON.stringify(settings, undefined, 2));
  renameSync(`${file}.new`, file);
}

/** Addresses by listener, as clients name them. */
export function addresses({ ports }) {
  const open = Object.entries(ports).filter(([listener]) => listener !== 'CONTROLLER');
  return Object.fromEntries(open.map(([listener, port]) => [listener, `${host}:${port}`]));
}

/** The content of server.properties. `properties` come last and win. */
export function serverProperties(folder, settings, properties = {}) {
  const { ports } = settings;
  const listeners = Object.entries(ports).map(([listener, port]) => `${listener}://${host}:${port}`);
  const advertised = listeners.filter((listener) => !listener.startsWith('CONTROLLER'));
  const all = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.bootstrap.servers': `${host}:${ports.CONTROLLER}`,
    listeners: listeners.join(),
    'advertised.listeners': advertised.join(),
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': ['CONTROLLER:PLAINTEXT', ...protocols(ports)].join(),
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    ...singleNode,
    ...(Object.hasOwn(ports, 'SSL') || Object.hasOwn(ports, 'SASL_SSL') ? tls(folder, settings) : {}),
    ...Object.assign(
      {},
      ...Object.keys(ports)
        .filter(isSasl)
        .map((listener) => sasl(listener, settings.users)),
    ),
    ...properties,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** A self-signed certificate for the loopback address, and its key, made by the keytool that comes with Java. */
export async function makeCertificate(folder, { secret }, keytool) {
  const certificate = certificateFile(folder);
  if (existsSync(certificate)) return;
  const store = ['-keystore', keyStore(folder), '-storetype', 'PKCS12', '-storepass', secret, '-alias', 'broker'];
  const names = ['-dname', 'CN=localhost', '-ext', `san=ip:${host},dns:localhost`];
  const run = promisify(execFile);
  await run(keytool, ['-genkeypair', '-keyalg', 'EC', '-validity', String(CERTIFICATE_DAYS), ...names, ...store]);
  await run(keytool, ['-exportcert', '-rfc', '-file', certificate, ...store]);
}

const singleNode = {
  'offsets.topic.replication.factor': 1,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'group.initial.rebalance.delay.ms': 0,
  // A broker that was killed may only come back once its old session is over (default: 9 s).
  'broker.session.timeout.ms': 4_000,
  'broker.heartbeat.interval.ms': 500,
  // Fewer partitions of Kafka's own topics make a start, above all one after a kill, shorter.
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.num.partitions': 4,
};

function fresh() {
  return {
    clusterId: randomBytes(16).toString('base64url').replace(/^-/, 'A'),
    ports: {},
    users: {},
    secret: randomUUID(),
    formatted: false,
  };
}

function protocols(ports) {
  return Object.keys(ports)
    .filter((listener) => listener !== 'CONTROLLER')
    .map((listener) => `${listener}:${listener}`);
}

function isSasl(listener) {
  return listener.startsWith('SASL_');
}

/** PLAIN and SCRAM side by side; the users of SCRAM are written into the data folder when that is formatted. */
function sasl(listener, users) {
  const prefix = `listener.name.${listener.toLowerCase()}`;
  const security = 'org.apache.kafka.common.security';
  const known = Object.entries(users)
    .map(([name, password]) => ` user_${name}="${password}"`)
    .join('');
  return {
    [`${prefix}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256',
    [`${prefix}.plain.sasl.jaas.config`]: `${security}.plain.PlainLoginModule required${known};`,
    [`${prefix}.scram-sha-256.sasl.jaas.config`]: `${security}.scram.ScramLoginModule required;`,
  };
}

function tls(folder, { secret }) {
  return {
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.location': keyStore(folder),
    'ssl.keystore.password': secret,
    'ssl.key.password': secret,
  };
}

function keyStore(folder) {
  return join(folder, 'broker.p12');
}

async function freePort(taken) {
  for (let tries = 0; tries < PORT_TRIES_MAX; tries += 1) {
    const port = randomInt(PORT_MIN, PORT_MAX);
    if (!taken.includes(port) && (await isFree(port))) return port;
  }
  throw new Error(`no free port between ${PORT_MIN} and ${PORT_MAX} after ${PORT_TRIES_MAX} tries`);
}

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}
