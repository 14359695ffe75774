import { type PublicEvent } from './events.ts';

/** The data of a public event of some version, not checked yet. */
export type EventData = Readonly<Record<string, unknown>>;

/** Brings the data of one version to the next one. Pure. May throw on data that its own version would not allow. */
export type Upcaster = (data: EventData) => EventData;

export type Upcasters = Readonly<Record<string, readonly Upcaster[] | undefined>>;

/**
 * Per event type what brings version 1 to 2, 2 to 3, and so on. The current version of a type is one more than it has
 * upcasters. So a new version is an upcaster here, the changed schema in `events.ts`, and a golden record beside those of
 * the versions before it; their schemas and golden records stay for good.
 */
export const upcasters: Partial<Record<PublicEvent['type'], readonly Upcaster[]>> = {};

/** The version of an event type that this code writes, and that all older ones are brought to. */
export function currentVersion(type: string, table: Upcasters = upcasters): number {
  return 1 + (table[type]?.length ?? 0);
}

/** The data as the current version has it. */
export function upcast(
  { type, version, data }: { readonly type: string; readonly version: number; readonly data: EventData },
  table: Upcasters = upcasters,
): EventData {
  return table[type]?.slice(version - 1).reduce((older, toNext) => toNext(older), data) ?? data;
}
