import { Flag, Id, OneOf, Part, Tally, Text, Time, Words } from './fields.ts';
import { PageQuery, pageOf } from './paging.ts';

/** What needs a person, each kind once. The guide on attention has a line for each. */
export const attentionKinds = [
  'rollout-halted',
  'rollout-waits',
  'hold-expires',
  'recall-stalled',
  'recall-paused',
  'recall-requested',
  'stale',
  'blind',
  'source-silent',
  'source-contradicts',
  'events-parked',
  'forged-records',
  'later-version',
  'stop-not-durable',
  'store-not-writable',
  'clock-unsound',
  'id-used-twice',
  'removals-stubborn',
  'webhook-failing',
  'webhook-gone',
] as const;
export type AttentionKind = (typeof attentionKinds)[number];

export const severities = ['critical', 'warning', 'info'] as const;
export type Severity = (typeof severities)[number];

const ID_MAX = 300;
const ATTENTION_ID_PATTERN = `^[A-Za-z0-9._:-]{1,${String(ID_MAX)}}$`;
const NAME_MAX = 200;
const NOTE_MAX = 500;
const UNKNOWN_MAX = 100;

/** What an item is about; what does not apply is left out. */
export class AttentionAbout {
  @Id({ optional: true })
  readonly rolloutId?: string;

  @Tally({ optional: true })
  readonly wave?: number;

  @Id({ optional: true })
  readonly patchId?: string;

  @Id({ optional: true })
  readonly holdId?: string;

  @Id({ optional: true })
  readonly deviceId?: string;

  @Words({ optional: true, description: 'The service that is heard.' })
  readonly source?: string;

  @Words({ optional: true, description: 'The consumer that could not apply an event.' })
  readonly consumer?: string;

  @Words({ optional: true, description: 'The receiver of webhooks.' })
  readonly receiver?: string;
}

/** Who took an item. */
export class AttentionOwner {
  @Words({ description: 'The name of the token.' })
  readonly by!: string;

  @Time()
  readonly at!: string;

  @Words({ optional: true })
  readonly note?: string;
}

export class AttentionItem {
  @Words({ description: 'Names the cause: another cause of the same kind has another id.' })
  readonly id!: string;

  @OneOf(attentionKinds, 'AttentionKind')
  readonly kind!: AttentionKind;

  @Words({ description: 'The service that says so.' })
  readonly service!: string;

  @OneOf(severities, 'Severity')
  readonly severity!: Severity;

  @Part(() => AttentionAbout)
  readonly about!: AttentionAbout;

  @Time({ nullable: true, description: 'Since when; null where nobody noted it.' })
  readonly since!: string | null;

  @Words({ description: 'What it is, with its numbers.' })
  readonly words!: string;

  @Words({ description: 'The command that ends it, or that shows what is behind it.' })
  readonly command!: string;

  @Part(() => AttentionOwner, { nullable: true, description: 'Who took it; null while nobody has.' })
  readonly owner!: AttentionOwner | null;
}

/** What cannot be said yet: items of these kinds may be missing. */
export class AttentionUnknown {
  @Words({ description: 'The service that cannot say it.' })
  readonly service!: string;

  @OneOf(attentionKinds, 'AttentionKind', { list: { max: attentionKinds.length } })
  readonly kinds!: readonly AttentionKind[];

  @Words()
  readonly because!: string;
}

export class AttentionQuery extends PageQuery {
  @OneOf(attentionKinds, 'AttentionKind', { optional: true })
  readonly kind?: AttentionKind;

  @Flag({ optional: true, inQuery: true, description: 'Only items that somebody has taken, or that nobody has.' })
  readonly taken?: boolean;
}

/** The most severe first, of these the newest. `total` is null while something is unknown. */
export class AttentionPage extends pageOf(() => AttentionItem) {
  @Part(() => AttentionUnknown, { list: { max: UNKNOWN_MAX } })
  readonly unknown!: readonly AttentionUnknown[];
}

export class AttentionPath {
  @Text({
    max: ID_MAX,
    pattern: ATTENTION_ID_PATTERN,
    says: 'an id as `sluice attention` shows it',
    description: 'The id of an item.',
  })
  readonly id!: string;
}

/** The body of POST /v1/attention/{id}/take. */
export class TakeAttentionBody {
  @Text({ max: NOTE_MAX, optional: true, description: 'For the others: what you do about it.' })
  readonly note?: string;

  @Text({
    max: NAME_MAX,
    optional: true,
    description: 'From this present owner. Needed where somebody else has taken it.',
  })
  readonly from?: string;
}
