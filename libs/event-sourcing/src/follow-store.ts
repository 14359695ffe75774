import { type Commit, type EventStore, type Position } from './event-store.ts';
import { type Followed, Follower } from './follower.ts';

/** Follows the streams of the own store that start with one of the prefixes, commit by commit, from the beginning. */
export function followStore(
  store: EventStore,
  name: string,
  prefixes: readonly string[],
  apply: (commit: Commit) => void | Promise<void>,
): Follower<Commit> {
  return new Follower<Commit>(name, (after, signal) => commits(store, prefixes, after, signal), apply);
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
