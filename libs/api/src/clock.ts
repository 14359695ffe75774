import { Amount, Figure, Flag, OneOf, Tally, Time } from './fields.ts';

const DIFFERENCE_SECONDS_MAX = Number.MAX_SAFE_INTEGER;

const clockKinds = ['wall', 'accelerated', 'manual'] as const;
const doubts = ['jumped', 'before-store', 'long-after-store'] as const;

/** The body of POST /v1/clock, for a manual clock. */
export class SetClockBody {
  @Time({ description: 'The new time; not before the present one.' })
  readonly now!: string;
}

/** The body of POST /v1/clock/accept. */
export class AcceptClockBody {
  @Amount({
    min: -DIFFERENCE_SECONDS_MAX,
    max: DIFFERENCE_SECONDS_MAX,
    description: 'The difference between the wall and the clock that was shown (seconds).',
  })
  readonly differenceSeconds!: number;
}

/** The answer of POST /v1/clock. */
export class ClockSet {
  @Time()
  readonly now!: string;
}

/** Whose time a service goes by, what the wall says, and whether it is believed. */
export class ClockView extends ClockSet {
  @OneOf(clockKinds, 'ClockKind')
  readonly kind!: (typeof clockKinds)[number];

  @Flag()
  readonly sound!: boolean;

  @Tally({ optional: true, description: 'By how much it is ahead of a wall that was set back, and is believed.' })
  readonly aheadSeconds?: number;

  @OneOf(doubts, 'ClockDoubt', { optional: true, description: 'Why the wall is not believed.' })
  readonly because?: (typeof doubts)[number];

  @Time({ optional: true, description: 'What the wall says, where it is not believed.' })
  readonly wall?: string;

  @Figure({ optional: true, description: 'By how much the wall differs, where it is not believed.' })
  readonly differenceSeconds?: number;
}
