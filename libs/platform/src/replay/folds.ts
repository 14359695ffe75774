import { parentPort, Worker, workerData } from 'node:worker_threads';
import { type EventStore } from '@sluice/event-sourcing';
import { ProblemError } from '../http/problem.ts';

/**
 * What a fold reads: the store, as of now, without a way to write. `asStored` has each event as it was written, also in an older
 * version or by a later Sluice; absent where the store has no other form.
 */
export type FoldStore = Pick<EventStore, 'readStream' | 'readAll'> & {
  readonly asStored?: Pick<EventStore, 'readStream' | 'readAll'>;
};

/** What a feed reads: the same, also a page at a time. */
export type FeedStore = FoldStore & Pick<EventStore, 'readPage'>;

/** Where a store is, in a form that can be handed to another thread. */
export interface StoreLocation {
  readonly kind: string;
  /** The file of an embedded store. */
  readonly path: string;
  /** The connection string of a server. */
  readonly url: string;
}

/** How far a fold has come, in what it counts. */
export type FoldProgress = (count: number) => void;

/** A fold that may take long. Input and result are structured-cloneable. */
export type FoldTask = (store: FoldStore, input: unknown, progress: FoldProgress) => Promise<unknown>;

/** Runs long folds where they hold up no request: a pull must never wait behind them. */
export abstract class Folds {
  /** Rejects with what the fold threw. */
  abstract run(task: string, input: unknown, progress?: FoldProgress): Promise<unknown>;
}

/** Folds in this thread: for tests and for stores that only this process has. */
export class InlineFolds extends Folds {
  constructor(
    private readonly store: FoldStore,
    private readonly tasks: Readonly<Record<string, FoldTask>>,
  ) {
    super();
  }

  override run(task: string, input: unknown, progress: FoldProgress = ignore): Promise<unknown> {
    return find(this.tasks, task)(this.store, input, progress);
  }
}

interface Order {
  readonly task: string;
  readonly input: unknown;
}

type Answer = { readonly result: unknown } | { readonly error: string } | { readonly progress: number };

const FOLDS_AT_ONCE_MAX = 2;
const FOLDS_WAITING_MAX = 32;
const FOLD_MEMORY_MIB = 4096;
/** Loading the code of a worker takes longer than most folds, so it is kept for the next one for a while. */
const IDLE_WORKER_KEPT_MS = 10_000;

/** Folds in worker threads, which open the store for reading by themselves; a few at once, the others wait. */
export class WorkerFolds extends Folds {
  private readonly idle: FoldWorker[] = [];
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly workerFile: URL,
    private readonly store: StoreLocation,
  ) {
    super();
  }

  override async run(task: string, input: unknown, progress: FoldProgress = ignore): Promise<unknown> {
    if (this.waiting.length >= FOLDS_WAITING_MAX) throw new ProblemError('overloaded', 'too many replays are waiting');
    if (this.running >= FOLDS_AT_ONCE_MAX) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.running += 1;
    const worker = this.idle.pop() ?? new FoldWorker(this.workerFile, this.store);
    try {
      return await worker.run({ task, input }, progress);
    } finally {
      if (worker.isAlive) this.keep(worker);
      const next = this.waiting.shift();
      // Whoever waits takes over the place of this one.
      if (next === undefined) this.running -= 1;
      else next();
    }
  }

  private keep(worker: FoldWorker): void {
    this.idle.push(worker);
    const givenUp = () => {
      const index = this.idle.indexOf(worker);
      if (index !== -1) this.idle.splice(index, 1);
      worker.end();
    };
    worker.endAfter(IDLE_WORKER_KEPT_MS, givenUp);
  }
}

class FoldWorker {
  private readonly thread: Worker;
  private answer:
    | {
        readonly resolve: (result: unknown) => void;
        readonly reject: (reason: Error) => void;
        readonly progress: FoldProgress;
      }
    | undefined;
  private idleTimer: NodeJS.Timeout | undefined;
  private alive = true;

  constructor(file: URL, store: StoreLocation) {
    const resourceLimits = { maxOldGenerationSizeMb: FOLD_MEMORY_MIB };
    this.thread = new Worker(file, { workerData: store, resourceLimits });
    this.thread.unref();
    this.thread.on('message', (answer: Answer) => {
      if ('error' in answer) this.answer?.reject(new Error(answer.error));
      else if ('progress' in answer) this.answer?.progress(answer.progress);
      else this.answer?.resolve(answer.result);
    });
    this.thread.on('error', (error) => {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    });
    this.thread.on('exit', () => {
      this.fail(new Error('the thread of the fold ended without an answer'));
    });
  }

  get isAlive(): boolean {
    return this.alive;
  }

  run(order: Order, progress: FoldProgress): Promise<unknown> {
    clearTimeout(this.idleTimer);
    return new Promise((resolve, reject) => {
      this.answer = { resolve, reject, progress };
      this.thread.postMessage(order);
    });
  }

  endAfter(ms: number, end: () => void): void {
    this.idleTimer = setTimeout(end, ms);
    this.idleTimer.unref();
  }

  end(): void {
    this.alive = false;
    void this.thread.terminate();
  }

  private fail(reason: Error): void {
    this.alive = false;
    this.answer?.reject(reason);
  }
}

/** The other end of WorkerFolds: the whole of a worker file. Each fold reads the store as it is when it begins. */
export function serveFolds(
  open: (store: StoreLocation) => Promise<FoldStore & { close(): unknown }>,
  tasks: Readonly<Record<string, FoldTask>>,
): void {
  parentPort?.on('message', ({ task, input }: Order) => {
    void answer(task, input);
  });

  async function answer(task: string, input: unknown): Promise<void> {
    try {
      const store = await open(workerData as StoreLocation);
      try {
        const progress = (count: number) => parentPort?.postMessage({ progress: count } satisfies Answer);
        parentPort?.postMessage({ result: await find(tasks, task)(store, input, progress) } satisfies Answer);
      } finally {
        await store.close();
      }
    } catch (error) {
      parentPort?.postMessage({ error: error instanceof Error ? error.message : String(error) } satisfies Answer);
    }
  }
}

function ignore(): void {}

function find(tasks: Readonly<Record<string, FoldTask>>, name: string): FoldTask {
  const task = tasks[name];
  if (task === undefined) throw new Error(`no fold is called ${name}`);
  return task;
}
