import { type Checkpoints } from '@sluice/event-sourcing';
import { isAborted, pause } from './patience.ts';

const WATCH_MS = 1_000;

/** Resolves when nobody has saved the checkpoint for some time, or the signal aborts. */
export async function whenAbandoned(
  checkpoints: Checkpoints,
  name: string,
  { afterMs, signal }: { readonly afterMs: number; readonly signal: AbortSignal },
): Promise<void> {
  let version: number | undefined;
  let movedAt = performance.now();
  while (!isAborted(signal) && performance.now() - movedAt < afterMs) {
    const found = (await checkpoints.load(name))?.version;
    if (found !== version) [version, movedAt] = [found, performance.now()];
    await pause(Math.min(WATCH_MS, afterMs / 4), signal);
  }
}
