import { bandOf, type InstallRow, nothingCounted, type Slice, type TrialCounts } from '@sluice/domain-cohorts';
import {
  devicesIn,
  emptyCensus,
  emptyGateLedger,
  foldCensus,
  foldGateLedger,
  type GateEvent,
  type GateLedger,
  type GateVerdict,
  MATURITY_HOURS,
  nextGateHold,
  restartDue,
  type Rollout,
  type RolloutCommand,
  rolloutDecider,
  type RolloutEvent,
  type StartedRollout,
  type SumEvidence,
  verdictOn,
} from '@sluice/domain-rollout';
import { fold } from '@sluice/event-sourcing';
import { type Random } from '@sluice/simulation';
import {
  bucketOf,
  DEADLINE_MINUTES,
  hourOf,
  logSumOf,
  PlayedPace,
  ROLLOUT,
  START_MS,
  startEvents,
  STEP_MINUTES,
  timeAt,
} from './played-events.ts';
import { AwaitedOutcomes } from './awaited-outcomes.ts';
import { type GateOutcome, type GateWorld } from './gate-world.ts';
import { OtherRules, type Rule } from './other-rules.ts';
import { WaitingFailures } from './waiting-failures.ts';
import { type Tape } from './tape.ts';

const RAMP_MINUTES = 2880;
const CHECK_IN_STEPS = 240 / STEP_MINUTES;
const FINE_AFTER = [30, 90] as const;
/** After the end of the ramp the gates go on looking for so long. */
const WATCH_MINUTES = 30 * 60;
const HOUR_MS = 3_600_000;
const BASE = '23D8133';
const FALSE_ALARM = 'seen into: a false alarm';

type Counted = keyof TrialCounts;
/** Of a trial on a slice that began at a minute, received at another. */
interface Report {
  readonly slice: number;
  readonly begunAt: number;
  readonly minute: number;
}

/** Plays a rollout through the real fold and verdict, which look every five minutes. */
export function playRollout(world: GateWorld, random: Random, rule: Rule = 'sluice', tape?: Tape): GateOutcome {
  return new GateRun(world, random, { rule, tape }).play();
}

class GateRun {
  private readonly ledger: GateLedger = emptyGateLedger();
  private readonly census = emptyCensus();
  private readonly waiting = new WaitingFailures();
  private rollout: StartedRollout;
  private readonly slices: readonly Slice[];
  /** Devices that begin, by step and slice; rows by the step in which telemetry counts them. */
  private readonly starts: (number[] | undefined)[] = [];
  private readonly rows: (InstallRow[] | undefined)[] = [];
  private readonly awaited = new AwaitedOutcomes();
  private readonly held = new Set<number>();
  private readonly others: OtherRules;
  private says: GateVerdict['says'] = 'go';
  private exposed = 0;
  /** Devices that a former rollout exposed: the share of this one is of the others. */
  private exposedBefore = 0;
  private readonly pace: PlayedPace;
  private begun = 0;
  private largestLogSum = -Infinity;
  private suspected = -1;
  private stood: Pick<GateOutcome, 'stood' | 'startedThen' | 'exposedThen'> | undefined;

  constructor(
    private readonly world: GateWorld,
    private readonly random: Random,
    private readonly options: { readonly rule: Rule; readonly tape: Tape | undefined },
  ) {
    const { slices, devices } = world;
    const models = Array.from({ length: slices }, (_, index) => `iPhone${String(index + 1)},1`);
    this.slices = models.map((model) => ({ platform: 'ios', model, base: BASE }));
    this.others = new OtherRules(this.slices, world);
    const events = rolloutEvents(
      world,
      this.slices.map((slice) => ({ ...slice, devices: devices / slices })),
    );
    this.rollout = startedOf(fold(rolloutDecider, events));
    this.pace = new PlayedPace(this.ledger, this.rollout.plan, devices);
    for (const event of events) this.fold(event);
    const alike = { track: 'automatic', devices: Math.ceil(devices / slices) } as const;
    this.fold(bucketOf(0, { populations: this.slices.map((slice) => ({ ...slice, ...alike })) }));
  }

  play(): GateOutcome {
    const { rampMinutes = RAMP_MINUTES, devices, resumedAt, secondAt } = this.world;
    const perStep = rampMinutes === 0 ? 1 : STEP_MINUTES / rampMinutes;
    let [share, quietSteps] = [0, 0];
    for (let step = 0; quietSteps * STEP_MINUTES < WATCH_MINUTES && this.says !== 'halt'; step += 1) {
      if (resumedAt === step * STEP_MINUTES) this.resume(resumedAt);
      if (secondAt === step * STEP_MINUTES) {
        this.startAnew(secondAt);
        share = 0;
      }
      const wider = this.says === 'go' && share < 1 ? this.wider(Math.min(1, share + perStep), step) : share;
      quietSteps = wider > share ? 0 : quietSteps + 1;
      share = Math.max(share, wider);
      this.expose(this.exposedBefore + Math.floor(share * (devices - this.exposedBefore) + 1e-9), step);
      this.begin(step);
      this.look(step, share);
    }
    // Where nothing failed, nobody has asked yet.
    this.options.tape?.found({ rolloutId: this.rollout.rolloutId }, this.verdict());
    const nothing = { stood: 'go', startedThen: this.begun, exposedThen: 1 } as const;
    const { largestLogSum, held } = this;
    return {
      ...(this.stood ?? nothing),
      ended: this.says === 'go' && held.size > 0 ? 'hold' : this.says,
      held: [...held],
      suspected: this.suspected,
      largestLogSum,
    };
  }

  private verdict(): GateVerdict {
    const devicesOf = (slice: Slice) => devicesIn(this.census, slice);
    return verdictOn(this.ledger, this.rollout, { devicesOf });
  }

  /** The rules of others have no pace. */
  private wider(wanted: number, step: number): number {
    return this.options.rule === 'sluice' ? this.pace.allow(wanted, step) : wanted;
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
    if (agents === 'start') this.count({ slice, begunAt: minute, minute }, 'started');
    if (isLost) return;
    const isFine = !fails || failsAt > fineAt;
    const reportAt = (received: number): Report => ({
      slice,
      begunAt: agents === 'start' ? minute : received,
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
    if (waits) this.waiting.add(report.slice, report.minute, counted.minute);
    if (hadBeenFine) this.count(counted, 'relapsed');
  }

  private count({ slice, begunAt, minute }: Report, what: Counted): void {
    const hour = hourOf(begunAt);
    const step = Math.floor(minute / STEP_MINUTES);
    const [its, band] = [this.slices[slice], bandOf(minute / 60 - hour)];
    if (its === undefined) return;
    const cohort = START_MS / HOUR_MS + hour;
    (this.rows[step] ??= []).push({ patchId: ROLLOUT.patchId, slice: its, cohort, band, ...nothingCounted, [what]: 1 });
    if (what === 'relapsed' || what === 'removed') return;
    if (what === 'started') this.awaited.begin(slice, begunAt);
    else this.awaited.end(slice, begunAt, minute);
  }

  private look(step: number, share: number): void {
    const rows = [...(this.rows[step] ?? []), ...this.dueRows(step)];
    this.rows[step] = undefined;
    const pending = this.waiting.rows(step, this.slices);
    if (rows.length + pending.length === 0) return;
    this.fold(bucketOf(step, { installs: rows, pending }));
    this.others.count(rows);
    // Only what counts against the patch can raise the evidence; where it waits, the rest may let it go on.
    if (
      this.says === 'go' &&
      pending.length === 0 &&
      rows.every(({ failed, open, removed }) => failed + open + removed === 0)
    )
      return;
    this.says = this.judge();
    if (this.says !== 'go') this.stood ??= { stood: this.says, startedThen: this.begun, exposedThen: share };
  }

  private judge(): GateVerdict['says'] {
    const { rule, tape } = this.options;
    if (rule !== 'sluice') return this.others.says(rule);
    for (;;) {
      const verdict = this.verdict();
      tape?.found({ rolloutId: this.rollout.rolloutId }, verdict);
      const logSum = logSumOf(verdict);
      this.largestLogSum = Math.max(this.largestLogSum, logSum);
      if (verdict.says === 'wait') this.suspected = this.suspectedBy(verdict.evidence);
      if (verdict.says !== 'hold') return verdict.says;
      this.stood ??= { stood: 'hold', startedThen: this.begun, exposedThen: this.exposed / this.world.devices };
      const { model } = verdict.slice;
      this.held.add(this.slices.findIndex((slice) => slice.model === model));
      const holdId = nextGateHold(this.ledger, this.rollout.rolloutId);
      const terms = {
        patchId: ROLLOUT.patchId,
        holdId,
        slice: { model: [model], base: [BASE] },
        reason: 'harm',
        owner: 'gate',
      };
      this.fold({ type: 'HoldPlaced', ...terms, evidence: verdict.evidence, at: verdict.evidence.through });
    }
  }

  /** The slice of the strongest test that is of one model. */
  private suspectedBy({ tests }: SumEvidence): number {
    const of = tests.find(({ level }) => level === 'model' || level === 'slice')?.of ?? '';
    return this.slices.findIndex(({ model }) => of.split(' ')[0] === model);
  }

  private dueRows(step: number): InstallRow[] {
    return this.awaited.due(step).flatMap(({ slice, begunAt, started, known }) => {
      const its = this.slices[slice];
      const place = { patchId: ROLLOUT.patchId, cohort: START_MS / HOUR_MS + hourOf(begunAt), band: 1 };
      // Counted after its time was up, it is due no more.
      if (its === undefined || started === 0) return [];
      return [{ ...place, slice: its, ...nothingCounted, due: started, open: Math.max(0, started - known) }];
    });
  }

  private resume(minute: number): void {
    const { rolloutId } = this.rollout;
    const at = timeAt(minute / STEP_MINUTES);
    const resumed = { type: 'ResumeRollout', rolloutId, evidenceSeen: FALSE_ALARM, at } as const;
    this.rollout = startedOf(this.change([haltOf(rolloutId, at), resumed], this.rollout));
    this.goOn();
  }

  /** Another rollout of the patch after one that was halted; whoever has the patch keeps it. */
  private startAnew(minute: number): void {
    const { rolloutId: haltedBefore, plan, known = [] } = this.rollout;
    const at = timeAt(minute / STEP_MINUTES);
    const aborted = { type: 'AbortRollout', rolloutId: haltedBefore, reason: 'another one follows', at } as const;
    this.change([haltOf(haltedBefore, at), aborted], this.rollout);
    const rolloutId = `${haltedBefore}-again`;
    const planned = { ...plan, salt: rolloutId };
    const evidence = { haltedBefore, evidenceSeen: FALSE_ALARM };
    const commands: readonly RolloutCommand[] = [
      { type: 'PlanRollout', rolloutId, plan: planned, freshSalt: rolloutId, at },
      { type: 'StartRollout', rolloutId, slices: known.length, known, ...evidence, at },
    ];
    this.rollout = startedOf(this.change(commands, rolloutDecider.initialState));
    this.exposedBefore = this.exposed;
    this.goOn();
  }

  private goOn(): void {
    restartDue(this.ledger);
    this.says = 'go';
  }

  /** Gives commands on a rollout in a state. Throws Rejection. */
  private change(commands: readonly RolloutCommand[], rollout: Rollout): Rollout {
    return commands.reduce((state, command) => {
      const events = rolloutDecider.decide(command, state);
      for (const event of events) this.fold(event);
      return events.reduce((next, event) => rolloutDecider.evolve(next, event), state);
    }, rollout);
  }

  private fold(event: GateEvent): void {
    foldGateLedger(this.ledger, event);
    if (event.type === 'HealthBucketClosed') foldCensus(this.census, event);
    this.options.tape?.fold(event);
  }
}

function haltOf(rolloutId: string, at: string): RolloutCommand {
  return { type: 'HaltRollout', rolloutId, by: 'responder', reason: FALSE_ALARM, at };
}

function startedOf(rollout: Rollout): StartedRollout {
  if (!('exposure' in rollout)) throw new Error(`the rollout is ${rollout.status}`);
  return rollout;
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
