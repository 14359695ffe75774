import { Flag, Json, OneOf, Part, Tally, Text, Time, Words, Yes } from './fields.ts';

const READ_MODELS_MAX = 1000;

const replayStatuses = ['running', 'done', 'failed'] as const;

const STREAM_MAX = 100;
const NAMED_MAX = 1000;
const receipt = { max: 64, pattern: '^[0-9a-f]{64}$', says: '64 lower-case hex digits' };

/** A receipt that an event of another service names as its cause. */
export class NamedReceipt {
  @Text({ max: STREAM_MAX, description: 'The stream that it is of.' })
  readonly stream!: string;

  @Text(receipt)
  readonly receipt!: string;

  @Text({ max: STREAM_MAX + 20, description: 'The event that names it, by stream and revision.' })
  readonly by!: string;
}

/** The body of POST /v1/replays. */
export class StartReplayBody {
  @Yes({
    description: 'Fold everything again from the store and compare with the live read models.',
  })
  readonly verify!: true;

  @Yes({ optional: true, description: 'Check the receipts of all decisions instead.' })
  readonly receipts?: true;

  @Part(() => NamedReceipt, {
    optional: true,
    list: { max: NAMED_MAX },
    description: 'Receipts that are looked for here: `elsewhere` of the check of another service.',
  })
  readonly named?: readonly NamedReceipt[];
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

const differenceKinds = ['receipt', 'receipt-missing', 'verdict', 'cause'] as const;

/** An event that is not what its receipt, its counts or its cause say. */
export class ReceiptDifference {
  @Words()
  readonly stream!: string;

  @Tally({ optional: true, description: 'Absent where a receipt is missing that events name.' })
  readonly revision?: number;

  @Words({ optional: true })
  readonly type?: string;

  @Time({ optional: true })
  readonly recordedAt?: string;

  @OneOf(differenceKinds, 'ReceiptDifferenceKind', {
    description:
      'Its receipt is another one; it has none, though its chain has begun; its verdict does not follow from its counts; a receipt that an event names as its cause is not there.',
  })
  readonly what!: (typeof differenceKinds)[number];

  @Words()
  readonly detail!: string;
}

/** Verdicts of gates that cannot be computed again, by why. */
export class NotRecomputable {
  @Tally({ description: 'Of a rule that is not known, in events from before there were receipts.' })
  readonly anotherRule!: number;

  @Tally({ description: 'Without the counts that they are made of, in events from before there were receipts.' })
  readonly countsNotKept!: number;

  @Tally({ description: 'As many tests are listed as may be, and these alone do not reach the limit.' })
  readonly notAllListed!: number;
}

/** What a check of the receipts of one service has found. */
export class ReceiptsReport {
  @Words()
  readonly name!: string;

  @Tally()
  readonly events!: number;

  @Tally()
  readonly streams!: number;

  @Tally({ description: 'Events from before their stream had receipts: nothing can be said of them.' })
  readonly withoutReceipt!: number;

  @Tally({ description: 'Verdicts of gates that follow from their counts.' })
  readonly verdicts!: number;

  @Part(() => NotRecomputable)
  readonly notRecomputable!: NotRecomputable;

  @Tally({ description: 'Receipts that events name as their cause, and that are there.' })
  readonly causes!: number;

  @Tally({ description: 'Those of streams that are not in this store.' })
  readonly causesElsewhere!: number;

  @Part(() => NamedReceipt, { list: { max: NAMED_MAX }, description: 'The first of these, to ask their owner for.' })
  readonly elsewhere!: readonly NamedReceipt[];

  @Tally()
  readonly differing!: number;

  @Part(() => ReceiptDifference, { list: { max: READ_MODELS_MAX }, description: 'The first of them, in order.' })
  readonly differences!: readonly ReceiptDifference[];
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

  @Flag({
    optional: true,
    description:
      'Once it is done: whether every read model is what the store says, or every event what its receipt says.',
  })
  readonly matches?: boolean;

  @Part(() => ReplayDifference, { list: { max: READ_MODELS_MAX } })
  readonly differences!: readonly ReplayDifference[];

  @Tally({ optional: true, description: 'Of a check of receipts: the events checked so far.' })
  readonly events?: number;

  @Part(() => ReceiptsReport, { optional: true, list: { max: READ_MODELS_MAX } })
  readonly receipts?: readonly ReceiptsReport[];

  @Words({ optional: true, description: 'Why it broke off.' })
  readonly error?: string;
}
