import { setTimeout as sleep } from 'node:timers/promises';

const STEP_MS = 1;

export interface Pace {
  readonly perSecond: number;
  /** How many calls; as many as there is time for, if not given. */
  readonly calls?: number;
  readonly signal?: AbortSignal;
}

/**
 * Calls at a rate, whatever becomes of the calls: one that is late is made up for. A promise that a call returns holds up
 * the next one. Ends after so many calls, or when the signal aborts; returns how many there were.
 */
export async function paced(
  { perSecond, calls = Infinity, signal }: Pace,
  call: (n: number) => void | Promise<void>,
): Promise<number> {
  const startedAt = performance.now();
  const isOver = () => made >= calls || signal?.aborted === true;
  let made = 0;
  while (!isOver()) {
    const due = Math.floor(((performance.now() - startedAt) * perSecond) / 1000) + 1;
    for (; made < due && !isOver(); made += 1) {
      const holdUp = call(made);
      if (holdUp !== undefined) await holdUp;
    }
    if (!isOver()) await sleep(STEP_MS);
  }
  return made;
}

/** Looks again and again, until it is so. Throws after some time, and says what was waited for. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  { withinMs = 120_000, everyMs = 20 } = {},
): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  while (!(await isSo())) {
    await sleep(everyMs);
    if (performance.now() > giveUpAt) throw new Error(`${String(withinMs / 1000)} s have passed, and not yet: ${what}`);
  }
}
