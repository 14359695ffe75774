import { columnsOf, type HarmRow, type InstallRow, type Slice } from '@sluice/domain-cohorts';
import { type Plan, type RolloutEvent } from '@sluice/domain-rollout';
import { toTimeText } from '@sluice/event-sourcing';

/** The rollout that is played, from the same instant each time. */
export const ROLLOUT = { rolloutId: 'r', patchId: 'a' } as const;
export const START_MS = Date.parse('2026-03-17T08:00:00Z');
export const STEP_MINUTES = 5;

/** The instant at which a step begins. */
export function timeAt(step: number): string {
  return toTimeText(START_MS + step * STEP_MINUTES * 60_000);
}

/** A rollout that starts, with so many waves open. */
export function startEvents(
  plan: Omit<Plan, 'patchId' | 'salt'>,
  known: readonly (Slice & { readonly devices: number })[],
): RolloutEvent[] {
  const { rolloutId, patchId } = ROLLOUT;
  const at = timeAt(0);
  return [
    { type: 'RolloutPlanned', rolloutId, plan: { ...plan, patchId, salt: 's' }, at },
    { type: 'RolloutStarted', rolloutId, patchId, slices: known.length, known, exposure: 'granted', at },
    ...plan.waves.map((_, index) => ({ type: 'WaveOpened', rolloutId, wave: index + 1, at }) as const),
  ];
}

/** What is counted within a step. */
export function bucketOf(step: number, installs: readonly InstallRow[], harm: readonly HarmRow[] = []) {
  const columns = columnsOf({ installs, pending: [], unreached: [], harm });
  const place = { shard: 0, shards: 1, throughRevision: 0, part: 1, parts: 1 };
  const others = { reportingDeadlineMinutes: 240, holders: [], populations: [] };
  const ends = { from: timeAt(step), to: timeAt(step + 1) };
  return { type: 'HealthBucketClosed', ...place, ...ends, ...columns, ...others } as const;
}
