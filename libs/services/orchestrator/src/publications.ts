import { topics } from '@sluice/contracts/events';
import { type HoldEvent, type RecallEvent, type RolloutEvent } from '@sluice/domain-rollout';
import { type Publication, publishAsIs } from '@sluice/event-feed';
import { type Commit } from '@sluice/event-sourcing';

/** The streams that the orchestrator owns. */
export const OWN_STREAMS = topics.rollouts.streams;

export type OwnEvent = RolloutEvent | HoldEvent | RecallEvent;

/** The events of a commit of the own streams. */
export function ownEventsOf({ body }: Commit): readonly OwnEvent[] {
  return body.kind === 'events' ? (body.events as readonly OwnEvent[]) : [];
}

/** What the orchestrator tells the world: its events have the public shape from the start (`orchestrator.int.spec.ts`). */
export function orchestratorPublications(): Publication[] {
  return [publishAsIs(topics.rollouts.service, 'rollouts', OWN_STREAMS)];
}
