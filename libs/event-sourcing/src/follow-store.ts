import { type Commit, type EventStore, type Position, StoreUnavailable } from './event-store.ts';
import { type Followed, Follower } from './follower.ts';
import { type Projection } from './handlers.ts';

/** What acts on each commit as it comes, in order: a process manager whose situation is the commit. */
interface CommitProcess {
  readonly kind: 'process';
  readonly name: string;
  readonly apply: (commit: Commit) => void | Promise<void>;
}

/** What follows the own store; `streams` are prefixes. Gateways do not: they begin at the present, and wait for the outside. */
export type StoreConsumer = (Projection<Commit> | CommitProcess) & {
  readonly streams: readonly string[];
};

/**
 * Follows streams of the own store, commit by commit, from the beginning. A commit that cannot be applied stops the
 * follower with an error that names it.
 */
export function followStore(store: EventStore, consumer: StoreConsumer): Follower<Commit> {
  const { name, streams } = consumer;
  return new Follower<Commit>(
    name,
    (after, signal) => commits(store, streams, after, signal),
    async (commit) => {
      try {
        await consumer.apply(commit);
      } catch (error) {
        // A store that is away is no fault of the commit.
        throw error instanceof StoreUnavailable ? error : unappliedError(name, commit, error);
      }
    },
  );
}

function unappliedError(name: string, { stream, revision, position }: Commit, cause: unknown): Error {
  const where = `revision ${String(revision)} of stream ${stream}, record ${position}`;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Error(`${name} cannot apply ${where}: ${reason}. Keep the store, and run the version that wrote it`, {
    cause,
  });
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
