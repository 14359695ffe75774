import { setImmediate } from 'node:timers/promises';
import { type Checkpoint, StoreOverloaded, StoreUnavailable } from '@sluice/event-sourcing';
import { type CheckpointSave } from './checkpoint-table.ts';
import { type LogAppend, type LogOutcome } from './sqlite-log.ts';
import { type StoredCommit } from './sqlite-pages.ts';
import { withSharedBuffer } from './store-calls.ts';
import { type StoreThread } from './store-thread.ts';

/** What waits for the disk, beyond what is being written. */
const WAITING_COMMITS_MAX = 20_000;
const WAITING_BYTES_MAX = 64 * 1024 * 1024;
const WAITING_SAVES_MAX = 1000;
/** What one transaction takes, beside the checkpoints. */
const TRANSACTION_COMMITS_MAX = 2000;
const TRANSACTION_BYTES_MAX = 8 * 1024 * 1024;

interface Waiting<Input, Output> {
  readonly input: Input;
  readonly resolve: (output: Output) => void;
  readonly reject: (reason: Error) => void;
}

type WaitingAppend = Waiting<LogAppend, LogOutcome>;
type WaitingSave = Waiting<CheckpointSave, Checkpoint | undefined>;

/** Everything that comes while a transaction is on its way to the disk shares the next one: many writers, few fsyncs. */
export class GroupCommit {
  private appends: WaitingAppend[] = [];
  private saves: WaitingSave[] = [];
  private waitingBytes = 0;
  private writing: Promise<void> | undefined;

  constructor(
    private readonly thread: StoreThread,
    private readonly onWritten: (commits: readonly StoredCommit[]) => void,
  ) {}

  /** Rejects with StoreOverloaded or StoreUnavailable; then nothing was kept. */
  append(append: LogAppend): Promise<LogOutcome> {
    const bytes = append.body.length;
    if (this.appends.length >= WAITING_COMMITS_MAX || this.waitingBytes + bytes > WAITING_BYTES_MAX) {
      return Promise.reject(new StoreOverloaded(`${this.appends.length} appends are waiting for the disk`));
    }
    this.waitingBytes += bytes;
    return this.await(this.appends, append);
  }

  /** Resolves with undefined when another has saved. Rejects as `append`. */
  save(save: CheckpointSave): Promise<Checkpoint | undefined> {
    if (this.saves.length >= WAITING_SAVES_MAX) {
      return Promise.reject(new StoreOverloaded(`${this.saves.length} checkpoints are waiting for the disk`));
    }
    return this.await(this.saves, save);
  }

  /** Resolves once all that was accepted has been settled. */
  async finished(): Promise<void> {
    await this.writing;
  }

  private await<Input, Output>(queue: Waiting<Input, Output>[], input: Input): Promise<Output> {
    return new Promise((resolve, reject) => {
      queue.push({ input, resolve, reject });
      this.writing ??= this.write();
    });
  }

  private async write(): Promise<void> {
    // Requests that arrived together are handed on together.
    await setImmediate();
    while (this.appends.length + this.saves.length > 0) {
      await this.writeTogether(this.takeAppends(), this.saves.splice(0));
    }
    this.writing = undefined;
  }

  private takeAppends(): WaitingAppend[] {
    let [count, bytes] = [0, 0];
    for (const { input } of this.appends) {
      if (count === TRANSACTION_COMMITS_MAX || (count > 0 && bytes + input.body.length > TRANSACTION_BYTES_MAX)) break;
      count += 1;
      bytes += input.body.length;
    }
    this.waitingBytes -= bytes;
    return this.appends.splice(0, count);
  }

  private async writeTogether(appends: readonly WaitingAppend[], saves: readonly WaitingSave[]): Promise<void> {
    const { items, buffer } = withSharedBuffer(appends.map(({ input }) => input));
    try {
      const written = await this.thread.call('write', { appends: items, saves: saves.map(({ input }) => input) }, [
        buffer,
      ]);
      // Subscribers first: who awaited the append finds them on their way.
      this.onWritten(commitsOf(appends, written.appends));
      settle(appends, written.appends);
      settle(saves, written.saves);
    } catch (error) {
      const reason = error instanceof Error ? error : new StoreUnavailable(String(error));
      for (const { reject } of [...appends, ...saves]) reject(reason);
    }
  }
}

function commitsOf(appends: readonly WaitingAppend[], outcomes: readonly LogOutcome[]): StoredCommit[] {
  return appends.flatMap(({ input }, index): StoredCommit[] => {
    const outcome = outcomes[index];
    return outcome?.kind === 'written' ? [{ ...input, ...outcome }] : [];
  });
}

function settle<Input, Output>(waiting: readonly Waiting<Input, Output>[], outputs: readonly Output[]): void {
  for (const [index, { resolve }] of waiting.entries()) resolve(outputs[index] as Output);
}
