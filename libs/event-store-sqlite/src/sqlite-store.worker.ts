import { parentPort, workerData } from 'node:worker_threads';
import type { StoreFile } from './sqlite-file.ts';
import { SqliteLog } from './sqlite-log.ts';
import { type StoreGreeting, type StoreReply, type StoreRequest, withSharedBuffer } from './store-calls.ts';
import { StoreRefused } from './store-refused.ts';

/** The thread of the store: calls of SQLite block, and here they block nobody else. */
function serve(port: NonNullable<typeof parentPort>): void {
  const file = workerData as StoreFile;
  const log = open(port, file);
  if (log === undefined) return;
  port.on('message', (request: StoreRequest) => {
    try {
      const { output, transfer } = answer(log, request);
      port.postMessage({ id: request.id, kind: 'done', output } satisfies StoreReply, transfer);
    } catch (error) {
      const message = `${file.path}: ${error instanceof Error ? error.message : String(error)}`;
      port.postMessage({ id: request.id, kind: 'failed', message } satisfies StoreReply);
    }
    if (request.kind === 'close') port.close();
  });
}

function open(port: NonNullable<typeof parentPort>, file: StoreFile): SqliteLog | undefined {
  try {
    const log = new SqliteLog(file);
    port.postMessage({ kind: 'opened', head: log.head } satisfies StoreGreeting);
    return log;
  } catch (error) {
    if (!(error instanceof StoreRefused)) throw error;
    port.postMessage({ kind: 'refused', code: error.code, message: error.message } satisfies StoreGreeting);
    return undefined;
  }
}

function answer(log: SqliteLog, request: StoreRequest): { output: unknown; transfer: ArrayBuffer[] } {
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
    case 'close':
      log.close();
      return { output: undefined, transfer: [] };
  }
}

if (parentPort !== null) serve(parentPort);
