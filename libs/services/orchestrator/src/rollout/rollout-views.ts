import {
  exposurePercent,
  MINUTE_MS,
  ranMsOf,
  type Rollout,
  type StartedRollout,
  waveOverAtMs,
} from '@sluice/domain-rollout';
import { toTimeText } from '@sluice/event-sourcing';
import { type KnownRollout } from '../policy/policy.projection.ts';

/**
 * What a rollout waits for before it goes on; `until` where time alone brings it. `health`: telemetry is not heard, and a
 * wave does not go on in silence.
 */
export interface Wait {
  readonly for: 'start' | 'ramp' | 'bake' | 'health' | 'operator';
  readonly until?: string;
}

/** A rollout as `GET /v1/rollouts/{id}` shows it at an instant: the plan as stored, and how far it has come. */
export function viewRollout(rollout: KnownRollout, nowMs: number, healthIsCurrent: boolean) {
  const { rolloutId, plan, status } = rollout;
  return {
    rolloutId,
    ...plan,
    status,
    ...('wave' in rollout && { wave: rollout.wave }),
    ...('startedAt' in rollout && { startedAt: rollout.startedAt }),
    exposurePercent: exposurePercent(rollout, nowMs),
    waitsFor: waitsFor(rollout, nowMs, healthIsCurrent),
    ...(rollout.status === 'halted' && { haltedBecause: haltedBecause(rollout) }),
    ...((rollout.status === 'paused' || rollout.status === 'aborted') && { reason: rollout.reason }),
  };
}

function haltedBecause({ by, reason, evidence }: Extract<Rollout, { status: 'halted' }>) {
  return { by, reason, ...(evidence !== undefined && { evidence }) };
}

function waitsFor(rollout: KnownRollout, nowMs: number, healthIsCurrent: boolean): Wait[] {
  switch (rollout.status) {
    case 'planned':
      return [rollout.plan.startAt === undefined ? { for: 'start' } : { for: 'start', until: rollout.plan.startAt }];
    case 'paused':
    case 'halted':
      return [{ for: 'operator' }];
    case 'running':
      return healthIsCurrent ? waitsOfWave(rollout, nowMs) : [...waitsOfWave(rollout, nowMs), { for: 'health' }];
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
