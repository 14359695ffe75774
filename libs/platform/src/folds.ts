import { parentPort, Worker, workerData } from 'node:worker_threads';
import { type EventStore } from '@sluice/event-sourcing';

/** What a fold reads: the store, as of now, without a way to write. */
export type FoldStore = Pick<EventStore, 'readStream' | 'readAll'>;

/** A fold that may take long. Input and result are structured-cloneable. */
export type FoldTask = (store: FoldStore, input: unknown) => Promise<unknown>;

/** Runs long folds where they hold up no request: a pull must never wait behind them. */
export abstract class Folds {
  /** Rejects with what the fold threw. */
  abstract run(task: string, input: unknown): Promise<unknown>;
}

/** Folds in this thread: for tests and for stores that only this process has. */
export class InlineFolds extends Folds {
  constructor(
    private readonly store: FoldStore,
    private readonly tasks: Readonly<Record<string, FoldTask>>,
  ) {
    super();
  }

  override run(task: string, input: unknown): Promise<unknown> {
    return find(this.tasks, task)(this.store, input);
  }
}

interface Order {
  readonly task: string;
  readonly input: unknown;
  readonly storePath: string;
}

type Answer = { readonly result: unknown } | { readonly error: string };

const FOLDS_AT_ONCE_MAX = 2;
const FOLD_MEMORY_MIB = 4096;

/** Folds in a worker thread each, which opens the store file for reading by itself; a few at once, the others wait. */
export class WorkerFolds extends Folds {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly workerFile: URL,
    private readonly storePath: string,
  ) {
    super();
  }

  override async run(task: string, input: unknown): Promise<unknown> {
    if (this.running >= FOLDS_AT_ONCE_MAX) await new Promise<void>((resolve) => this.waiting.push(resolve));
    this.running += 1;
    try {
      return await this.runInWorker({ task, input, storePath: this.storePath });
    } finally {
      this.running -= 1;
      this.waiting.shift()?.();
    }
  }

  private runInWorker(order: Order): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const worker = new Worker(this.workerFile, {
        workerData: order,
        resourceLimits: { maxOldGenerationSizeMb: FOLD_MEMORY_MIB },
      });
      worker.once('message', (answer: Answer) => {
        if ('error' in answer) reject(new Error(answer.error));
        else resolve(answer.result);
        void worker.terminate();
      });
      worker.once('error', reject);
      worker.once('exit', () => {
        reject(new Error(`the fold ${order.task} ended without an answer`));
      });
    });
  }
}

/** The other end of WorkerFolds: the whole of a worker file. */
export async function serveFold(
  open: (storePath: string) => FoldStore & { close(): void },
  tasks: Readonly<Record<string, FoldTask>>,
): Promise<void> {
  const { task, input, storePath } = workerData as Order;
  const store = open(storePath);
  try {
    parentPort?.postMessage({ result: await find(tasks, task)(store, input) } satisfies Answer);
  } catch (error) {
    parentPort?.postMessage({ error: error instanceof Error ? error.message : String(error) } satisfies Answer);
  } finally {
    store.close();
  }
}

function find(tasks: Readonly<Record<string, FoldTask>>, name: string): FoldTask {
  const task = tasks[name];
  if (task === undefined) throw new Error(`no fold is called ${name}`);
  return task;
}
