import { type RecordBatch } from './topic-reader.ts';

const queue: RecordBatch[] = [];
let more = Promise.withResolvers<undefined>();
let handled = Promise.withResolvers<undefined>();

/** The reader brings these next. Resolves when they were handled, and more is asked for. */
export function bring(...batches: readonly RecordBatch[]): Promise<undefined> {
  queue.push(...batches);
  handled = Promise.withResolvers();
  more.resolve(undefined);
  more = Promise.withResolvers();
  return handled.promise;
}

/** In place of `topic-reader.ts`: brings what a spec queues, as if it had come from the one partition of a topic. */
export class TopicReader {
  readonly partitions = [{ topic: 'sluice.catalog.v1', partition: 0 }];
  readonly crashCount = 0;
  handled = () => undefined;
  notReady = () => undefined;
  isAtEnd = () => true;
  async *batches(signal: AbortSignal) {
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
    while (!signal.aborted) {
      yield* queue.splice(0);
      if (queue.length > 0) continue;
      handled.resolve(undefined);
      await Promise.race([more.promise, aborted]);
    }
  }
}
