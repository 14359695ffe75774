import { setTimeout as wait } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { type OwnSigns } from '@sluice/event-feed';
import { type EventStore } from '@sluice/event-sourcing';
import { type Companion } from '../replay/followers.ts';

/** With the time for an answer, a mark is written at least every 10 s of the wall's time (design §3.1). */
const PROVE_EVERY_MS = 5_000;
const ANSWER_MS_MAX = 5_000;
/** A store that fails is asked more often, so that nobody waits for long once it works again. */
const FAILED_AGAIN_AFTER_MS = 1_000;

/** Resolves after so many milliseconds of the wall's time, or when the signal aborts. Does not reject. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export const wallSleep: Sleep = async (ms, signal) => {
  await wait(ms, undefined, { signal, ref: false }).catch(() => undefined);
};

/**
 * Proves again and again that the store of this process writes, whether or not something else is appended: a full disk is
 * noticed before a command needs it. It follows the wall's time, also where domain time stands still.
 */
export class StoreProof implements Companion {
  readonly name = 'store';
  private readonly log = new Logger('store');
  private readonly stopping = new AbortController();
  private reason: string | undefined;

  constructor(
    private readonly store: Pick<EventStore, 'proveWritable'>,
    private readonly signs: OwnSigns,
    private readonly sleep: Sleep = wallSleep,
  ) {}

  start(): void {
    void this.run();
  }

  /** A mark under way is not waited for: the store finishes what it accepted before it closes. */
  stop(): Promise<void> {
    this.stopping.abort();
    return Promise.resolve();
  }

  /** A store that cannot write keeps no instance from being ready: removals still go out (design §3.1). */
  notReady(): string | undefined {
    return undefined;
  }

  trouble(): string | undefined {
    return this.reason === undefined ? undefined : `cannot write: ${this.reason}`;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const isStopped = () => signal.aborted;
    while (!isStopped()) {
      await this.prove(signal);
      await this.sleep(this.reason === undefined ? PROVE_EVERY_MS : FAILED_AGAIN_AFTER_MS, signal);
    }
  }

  // A mark without an answer is waited for: another one behind it would prove no more.
  private async prove(signal: AbortSignal): Promise<void> {
    const answered = new AbortController();
    const outcome = this.attempt().finally(() => answered.abort());
    const tooLate = this.sleep(ANSWER_MS_MAX, AbortSignal.any([signal, answered.signal])).then(() => 'late' as const);
    if ((await Promise.race([outcome, tooLate])) === 'late' && !signal.aborted && !answered.signal.aborted)
      this.note(`no answer for ${String(ANSWER_MS_MAX)} ms`);
    const reason = await outcome;
    if (!signal.aborted) this.note(reason);
  }

  /** Why the store did not write, undefined when it did. */
  private async attempt(): Promise<string | undefined> {
    try {
      await this.store.proveWritable();
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  private note(reason: string | undefined): void {
    if (reason !== undefined && this.reason === undefined) this.log.error(`the store cannot write: ${reason}`);
    if (reason === undefined && this.reason !== undefined) this.log.log('the store writes again');
    this.reason = reason;
    this.signs.setWritable(reason === undefined);
  }
}
