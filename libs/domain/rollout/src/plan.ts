import { type Audience, toAudience } from './audience.ts';

/** Exposure grows from one percentage to the other, evenly over so many minutes of running time. */
export interface Ramp {
  readonly fromPercent: number;
  readonly toPercent: number;
  readonly minutes: number;
}

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
}

export interface Plan {
  readonly patchId: string;
  readonly waves: readonly Wave[];
  readonly holdBackPercent: number;
  readonly gates: Gates;
  readonly salt: string;
  readonly startAt?: string;
  readonly notes?: string;
}

/** A plan as an operator writes it: without a salt, one is drawn for it. */
export type PlanDraft = Omit<Plan, 'salt'> & { readonly salt?: string };

/** One thing wrong with a plan; the path is a JSON Pointer into it. */
export interface PlanFault {
  readonly path: string;
  readonly code: string;
  readonly detail: string;
}

/** A tolerated rate above one half leaves no room for alternatives that are worse (design §3.4). */
export const TOLERATED_RATE_MAX = 0.5;

export const MINUTE_MS = 60_000;

/** Everything that is wrong with the plan at once; empty when nothing is. */
export function planFaults(plan: PlanDraft): PlanFault[] {
  const { waves, holdBackPercent, gates, startAt } = plan;
  const faults = waves.flatMap((wave, index) => waveFaults(wave, `/waves/${String(index)}`));
  if (waves.length === 0) faults.push(fault('/waves', 'too-few', 'A plan has at least one wave.'));
  if (!isPercent(holdBackPercent)) faults.push(percentFault('/holdBackPercent'));
  const rate = gates.installFailureRateMax;
  if (!(rate > 0 && rate <= TOLERATED_RATE_MAX)) {
    faults.push(fault('/gates/installFailureRateMax', 'out-of-range', 'A tolerated rate is above 0 and at most 0.5.'));
  }
  if (startAt !== undefined && Number.isNaN(Date.parse(startAt))) {
    faults.push(fault('/startAt', 'not-a-time', 'The start is an RFC 3339 time.'));
  }
  return faults;
}

/** The plan of a draft, field by field: the same plan is the same JSON, however it was written. */
export function toPlan(draft: PlanDraft, salt: string): Plan {
  const { patchId, waves, holdBackPercent, gates, startAt, notes } = draft;
  return {
    patchId,
    waves: waves.map(toWave),
    holdBackPercent,
    gates: { installFailureRateMax: gates.installFailureRateMax },
    salt: draft.salt ?? salt,
    ...(startAt !== undefined && { startAt }),
    ...(notes !== undefined && { notes }),
  };
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
