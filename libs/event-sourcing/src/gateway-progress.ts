import { type Decider, type DomainEvent, unknownEvent } from './decider.ts';
import { comparePositions, type Position } from './event-store.ts';

/** How a delivery came to its end. `dropped`: what it was about had ended before it was due. */
export type Ending = 'accepted' | 'given-up' | 'dropped';

export type GatewayCommand =
  | {
      readonly type: 'BeginGateway';
      readonly target: string;
      readonly from: Position;
      /** Also where it was closed for this target: somebody has reached it. */
      readonly again: boolean;
      readonly at: string;
    }
  | {
      readonly type: 'SettleDelivery';
      readonly deliveryId: string;
      readonly position: Position;
      readonly ending: Ending;
      readonly through: Position;
      readonly at: string;
    }
  | { readonly type: 'CloseGateway'; readonly because: string; readonly at: string };

export type GatewayEvent =
  | (DomainEvent & {
      readonly type: 'GatewayBegun';
      /** Where it delivers to: what was closed for one target is open for another. */
      readonly target: string;
      /** Nothing up to here is for it. */
      readonly from: Position;
      readonly at: string;
    })
  | (DomainEvent & {
      readonly type: 'DeliverySettled';
      readonly deliveryId: string;
      /** Of the commit that it came from. */
      readonly position: Position;
      readonly ending: Ending;
      /** Of all commits up to here nothing is left to be delivered. */
      readonly through: Position;
      readonly at: string;
    })
  | (DomainEvent & { readonly type: 'GatewayClosed'; readonly because: string; readonly at: string });

/** How far a gateway has come. `settled`: what was settled of later commits than `through`, with the positions of these. */
export type GatewayProgress =
  | { readonly status: 'new' }
  | {
      readonly status: 'open';
      readonly target: string;
      readonly from: Position;
      readonly through: Position;
      readonly settled: ReadonlyMap<string, Position>;
    }
  | { readonly status: 'closed'; readonly target: string; readonly because: string };

export const gatewayDecider: Decider<GatewayProgress, GatewayCommand, GatewayEvent> = {
  initialState: { status: 'new' },
  decide,
  evolve,
};

function decide(command: GatewayCommand, progress: GatewayProgress): readonly GatewayEvent[] {
  switch (command.type) {
    case 'BeginGateway': {
      const { target, from, again, at } = command;
      const opens = progress.status === 'closed' && (again || progress.target !== target);
      return progress.status === 'new' || opens ? [{ type: 'GatewayBegun', target, from, at }] : [];
    }
    case 'SettleDelivery': {
      if (progress.status !== 'open' || progress.settled.has(command.deliveryId)) return [];
      const { deliveryId, position, ending, through, at } = command;
      return [{ type: 'DeliverySettled', deliveryId, position, ending, through, at }];
    }
    case 'CloseGateway': {
      const { because, at } = command;
      return progress.status === 'open' ? [{ type: 'GatewayClosed', because, at }] : [];
    }
  }
}

function evolve(progress: GatewayProgress, event: GatewayEvent): GatewayProgress {
  switch (event.type) {
    case 'GatewayBegun': {
      const { target, from } = event;
      return { status: 'open', target, from, through: from, settled: new Map() };
    }
    case 'DeliverySettled': {
      if (progress.status !== 'open') return progress;
      const { deliveryId, position } = event;
      const through = comparePositions(event.through, progress.through) > 0 ? event.through : progress.through;
      const settled = [...progress.settled, [deliveryId, position] as const].filter(
        ([, of]) => comparePositions(of, through) > 0,
      );
      return { ...progress, through, settled: new Map(settled) };
    }
    case 'GatewayClosed':
      return progress.status === 'open'
        ? { status: 'closed', target: progress.target, because: event.because }
        : progress;
    default:
      return unknownEvent(progress, event);
  }
}
