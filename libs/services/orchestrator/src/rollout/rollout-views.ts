import {
  exposurePercent,
  MINUTE_MS,
  type Plan,
  ranMsOf,
  type Rollout,
  slicesOf,
  type StartedRollout,
  waveOverAtMs,
} from '@sluice/domain-rollout';
import { toTimeText } from '@sluice/event-sourcing';
import { type Overview } from '../overview.projection.ts';

/** What a rollout waits for before it goes on; `until` where time alone brings it. */
export interface Wait {
  readonly for: 'start' | 'ramp' | 'bake' | 'operator';
  readonly until?: string;
}

export type KnownRollout = Exclude<Rollout, { status: 'absent' }>;

/** A rollout as `GET /v1/rollouts/{id}` shows it at an instant: the plan as stored, and how far it has come. */
export function viewRollout(rollout: KnownRollout, nowMs: number) {
  const { rolloutId, plan, status } = rollout;
  return {
    rolloutId,
    ...plan,
    status,
    ...('wave' in rollout && { wave: rollout.wave }),
    ...('startedAt' in rollout && { startedAt: rollout.startedAt }),
    exposurePercent: exposurePercent(rollout, nowMs),
    waitsFor: waitsFor(rollout, nowMs),
    ...(rollout.status === 'halted' && { haltedBecause: haltedBecause(rollout) }),
    ...((rollout.status === 'paused' || rollout.status === 'aborted') && { reason: rollout.reason }),
  };
}

/** How many slices the gates of this plan test; undefined when the patch is not known. */
export async function slicesToTest(overview: Overview, plan: Plan): Promise<number | undefined> {
  const release = await overview.releaseOf(plan.patchId);
  return release === undefined ? undefined : slicesOf(plan, release).length;
}

function haltedBecause({ by, reason, evidence }: Extract<Rollout, { status: 'halted' }>) {
  return { by, reason, ...(evidence !== undefined && { evidence }) };
}

function waitsFor(rollout: KnownRollout, nowMs: number): Wait[] {
  switch (rollout.status) {
    case 'planned':
      return [rollout.plan.startAt === undefined ? { for: 'start' } : { for: 'start', until: rollout.plan.startAt }];
    case 'paused':
    case 'halted':
      return [{ for: 'operator' }];
    case 'running':
      return waitsOfWave(rollout, nowMs);
    case 'completed':
    case 'aborted':
      return [];
  }
}

function waitsOfWave(rollout: Extract<StartedRollout, { status: 'running' }>, nowMs: number): Wait[] {
  const rampMs = (rollout.plan.waves[rollout.wave - 1]?.ramp.minutes ?? 0) * MINUTE_MS;
  const rampLeftMs = rampMs - ranMsOf(rollout, nowMs);
  const bake: Wait = { for: 'bake', until: toTimeText(waveOverAtMs(rollout)) };
  return rampLeftMs > 0 ? [{ for: 'ramp', until: toTimeText(nowMs + rampLeftMs) }, bake] : [bake];
}
