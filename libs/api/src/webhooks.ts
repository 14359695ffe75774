import { Count, OneOf, Part, Tally, Text, Time, Words } from './fields.ts';
import { pageOf } from './paging.ts';

/** What receivers of webhooks can be told, each kind once. The guide on webhooks has a line for each. */
export const noticeKinds = [
  'rollout-halted',
  'rollout-waits',
  'gate-hold',
  'patch-pulled',
  'recall-stalled',
  'recall-completed',
  'recall-reopened',
  'stale',
  'blind',
] as const;
export type NoticeKind = (typeof noticeKinds)[number];

export const webhookFormats = ['standard', 'slack', 'alertmanager'] as const;
export type WebhookFormat = (typeof webhookFormats)[number];

const receiverStates = ['open', 'gone', 'standing-by'] as const;
const testOutcomes = ['accepted', 'failed'] as const;

export const RECEIVER_NAME = {
  max: 32,
  pattern: '^[a-z0-9][a-z0-9-]{0,31}$',
  says: '1 to 32 lower-case letters, digits or hyphens',
} as const;
export const RECEIVERS_MAX = 20;

export class WebhookFailure {
  @Time()
  readonly at!: string;

  @Words()
  readonly because!: string;
}

/** A receiver without its secrets: of its address only where it is. */
export class WebhookReceiver {
  @Words()
  readonly name!: string;

  @OneOf(webhookFormats, 'WebhookFormat')
  readonly format!: WebhookFormat;

  @Words({ description: 'Scheme, host and port; the rest of the address may be a secret.' })
  readonly to!: string;

  @OneOf(noticeKinds, 'NoticeKind', { list: { max: noticeKinds.length } })
  readonly kinds!: readonly NoticeKind[];

  @Tally({ description: 'A wave that waits for longer is told of (minutes).' })
  readonly waitLongerMinutes!: number;

  @OneOf(receiverStates, 'WebhookReceiverState', {
    description: '`gone`: it said 410, and hears nothing more at this address. `standing-by`: another instance sends.',
  })
  readonly state!: (typeof receiverStates)[number];

  @Count({ min: 0, max: Number.MAX_SAFE_INTEGER, description: 'Notices that it has not accepted yet.' })
  readonly waiting!: number;

  @Time({ nullable: true, description: 'Null where none was since this process began.' })
  readonly lastSuccessAt!: string | null;

  @Part(() => WebhookFailure, { nullable: true })
  readonly lastFailure!: WebhookFailure | null;

  @Time({ nullable: true, description: 'Of the first failure since the last success.' })
  readonly failingSince!: string | null;
}

export class WebhookPage extends pageOf(() => WebhookReceiver) {}

/** The body of POST /v1/webhooks/test. */
export class TestWebhooksBody {
  @Text({ ...RECEIVER_NAME, optional: true, description: 'This receiver only; all if absent.' })
  readonly receiver?: string;
}

/** What a receiver made of the test. */
export class WebhookTest {
  @Words()
  readonly receiver!: string;

  @OneOf(testOutcomes, 'WebhookTestOutcome')
  readonly outcome!: (typeof testOutcomes)[number];

  @Words({ optional: true, description: 'Why it failed.' })
  readonly because?: string;

  @Tally({ description: 'How long it took (milliseconds).' })
  readonly ms!: number;
}

export class WebhookTests {
  @Part(() => WebhookTest, { list: { max: RECEIVERS_MAX } })
  readonly results!: readonly WebhookTest[];
}
