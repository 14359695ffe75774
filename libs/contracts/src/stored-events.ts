import { eventTypes } from './event-types.ts';
import { upcast } from './upcasters.ts';

/** An event as it was stored: `v` is the version of its type, absent for 1. */
interface StoredEvent {
  readonly type: string;
  readonly v?: number;
}

const counts = new Map<string, number>();
let onFirst: (type: string) => void = () => undefined;

/**
 * The events that this version understands, each brought to the current version of its type. A type or a version that a
 * later Sluice wrote is skipped by every fold, counted, and named once.
 */
export function understood(events: readonly StoredEvent[]): readonly object[] {
  if (events.every(isCurrent)) return events;
  return events.filter(isUnderstood).map((event) => {
    const { v: version = 1, ...data } = event;
    return upcast({ type: event.type, version, data });
  });
}

/** True when every fold of this version knows what to do with the event; else it is counted as skipped. */
export function isUnderstood({ type, v: version = 1 }: StoredEvent): boolean {
  const known = eventTypes.current.get(type);
  if (known !== undefined && version <= known.version) return true;
  const name = known === undefined ? type : `${type}.v${String(version)}`;
  const before = counts.get(name) ?? 0;
  counts.set(name, before + 1);
  if (before === 0) onFirst(name);
  return false;
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

function isCurrent({ type, v: version = 1 }: StoredEvent): boolean {
  return eventTypes.current.get(type)?.version === version;
}
