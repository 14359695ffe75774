import { toTimeText } from '@sluice/event-sourcing';
import { type Timers } from '../time/timers.ts';

interface Begin {
  /** Domain time, RFC 3339. */
  readonly since: string;
  readonly monotonicMs: number;
}

/** Since when, as far as this process has seen, something has been as it is. Looked at with each tick. */
export class Lasting {
  private readonly begins = new Map<string, Begin>();

  constructor(private readonly timers: Pick<Timers, 'monotonicMs'>) {}

  /** Whether it is so at this instant. */
  note(name: string, isSo: boolean, nowMs: number): void {
    if (!isSo) this.begins.delete(name);
    else if (!this.begins.has(name)) {
      this.begins.set(name, { since: toTimeText(nowMs), monotonicMs: this.timers.monotonicMs() });
    }
  }

  /** What is so at this instant of all that begins with the prefix; anything else of it has ended. */
  noteAll(prefix: string, names: Iterable<string>, nowMs: number): void {
    const present = new Set([...names].map((name) => `${prefix}${name}`));
    for (const name of this.begins.keys()) {
      if (name.startsWith(prefix) && !present.has(name)) this.begins.delete(name);
    }
    for (const name of present) this.note(name, true, nowMs);
  }

  /** Since when it has been so; undefined when it is not, or has not lasted so long (at the wall's pace). */
  since(name: string, atLeastMs = 0): string | undefined {
    const begin = this.begins.get(name);
    if (begin === undefined || this.timers.monotonicMs() - begin.monotonicMs < atLeastMs) return undefined;
    return begin.since;
  }
}
