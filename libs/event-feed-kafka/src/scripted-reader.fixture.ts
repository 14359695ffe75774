import { setTimeout as sleep } from 'node:timers/promises';
import { type RecordBatch } from './topic-reader.ts';

/** What the reader brings next. */
export const queue: RecordBatch[] = [];

/** In place of `topic-reader.ts`: brings what a spec queues, as if it had come from the one partition of a topic. */
export class TopicReader {
  readonly partitions = [{ topic: 'sluice.catalog.v1', partition: 0 }];
  readonly crashCount = 0;
  handled = () => undefined;
  notReady = () => undefined;
  isAtEnd = () => true;
  async *batches(signal: AbortSignal) {
    while (!signal.aborted) {
      yield* queue.splice(0);
      await sleep(5);
    }
  }
}
