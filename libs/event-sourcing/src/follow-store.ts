import { type Commit, type EventStore, type Position } from './event-store.ts';
import { type Followed, Follower } from './follower.ts';
import { type Gateway, type Projection } from './handlers.ts';

/** What acts on each commit as it comes, in order: a process manager whose situation is the commit. */
interface CommitProcess {
  readonly kind: 'process';
  readonly name: string;
  readonly apply: (commit: Commit) => void | Promise<void>;
}

/** What follows the own store; `streams` are prefixes. A gateway keeps its own checkpoint, and passes over what it has delivered. */
export type StoreConsumer = (Projection<Commit> | CommitProcess | Gateway<Commit>) & {
  readonly streams: readonly string[];
};

/** Follows streams of the own store, commit by commit, from the beginning. */
export function followStore(store: EventStore, consumer: StoreConsumer): Follower<Commit> {
  const { name, streams } = consumer;
  const apply = consumer.kind === 'gateway' ? consumer.deliver : consumer.apply;
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
