import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import kafkajs, { type Kafka, type LogEntry, type SASLOptions } from 'kafkajs';

/** Where a secret is read from; it is never part of the options themselves, which end up in logs. */
export type SecretSource = { readonly file: string } | { readonly variable: string };

export type KafkaLogLevel = 'debug' | 'info' | 'warn' | 'error';
export type KafkaLog = (level: KafkaLogLevel, text: string, details: Readonly<Record<string, unknown>>) => void;

export interface KafkaClientOptions {
  /** `host:port` of some brokers of the cluster. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** `true`: TLS with the certificate authorities that Node knows. Files are in PEM. */
  readonly tls?: boolean | KafkaTls | undefined;
  readonly sasl?: KafkaSasl | undefined;
  readonly log?: KafkaLog | undefined;
}

export interface KafkaTls {
  readonly caFile?: string | undefined;
  /** The client's own certificate and key, for clusters that ask for one. */
  readonly certificateFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  readonly password: SecretSource;
}

/** The connection to one cluster, shared by all relays and feeds of a process; each opens sockets of its own. */
export interface KafkaClient {
  readonly kafka: Kafka;
  readonly log: KafkaLog;
}

const CONNECT_MS_MAX = 5_000;
const REQUEST_MS_MAX = 15_000;
const KEEP_ALIVE_MS = 30_000;
/**
 * The client gives up early and says so: whoever asked tries again for as long as it takes, and can tell that it does.
 * A fresh broker answers "loading" to the first requests; that passes within these tries.
 */
export const clientRetry = { retries: 4, initialRetryTime: 100, maxRetryTime: 1_000, factor: 0.2, multiplier: 2 };

const ADDRESS = /^(\[[0-9a-fA-F:]+\]|[^\s:/@]+):\d{1,5}$/;
const CLIENT_ID = /^[A-Za-z0-9._-]{1,100}$/;
const PEM = '-----BEGIN ';

/** Throws with a text that says which option is wrong; no text has a secret in it. */
export function kafkaClient(options: KafkaClientOptions): KafkaClient {
  const { brokers, clientId, log = () => undefined } = options;
  if (brokers.length === 0) throw new Error('Kafka: no broker is named');
  const wrong = brokers.find((each) => !ADDRESS.test(each));
  if (wrong !== undefined) throw new Error(`Kafka: "${wrong}" is not host:port`);
  if (!CLIENT_ID.test(clientId)) throw new Error(`Kafka: "${clientId}" cannot be a client id`);
  registerCodec();
  const ssl = options.tls === undefined || options.tls === false ? undefined : readTls(options.tls);
  const sasl = options.sasl === undefined ? undefined : readSasl(options.sasl);
  if (sasl?.mechanism === 'plain' && ssl === undefined) {
    log('warn', 'Kafka: the password goes over the network in the clear: SASL PLAIN without TLS', {});
  }
  const kafka = new kafkajs.Kafka({
    brokers: [...brokers],
    clientId,
    ...(ssl && { ssl }),
    ...(sasl && { sasl }),
    connectionTimeout: CONNECT_MS_MAX,
    authenticationTimeout: REQUEST_MS_MAX,
    requestTimeout: REQUEST_MS_MAX,
    retry: clientRetry,
    socketFactory: openSocket,
    logLevel: kafkajs.logLevel.WARN,
    logCreator: () => (entry) => passOn(entry, log),
  });
  return { kafka, log };
}

// The driver's own sockets wait for more to send (Nagle), which costs up to 40 ms a request.
function openSocket({ host, port, ssl, onConnect }: SocketRequest): net.Socket {
  const socket = ssl
    ? tls.connect({ host, port, ...(net.isIP(host) === 0 && { servername: host }), ...ssl }, onConnect)
    : net.connect({ host, port }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  socket.setNoDelay(true);
  return socket;
}

interface SocketRequest {
  readonly host: string;
  readonly port: number;
  readonly ssl: tls.ConnectionOptions | null | undefined;
  readonly onConnect: () => void;
}

function readTls(options: true | KafkaTls): tls.ConnectionOptions {
  if (options === true) return {};
  const { caFile, certificateFile, keyFile } = options;
  if ((certificateFile === undefined) !== (keyFile === undefined)) {
    throw new Error('Kafka: a client certificate needs its key, and the key its certificate');
  }
  return {
    ...(caFile !== undefined && { ca: [readPem(caFile)] }),
    ...(certificateFile !== undefined && { cert: readPem(certificateFile) }),
    ...(keyFile !== undefined && { key: readPem(keyFile) }),
  };
}

function readPem(file: string): string {
  const text = readText(file);
  if (!text.includes(PEM)) throw new Error(`Kafka: ${file} is not in PEM`);
  return text;
}

function readSasl({ mechanism, username, password }: KafkaSasl): SASLOptions {
  if (username === '') throw new Error('Kafka: SASL needs a user name');
  const secret = 'file' in password ? readText(password.file).trimEnd() : process.env[password.variable];
  if (secret === undefined || secret === '') {
    throw new Error(`Kafka: no password in ${'file' in password ? password.file : `$${password.variable}`}`);
  }
  return { mechanism, username, password: secret };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`Kafka: ${file} cannot be read`, { cause: error });
  }
}

// The driver calls an error what is an attempt that failed and is made again; who asked for it tells what is wrong.
function passOn({ namespace, level, log: entry }: LogEntry, log: KafkaLog): void {
  const { message, timestamp: _, logger: __, stack: ___, ...rest } = entry;
  const plain = Object.entries(rest).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  const details = { namespace, ...Object.fromEntries(plain) };
  log(level === kafkajs.logLevel.ERROR ? 'info' : 'debug', `kafkajs: ${message}`, details);
}

const compress = promisify(zlib.zstdCompress);
const decompress = promisify(zlib.zstdDecompress);
let isRegistered = false;

function registerCodec(): void {
  if (isRegistered) return;
  isRegistered = true;
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.ZSTD] = () => ({
    compress: (encoder: { readonly buffer: Buffer }) => compress(encoder.buffer),
    decompress: (buffer: Buffer) => decompress(buffer),
  });
}
