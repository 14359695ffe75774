import { type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { startOwnProcess } from './own-process.ts';
import { createServer, type ServerRole } from './servers.ts';

export const SERVE_FLAG = '--serve';

/** Microseconds of processor time since the start of the process. */
export interface CpuUsage {
  /** Of the thread that answers requests. */
  readonly serving: number;
  /** Of that, in the kernel: mostly writing to sockets, and waking who reads them. */
  readonly servingKernel: number;
  readonly allThreads: number;
}

type Question = 'cpu' | 'stop';
type Answer =
  | { readonly kind: 'listening'; readonly url: string; readonly token: string }
  | { readonly kind: 'cpu'; readonly usage: CpuUsage };

const START_TIMEOUT_MS = 30_000;

/** A server in a process of its own, so that it does not share a core's time with what loads it. */
export class ServerProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    readonly token: string,
  ) {}

  static async start(role: ServerRole): Promise<ServerProcess> {
    const child = startOwnProcess(SERVE_FLAG, role);
    const answer = await next(child);
    if (answer.kind !== 'listening') throw new Error(`the server ${role.kind} did not start`);
    return new ServerProcess(child, answer.url, answer.token);
  }

  async cpuUsage(): Promise<CpuUsage> {
    this.child.send('cpu' satisfies Question);
    const answer = await next(this.child);
    if (answer.kind !== 'cpu') throw new Error('the server answered what it was not asked');
    return answer.usage;
  }

  /** Resolves when the process has ended, and with it everything is on the disk. */
  async stop(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.send('stop' satisfies Question);
    await exited;
  }
}

async function next(child: ChildProcess): Promise<Answer> {
  const answered = new AbortController();
  const signal = AbortSignal.any([answered.signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  try {
    const [answer] = (await Promise.race([
      once(child, 'message', { signal }),
      once(child, 'exit', { signal }).then(() => {
        throw new Error('a server process ended before it answered');
      }),
    ])) as [Answer];
    return answer;
  } finally {
    // Listeners that nobody needs any more would gather with every question.
    answered.abort();
  }
}

/** The other end: serves until it is told to stop, or whoever started it is gone. */
export async function serveInProcess(roleText: string): Promise<void> {
  const server = await createServer(JSON.parse(roleText) as ServerRole);
  const answer = (message: Answer) => process.send?.(message);
  process.on('disconnect', () => process.exit(1));
  process.on('message', (question: Question) => {
    if (question === 'stop') void server.close().then(() => process.exit(0));
    else {
      const serving = process.threadCpuUsage();
      const usage = { serving: sum(serving), servingKernel: serving.system, allThreads: sum(process.cpuUsage()) };
      answer({ kind: 'cpu', usage });
    }
  });
  answer({ kind: 'listening', url: await server.listen(), token: server.token });
}

function sum({ user, system }: NodeJS.CpuUsage): number {
  return user + system;
}
