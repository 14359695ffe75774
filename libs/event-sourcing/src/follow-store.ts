import { type Commit, type EventStore, type Position } from './event-store.ts';
import { type Followed, Follower } from './follower.ts';

/** A projection of the own store, or a process manager that acts on each commit; `streams` are prefixes. */
export interface StoreConsumer {
  readonly kind: 'projection' | 'process';
  readonly name: string;
  readonly streams: readonly string[];
  readonly apply: (commit: Commit) => void | Promise<void>;
}

/** Follows streams of the own store, commit by commit, from the beginning. */
export function followStore(store: EventStore, { name, streams, apply }: StoreConsumer): Follower<Commit> {
  return new Follower<Commit>(name, (after, signal) => commits(store, streams, after, signal), apply);
}

async function* commits(
  store: EventStore,
  prefixes: readonly string[],
  after: Position,
  signal: AbortSignal,
): AsyncGenerator<Followed<Commit>> {
  for await (const message of store.subscribe({ after, prefixes, signal })) {
    if (message.kind === 'caught-up') yield message;
    else yield { kind: 'item', item: message.commit, position: message.commit.position };
  }
}
