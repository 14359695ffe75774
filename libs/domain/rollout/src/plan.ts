import { type Audience, HOUR_MS, OUTCOME_HOURS, type Ramp, toAudience, TRIAL_HOURS } from '@sluice/domain-cohorts';

/** One step of a rollout. A wave with a ring is for the members of that ring only, whatever their buckets. */
export interface Wave {
  readonly name: string;
  readonly ring?: string;
  readonly audience?: Audience;
  readonly ramp: Ramp;
  readonly bakeMinutes: number;
}

/** The limits that a wave is held against; a rate is a share in (0, 0.5]. */
export interface Gates {
  readonly installFailureRateMax: number;
  /** Of installs that were due, without any outcome; the gate has what it is if absent. */
  readonly outcomeMissingRateMax?: number;
  /** Of installs that went well, removed by the user of the device; likewise. */
  readonly removedByUserRateMax?: number;
  /** An install is proof for the pace when it has been fine for so long, 72 at most; MATURITY_HOURS if absent, a day for a soak. */
  readonly maturityHours?: number;
  /** `time` asks for nothing but time at a wave's end, and is shown wherever the rollout is; else evidence is asked for. */
  readonly goOn?: 'time';
  /** How long after the completion the hold-back stays, so that harm can be seen against it; WATCH_HOURS if absent. */
  readonly watchHours?: number;
}

/** The gates as an operator writes them: that evidence is asked for, and when an outcome is due, can be said, too. */
export interface GatesDraft extends Omit<Gates, 'goOn' | 'watchHours'> {
  readonly goOn?: 'evidence' | 'time' | undefined;
  readonly watchHours?: number | undefined;
  /** Always OUTCOME_HOURS. */
  readonly outcomeHours?: number | undefined;
}

/** How many devices may be exposed beyond those that are fine: `first`, or so many times the fine ones. */
export interface Pace {
  readonly first: number;
  readonly factor: number;
}

export interface Plan {
  readonly patchId: string;
  readonly waves: readonly Wave[];
  readonly holdBackPercent: number;
  readonly gates: Gates;
  readonly pace?: Pace;
  /** How many people beside who planned it have to approve it before it widens; none if absent. */
  readonly approvalsRequired?: number;
  readonly salt: string;
  readonly startAt?: string;
  readonly notes?: string;
}

/** A plan as an operator writes it: without a salt, one is drawn for it. */
export type PlanDraft = Omit<Plan, 'salt' | 'startAt' | 'gates'> & {
  readonly gates: GatesDraft;
  readonly salt?: string;
  readonly startAt?: string | undefined;
};

/** One thing wrong with a plan; the path is a JSON Pointer into it. */
export interface PlanFault {
  readonly path: string;
  readonly code: string;
  readonly detail: string;
}

/** A tolerated rate above one half leaves no room for alternatives that are worse (design §3.4). */
export const TOLERATED_RATE_MAX = 0.5;

/** What a plan asks for where it does not say. */
export const MATURITY_HOURS = 1;
export const PACE: Pace = { first: 300, factor: 3 };

/** How long the hold-back stays after the completion where the plan does not say. */
const WATCH_HOURS = 72;

/** More would be nobody's rollout. */
export const APPROVALS_MAX = 10;

/** When the watch after a completion is over (ms since 1970). */
export function watchEndsMs(completedAt: string, { gates: { watchHours = WATCH_HOURS } }: Plan): number {
  return Date.parse(completedAt) + watchHours * HOUR_MS;
}

/** Everything that is wrong with the plan at once; empty when nothing is. */
export function planFaults(plan: PlanDraft): PlanFault[] {
  const { waves, holdBackPercent, gates, startAt, pace = PACE } = plan;
  const faults = waves.flatMap((wave, index) => waveFaults(wave, `/waves/${String(index)}`));
  if (waves.length === 0) faults.push(fault('/waves', 'too-few', 'A plan has at least one wave.'));
  if (!isPercent(holdBackPercent)) faults.push(percentFault('/holdBackPercent'));
  for (const name of ['installFailureRateMax', 'outcomeMissingRateMax', 'removedByUserRateMax'] as const) {
    const rate = gates[name];
    if (rate === undefined || (rate > 0 && rate <= TOLERATED_RATE_MAX)) continue;
    faults.push(fault(`/gates/${name}`, 'out-of-range', 'A tolerated rate is above 0 and at most 0.5.'));
  }
  // Older trials are kept as sums: all of them are old enough.
  if (!(isMinutes(gates.maturityHours ?? 0) && (gates.maturityHours ?? 0) <= TRIAL_HOURS))
    faults.push(fault('/gates/maturityHours', 'out-of-range', `Hours are in [0, ${String(TRIAL_HOURS)}].`));
  if (!(pace.first >= 1)) faults.push(fault('/pace/first', 'out-of-range', 'At least one device is exposed first.'));
  if (!(pace.factor >= 1)) faults.push(fault('/pace/factor', 'out-of-range', 'A factor is at least 1.'));
  if (!isMinutes(gates.watchHours ?? 0))
    faults.push(fault('/gates/watchHours', 'out-of-range', 'Hours are 0 or more.'));
  if ((gates.outcomeHours ?? OUTCOME_HOURS) !== OUTCOME_HOURS)
    faults.push(fault('/gates/outcomeHours', 'out-of-range', `Outcomes are due after ${String(OUTCOME_HOURS)} hours.`));
  if (!isApprovals(plan.approvalsRequired ?? 0))
    faults.push(fault('/approvalsRequired', 'out-of-range', 'Approvals are a whole number from 0 to 10.'));
  if (startAt !== undefined && Number.isNaN(Date.parse(startAt))) {
    faults.push(fault('/startAt', 'not-a-time', 'The start is an RFC 3339 time.'));
  }
  return faults;
}

/** The plan of a draft, field by field: the same plan is the same JSON, however it was written. */
export function toPlan(draft: PlanDraft, salt: string): Plan {
  const { patchId, waves, holdBackPercent, gates, pace, startAt, notes, approvalsRequired = 0 } = draft;
  return {
    patchId,
    waves: waves.map(toWave),
    holdBackPercent,
    gates: toGates(gates),
    ...(pace !== undefined && { pace: { first: pace.first, factor: pace.factor } }),
    ...(approvalsRequired > 0 && { approvalsRequired }),
    salt: draft.salt ?? salt,
    ...(startAt !== undefined && { startAt }),
    ...(notes !== undefined && { notes }),
  };
}

/** A plan as events have it; before there was more under `gates`, it stood beside them. */
export type StoredPlan = Plan & Pick<Gates, 'goOn' | 'watchHours'>;

/** The plan of an event as it is now. */
export function planOf({ goOn, watchHours, ...plan }: StoredPlan): Plan {
  if (goOn === undefined && watchHours === undefined) return plan;
  return { ...plan, gates: toGates({ goOn, watchHours, ...plan.gates }) };
}

function toGates({ goOn, ...gates }: GatesDraft): Gates {
  const { installFailureRateMax, outcomeMissingRateMax, removedByUserRateMax, maturityHours, watchHours } = gates;
  return {
    installFailureRateMax,
    ...(outcomeMissingRateMax !== undefined && { outcomeMissingRateMax }),
    ...(removedByUserRateMax !== undefined && { removedByUserRateMax }),
    ...(maturityHours !== undefined && { maturityHours }),
    ...(goOn === 'time' && { goOn }),
    ...(watchHours !== undefined && { watchHours }),
  };
}

/** How far a rollout has come, for a plan that is to take the place of its own. Percentages of buckets. */
interface Reached {
  readonly wave: number;
  /** Inside the open wave. */
  readonly reached: number;
  /** Inside the widest wave. */
  readonly widest: number;
}

/** What another plan would take back of what was exposed, as a sentence; undefined when nothing. */
export function replanFault(before: Plan, after: Plan, { wave, reached, widest }: Reached): string | undefined {
  if (after.patchId !== before.patchId) return 'the patch is another one';
  if (after.salt !== before.salt) return 'the salt gives each device another bucket';
  if (after.waves.length < wave) return `wave ${String(wave)} is open and would be gone`;
  if (100 - after.holdBackPercent < widest) return `${widest.toFixed(1)} % are exposed, more than the hold-back leaves`;
  for (let number = 1; number <= wave; number += 1) {
    const [old, next] = [before.waves[number - 1], after.waves[number - 1]];
    if (whoIn(old) !== whoIn(next)) return `wave ${String(number)} was opened to others`;
  }
  const open = after.waves[wave - 1]?.ramp;
  return open !== undefined && open.toPercent < reached
    ? `wave ${String(wave)} has reached ${reached.toFixed(1)} %, more than its ramp would go to`
    : undefined;
}

function whoIn(wave: Wave | undefined): string {
  return JSON.stringify([wave?.ring, wave?.audience]);
}

function toWave({ name, ring, audience, ramp, bakeMinutes }: Wave): Wave {
  const { fromPercent, toPercent, minutes } = ramp;
  return {
    name,
    ...(ring !== undefined && { ring }),
    ...(audience !== undefined && { audience: toAudience(audience) }),
    ramp: { fromPercent, toPercent, minutes },
    bakeMinutes,
  };
}

function waveFaults({ ramp, bakeMinutes }: Wave, path: string): PlanFault[] {
  const faults: PlanFault[] = [];
  if (!isPercent(ramp.fromPercent)) faults.push(percentFault(`${path}/ramp/fromPercent`));
  if (!isPercent(ramp.toPercent)) faults.push(percentFault(`${path}/ramp/toPercent`));
  if (ramp.fromPercent > ramp.toPercent) {
    faults.push(fault(`${path}/ramp/toPercent`, 'below-from-percent', 'A ramp does not go down.'));
  }
  if (!isMinutes(ramp.minutes)) faults.push(minutesFault(`${path}/ramp/minutes`));
  if (!isMinutes(bakeMinutes)) faults.push(minutesFault(`${path}/bakeMinutes`));
  return faults;
}

function isPercent(value: number): boolean {
  return value >= 0 && value <= 100;
}

function isApprovals(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= APPROVALS_MAX;
}

function isMinutes(value: number): boolean {
  return value >= 0 && Number.isFinite(value);
}

function percentFault(path: string): PlanFault {
  return fault(path, 'out-of-range', 'A percentage is in [0, 100].');
}

function minutesFault(path: string): PlanFault {
  return fault(path, 'out-of-range', 'Minutes are 0 or more.');
}

function fault(path: string, code: string, detail: string): PlanFault {
  return { path, code, detail };
}
