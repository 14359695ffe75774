import { type HealthBucketClosed, type RemovalRow, type Slice } from '@sluice/domain-cohorts';
import {
  emptyRemovalLedger,
  foldRemovalLedger,
  type RecallEvent,
  removalsCounted,
  removalVerdictOn,
} from '@sluice/domain-rollout';
import { type Random } from '@sluice/simulation';
import { AwaitedOutcomes } from './awaited-outcomes.ts';
import { bucketOf, DEADLINE_MINUTES, hourOf, ROLLOUT, START_MS, STEP_MINUTES, timeAt } from './played-events.ts';
import { type Tape } from './tape.ts';

/** One made-up recall. Rates are shares of the removals. */
export interface RemovalWorld {
  readonly holders: number;
  /** One slice a model, each as large as the others. */
  readonly slices: number;
  readonly failureRate: number;
  /** Removals that have begun, and of which nothing is heard again. */
  readonly lostRate?: number;
  /** The pace of the recall: so many devices an hour are directed; else each at its next check-in. */
  readonly removePerHour?: number;
  /** What agents tell: the start at once; nothing of it; start and outcome together. */
  readonly agents?: 'start' | 'no-start' | 'together';
}

/** `directed`: devices that had heard `remove` when it was paused. `counted`: those that the gate knew of. */
export interface RemovalOutcome {
  readonly isPaused: boolean;
  readonly directed: number;
  readonly counted: number;
}

const PATCH = ROLLOUT.patchId;
const CHECK_IN_MINUTES = 240;
/** From the direction to the begin, from there to a failure, and to a good end with its restart. */
const BEGINS_AFTER = [1, 10] as const;
const FAILS_AFTER = [2, 20] as const;
const FINE_AFTER = [30, 90] as const;
/** When all were directed, so long until nothing more comes. */
const QUIET_MINUTES = 7 * 60;
const HOUR_MS = 3_600_000;

type Counted = 'started' | 'failed' | 'fine';

/** Plays a recall through the real fold and verdict, which look every five minutes; it pauses for good. */
export function playRemovals(world: RemovalWorld, random: Random, tape?: Tape): RemovalOutcome {
  return new RemovalRun(world, random, tape).play();
}

class RemovalRun {
  private readonly ledger = emptyRemovalLedger();
  private readonly slices: readonly Slice[];
  /** Rows by the step in which telemetry counts them. */
  private readonly rows: (RemovalRow[] | undefined)[] = [];
  private readonly awaited = new AwaitedOutcomes();

  constructor(
    private readonly world: RemovalWorld,
    private readonly random: Random,
    private readonly tape: Tape | undefined,
  ) {
    const models = Array.from({ length: world.slices }, (_, index) => `iPhone${String(index + 1)},1`);
    this.slices = models.map((model) => ({ platform: 'ios', model, base: '23D8133' }));
    const at = timeAt(0);
    this.fold({ type: 'RecallStarted', patchId: PATCH, recallEpoch: 1, reason: 'bad', at });
  }

  play(): RemovalOutcome {
    const { holders } = this.world;
    let [directed, quietMinutes] = [0, 0];
    for (let step = 0; quietMinutes < QUIET_MINUTES; step += 1) {
      const target = Math.min(holders, Math.round(this.directedBy((step + 1) * STEP_MINUTES)));
      for (; directed < target; directed += 1) this.direct(step * STEP_MINUTES);
      if (directed === holders) quietMinutes += STEP_MINUTES;
      if (!this.look(step)) continue;
      return { isPaused: true, directed, counted: removalsCounted(this.ledger, PATCH).n };
    }
    return { isPaused: false, directed, counted: removalsCounted(this.ledger, PATCH).n };
  }

  private directedBy(minute: number): number {
    const { holders, removePerHour } = this.world;
    return removePerHour === undefined ? (holders * minute) / CHECK_IN_MINUTES : (removePerHour * minute) / 60;
  }

  private direct(minute: number): void {
    const { world, random } = this;
    const { agents = 'start', failureRate, lostRate = 0 } = world;
    const slice = random.between(0, this.slices.length - 1);
    const begunAt = minute + random.between(0, STEP_MINUTES - 1) + random.between(...BEGINS_AFTER);
    const fails = random.chance(failureRate);
    const isLost = !fails && random.chance(lostRate / (1 - failureRate));
    const [soonest, latest] = fails ? FAILS_AFTER : FINE_AFTER;
    const endsAt = begunAt + random.between(soonest, latest);
    if (agents === 'start') this.count(slice, begunAt, begunAt, 'started');
    if (isLost) return;
    const since = agents === 'start' ? begunAt : endsAt;
    const countedAt = endsAt + (fails && agents !== 'start' ? DEADLINE_MINUTES : 0);
    if (agents !== 'start') this.count(slice, since, agents === 'together' ? endsAt : countedAt, 'started');
    this.count(slice, since, countedAt, fails ? 'failed' : 'fine');
  }

  private count(slice: number, begunAt: number, minute: number, what: Counted): void {
    const its = this.slices[slice];
    if (its === undefined) return;
    const cohort = START_MS / HOUR_MS + hourOf(begunAt);
    const row = { patchId: PATCH, slice: its, cohort, started: 0, failed: 0, fine: 0, missing: 0, [what]: 1 };
    (this.rows[Math.floor(minute / STEP_MINUTES)] ??= []).push(row);
    if (what === 'started') this.awaited.begin(slice, begunAt);
    else this.awaited.end(slice, begunAt, minute);
  }

  /** True when the gate pauses the recall. */
  private look(step: number): boolean {
    const removals = [...(this.rows[step] ?? []), ...this.missingRows(step)];
    this.rows[step] = undefined;
    if (removals.length === 0) return false;
    this.fold(bucketOf(step, { removals }));
    // Only what counts against it can raise the evidence.
    if (removals.every(({ failed, missing }) => failed + missing === 0)) return false;
    const verdict = removalVerdictOn(this.ledger, PATCH);
    this.tape?.found({ patchId: PATCH }, verdict);
    return verdict.says === 'pause';
  }

  private fold(event: RecallEvent | HealthBucketClosed): void {
    foldRemovalLedger(this.ledger, event);
    this.tape?.fold(event);
  }

  private missingRows(step: number): RemovalRow[] {
    return this.awaited.due(step).flatMap(({ slice, begunAt, started, known }) => {
      const [its, missing] = [this.slices[slice], started - known];
      if (its === undefined || missing <= 0) return [];
      const place = { patchId: PATCH, slice: its, cohort: START_MS / HOUR_MS + hourOf(begunAt) };
      return [{ ...place, started: 0, failed: 0, fine: 0, missing }];
    });
  }
}
