import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

const READY_MS_MAX = 60_000;
const READY_POLL_MS = 50;
const STOP_MS_MAX = 25_000;

/** The bundles of the apps lie beside each other. */
const dist = join(import.meta.dirname, '..');
const brokerScript = join(dist, '..', 'deploy', 'kafka', 'broker.mjs');

export interface Start {
  readonly app: 'catalog' | 'orchestrator' | 'telemetry';
  readonly port: number;
  readonly flags: readonly string[];
}

/** The processes of a cluster on this machine. They end with this one. */
export class Processes {
  private readonly running: ChildProcess[] = [];
  private stopping = false;

  /** `onEnd` is told when a process ends by itself. */
  constructor(private readonly onEnd: (what: string) => void) {}

  /** Starts a broker, and returns its address (host:port) once it answers. */
  async startBroker(folder: string): Promise<string> {
    const child = this.start('the broker', [brokerScript, '--data', folder], 'pipe');
    if (child.stdout === null) throw new Error('the broker has no output');
    const lines = createInterface(child.stdout);
    const [line] = (await Promise.race([once(lines, 'line'), once(child, 'exit')])) as [unknown];
    if (typeof line !== 'string') throw new Error('the broker did not start; what it printed above says why');
    return (JSON.parse(line) as { brokers: string }).brokers;
  }

  /** Starts a service, and resolves with its address once it listens. */
  async startService({ app, port, flags }: Start): Promise<string> {
    const child = this.start(app, [join(dist, app, 'main.js'), '--port', String(port), ...flags], 'ignore');
    const address = `http://127.0.0.1:${String(port)}`;
    await until(`${app} listens`, child, async () => (await fetch(`${address}/health/live`)).ok);
    return address;
  }

  /** Resolves when a service says that it is ready. */
  async ready(address: string): Promise<void> {
    await until(`${address} is ready`, undefined, async () => (await fetch(`${address}/health/ready`)).ok);
  }

  /** Ends all of them, the last one started first: the broker goes when nobody needs it any more. */
  async stop(): Promise<void> {
    this.stopping = true;
    for (const child of this.running.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      if ((await Promise.race([ended, sleep(STOP_MS_MAX, 'late')])) === 'late') child.kill('SIGKILL');
    }
  }

  private start(what: string, parameters: readonly string[], stdout: 'pipe' | 'ignore'): ChildProcess {
    const child = spawn(process.execPath, [...process.execArgv, ...parameters], {
      stdio: ['ignore', stdout, 'inherit'],
    });
    this.running.push(child);
    child.once('exit', () => {
      if (!this.stopping) this.onEnd(what);
    });
    return child;
  }
}

/** As many free ports; somebody else may take one before it is used, which its process then says. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports = await Promise.all(
    servers.map(async (server) => {
      if (!server.listening) await once(server, 'listening');
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    }),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function until(what: string, child: ChildProcess | undefined, isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + READY_MS_MAX;
  while (!(await isSo().catch(() => false))) {
    if (child !== undefined && child.exitCode !== null) throw new Error(`it ended before ${what}`);
    if (performance.now() > giveUpAt) throw new Error(`a minute has passed, and not yet: ${what}`);
    await sleep(READY_POLL_MS);
  }
}
