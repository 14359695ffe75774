import { parentPort, workerData } from 'node:worker_threads';
import type { StoreFile } from './sqlite-file.ts';
import { SqliteLog } from './sqlite-log.ts';
import { type StoreGreeting, type StoreReply, type StoreRequest, withSharedBuffer } from './store-calls.ts';
import { StoreRefused } from './store-refused.ts';

/** How soon a subscriber hears what another process has appended. */
const WATCH_INTERVAL_MS = 20;

type Port = NonNullable<typeof parentPort>;

/** The thread of the store: calls of SQLite block, and here they block nobody else. */
function serve(port: Port): void {
  const file = workerData as StoreFile;
  const log = open(port, file);
  if (log === undefined) return;
  const watch = new Watch(port, log);
  port.on('message', (request: StoreRequest) => {
    try {
      const { output, transfer } = answer({ log, watch }, request);
      port.postMessage({ id: request.id, kind: 'done', output } satisfies StoreReply, transfer);
    } catch (error) {
      const message = `${file.path}: ${error instanceof Error ? error.message : String(error)}`;
      port.postMessage({ id: request.id, kind: 'failed', message } satisfies StoreReply);
    }
    if (request.kind === 'close') port.close();
  });
}

/** Tells the store what other processes have appended: they cannot, so the file is asked. */
class Watch {
  private readonly port: Port;
  private readonly log: SqliteLog;
  private timer: NodeJS.Timeout | undefined;

  constructor(port: Port, log: SqliteLog) {
    this.port = port;
    this.log = log;
  }

  set(on: boolean): void {
    clearInterval(this.timer);
    if (!on) return;
    this.tell(this.log.head);
    this.timer = setInterval(() => this.look(), WATCH_INTERVAL_MS);
  }

  private look(): void {
    try {
      const head = this.log.newHead();
      if (head !== undefined) this.tell(head);
    } catch {
      // Looked at again the next time. Those who read or append are told what is wrong.
    }
  }

  private tell(head: number): void {
    this.port.postMessage({ kind: 'others-wrote', head } satisfies StoreReply);
  }
}

function open(port: Port, file: StoreFile): SqliteLog | undefined {
  try {
    const log = new SqliteLog(file);
    port.postMessage({ kind: 'opened', head: log.head, lineage: log.lineage } satisfies StoreGreeting);
    return log;
  } catch (error) {
    if (!(error instanceof StoreRefused)) throw error;
    port.postMessage({ kind: 'refused', code: error.code, message: error.message } satisfies StoreGreeting);
    return undefined;
  }
}

function answer(
  { log, watch }: { log: SqliteLog; watch: Watch },
  request: StoreRequest,
): { output: unknown; transfer: ArrayBuffer[] } {
  switch (request.kind) {
    case 'write':
      return { output: log.write(request.input), transfer: [] };
    case 'read': {
      const page = log.pages.read(request.input);
      const { items, buffer } = withSharedBuffer(page.commits);
      return { output: { ...page, commits: items }, transfer: [buffer] };
    }
    case 'load-checkpoint':
      return { output: log.checkpoints.load(request.input), transfer: [] };
    case 'prove-writable':
      log.proveWritable();
      return { output: undefined, transfer: [] };
    case 'head':
      return { output: log.head, transfer: [] };
    case 'watch':
      watch.set(request.input);
      return { output: undefined, transfer: [] };
    case 'close':
      watch.set(false);
      log.close();
      return { output: undefined, transfer: [] };
  }
}

if (parentPort !== null) serve(parentPort);
