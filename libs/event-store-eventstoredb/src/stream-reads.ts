import { isCommandError, ErrorType, type EventStoreDBClient, type ResolvedEvent } from '@eventstore/db-client';

type ReadStreamOptions = Parameters<EventStoreDBClient['readStream']>[1];
type ReadAllOptions = Parameters<EventStoreDBClient['readAll']>[0];

interface Cancellable<Item> extends AsyncIterable<Item> {
  on(event: 'error', listener: () => void): unknown;
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
    if (!isCommandError(error) || (error as { type?: string }).type !== ErrorType.STREAM_NOT_FOUND) throw error;
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
 * What the client streams, and its call ended when the reader leaves: the client ends only the stream itself then, and the
 * call stays with the server. An error that comes after that would end the process if nobody listened.
 */
export async function* cancelled<Item>(
  items: Cancellable<Item>,
  cancel: () => Promise<void>,
  signal?: AbortSignal,
): AsyncGenerator<Item> {
  const stop = () => items.destroy();
  items.on('error', () => undefined);
  signal?.addEventListener('abort', stop);
  try {
    if (signal?.aborted === true) stop();
    yield* items;
    if (signal?.aborted === true) throw new Error('the read was ended');
  } finally {
    signal?.removeEventListener('abort', stop);
    cancel().catch(() => undefined);
  }
}
