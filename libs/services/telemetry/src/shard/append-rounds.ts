import { setImmediate, setTimeout } from 'node:timers/promises';

/** Under load a round waits so long for company: a commit costs nearly the same with one report and with many. */
const COMPANY_MS = 1;

/** A writer of one shard, as the rounds see it. `flush` does not reject. */
interface Flushing {
  flush(): Promise<void>;
}

/**
 * Lets the shards append together. The store writes one transaction at a time, so shards that go their own ways would wait
 * for each other's transactions with half-filled commits of their own.
 */
export class AppendRounds {
  private due = new Set<Flushing>();
  private running = false;

  /** The writer has something to append, in the next round. */
  add(writer: Flushing): void {
    this.due.add(writer);
    if (this.running) return;
    this.running = true;
    void this.run();
  }

  private async run(): Promise<void> {
    // Requests that arrived together share a commit.
    await setImmediate();
    while (this.due.size > 0) {
      const round = this.due;
      this.due = new Set();
      await Promise.all([...round].map((writer) => writer.flush()));
      // Others came while this round was on its way, so more are coming.
      if (this.due.size > 0) await setTimeout(COMPANY_MS);
    }
    this.running = false;
  }
}
