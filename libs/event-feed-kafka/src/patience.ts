const AGAIN_FIRST_MS = 100;
const AGAIN_MS_MAX = 2_000;
const CLOSE_MS_MAX = 2_000;

/** The time before the next attempt: doubles with each, up to 2 s, until something worked. */
export class Backoff {
  private delayMs = AGAIN_FIRST_MS;

  reset(): void {
    this.delayMs = AGAIN_FIRST_MS;
  }

  /** Returns early when the signal aborts. */
  async pause(signal: AbortSignal): Promise<void> {
    const delayMs = this.delayMs;
    this.delayMs = Math.min(delayMs * 2, AGAIN_MS_MAX);
    await pause(delayMs, signal);
  }
}

/** Returns early when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}

/** Works until it succeeds; between attempts it waits. Rejects with the last reason once the signal aborts. */
export async function persist<Result>(
  work: () => Promise<Result>,
  signal: AbortSignal,
  onFailure: (reason: unknown) => void,
): Promise<Result> {
  const backoff = new Backoff();
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (isAborted(signal)) throw error;
      onFailure(error);
    }
    await backoff.pause(signal);
  }
}

/** Lets go of a connection. A broker that is away must not hold up the end. */
export async function endWithin(work: () => Promise<unknown>, maxMs = CLOSE_MS_MAX): Promise<void> {
  const late = new AbortController();
  const done = work().catch(() => undefined);
  await Promise.race([done, pause(maxMs, late.signal)]);
  late.abort();
}

// A call, because the type checker takes what it saw before an await for still true.
export function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}

export function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

/** Rejects as soon as the signal aborts, or some time after; nobody hears what then comes of the work. */
export async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal, graceMs = 0): Promise<Result> {
  const aborted = Promise.withResolvers<never>();
  let timer: NodeJS.Timeout | undefined;
  const abort = () => (timer = setTimeout(() => aborted.reject(new Error('stopped')), graceMs));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Wakes one waiter; a call before it waits counts. */
export class Bell {
  private isRung = false;
  private wake: (() => void) | undefined;

  ring(): void {
    this.isRung = true;
    this.wake?.();
  }

  /** Resolves at the next ring, or after some milliseconds. */
  async wait(ms: number): Promise<void> {
    if (!this.isRung && ms > 0) {
      await new Promise<void>((resolve) => {
        const timer = ms === Infinity ? undefined : setTimeout(resolve, ms);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.wake = undefined;
    }
    this.isRung = false;
  }
}
