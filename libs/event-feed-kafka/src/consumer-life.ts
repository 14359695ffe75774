import { type Consumer, type EachBatchPayload } from 'kafkajs';
import { endWithin, whenAborted } from './patience.ts';

/** The partitions of each topic that a consumer was given. */
export type Assignment = Readonly<Record<string, number[]>>;

/**
 * One life of the driver's consumer: `joining` → `joined`, and again with each assignment → `ended` from anywhere, for good. The
 * driver may tell a consumer that has ended that it has joined its group; by then another one lives, and that is its own.
 */
type Life = 'joining' | 'joined' | 'ended';

export interface ConsumerLifeOptions {
  readonly signal: AbortSignal;
  /** Connects, subscribes and runs; is to reject early when the signal aborts. */
  readonly start: (signal: AbortSignal) => Promise<void>;
  readonly onJoined: (assignment: Assignment) => void;
  /** What else ends it: resolves with why. */
  readonly watch?: (signal: AbortSignal) => Promise<unknown>;
  /** Called at the end, before the connections are closed. */
  readonly onEnded?: () => void;
}

/** Lives one life, from the start to the last closed connection. Resolves with what ended it. */
export async function liveOnce(
  consumer: Consumer,
  { signal, start, onJoined, watch, onEnded }: ConsumerLifeOptions,
): Promise<unknown> {
  let life: Life = 'joining';
  const ending = new AbortController();
  const either = AbortSignal.any([signal, ending.signal]);
  const crashed = Promise.withResolvers<unknown>();
  consumer.on(consumer.events.CRASH, ({ payload }) => crashed.resolve(payload.error));
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    switch (life) {
      case 'joining':
      case 'joined':
        life = 'joined';
        onJoined(payload.memberAssignment);
        return;
      case 'ended':
        return;
    }
  });
  const started = start(either);
  try {
    const ends = [started.then(() => crashed.promise), whenAborted(either)];
    return await Promise.race(watch === undefined ? ends : [...ends, watch(either)]);
  } catch (error) {
    return error;
  } finally {
    life = 'ended';
    ending.abort();
    onEnded?.();
    await endWithin(() => endConsumer(consumer, started));
  }
}

export interface ConsumerStart {
  readonly eachBatch: (payload: EachBatchPayload) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Offsets move as `eachBatch` says. Rejects early when the signal aborts. */
export async function startConsumer(
  consumer: Consumer,
  topics: readonly string[],
  { eachBatch, signal }: ConsumerStart,
): Promise<void> {
  await consumer.connect();
  signal.throwIfAborted();
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  signal.throwIfAborted();
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch });
}

/** One that is disconnected while it starts would join its group all the same, and keep its partitions from others. */
async function endConsumer(consumer: Consumer, started: Promise<void>): Promise<void> {
  await started.catch(() => undefined);
  await consumer.disconnect();
}
