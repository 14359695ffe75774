import {
  bandOf,
  type InstallRow,
  nothingCounted,
  OUTCOME_HOURS,
  type Slice,
  sum,
  type TrialCounts,
} from '@sluice/domain-cohorts';
import {
  emptyGateLedger,
  foldGateLedger,
  type GateLedger,
  type GateVerdict,
  logRateEvidence,
  MATURITY_HOURS,
  matureBefore,
  nextGateHold,
  PACE,
  restartDue,
  rolloutDecider,
  type RolloutEvent,
  type StartedRollout,
  verdictOn,
  wellOf,
} from '@sluice/domain-rollout';
import { fold, toTimeText } from '@sluice/event-sourcing';
import { type Random } from '@sluice/simulation';
import { bucketOf, ROLLOUT, START_MS, startEvents, STEP_MINUTES } from './played-events.ts';

/** One made-up rollout. Times are minutes; rates are shares of the installs. */
export interface GateWorld {
  readonly devices: number;
  /** One slice a model, each as large as the others. */
  readonly slices: number;
  /** Of the failures, as the plan has it. */
  readonly tolerated: number;
  readonly failureRate: (slice: number) => number;
  /** From the start of an install to its failure, at random between the two. */
  readonly failsAfter: readonly [number, number];
  /** What agents tell: the start at once; nothing of it; start and outcome together. `as-it-comes` is how failures were counted once. */
  readonly agents?: 'start' | 'no-start' | 'together' | 'as-it-comes';
  /** Installs of which nothing is heard again. */
  readonly lostRate?: (slice: number) => number;
  /** Of those that went well: taken off by the user, between the two after it. */
  readonly removed?: { readonly rate: number; readonly after: readonly [number, number] };
  /** Somebody resumes after a false alarm. */
  readonly resumedAt?: number;
  readonly rampMinutes?: number;
  /** After so many hours an install that is fine makes room for others. */
  readonly maturityHours?: number;
}

/** Who stops the rollout: the gates of Sluice, its gate of before, or a threshold on the errors of the whole group, as hawkBit has it. */
export type Rule = 'sluice' | 'former' | 'hawkbit';

export interface GateOutcome {
  /** How it stood first; `go` when it never did. */
  readonly stood: GateVerdict['says'];
  /** Devices that had begun by then, and the share of all that was exposed. */
  readonly startedThen: number;
  readonly exposedThen: number;
  /** What it came to, and the slices on hold in the end. */
  readonly ended: GateVerdict['says'];
  readonly held: readonly number[];
  readonly largestLogSum: number;
}

const RAMP_MINUTES = 2880;
const CHECK_IN_STEPS = 240 / STEP_MINUTES;
const DEADLINE_MINUTES = 240;
const FINE_AFTER = [30, 90] as const;
/** After the end of the ramp the gates go on looking for so long. */
const WATCH_MINUTES = 30 * 60;
const HOUR_MS = 3_600_000;
const BASE = '23D8133';
const HAWKBIT_SHARE = 0.02;
const FORMER_ALPHA = 0.001;

type Counted = keyof TrialCounts;
/** Of a trial on a slice that began in an hour, received at a minute. */
interface Report {
  readonly slice: number;
  readonly hour: number;
  readonly minute: number;
}

interface Cohort {
  readonly slice: number;
  readonly hour: number;
  started: number;
  known: number;
}

/** Plays a rollout through the real fold and verdict, which look every five minutes. */
export function playRollout(world: GateWorld, random: Random, rule: Rule = 'sluice'): GateOutcome {
  return new GateRun(world, random, rule).play();
}

class GateRun {
  private readonly ledger: GateLedger = emptyGateLedger();
  private readonly rollout: StartedRollout;
  private readonly slices: readonly Slice[];
  /** Devices that begin, by step and slice; rows by the step in which telemetry counts them. */
  private readonly starts: (number[] | undefined)[] = [];
  private readonly rows: (InstallRow[] | undefined)[] = [];
  private readonly cohorts = new Map<string, Cohort>();
  private readonly held = new Set<number>();
  private readonly former: { n: number; x: number }[];
  private says: GateVerdict['says'] = 'go';
  private exposed = 0;
  private paceLimit = PACE.first;
  private begun = 0;
  private errors = 0;
  private largestLogSum = -Infinity;
  private stood: Pick<GateOutcome, 'stood' | 'startedThen' | 'exposedThen'> | undefined;

  constructor(
    private readonly world: GateWorld,
    private readonly random: Random,
    private readonly rule: Rule,
  ) {
    const { slices, devices } = world;
    const models = Array.from({ length: slices }, (_, index) => `iPhone${String(index + 1)},1`);
    this.slices = models.map((model) => ({ platform: 'ios', model, base: BASE }));
    this.former = this.slices.map(() => ({ n: 0, x: 0 }));
    const events = rolloutEvents(
      world,
      this.slices.map((slice) => ({ ...slice, devices: devices / slices })),
    );
    this.rollout = fold(rolloutDecider, events) as StartedRollout;
    for (const event of events) foldGateLedger(this.ledger, event);
  }

  play(): GateOutcome {
    const { rampMinutes = RAMP_MINUTES, devices, resumedAt } = this.world;
    const perStep = rampMinutes === 0 ? 1 : STEP_MINUTES / rampMinutes;
    let [share, quietSteps] = [0, 0];
    for (let step = 0; quietSteps * STEP_MINUTES < WATCH_MINUTES && this.says !== 'halt'; step += 1) {
      if (resumedAt === step * STEP_MINUTES) this.resume(resumedAt);
      const wider = this.says === 'go' && share < 1 ? this.paced(Math.min(1, share + perStep), step) : share;
      quietSteps = wider > share ? 0 : quietSteps + 1;
      share = Math.max(share, wider);
      this.expose(Math.floor(share * devices + 1e-9), step);
      this.begin(step);
      this.look(step, share);
    }
    const nothing = { stood: 'go', startedThen: this.begun, exposedThen: 1 } as const;
    const { largestLogSum, held } = this;
    return {
      ...(this.stood ?? nothing),
      ended: this.says === 'go' && held.size > 0 ? 'hold' : this.says,
      held: [...held],
      largestLogSum,
    };
  }

  /** As far as the pace allows of a share that is wanted; the rules of others have none. */
  private paced(wanted: number, step: number): number {
    const { devices } = this.world;
    if (this.rule !== 'sluice' || wanted * devices <= this.paceLimit) return wanted;
    const throughMs = START_MS + step * STEP_MINUTES * 60_000;
    const well = sum(
      wellOf(this.ledger, ROLLOUT.patchId, matureBefore(this.rollout.plan, throughMs)).map((each) => each.well),
    );
    this.paceLimit = well + Math.max(PACE.first, PACE.factor * well);
    return Math.min(wanted, this.paceLimit / devices);
  }

  private expose(devices: number, step: number): void {
    for (; this.exposed < devices; this.exposed += 1) {
      const checkIn = step + this.random.between(0, CHECK_IN_STEPS - 1);
      (this.starts[checkIn] ??= []).push(this.random.between(0, this.slices.length - 1));
    }
  }

  private begin(step: number): void {
    for (const slice of this.starts[step] ?? []) {
      if (this.held.has(slice)) continue;
      this.begun += 1;
      this.install(slice, step * STEP_MINUTES);
    }
    this.starts[step] = undefined;
  }

  /** What becomes of an install, as telemetry will count it. */
  private install(slice: number, minute: number): void {
    const { world, random } = this;
    const { agents = 'start' } = world;
    const fails = random.chance(world.failureRate(slice));
    const failsAt = minute + random.between(...world.failsAfter);
    const fineAt = minute + random.between(...FINE_AFTER);
    const isLost = !fails && random.chance(world.lostRate?.(slice) ?? 0);
    if (agents === 'start') this.count({ slice, hour: hourOf(minute), minute }, 'started');
    if (isLost) return;
    const isFine = !fails || failsAt > fineAt;
    const reportAt = (received: number): Report => ({
      slice,
      hour: hourOf(agents === 'start' ? minute : received),
      minute: received,
    });
    const fine = reportAt(fineAt);
    if (isFine) {
      if (agents !== 'start') this.count(fine, 'started');
      this.count(fine, 'fine');
    }
    if (fails) this.fail(reportAt(failsAt), isFine);
    const { removed } = world;
    if (isFine && !fails && removed !== undefined && random.chance(removed.rate))
      this.count({ ...fine, minute: fineAt + random.between(...removed.after) }, 'removed');
  }

  private fail(report: Report, hadBeenFine: boolean): void {
    const { agents = 'start' } = this.world;
    const waits = agents === 'no-start' || agents === 'together';
    const counted = { ...report, minute: report.minute + (waits ? DEADLINE_MINUTES : 0) };
    if (agents !== 'start' && !hadBeenFine) this.count(agents === 'no-start' ? counted : report, 'started');
    this.count(counted, 'failed');
    if (hadBeenFine) this.count(counted, 'relapsed');
  }

  private count({ slice, hour, minute }: Report, what: Counted): void {
    const step = Math.floor(minute / STEP_MINUTES);
    const [its, band] = [this.slices[slice], bandOf(minute / 60 - hour)];
    if (its === undefined) return;
    const cohort = START_MS / HOUR_MS + hour;
    (this.rows[step] ??= []).push({ patchId: ROLLOUT.patchId, slice: its, cohort, band, ...nothingCounted, [what]: 1 });
    if (what === 'relapsed' || what === 'removed') return;
    const key = `${String(slice)} ${String(hour)}`;
    const known = this.cohorts.get(key) ?? { slice, hour, started: 0, known: 0 };
    this.cohorts.set(key, known);
    if (what === 'started') known.started += 1;
    else if (minute < dueAt(hour)) known.known += 1;
  }

  private look(step: number, share: number): void {
    const rows = [...(this.rows[step] ?? []), ...this.dueRows(step)];
    this.rows[step] = undefined;
    if (rows.length === 0) return;
    foldGateLedger(this.ledger, bucketOf(step, rows));
    this.countForOthers(rows);
    // Only what counts against the patch can raise the evidence.
    if (rows.every(({ failed, open, removed }) => failed + open + removed === 0)) return;
    this.says = this.judge();
    if (this.says !== 'go') this.stood ??= { stood: this.says, startedThen: this.begun, exposedThen: share };
  }

  private judge(): GateVerdict['says'] {
    if (this.rule === 'hawkbit') return this.errors > HAWKBIT_SHARE * this.world.devices ? 'halt' : 'go';
    if (this.rule === 'former') {
      const limit = Math.log(this.slices.length / FORMER_ALPHA);
      return this.former.some((each) => each.x > 1 && logRateEvidence(each, this.world.tolerated) >= limit)
        ? 'halt'
        : 'go';
    }
    for (;;) {
      const verdict = verdictOn(this.ledger, this.rollout);
      const logSum = verdict.says === 'go' ? verdict.logSum : verdict.evidence.logSum;
      this.largestLogSum = Math.max(this.largestLogSum, logSum);
      if (verdict.says !== 'hold') return verdict.says;
      this.stood ??= { stood: 'hold', startedThen: this.begun, exposedThen: this.exposed / this.world.devices };
      const { model } = verdict.slice;
      this.held.add(this.slices.findIndex((slice) => slice.model === model));
      const holdId = nextGateHold(this.ledger, ROLLOUT.rolloutId);
      const terms = { ...ROLLOUT, holdId, slice: { model: [model], base: [BASE] }, reason: 'harm', owner: 'gate' };
      foldGateLedger(this.ledger, {
        type: 'HoldPlaced',
        ...terms,
        evidence: verdict.evidence,
        at: verdict.evidence.through,
      });
    }
  }

  private dueRows(step: number): InstallRow[] {
    const rows: InstallRow[] = [];
    for (const [key, { slice, hour, started, known }] of this.cohorts) {
      if ((step + 1) * STEP_MINUTES < dueAt(hour)) continue;
      this.cohorts.delete(key);
      const its = this.slices[slice];
      const place = { patchId: ROLLOUT.patchId, cohort: START_MS / HOUR_MS + hour, band: 1 };
      // Counted after its time was up, it is due no more.
      if (its !== undefined && started > 0)
        rows.push({ ...place, slice: its, ...nothingCounted, due: started, open: Math.max(0, started - known) });
    }
    return rows;
  }

  private countForOthers(rows: readonly InstallRow[]): void {
    for (const { slice, started, failed } of rows) {
      this.errors += failed;
      const counts = this.former[this.slices.indexOf(slice)];
      if (counts === undefined) continue;
      counts.n += started;
      counts.x += failed;
    }
  }

  private resume(minute: number): void {
    const at = toTimeText(START_MS + minute * 60_000);
    const { rolloutId } = ROLLOUT;
    const halted = {
      type: 'RolloutHalted',
      rolloutId,
      wave: 1,
      by: 'responder',
      reason: 'x',
      exposurePercent: 1,
      at,
    } as const;
    for (const event of [halted, { type: 'RolloutResumed', rolloutId, at }] as const)
      foldGateLedger(this.ledger, event);
    restartDue(this.ledger);
    this.says = 'go';
  }
}

function rolloutEvents(
  { tolerated, maturityHours = MATURITY_HOURS }: GateWorld,
  known: readonly (Slice & { readonly devices: number })[],
): RolloutEvent[] {
  const ramp = { fromPercent: 0, toPercent: 100, minutes: RAMP_MINUTES };
  const waves = [{ name: 'all', ramp, bakeMinutes: 60 }];
  const gates = { installFailureRateMax: tolerated, maturityHours };
  return startEvents({ waves, holdBackPercent: 2, gates }, known);
}

function hourOf(minute: number): number {
  return Math.floor(minute / 60);
}

/** The minute by which the outcomes of a cohort are due. */
function dueAt(hour: number): number {
  return (hour + 1 + OUTCOME_HOURS) * 60;
}
