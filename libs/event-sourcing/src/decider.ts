/** What every domain event has: the name of what happened, and JSON-safe fields beside it. */
export interface DomainEvent {
  readonly type: string;
}

/**
 * The whole of an aggregate: where it starts, what it answers to a command, how an event changes it.
 * `decide` returns the events that follow, none when the command changes nothing, or calls `reject`.
 * `evolve` never throws, whatever the order of events.
 */
export interface Decider<State, Command, Event extends DomainEvent> {
  readonly initialState: State;
  decide(command: Command, state: State): readonly Event[];
  evolve(state: State, event: Event): State;
}

/** A refused command. The code is listed once, with its HTTP status and text, in `@sluice/contracts`. */
export class Rejection extends Error {
  override readonly name = 'Rejection';

  constructor(
    readonly code: string,
    readonly detail?: string,
    /** Given where the same command may succeed later without anything else being changed. */
    readonly retryAfterSeconds?: number,
  ) {
    super(detail === undefined ? code : `${code}: ${detail}`);
  }
}

/** Refuses the command under decision. */
export function reject(code: string, detail?: string, retryAfterSeconds?: number): never {
  throw new Rejection(code, detail, retryAfterSeconds);
}

/**
 * The end of a switch over event types: an event of a type that this version does not know changes nothing, and a type
 * that the switch forgets does not compile.
 */
export function unknownEvent<State>(state: State, _event: never): State {
  return state;
}

/** The state after all `events`, in order. */
export function fold<State, Event extends DomainEvent>(
  decider: Pick<Decider<State, never, Event>, 'initialState' | 'evolve'>,
  events: readonly Event[],
): State {
  return events.reduce((state, event) => decider.evolve(state, event), decider.initialState);
}
