import { Count, Flag, Json, OneOf, Part, POSITION, printable, Tally, Text, Time, Words } from './fields.ts';
import { pageOf } from './paging.ts';

const LIST_MAX = 1_000_000;
const LETTER_ID_MAX = 256;
const position = { ...POSITION, optional: true };

export class Liveness {
  @OneOf(['ok'], 'Ok')
  readonly status!: 'ok';
}

/** A stop that is in force and waits for the store. */
export class WaitingStop {
  @Words({ description: 'What is done to what: `withdraw ios-26.3.1-a`.' })
  readonly stop!: string;

  @Time()
  readonly since!: string;
}

export class Readiness extends Liveness {
  @Words({ optional: true, list: { max: LIST_MAX }, description: 'What fails though the process is ready.' })
  readonly troubles?: readonly string[];

  @Part(() => WaitingStop, { optional: true, list: { max: LIST_MAX } })
  readonly stopsNotDurable?: readonly WaitingStop[];
}

/** The query of GET /v1/applied. */
export class AppliedQuery {
  @Text({ ...position, description: 'Answer once all that follows the catalog has applied this position of it.' })
  readonly catalog?: string;

  @Text({ ...position, description: 'The same for positions of telemetry.' })
  readonly telemetry?: string;

  @Text({ ...position, description: 'The same for the own store.' })
  readonly own?: string;

  @Count({
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    optional: true,
    inQuery: true,
    description:
      'Answer once what follows telemetry knows that the health of all shards is counted up to then (milliseconds since 1970).',
  })
  readonly through?: number;
}

/** Up to when the health of a shard is counted. */
export class ShardThrough {
  @Tally()
  readonly shard!: number;

  @Tally({ description: 'How many shards the fleet has.' })
  readonly shards!: number;

  @Tally({ description: 'Domain time, milliseconds since 1970.' })
  readonly throughMs!: number;

  @Count({ min: -1, max: Number.MAX_SAFE_INTEGER, description: 'Of `health-<shard>`; -1 while there is none.' })
  readonly revision!: number;
}

export class FollowerProgress {
  @Words()
  readonly name!: string;

  @Words({ description: 'The service that it follows, or `own`.' })
  readonly source!: string;

  @Words()
  readonly position!: string;

  @Flag()
  readonly caughtUp!: boolean;
}

/** How far a service has come. */
export class Applied {
  @Time()
  readonly now!: string;

  @Words({ description: 'The last position of the own store.' })
  readonly head!: string;

  @Part(() => ShardThrough, { list: { max: LIST_MAX } })
  readonly through!: readonly ShardThrough[];

  @Part(() => FollowerProgress, { list: { max: LIST_MAX } })
  readonly followers!: readonly FollowerProgress[];
}

export class DeadLetterPath {
  @Text({
    max: LETTER_ID_MAX,
    pattern: printable(LETTER_ID_MAX),
    says: 'an id as `sluice dlq list` shows it',
    description: 'The id of a parked event.',
  })
  readonly id!: string;
}

/** An event that could not be applied, or that waits behind such a one of its stream. */
export class DeadLetterView {
  @Words({ description: '`<consumer>/<stream>/<revision>/<index>`' })
  readonly id!: string;

  @Words()
  readonly consumer!: string;

  @Words()
  readonly type!: string;

  @Words()
  readonly stream!: string;

  @Tally()
  readonly revision!: number;

  @Tally()
  readonly index!: number;

  @Words()
  readonly time!: string;

  @Words({ optional: true, description: 'Why it could not be applied; absent for one that waits behind another.' })
  readonly reason?: string;
}

export class StreamPlace {
  @Tally()
  readonly revision!: number;

  @Tally()
  readonly index!: number;
}

/** A public event as it came from its owner. */
export class ParkedEvent {
  @Words()
  readonly source!: string;

  @Words()
  readonly type!: string;

  @Words()
  readonly stream!: string;

  @Part(() => StreamPlace)
  readonly place!: StreamPlace;

  @Part(() => StreamPlace, { optional: true, description: 'Of the public event before it in its stream.' })
  readonly previous?: StreamPlace;

  @Words({ optional: true })
  readonly commitId?: string;

  @Words()
  readonly position!: string;

  @Words()
  readonly time!: string;

  @Words()
  readonly actor!: string;

  @Words()
  readonly correlationId!: string;

  @Words({ optional: true })
  readonly causationId?: string;

  @Json()
  readonly data!: unknown;
}

export class DeadLetterDetails extends DeadLetterView {
  @Part(() => ParkedEvent)
  readonly event!: ParkedEvent;
}

export class DeadLetters extends pageOf(() => DeadLetterView) {}

/** The answer to a decision on a dead letter. */
export class StillParked {
  @Part(() => DeadLetterView, { list: { max: LIST_MAX }, description: 'What is still parked of the stream.' })
  readonly parked!: readonly DeadLetterView[];
}
