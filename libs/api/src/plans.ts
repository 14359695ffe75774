import { Amount, Build, Count, Id, Label, Model, OneOf, Part, Reason, Text, Time } from './fields.ts';

export const WAVES_MAX = 50;
const LIST_MAX = 1000;
const TEXT_MAX = 2000;
/** A year; such patches live for weeks. */
const MINUTES_MAX = 525_600;
const HOURS_MAX = 8_760;
/** Beyond these the pace is none. */
const PACE_FIRST_MAX = 1_000_000_000;
const PACE_FACTOR_MAX = 1_000_000;

const APPROVALS_MAX = 10;

const some = { min: 1, max: LIST_MAX };
export const percent = { min: 0, max: 100 };
const minutes = { min: 0, max: MINUTES_MAX };
const rate = { min: 0, max: 0.5, isAbove: true };
const hours = { min: 0, max: HOURS_MAX };

/** Which devices; an absent list means all. */
export class Audience {
  @Text({
    max: 32,
    pattern: '^[A-Za-z]{1,32}$',
    says: 'families such as iPhone',
    optional: true,
    list: some,
    example: ['iPhone'],
  })
  readonly family?: readonly string[];

  @Model({ optional: true, list: some, example: ['iPhone18,1'] })
  readonly model?: readonly string[];

  @Build({ optional: true, list: some, example: ['23D8133'] })
  readonly base?: readonly string[];
}

export class Ramp {
  @Amount(percent)
  readonly fromPercent!: number;

  @Amount(percent)
  readonly toPercent!: number;

  @Amount({ ...minutes, description: 'Minutes of running time.' })
  readonly minutes!: number;
}

export class Wave {
  @Text({ max: 64 })
  readonly name!: string;

  @Label({ optional: true, description: 'Only members of this ring, whatever their buckets.' })
  readonly ring?: string;

  @Part(() => Audience, { optional: true })
  readonly audience?: Audience;

  @Part(() => Ramp)
  readonly ramp!: Ramp;

  @Amount({ ...minutes, description: 'Minutes of running time after the ramp.' })
  readonly bakeMinutes!: number;
}

export class Gates {
  @Amount({ ...rate, description: 'Share of installs that may fail, above 0 and at most 0.5.' })
  readonly installFailureRateMax!: number;

  @Amount({
    ...rate,
    optional: true,
    default: 0.02,
    description: 'Share of installs that may be without any outcome after 4 h.',
  })
  readonly outcomeMissingRateMax?: number;

  @Amount({
    ...rate,
    optional: true,
    default: 0.05,
    description: 'Share of installs that may be removed by the user within 72 h.',
  })
  readonly removedByUserRateMax?: number;

  @Amount({
    min: 0,
    max: 72,
    optional: true,
    default: 1,
    description: 'Hours after which an install that is fine makes room for others.',
  })
  readonly maturityHours?: number;

  @Count({
    ...{ min: 4, max: 4, optional: true, default: 4 },
    description: 'Hours after which an outcome is due. Other hours are not counted yet: only 4 is taken.',
  })
  readonly outcomeHours?: number;

  @OneOf(['evidence', 'time'], 'GoOn', {
    optional: true,
    default: 'evidence',
    description: 'With `time` waves ask for nothing but time: no outcome is waited for.',
  })
  readonly goOn?: 'evidence' | 'time';

  @Amount({
    ...hours,
    optional: true,
    default: 72,
    description: 'Hours after the completion until the hold-back is let in, too.',
  })
  readonly watchHours?: number;
}

/** How many devices may be exposed beyond those that are fine: `first`, or `factor` times the fine ones. */
export class Pace {
  @Amount({ min: 1, max: PACE_FIRST_MAX })
  readonly first!: number;

  @Amount({ min: 1, max: PACE_FACTOR_MAX })
  readonly factor!: number;
}

/** What a plan says, as it is sent and as it is shown. */
export class PlanFields {
  @Id()
  readonly patchId!: string;

  @Part(() => Wave, { list: { min: 1, max: WAVES_MAX } })
  readonly waves!: readonly Wave[];

  @Part(() => Gates)
  readonly gates!: Gates;

  @Part(() => Pace, {
    optional: true,
    description: 'How many devices may be exposed beyond those that are fine; 300 first, then 3 times the fine ones.',
  })
  readonly pace?: Pace;

  @Count({
    ...{ min: 0, max: APPROVALS_MAX, optional: true, default: 0 },
    description: 'How many people beside who planned it have to approve it before it widens.',
  })
  readonly approvalsRequired?: number;

  @Time({ optional: true })
  readonly startAt?: string;

  @Text({ max: TEXT_MAX, optional: true })
  readonly notes?: string;
}

export const salt = {
  max: 64,
  pattern: '^[\\x21-\\x7e]{1,64}$',
  says: '1 to 64 printable ASCII characters without blanks',
};

class PlanBody extends PlanFields {
  @Amount({
    ...percent,
    optional: true,
    default: 2,
    description: 'Share of devices that stays unpatched to the end.',
  })
  readonly holdBackPercent: number = 2;

  @Text({ ...salt, optional: true, description: 'Drawn at random if absent.' })
  readonly salt?: string;
}

/** The body of POST /v1/rollouts. */
export class PlanRolloutBody extends PlanBody {
  @Id({ example: 'r1' })
  readonly rolloutId!: string;
}

/** The body of PUT /v1/rollouts/{id}. */
export class ReplanRolloutBody extends PlanBody {
  @Reason({ optional: true, description: 'Why; needed once the rollout has started.' })
  readonly reason?: string;
}

/** Why something is held or lifted. */
export class ReasonBody {
  @Reason()
  readonly reason!: string;
}

/** What stops devices from harm must not fail for want of words. */
export class StopBody {
  @Text({ max: TEXT_MAX, optional: true, default: 'no reason given' })
  readonly reason: string = 'no reason given';
}

/** The body of start and resume: a halt of any rollout of the patch asks for it. */
export class EvidenceBody {
  @Reason({ optional: true, description: 'What was looked at; needed after a halt.' })
  readonly evidenceSeen?: string;
}

/** The body of resume, of a rollout or of a recall. */
export class ResumeBody extends EvidenceBody {
  @Reason({ optional: true, description: 'Why it goes on.' })
  readonly reason?: string;
}

/** The body of POST /v1/rollouts/{id}/advance: names the wave that it ends. */
export class AdvanceRolloutBody {
  @Count({ min: 1, max: WAVES_MAX, description: 'The open wave, which is to end.' })
  readonly wave!: number;

  @Reason({ optional: true, description: 'Why the wave ends early.' })
  readonly reason?: string;

  @Part(() => ReasonBody, {
    optional: true,
    description: 'Why the wave goes on though it waits; shown for ever.',
  })
  readonly force?: ReasonBody;
}
