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
export const upcasters: Partial<Record<PublicEvent['type'], readonly Upcaster[]>> = {
  HealthBucketClosed: [inColumns],
  // Version 2 has evidence of another rule, too.
  RolloutHalted: [(data) => data],
};

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

interface FirstCell {
  readonly patchId: string;
  readonly platform: string;
  readonly model: string;
  readonly base: string;
  readonly trials: number;
  readonly failures: number;
  readonly fine?: number;
  readonly pending?: number;
  readonly unreached?: number;
}

/** Version 1 knew no cohorts: what it counted is one settled cohort, to be shown, which no gate reads. */
function inColumns({ cells, ...bucket }: EventData): EventData {
  const rows = (cells as readonly FirstCell[]).map((cell, index) => ({ ...cell, index }));
  const nothing = rows.map(() => 0);
  // Patch and slice have the index of their cell: a dictionary that says some things twice.
  const place = { patch: rows.map(({ index }) => index), slice: rows.map(({ index }) => index) };
  const counted = (count: 'pending' | 'unreached') => {
    const those = rows.filter((cell) => cell[count] !== undefined);
    const indexes = those.map(({ index }) => index);
    return { patch: indexes, slice: indexes, count: those.map((cell) => cell[count] ?? 0) };
  };
  return {
    ...bucket,
    part: 1,
    parts: 1,
    reportingDeadlineMinutes: 0,
    patches: rows.map(({ patchId }) => patchId),
    slices: rows.map(({ platform, model, base }) => ({ platform, model, base })),
    installs: {
      ...place,
      cohort: nothing,
      band: nothing,
      started: rows.map(({ trials }) => trials),
      failed: rows.map(({ failures }) => failures),
      relapsed: nothing,
      fine: rows.map(({ fine = 0 }) => fine),
      ...{ removed: nothing, due: nothing, open: nothing },
    },
    pending: counted('pending'),
    unreached: counted('unreached'),
  };
}
