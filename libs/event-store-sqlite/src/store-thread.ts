import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { StoreUnavailable } from '@sluice/event-sourcing';
import { type StoreFile } from './sqlite-file.ts';
import { type StoreCalls, type StoreGreeting, type StoreReply } from './store-calls.ts';
import { StoreRefused } from './store-refused.ts';

interface Waiting {
  readonly resolve: (output: unknown) => void;
  readonly reject: (reason: Error) => void;
}

/** The main side of the store's thread: calls go there in order, and their answers come back. */
export class StoreThread {
  private readonly waiting = new Map<number, Waiting>();
  private readonly ended: Promise<unknown>;
  private lastId = 0;
  private unavailable: StoreUnavailable | undefined;
  private onOthersWrote: ((head: number) => void) | undefined;

  private constructor(private readonly worker: Worker) {
    this.ended = once(worker, 'exit').catch(() => undefined);
    worker.on('message', (reply: StoreReply) => this.settle(reply));
    worker.on('error', (error) => this.fail(error instanceof Error ? error.message : String(error)));
    worker.on('exit', () => this.fail('it is closed'));
  }

  /** Starts the thread and waits until it has opened the file. Throws StoreRefused. */
  static async start(storeFile: StoreFile): Promise<{ thread: StoreThread; head: number; lineage: string }> {
    // From its source in tests; in a bundle it lies beside it, as an entry of its own.
    const script = import.meta.url.endsWith('.ts') ? './sqlite-store.worker.ts' : './sqlite-store.worker.js';
    const worker = new Worker(new URL(script, import.meta.url), { workerData: storeFile, name: 'event store' });
    const [greeting] = (await once(worker, 'message')) as [StoreGreeting];
    if (greeting.kind === 'opened') {
      const { head, lineage } = greeting;
      return { thread: new StoreThread(worker), head, lineage };
    }
    await worker.terminate();
    throw new StoreRefused(greeting.code, greeting.message);
  }

  /** Rejects with StoreUnavailable when the thread could not do it. */
  call<Kind extends keyof StoreCalls>(
    kind: Kind,
    input: StoreCalls[Kind]['input'],
    transfer: ArrayBuffer[] = [],
  ): Promise<StoreCalls[Kind]['output']> {
    if (this.unavailable !== undefined) return Promise.reject(this.unavailable);
    const id = (this.lastId += 1);
    return new Promise<StoreCalls[Kind]['output']>((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
      this.worker.postMessage({ id, kind, input }, transfer);
    });
  }

  /** The listener is told when other processes have written, while the thread watches for it. */
  onNotice(listener: (head: number) => void): void {
    this.onOthersWrote = listener;
  }

  async close(): Promise<void> {
    await this.call('close', undefined);
    await this.ended;
  }

  private settle(reply: StoreReply): void {
    if (reply.kind === 'others-wrote') return this.onOthersWrote?.(reply.head);
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if (reply.kind === 'done') waiting?.resolve(reply.output);
    else waiting?.reject(new StoreUnavailable(reply.message));
  }

  private fail(message: string): void {
    this.unavailable ??= new StoreUnavailable(`the store has stopped: ${message}`);
    for (const { reject } of this.waiting.values()) reject(this.unavailable);
    this.waiting.clear();
  }
}
