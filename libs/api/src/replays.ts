import { Flag, Json, OneOf, Part, Tally, Text, Time, Words, Yes } from './fields.ts';

const READ_MODELS_MAX = 1000;

const replayStatuses = ['running', 'done', 'failed'] as const;

/** The body of POST /v1/replays. */
export class StartReplayBody {
  @Yes({
    description: 'Fold everything again from the store and compare with the live read models.',
  })
  readonly verify!: true;
}

export class ReplayPath {
  @Text({
    max: 64,
    pattern: '^[0-9a-f-]{1,64}$',
    says: 'an id of 1 to 64 lower-case hex digits or hyphens',
    description: 'The id of a replay.',
  })
  readonly id!: string;
}

/** The first place where a live read model is not what the store says. */
export class ReplayDifference {
  @Words()
  readonly readModel!: string;

  @Words({ description: 'JSON Pointer into the read model.' })
  readonly where!: string;

  @Json({ optional: true, description: 'Absent where the read model has nothing there.' })
  readonly live?: unknown;

  @Json({ optional: true, description: 'Absent where the store says nothing of it.' })
  readonly replayed?: unknown;
}

export class ReplayJob {
  @Words()
  readonly id!: string;

  @OneOf(replayStatuses, 'ReplayStatus')
  readonly status!: (typeof replayStatuses)[number];

  @Time()
  readonly startedAt!: string;

  @Words({ list: { max: READ_MODELS_MAX }, description: 'The read models that were compared.' })
  readonly done!: readonly string[];

  @Tally()
  readonly outOf!: number;

  @Flag({ optional: true, description: 'Once it is done: whether every read model is what the store says.' })
  readonly matches?: boolean;

  @Part(() => ReplayDifference, { list: { max: READ_MODELS_MAX } })
  readonly differences!: readonly ReplayDifference[];

  @Words({ optional: true, description: 'Why it broke off.' })
  readonly error?: string;
}
