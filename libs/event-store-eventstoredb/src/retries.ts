import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable } from '@sluice/event-sourcing';
import { ErrorType, isCommandError } from '@eventstore/db-client';

const PAUSE_MS_MIN = 50;
const PAUSE_MS_MAX = 2000;

/** What no second attempt would change. */
const FINAL: readonly string[] = [
  ErrorType.ACCESS_DENIED,
  ErrorType.INVALID_ARGUMENT,
  ErrorType.INVALID_TRANSACTION,
  ErrorType.STREAM_DELETED,
  ErrorType.STREAM_NOT_FOUND,
  ErrorType.WRONG_EXPECTED_VERSION,
  ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED,
  ErrorType.MISSING_REQUIRED_METADATA_PROPERTY,
];

/** How often, and for how long, a call is tried again before the store counts as unavailable. */
export class Retries {
  private pauseMs = PAUSE_MS_MIN;
  private since: number | undefined;

  /** `giveUpMs` is counted from the first failure after a success. */
  constructor(
    private readonly giveUpMs: number,
    private readonly signal: AbortSignal,
  ) {}

  /** The last attempt came through. */
  succeeded(): void {
    this.pauseMs = PAUSE_MS_MIN;
    this.since = undefined;
  }

  /** Waits before the next attempt. Throws what is final, and StoreUnavailable when it has lasted too long. */
  async afterFailure(error: unknown): Promise<void> {
    if (this.signal.aborted) throw new StoreUnavailable('the store is closed');
    if (isFinal(error)) throw error;
    this.since ??= performance.now();
    if (performance.now() - this.since + this.pauseMs > this.giveUpMs) throw unavailable(error);
    // Many who were cut off together come back one after another.
    await sleep(this.pauseMs * (0.5 + Math.random() / 2), undefined, { signal: this.signal }).catch(() => undefined);
    this.pauseMs = Math.min(this.pauseMs * 2, PAUSE_MS_MAX);
  }
}

/** The result of the first attempt that comes through. */
export async function retried<Result>(retries: Retries, attempt: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      await retries.afterFailure(error);
    }
  }
}

export function isFinal(error: unknown): boolean {
  if (error instanceof StoreUnavailable) return true;
  return FINAL.includes(errorTypeOf(error) ?? '');
}

/** Which of the client's errors it is; undefined for one that is not the client's. */
export function errorTypeOf(error: unknown): string | undefined {
  return error instanceof Error && isCommandError(error) ? (error as { readonly type?: string }).type : undefined;
}

/** The port's error for one of the client's. */
export function unavailable(error: unknown): StoreUnavailable {
  if (error instanceof StoreUnavailable) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new StoreUnavailable(`EventStoreDB: ${reason}`, { cause: error });
}
