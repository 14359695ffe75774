import { type Decider, type DomainEvent, reject } from './decider.ts';
import { type Commit, type EventStore, type Metadata, type Position, RevisionConflict } from './event-store.ts';
import { receiptAfter, type Seal } from './receipts.ts';

/** Two operators at once retry a few times; more than that is an error worth seeing. */
const CONFLICT_ATTEMPTS_MAX = 8;

export interface CommandContext extends Metadata {
  /** A commit id: unique per command, the same when the command is sent again. */
  readonly commitId: string;
  /**
   * For a command whose commit id is the same when it is sent again. `first`: it comes for the first time. `maybe-again`: it
   * may have been carried out before, so it asks its stream before it looks at any state.
   */
  readonly keyed?: 'first' | 'maybe-again';
}

/** A state that a process manager has decided on, and the revision of its stream then; none: no stream yet. */
export interface KnownState<State> {
  readonly state: State;
  readonly revision?: number;
  /** The last receipt of its stream; absent where it has none. */
  readonly receipt?: string;
}

export interface Handled<State, Event> {
  readonly state: State;
  readonly events: readonly Event[];
  /** Of the last commit that the state is made of, its own included; absent where nothing was read or written. */
  readonly position?: Position;
}

/**
 * Loads the stream, decides, appends with the expected revision; decides anew when another writer came first.
 * What is `known` is decided on at once; the stream is read only after a conflict.
 * A command that is sent again (the same commit id) is not decided again: it answers with what it has done.
 * With `seen`, it is decided on what somebody has seen or not at all: no later commit may have an event that counts.
 * With `seal`, what is appended has receipts, which go on from the last one of the stream.
 * Throws Rejection, StoreUnavailable, or the last RevisionConflict.
 */
export async function handle<State, Command, Event extends DomainEvent>(
  store: EventStore,
  decider: Decider<State, Command, Event>,
  stream: string,
  command: Command,
  { known, seen: wasSeen, seal, ...context }: HandleContext<State, Event>,
): Promise<Handled<State, Event>> {
  for (let attempt = 1; ; attempt += 1) {
    const isKnown = known !== undefined && attempt === 1;
    const loaded: Loaded<State> = isKnown
      ? known
      : await load(store, decider, stream, { commitId: context.commitId, ...wasSeen });
    const { state, revision, receipt, done, position, version } = loaded;
    const seen = position !== undefined && { position };
    if (done !== undefined) return { state, events: eventsOf(done) as readonly Event[], ...seen };
    if (wasSeen !== undefined && !wasSeen.revisions.some((revision) => revision === version)) {
      reject('revision-changed', `${stream} is at revision ${String(version ?? 'none')}`);
    }
    const events = decider.decide(command, state);
    if (events.length === 0) return { state, events, ...seen };
    try {
      const { commitId, keyed: _, ...metadata } = context;
      const { position: own } = await store.append({
        stream,
        expected: revision ?? 'no-stream',
        commitId,
        metadata,
        body: { kind: 'events', events: seal === undefined ? events : seal(stream, events, receipt) },
      });
      return { state: events.reduce((next, event) => decider.evolve(next, event), state), events, position: own };
    } catch (error) {
      if (!(error instanceof RevisionConflict) || attempt === CONFLICT_ATTEMPTS_MAX) throw error;
    }
  }
}

/** What somebody has seen: revisions of the last commit with an event that counts (any of them will do), and which events do. */
export interface Seen<Event> {
  readonly revisions: readonly number[];
  readonly counts: (event: Event) => boolean;
}

type HandleContext<State, Event> = CommandContext & {
  readonly known?: KnownState<State> | undefined;
  readonly seen?: Seen<Event> | undefined;
  readonly seal?: Seal;
};

interface Loaded<State> extends KnownState<State> {
  readonly done?: Commit;
  readonly position?: Position;
  /** The revision of the last commit with an event that counts. */
  readonly version?: number;
}

/**
 * The present state of one stream, revision, receipt and position of its last commit (absent when there is no stream), and the commit
 * with the id, where one is given and is in the stream. `counts`: which events make a version; all if not given.
 */
export async function load<State, Event extends DomainEvent>(
  store: EventStore,
  decider: Pick<Decider<State, never, Event>, 'initialState' | 'evolve'>,
  stream: string,
  { commitId, counts = () => true }: { readonly commitId?: string; readonly counts?: (event: Event) => boolean } = {},
): Promise<Loaded<State>> {
  let state = decider.initialState;
  let last: Commit | undefined;
  let done: Commit | undefined;
  let version: number | undefined;
  let receipt: string | undefined;
  for await (const commit of store.readStream(stream)) {
    last = commit;
    if (commit.commitId === commitId) done = commit;
    const events = eventsOf(commit) as readonly Event[];
    receipt = receiptAfter(commit.body, receipt);
    for (const event of events) state = decider.evolve(state, event);
    if (events.some(counts)) version = commit.revision;
  }
  const { revision, position } = last ?? {};
  return { state, ...(last && { revision, receipt, position, version }), ...(done && { done }) } as Loaded<State>;
}

function eventsOf({ body }: Commit): readonly DomainEvent[] {
  return body.kind === 'events' ? body.events : [];
}
