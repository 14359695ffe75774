import { columnsOf, type HealthRows, OUTCOME_HOURS, type Population, type Slice, sum } from '@sluice/domain-cohorts';
import {
  exposedAtMost,
  type GateLedger,
  type GateVerdict,
  matureBefore,
  PACE,
  type Plan,
  type RolloutEvent,
  wellOf,
} from '@sluice/domain-rollout';
import { toTimeText } from '@sluice/event-sourcing';

/** The rollout that is played, from the same instant each time. */
export const ROLLOUT = { rolloutId: 'r', patchId: 'a' } as const;
export const START_MS = Date.parse('2026-03-17T08:00:00Z');
export const STEP_MINUTES = 5;
export const DEADLINE_MINUTES = 240;
const QUARTER = 15;

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

/** The grant of a step. */
export function granted(step: number, wave: number, fromShare: number, toShare: number): RolloutEvent {
  return {
    ...{ type: 'ExposureGranted', rolloutId: ROLLOUT.rolloutId, wave, because: 'ramp', ranMinutes: 0 },
    ...{ fromPercent: fromShare * 100, toPercent: toShare * 100, at: timeAt(step) },
    ...{ from: timeAt(step), to: timeAt(step + 1) },
  };
}

/** What is counted within a step. */
export function bucketOf(
  step: number,
  {
    installs = [],
    pending = [],
    harm = [],
    removals = [],
    populations = [],
  }: Partial<HealthRows> & { readonly populations?: readonly Population[] },
) {
  const columns = columnsOf({ installs, pending, unreached: [], harm, removals });
  const place = { shard: 0, shards: 1, throughRevision: 0, part: 1, parts: 1 };
  const others = { reportingDeadlineMinutes: DEADLINE_MINUTES, holders: [], populations };
  const ends = { from: timeAt(step), to: timeAt(step + 1) };
  return { type: 'HealthBucketClosed', ...place, ...ends, ...columns, ...others } as const;
}

/** The logarithm of the sum of the evidence, whatever a verdict says. */
export function logSumOf(verdict: GateVerdict): number {
  return verdict.says === 'go' ? verdict.logSum : verdict.evidence.logSum;
}

export function hourOf(minute: number): number {
  return Math.floor(minute / 60);
}

/** By when the outcome of what began then is due: as telemetry has it, to the quarter of an hour. */
export function dueAt(begunAt: number): number {
  return (quarterOf(begunAt) + 1) * QUARTER + OUTCOME_HOURS * 60;
}

export function quarterOf(minute: number): number {
  return Math.floor(minute / QUARTER);
}

/** How far the pace lets a rollout go that is played; asked anew only where it binds. */
export class PlayedPace {
  private most = PACE.first;

  constructor(
    private readonly ledger: GateLedger,
    private readonly plan: Plan,
    private readonly devices: number,
  ) {}

  /** As far as it allows of a share that is wanted. */
  allow(wanted: number, step: number): number {
    if (wanted * this.devices <= this.most) return wanted;
    const throughMs = START_MS + step * STEP_MINUTES * 60_000;
    const well = wellOf(this.ledger, ROLLOUT.patchId, matureBefore(this.plan, throughMs));
    this.most = exposedAtMost(PACE, sum(well.map((each) => each.well)));
    return Math.min(wanted, this.most / this.devices);
  }
}
