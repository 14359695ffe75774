import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type ServiceName } from '@sluice/contracts/topic-owners';
import { Tokens } from '@sluice/platform';
import { Agent, type Dispatcher } from 'undici';
import { repository } from './broker.ts';
import { DEVICE_PREFIX } from './examples.ts';
import { until } from './paced.ts';

export const SHARDS = 8;
const START_MS_MAX = 60_000;
const CONNECTIONS_MAX = 64;
const ANSWER_MS_MAX = 60_000;

export interface Service {
  readonly app: ServiceName;
  readonly url: string;
  readonly data: string;
  /** In good order; resolves when the process is gone. */
  stop(): Promise<void>;
  /** As a power cut would end it (SIGKILL). */
  kill(): Promise<void>;
}

export interface Request {
  readonly method?: 'GET' | 'POST';
  readonly path: string;
  /** An object, or JSON that is ready. */
  readonly body?: object | Buffer;
  readonly as?: 'admin' | 'device';
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** The services as processes, around one broker, out of their bundles; each has a store below one folder. */
export class Services implements AsyncDisposable {
  private readonly running = new Set<ChildProcess>();
  private readonly agent = new Agent({
    connections: CONNECTIONS_MAX,
    pipelining: 1,
    headersTimeout: ANSWER_MS_MAX,
    bodyTimeout: ANSWER_MS_MAX,
  });
  private readonly urls: Record<ServiceName, string> = { catalog: '', orchestrator: '', telemetry: '' };
  private deviceToken: Promise<string> | undefined;

  constructor(
    private readonly folder: string,
    private readonly brokers: string,
  ) {}

  /** Resolves once the service listens. Instances of telemetry share one store. */
  async start(app: ServiceName): Promise<Service> {
    const port = await freePort();
    const [url, data] = [`http://127.0.0.1:${String(port)}`, join(this.folder, app)];
    this.urls[app] = url;
    const store = app === 'telemetry' ? 'embedded-shared' : 'embedded';
    const flags = [
      ...['--port', String(port), '--data', data, '--store', store, '--tokens', this.folder],
      ...['--kafka', this.brokers, '--shards', String(SHARDS), '--log-level', logLevel()],
      ...['--catalog-url', this.urls.catalog || url, '--telemetry-url', this.urls.telemetry || url],
      ...['--orchestrator-url', this.urls.orchestrator || url],
    ];
    const script = join(repository, 'dist', app, 'main.js');
    // Standard output belongs to the results.
    const child = spawn(process.execPath, [...process.execArgv, script, ...flags], { stdio: ['ignore', 2, 2] });
    this.running.add(child);
    child.once('exit', () => this.running.delete(child));
    await until(`${app} listens`, () => isLive(child, url), { withinMs: START_MS_MAX });
    const end = async (signal: NodeJS.Signals) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill(signal);
      await ended;
    };
    return { app, url, data, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
  }

  async ready({ app, url }: Service): Promise<void> {
    await until(`${app} is ready`, async () => await isOk(`${url}/health/ready`), { everyMs: 100 });
  }

  /** Never rejects for what the service says, only where nobody answers. */
  async call({ url }: Pick<Service, 'url'>, { method = 'POST', path, body, as = 'admin' }: Request): Promise<Answer> {
    const options: Dispatcher.RequestOptions = {
      origin: url,
      method,
      path,
      headers: {
        authorization: `Bearer ${await this.tokenOf(as)}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: Buffer.isBuffer(body) ? body : JSON.stringify(body) }),
    };
    const response = await this.agent.request(options);
    const text = await response.body.text();
    return { status: response.statusCode, body: text.startsWith('{') ? JSON.parse(text) : text };
  }

  /** Throws when the answer is no success. */
  async ask<Body>(service: Pick<Service, 'url'>, request: Request): Promise<Body> {
    const { status, body } = await this.call(service, request);
    if (status < 300) return body as Body;
    throw new Error(`${request.path} was answered with ${String(status)}: ${JSON.stringify(body)}`);
  }

  /** The value of a metric, summed over its labels; NaN when the service has no such metric. */
  async metric(service: Service, name: string): Promise<number> {
    const text = await this.ask<string>(service, { method: 'GET', path: '/metrics' });
    const values = text.split('\n').flatMap((line) => {
      const isOfName = line.startsWith(`${name} `) || line.startsWith(`${name}{`);
      return isOfName ? [Number(line.slice(line.lastIndexOf(' ')))] : [];
    });
    return values.length === 0 ? NaN : values.reduce((sum, value) => sum + value, 0);
  }

  /** Where the feeds of the services are read; whoever started last, of several. */
  get addresses(): Readonly<Record<string, string>> {
    return this.urls;
  }

  /** What services show to each other. */
  peerToken(): string {
    return new Tokens(this.folder).peerToken();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of [...this.running].reverse()) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    }
    await this.agent.destroy();
  }

  private async tokenOf(as: 'admin' | 'device'): Promise<string> {
    if (as === 'admin') return readFileSync(join(this.folder, 'admin-token'), 'utf8').trim();
    return (this.deviceToken ??= this.createDeviceToken());
  }

  private async createDeviceToken(): Promise<string> {
    const body = { name: 'gateway', roles: ['device'], devicePrefix: DEVICE_PREFIX };
    const catalog = { url: this.urls.catalog };
    const { token } = await this.ask<{ token: string }>(catalog, { path: '/v1/tokens', body });
    const headers = { authorization: `Bearer ${token}` };
    for (const url of Object.values(this.urls).filter((each) => each !== '')) {
      await until(`${url} knows the token`, async () => await isOk(`${url}/v1/me`, headers));
    }
    return token;
  }
}

function logLevel(): string {
  return process.env.SLUICE_BENCH_LOG ?? 'error';
}

async function isLive(child: ChildProcess, url: string): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended before it listened; what it said is above`);
  return isOk(`${url}/health/live`);
}

async function isOk(url: string, headers: Record<string, string> = {}): Promise<boolean> {
  return fetch(url, { headers }).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
