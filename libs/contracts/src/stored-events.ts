import { type EventTypes, eventTypes } from './event-types.ts';
import { topics } from './events.ts';
import { type EventData, upcast } from './upcasters.ts';

/** An event as it is stored, and as it goes over HTTP: `v` is the version of its type, absent for 1. */
interface StoredEvent {
  readonly type: string;
  readonly v?: number;
}

/** The events of a commit that this version understands; `places` are their indexes where others were left out. */
export interface UnderstoodEvents {
  readonly events: readonly StoredEvent[];
  readonly places?: readonly number[];
}

/** Types come from other processes: so many are told apart, all beyond count as OTHER. */
export const SKIPPED_TYPES_MAX = 50;
const OTHER = 'other';
const TYPE_NAME = /^[A-Za-z]{1,64}$/;
const publicPrefixes = Object.values(topics).flatMap(({ streams }) => streams as readonly string[]);

/** Types that a service keeps to itself, in streams whose other events are public. */
const INTERNAL_TYPES: ReadonlySet<string> = new Set(['ShardNoted']);

const counts = new Map<string, number>();
let onFirst: (type: string) => void = () => undefined;

/** The event with the version that it is written in. */
export function stamp<Event extends StoredEvent>(event: Event, types: EventTypes = eventTypes): Event {
  const version = types.current.get(event.type)?.version ?? 1;
  return version === 1 ? event : { ...event, v: version };
}

/**
 * What this version makes of the stored events of a stream, each brought to the current version of its type. A type or a
 * version that a later Sluice wrote is left out and counted; no fold meets it. Undefined when all can be taken as they
 * are, which costs nothing. Streams that are of no topic, such as reservations, are nobody else's and have no versions.
 */
export function understand(
  stream: string,
  events: readonly StoredEvent[],
  types: EventTypes = eventTypes,
): UnderstoodEvents | undefined {
  if (events.every((event) => isPlain(event, types))) return undefined;
  if (!publicPrefixes.some((prefix) => stream.startsWith(prefix))) return undefined;
  const understood: StoredEvent[] = [];
  const places: number[] = [];
  for (const [place, stored] of events.entries()) {
    const event = understandOne(stored, types);
    if (event === undefined) continue;
    understood.push(event);
    places.push(place);
  }
  return places.length === events.length ? { events: understood } : { events: understood, places };
}

/** One event in the current version of its type; undefined, and counted, when a later Sluice wrote it. */
export function understandOne(event: StoredEvent, types: EventTypes = eventTypes): StoredEvent | undefined {
  if (isPlain(event, types)) return event;
  const { v: version = 1, ...data } = event;
  if (version <= (types.current.get(event.type)?.version ?? 0)) {
    return upcast({ type: event.type, version, data }, types.upcasters) as EventData & StoredEvent;
  }
  countSkipped(event.type, version, types);
  return undefined;
}

/** Counts an event that a later Sluice wrote, and names its type the first time. */
export function countSkipped(type: string, version: number, types: EventTypes = eventTypes): void {
  const name = types.current.has(type) ? `${type}.v${String(version)}` : TYPE_NAME.test(type) ? type : OTHER;
  const counted = counts.has(name) || counts.size < SKIPPED_TYPES_MAX ? name : OTHER;
  const before = counts.get(counted) ?? 0;
  counts.set(counted, before + 1);
  if (before === 0) onFirst(counted);
}

/** How many events were skipped in this thread, by type. */
export function skippedEvents(): ReadonlyMap<string, number> {
  return counts;
}

/** Calls once for each type that is skipped for the first time. */
export function onFirstSkipped(listener: (type: string) => void): void {
  onFirst = listener;
  for (const type of counts.keys()) listener(type);
}

// Of a type that has never had another version, and so not brought to this one.
function isPlain({ type, v }: StoredEvent, { current }: EventTypes): boolean {
  return v === undefined && (current.get(type)?.version === 1 || INTERNAL_TYPES.has(type));
}
