import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { run } from './program.ts';

export interface Request {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly token: string | undefined;
  readonly key: string | undefined;
  readonly ifMatch: string | undefined;
  readonly body: unknown;
}

type Answer =
  { readonly status?: number; readonly body?: unknown; readonly etag?: string } | ((response: ServerResponse) => void);

/** A server that answers `METHOD /path` with what it was told, one after the other (the last for good), and keeps what it was asked. */
export class CannedServer {
  readonly requests: Request[] = [];
  private readonly answers = new Map<string, Answer[]>();
  private readonly server = createServer((request, response) => {
    void this.answer(request, response);
  });

  async start(): Promise<string> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  on(call: string, ...answers: Answer[]): this {
    this.answers.set(call, answers);
    return this;
  }

  /** Method and path of each request, and its body where it had one. */
  sent() {
    return this.requests.map(({ method, path, body }) => (body === undefined ? [method, path] : [method, path, body]));
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '', headers } = request;
    const body = await text(request);
    this.requests.push({
      method,
      path: url,
      token: headers.authorization?.replace('Bearer ', ''),
      key: headers['idempotency-key']?.toString(),
      ifMatch: headers['if-match'],
      body: body === '' ? undefined : JSON.parse(body),
    });
    const queue = this.answers.get(`${method} ${url.split('?')[0] ?? ''}`) ?? [];
    const answer = (queue.length > 1 ? queue.shift() : queue[0]) ?? problem('route-not-found', 404);
    if (typeof answer === 'function') {
      answer(response);
      return;
    }
    const { etag } = answer;
    response.writeHead(answer.status ?? 200, {
      'content-type': 'application/json',
      ...(etag !== undefined && { etag }),
    });
    response.end(answer.body === undefined ? '' : JSON.stringify(answer.body));
  }
}

/** A patch as the catalog shows it. */
export const patch = {
  patchId: 'ios-26.3.1-a',
  platform: 'ios',
  baseVersion: '26.3.1',
  letter: 'a',
  status: 'published',
  variants: [{ build: '23D771330a', prerequisiteBuild: '23D8133', models: ['iPhone18,1', 'iPad16,3'] }],
  cves: [{ id: 'CVE-2026-20643', exploited: true }],
  publishedAt: '2026-11-24T10:00:00.000Z',
  recallEpoch: 0,
};

/** An answer as Sluice refuses. */
export function problem(code: string, status: number, more: object = {}): Answer {
  return {
    status,
    body: { type: `urn:sluice:error:${code}`, title: 'What it is. What to do.', status, code, ...more },
  };
}

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface World {
  readonly env?: Readonly<Record<string, string>>;
  /** What the person types, or what is piped in. */
  readonly stdin?: string;
  readonly isTty?: boolean;
  readonly columns?: number;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
  readonly onStdout?: (text: string) => void;
  readonly onStderr?: (text: string) => void;
}

/** Runs a command line in process. Without `cwd` there is no data folder to be found. */
export async function sluice(args: readonly string[], world: World = {}): Promise<Ran> {
  const { env = {}, stdin = '', isTty = false, cwd = tmpdir(), signal = new AbortController().signal } = world;
  const written = { stdout: '', stderr: '' };
  const typed = new PassThrough();
  typed.end(stdin);
  const exit = await run(args, {
    stdin: typed,
    stdout: {
      write: (part) => {
        written.stdout += part;
        world.onStdout?.(written.stdout);
      },
    },
    stderr: {
      write: (part) => {
        written.stderr += part;
        world.onStderr?.(written.stderr);
      },
    },
    env,
    isTty: { stdin: isTty, stdout: isTty, stderr: isTty },
    columns: () => world.columns,
    cwd,
    signal,
  });
  return { exit, ...written };
}
