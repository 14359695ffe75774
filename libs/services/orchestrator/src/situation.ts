import { type FeedEvent } from '@sluice/event-feed';
import { type CommandContext } from '@sluice/event-sourcing';
import { type ChangeHold, type ChangeRecall, type ChangeRollout } from './commands.ts';
import { type KnownEnough } from './knowledge/knowledge.ts';
import { type Views } from './views.ts';

/** What the process managers decide on: all that is known at one instant. */
export interface Situation {
  readonly nowMs: number;
  /** The same instant, as events carry it. */
  readonly at: string;
  readonly views: Views;
  readonly knowledge: KnownEnough;
}

export type OwnCommand = ChangeRollout | ChangeHold | ChangeRecall;

const ACTOR = 'system:steering';

/** The same cause gives the same commit id, so that the store keeps a repeated command once. */
export function contextOf(commitId: string, subject: string, cause?: FeedEvent): CommandContext {
  const { traceparent } = cause ?? {};
  return {
    actor: ACTOR,
    commitId,
    correlationId: cause?.correlationId ?? `${subject}:${commitId}`,
    ...(cause !== undefined && { causationId: `${cause.stream}/${String(cause.place.revision)}` }),
    ...(traceparent !== undefined && { traceparent }),
  };
}
