import { topics } from '@sluice/contracts/events';
import { ID_PATTERN } from '@sluice/contracts/primitives';
import { Amount, Count, Flag, Id, Json, OneOf, Part, POSITION, Text, Time } from './fields.ts';

const PAGE_EVENTS_MAX = 10_000;
const LIST_CHARACTERS_MAX = 500;
const REVISION_MAX = Number.MAX_SAFE_INTEGER;
const topicNames = Object.keys(topics).join('|');
const listOf = (word: string) => `^(${word})(,(${word}))*$`;

const orders = ['oldest', 'newest'] as const;

/** `GET /v1/feed`. */
export class FeedQuery {
  @Text({
    ...{ max: POSITION.max, pattern: `${POSITION.pattern}|^end$`, optional: true },
    says: `${POSITION.says}, or \`end\``,
    description:
      'Events after this position, `end` for those to come only; with `order=newest` those before it. From the beginning (newest: from the end) if absent. The header `Last-Event-ID` says the same, and counts before it.',
  })
  from?: string;

  @Text({
    ...{ max: LIST_CHARACTERS_MAX, pattern: listOf(topicNames), optional: true },
    says: `topics with commas between them: ${topicNames.replaceAll('|', ', ')}`,
    description: `Comma-separated topics of this service; all but \`access\` if absent. (${topicNames}) \`access\` is for peers and admins. Where instances share the fleet, the topic fleet holds the facts of those shards only that this instance owns at that moment; a place before that was not seen is to be read as a stream, or from Kafka.`,
  })
  topics?: string;

  @Text({
    ...{ max: LIST_CHARACTERS_MAX, pattern: listOf('[A-Za-z]{1,64}'), optional: true },
    says: 'types of events with commas between them: PatchPulled,RolloutHalted',
    description: 'Comma-separated types of events: PatchPulled,RolloutHalted.',
  })
  types?: string;

  @Id({ optional: true, description: 'Events about this patch, those of its rollouts, holds and recalls among them.' })
  patchId?: string;

  @Id({ optional: true, description: 'Events about this device.' })
  deviceId?: string;

  @Text({ min: 1, max: 200, optional: true, description: 'Events that this actor caused.' })
  actor?: string;

  @Time({ optional: true, description: 'Events recorded at this time or later.' })
  since?: string;

  @Time({ optional: true, description: 'Events recorded before this time.' })
  until?: string;

  @OneOf(orders, 'FeedOrder', {
    optional: true,
    default: 'oldest',
    description: 'Of pages; a stream is always oldest first.',
  })
  order: (typeof orders)[number] = 'oldest';

  @Text({
    ...{ max: 128, pattern: `^[a-z]+-${ID_PATTERN.slice(1)}|^access$`, optional: true },
    says: 'a stream of public events, as rollout-r1',
    description:
      'Only this stream, from `fromRevision` on (JSON only); what else is asked for does not count then, but `limit`. Any instance answers.',
  })
  stream?: string;

  @Count({
    ...{ min: 0, max: REVISION_MAX, inQuery: true, optional: true },
    description: 'With `stream`: from this commit of it on; from its first if absent.',
  })
  fromRevision?: number;

  @Count({
    ...{ min: 1, max: PAGE_EVENTS_MAX, inQuery: true, optional: true, default: 1000 },
    description:
      'Events a page (JSON only). A commit is never cut in two, so that a page may hold more; one that has looked long holds fewer.',
  })
  limit: number = 1000;
}

/** The place of an event in its stream. */
export class StreamPlaceView {
  @Count({ min: 0, max: REVISION_MAX })
  revision!: number;

  @Count({ min: 0, max: REVISION_MAX })
  index!: number;
}

/** A public event with what is known of it: the data of a frame `event`, and an item of a page. */
export class FeedEventView {
  @Text({ max: 64, description: 'The service that owns it.' })
  source!: string;

  @Text({ max: 64 })
  type!: string;

  @Text({ max: 128 })
  stream!: string;

  @Part(() => StreamPlaceView)
  place!: StreamPlaceView;

  @Part(() => StreamPlaceView, {
    optional: true,
    description: 'The public event before it in its stream; absent for the first.',
  })
  previous?: StreamPlaceView;

  @Text({ max: 1024, description: 'Of the commit. Another id at the same place is another past.' })
  commitId!: string;

  @Text({
    ...POSITION,
    description: 'Of its commit; events of one commit share it.',
  })
  position!: string;

  @Time({ description: 'When it was recorded.' })
  time!: string;

  @Text({ max: 1024 })
  actor!: string;

  @Text({ max: 1024 })
  correlationId!: string;

  @Text({ max: 1024, optional: true })
  causationId?: string;

  @Text({
    max: 55,
    optional: true,
    description: 'W3C trace context of the step that appended it, where that is traced.',
  })
  traceparent?: string;

  @Json({ description: 'As the AsyncAPI document has it, by `type`.' })
  data!: object;
}

/** Up to when the health of one shard is counted. */
export class ShardThroughView {
  @Count({ min: 0, max: REVISION_MAX })
  shard!: number;

  @Count({ min: 1, max: REVISION_MAX, description: 'How many shards the fleet has.' })
  shards!: number;

  @Amount({ min: 0, max: Number.MAX_SAFE_INTEGER, description: 'Milliseconds since 1970.' })
  throughMs!: number;

  @Count({ min: -1, max: REVISION_MAX, description: 'Of the stream of its health; -1 while it has no bucket.' })
  revision!: number;
}

/** A stop that is in force at its source, but not stored yet. */
export class UnstoredStopView {
  @Id()
  patchId!: string;

  @OneOf(['withdraw', 'recall'], 'PullMode')
  mode!: 'withdraw' | 'recall';

  @Text({ max: 4000 })
  reason!: string;

  @Time()
  at!: string;
}

/** What a service says of itself beside its events. */
export class SourceSignsView {
  @Flag({ description: 'False while its store does not take what it writes.' })
  writable!: boolean;

  @Part(() => ShardThroughView, { list: { max: 1024 } })
  through!: ShardThroughView[];

  @Part(() => UnstoredStopView, { list: { max: 10_000 } })
  stops!: UnstoredStopView[];
}

/** A page of `GET /v1/feed`. */
export class FeedPage {
  @Part(() => FeedEventView, { list: { max: 100_000 } })
  events!: FeedEventView[];

  @Text({
    ...POSITION,
    description: 'Where to go on: the next `from`.',
  })
  next!: string;

  @Flag({ description: 'True when there is no more in this direction now.' })
  caughtUp!: boolean;

  @Part(() => SourceSignsView)
  signs!: SourceSignsView;
}

/** A page of `GET /v1/feed?stream=`. */
export class FeedStreamPage {
  @Part(() => FeedEventView, { list: { max: 100_000 } })
  events!: FeedEventView[];

  @Count({
    min: 0,
    max: REVISION_MAX,
    optional: true,
    description: 'The next `fromRevision`; absent at the end of the stream.',
  })
  next?: number;
}

/** The data of a frame `progress`: all up to the position was delivered. Also sent while nothing happens. */
export class FeedProgress {
  @Text(POSITION)
  position!: string;

  @Flag({ optional: true, description: 'The reader may not have all that is in the store: no sign that all is well.' })
  isBehind?: boolean;

  @Part(() => SourceSignsView)
  signs!: SourceSignsView;
}

/** The data of a frame `end`, the last of a stream that the server ends. */
export class FeedEnd {
  @Text({ max: 64, description: 'An error code: why it ends, and with it what to do next.' })
  code!: string;

  @Text({ max: 1024 })
  detail!: string;
}
