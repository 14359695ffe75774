import { type DomainEvent, reject } from './decider.ts';
import { type EventStore, RevisionConflict } from './event-store.ts';
import { type CommandContext } from './handle.ts';

/** A reservation whose owner has not acted this long after the present writer first saw it is void. */
export const RESERVATION_VOID_AFTER_MS = 10_000;
/** An append that took longer than this is followed by another one, so that enough time is left to act. */
const RESERVE_WITHIN_MS = 5000;
/** Each attempt that fails means that another writer got through. */
const ATTEMPTS_MAX = 8;
/** Sightings that this writer remembers. Forgetting one makes its reservation last longer, never shorter. */
const SIGHTINGS_MAX = 10_000;

/**
 * The one event of a reservation stream: from now on the keys are the owner's. It does not ask whose they were before,
 * because the writer has found out, and has appended at the revision that it found.
 */
export interface Reserved extends DomainEvent {
  readonly type: 'Reserved';
  readonly keys: readonly string[];
  readonly owner: string;
  readonly at: string;
}

/**
 * What became of the act that a reservation was made for. `in-force`: it was done and counts. `not-yet`: there is no sign
 * of it, so it may come or its writer may have died. `over`: it was done and is history, so the key is free at once.
 */
export type OwnerStatus = 'in-force' | 'not-yet' | 'over';

export interface ReservationRequest {
  /** `underway-<patchId>` or `builds-<platform>`: all writers who compete append to this one stream. */
  readonly stream: string;
  /** All of them or none are reserved, in one event. */
  readonly keys: readonly string[];
  /** Who is to have the keys: the id of a rollout or a patch. */
  readonly owner: string;
  /** Domain time, for the event. */
  readonly at: string;
  readonly context: CommandContext;
  /** Reads the owner's own stream, not a read model: a read model that lags would declare what stands void. */
  readonly statusOf: (owner: string, key: string) => OwnerStatus | Promise<OwnerStatus>;
}

export type ReservationAnswer =
  | { readonly outcome: 'reserved' }
  /** Another owner has the key. */
  | { readonly outcome: 'refused'; readonly key: string; readonly owner: string }
  /** Another owner has reserved the key and has not acted yet: it may act, or its reservation is void after the wait. */
  | { readonly outcome: 'refused-for-now'; readonly key: string; readonly owner: string; readonly waitMs: number };

/** Who has a key, and by which event of the stream, counted from 0: a reservation that is renewed has another place. */
interface Holder {
  readonly owner: string;
  readonly place: number;
}

/** Whose each key is after the events, in order. Unknown types change nothing. */
export function holdersOf(events: readonly DomainEvent[]): ReadonlyMap<string, Holder> {
  const holders = new Map<string, Holder>();
  for (const [place, event] of events.entries()) {
    if (!isReserved(event)) continue;
    for (const key of event.keys) holders.set(key, { owner: event.owner, place });
  }
  return holders;
}

/**
 * Keeps a rule that spans streams, such as "one patch for a build": reserve first, act second (design §3.1).
 * The expected revision of the reservation stream decides between two writers, in one process or in two. A writer that dies
 * between the two appends blocks its keys for RESERVATION_VOID_AFTER_MS after each other writer first saw them.
 */
export class Reservations {
  private readonly sightings = new Map<string, number>();

  constructor(
    private readonly store: Pick<EventStore, 'append' | 'readStream'>,
    /** Milliseconds of a clock that only ever runs forward, at the wall's pace. */
    private readonly monotonicMs: () => number,
  ) {}

  /**
   * Reserves all keys for the owner. Whoever gets `reserved` acts at once. Reserving again changes nothing where the
   * owner is in force; otherwise it renews the reservation, so that the time to act begins anew.
   * Throws StoreUnavailable, or the last RevisionConflict.
   */
  async reserve(request: ReservationRequest): Promise<ReservationAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      const startedMs = this.monotonicMs();
      const { holders, revision } = await this.read(request.stream);
      const obstacle = await this.findObstacle(request, holders);
      if (obstacle !== undefined) return obstacle;
      if (await isOwnedInForce(request, holders)) return { outcome: 'reserved' };
      try {
        await this.append(request, revision);
        const isInTime = this.monotonicMs() - startedMs <= RESERVE_WITHIN_MS;
        if (isInTime || attempt >= ATTEMPTS_MAX) return { outcome: 'reserved' };
      } catch (error) {
        if (!(error instanceof RevisionConflict) || attempt >= ATTEMPTS_MAX) throw error;
      }
    }
  }

  private async read(stream: string): Promise<{ holders: ReadonlyMap<string, Holder>; revision: number }> {
    const events: DomainEvent[] = [];
    let revision = -1;
    for await (const commit of this.store.readStream(stream)) {
      ({ revision } = commit);
      if (commit.body.kind === 'events') events.push(...commit.body.events);
    }
    return { holders: holdersOf(events), revision };
  }

  /** What keeps the owner from the keys: an owner in force before one that is awaited, then the longest wait. */
  private async findObstacle(
    request: ReservationRequest,
    holders: ReadonlyMap<string, Holder>,
  ): Promise<Exclude<ReservationAnswer, { outcome: 'reserved' }> | undefined> {
    let awaited: Extract<ReservationAnswer, { outcome: 'refused-for-now' }> | undefined;
    for (const key of request.keys) {
      const holder = holders.get(key);
      if (holder === undefined || holder.owner === request.owner) continue;
      const { owner, place } = holder;
      // The wait is measured before the owner's stream is read, so that an act in the last moment is still seen.
      const waitMs = this.waitFor(`${request.stream}/${key}/${String(place)}`);
      const status = await request.statusOf(owner, key);
      if (status === 'in-force') return { outcome: 'refused', key, owner };
      if (status === 'over' || waitMs <= 0 || (awaited && awaited.waitMs >= waitMs)) continue;
      awaited = { outcome: 'refused-for-now', key, owner, waitMs };
    }
    return awaited;
  }

  private waitFor(sighting: string): number {
    const nowMs = this.monotonicMs();
    const firstSeenMs = this.sightings.get(sighting);
    if (firstSeenMs !== undefined) return firstSeenMs + RESERVATION_VOID_AFTER_MS - nowMs;
    const [oldest] = this.sightings.keys();
    if (this.sightings.size >= SIGHTINGS_MAX && oldest !== undefined) this.sightings.delete(oldest);
    this.sightings.set(sighting, nowMs);
    return RESERVATION_VOID_AFTER_MS;
  }

  private async append({ stream, keys, owner, at, context }: ReservationRequest, revision: number): Promise<void> {
    const { commitId, keyed: _, ...metadata } = context;
    const reserved: Reserved = { type: 'Reserved', keys: [...keys], owner, at };
    await this.store.append({
      stream,
      expected: revision < 0 ? 'no-stream' : revision,
      // A renewal is a commit of its own; a repeated append at the same revision is not. Commit ids of callers are unique
      // in the owner's stream only.
      commitId: `${owner}-${commitId}-reserves-${String(revision + 1)}`,
      metadata,
      body: { kind: 'events', events: [reserved] },
    });
  }
}

/** Refuses the command that did not get its keys, with the code for both refusals; the one for now says when to come again. */
export function rejectUnreserved(code: string, answer: ReservationAnswer): void {
  switch (answer.outcome) {
    case 'reserved':
      return;
    case 'refused':
      reject(code, `${answer.key} belongs to ${answer.owner}`);
    case 'refused-for-now': {
      const seconds = Math.ceil(answer.waitMs / 1000);
      reject(code, `${answer.owner} is about to have ${answer.key}; it is decided in ${String(seconds)} s`, seconds);
    }
  }
}

async function isOwnedInForce(
  { keys, owner, statusOf }: ReservationRequest,
  holders: ReadonlyMap<string, Holder>,
): Promise<boolean> {
  for (const key of keys) {
    if (holders.get(key)?.owner !== owner || (await statusOf(owner, key)) !== 'in-force') return false;
  }
  return true;
}

function isReserved(event: DomainEvent): event is Reserved {
  return event.type === 'Reserved' && 'keys' in event && Array.isArray(event.keys);
}
