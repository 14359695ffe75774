import { type Decider, type DomainEvent } from './decider.ts';
import { type Appended, type Commit, type EventStore, type Metadata, RevisionConflict } from './event-store.ts';

/** Two operators at once retry a few times; more than that is an error worth seeing. */
const CONFLICT_ATTEMPTS_MAX = 8;

export interface CommandContext extends Metadata {
  /** A commit id: unique per command, the same when the command is sent again. */
  readonly commitId: string;
}

/** A state that a process manager has decided on, and the revision of its stream then; none: no stream yet. */
export interface KnownState<State> {
  readonly state: State;
  readonly revision?: number;
}

export interface Handled<State, Event> {
  readonly state: State;
  readonly events: readonly Event[];
  /** Absent when the command changed nothing. */
  readonly appended?: Appended;
}

/**
 * Loads the stream, decides, appends with the expected revision; decides anew when another writer came first.
 * What is `known` is decided on at once; the stream is read only after a conflict.
 * A command that is sent again (the same commit id) is not decided again: it answers with what it has done.
 * Throws Rejection, StoreUnavailable, or the last RevisionConflict.
 */
export async function handle<State, Command, Event extends DomainEvent>(
  store: EventStore,
  decider: Decider<State, Command, Event>,
  stream: string,
  command: Command,
  { known, ...context }: CommandContext & { readonly known?: KnownState<State> | undefined },
): Promise<Handled<State, Event>> {
  for (let attempt = 1; ; attempt += 1) {
    const isKnown = known !== undefined && attempt === 1;
    const loaded: Loaded<State> = isKnown ? known : await load(store, decider, stream, context.commitId);
    const { state, revision, done } = loaded;
    if (done !== undefined) return { state, events: eventsOf(done) as readonly Event[], appended: done };
    const events = decider.decide(command, state);
    if (events.length === 0) return { state, events };
    try {
      const { commitId, ...metadata } = context;
      const appended = await store.append({
        stream,
        expected: revision ?? 'no-stream',
        commitId,
        metadata,
        body: { kind: 'events', events },
      });
      return { state: events.reduce((next, event) => decider.evolve(next, event), state), events, appended };
    } catch (error) {
      if (!(error instanceof RevisionConflict) || attempt === CONFLICT_ATTEMPTS_MAX) throw error;
    }
  }
}

interface Loaded<State> extends KnownState<State> {
  readonly done?: Commit;
}

/**
 * The present state of one stream, the revision of its last commit (absent when there is no stream), and the commit with
 * the id, where one is given and is in the stream.
 */
export async function load<State, Event extends DomainEvent>(
  store: EventStore,
  decider: Pick<Decider<State, never, Event>, 'initialState' | 'evolve'>,
  stream: string,
  commitId?: string,
): Promise<Loaded<State>> {
  let state = decider.initialState;
  let last: Commit | undefined;
  let done: Commit | undefined;
  for await (const commit of store.readStream(stream)) {
    last = commit;
    if (commit.commitId === commitId) done = commit;
    for (const event of eventsOf(commit)) state = decider.evolve(state, event as Event);
  }
  return { state, ...(last && { revision: last.revision }), ...(done && { done }) };
}

function eventsOf({ body }: Commit): readonly DomainEvent[] {
  return body.kind === 'events' ? body.events : [];
}
