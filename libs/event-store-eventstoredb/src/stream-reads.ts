import { type Readable } from 'node:stream';
import { ErrorType, type EventStoreDBClient, type ResolvedEvent } from '@eventstore/db-client';
import { errorTypeOf } from './retries.ts';

type ReadStreamOptions = Parameters<EventStoreDBClient['readStream']>[1];
type ReadAllOptions = Parameters<EventStoreDBClient['readAll']>[0];

/** What is used of the client's streams. */
export interface Streamed<Item> extends AsyncIterable<Item> {
  on(event: string | symbol, listener: (...parts: unknown[]) => void): unknown;
  destroy(): unknown;
}

/** The events of a stream, none when there is no such stream. Ends with an error when the signal aborts. */
export async function* streamEvents(
  client: EventStoreDBClient,
  stream: string,
  { signal, ...options }: ReadStreamOptions & { readonly signal?: AbortSignal },
): AsyncGenerator<ResolvedEvent> {
  const read = client.readStream(stream, { ...options, requiresLeader: true });
  try {
    yield* cancelled(read, () => read.cancel(), signal);
  } catch (error) {
    if (errorTypeOf(error) !== ErrorType.STREAM_NOT_FOUND) throw error;
  }
}

/** The events of all streams. Ends with an error when the signal aborts. */
export async function* allEvents(
  client: EventStoreDBClient,
  { signal, ...options }: ReadAllOptions & { readonly signal?: AbortSignal },
) {
  const read = client.readAll({ ...options, requiresLeader: true });
  yield* cancelled(read, () => read.cancel(), signal);
}

/**
 * What the client streams, and its call ended when the reader leaves or the signal aborts. The client would end only the
 * stream that it hands out: the call would stay with the server, its last messages unread, and `dispose` would wait for it
 * without end. An error that comes after that would end the process if nobody listened.
 */
export async function* cancelled<Item>(
  items: Streamed<Item>,
  cancel: () => Promise<void>,
  signal?: AbortSignal,
): AsyncGenerator<Item> {
  let call: Readable | undefined;
  let left = false;
  const drop = () => call?.unpipe().resume();
  const leave = () => {
    if (left) return;
    left = true;
    items.destroy();
    drop();
    cancel().catch(() => undefined);
  };
  items.on('error', () => undefined);
  items.on('pipe', (source) => {
    call = source as Readable;
    if (left) setImmediate(drop);
  });
  signal?.addEventListener('abort', leave);
  try {
    if (signal?.aborted === true) leave();
    yield* items;
    if (signal?.aborted === true) throw new Error('the read was ended');
  } finally {
    signal?.removeEventListener('abort', leave);
    leave();
  }
}
