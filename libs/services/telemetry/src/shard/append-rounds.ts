import { setImmediate } from 'node:timers/promises';

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
    while (this.due.size > 0) {
      // Requests that arrived together share a commit.
      await setImmediate();
      const round = this.due;
      this.due = new Set();
      await Promise.all([...round].map((writer) => writer.flush()));
    }
    this.running = false;
  }
}
