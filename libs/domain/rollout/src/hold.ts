import { type Decider, type NamedReceipt, type Receipted, reject, unknownEvent } from '@sluice/event-sourcing';
import { type Audience, toAudience } from '@sluice/domain-cohorts';
import { type SumEvidence } from './gates/verdict.ts';

/** What a hold stops: devices of the slice, for one patch or for all. An empty slice without a patch is the global stop. */
export interface HoldTerms {
  readonly patchId?: string;
  readonly slice: Audience;
  readonly reason: string;
  readonly owner: string;
  readonly url?: string;
  readonly expiresAt?: string;
  /** Of a hold on everything: removals of recalled patches stop as well. */
  readonly removals?: boolean;
  /** What a gate held the slice for. */
  readonly evidence?: SumEvidence;
}

/** `cause`: of a hold by a gate, the last receipt of the rollout that it looked at. */
interface PlaceHold {
  readonly type: 'PlaceHold';
  readonly holdId: string;
  readonly terms: HoldTerms;
  readonly cause?: NamedReceipt | undefined;
  readonly at: string;
}

export type HoldCommand =
  | PlaceHold
  | { readonly type: 'LiftHold'; readonly holdId: string; readonly reason: string; readonly at: string }
  | { readonly type: 'ExpireHold'; readonly holdId: string; readonly at: string };

export type HoldEvent = Receipted & { readonly holdId: string; readonly at: string } & (
    | (HoldTerms & { readonly type: 'HoldPlaced'; readonly cause?: NamedReceipt })
    | { readonly type: 'HoldLifted'; readonly reason: string }
    | { readonly type: 'HoldExpired' }
  );

type Placed = HoldTerms & { readonly holdId: string; readonly placedAt: string };

export type Hold =
  | { readonly status: 'absent' }
  | (Placed & { readonly status: 'active' })
  | (Placed & { readonly status: 'lifted'; readonly liftedAt: string; readonly liftedBecause: string })
  | (Placed & { readonly status: 'expired' });

export const holdDecider: Decider<Hold, HoldCommand, HoldEvent> = {
  initialState: { status: 'absent' },
  decide,
  evolve,
};

function decide(command: HoldCommand, hold: Hold): readonly HoldEvent[] {
  const { holdId, at } = command;
  switch (command.type) {
    case 'PlaceHold':
      return place(command, hold);
    case 'LiftHold':
      if (hold.status === 'absent') reject('hold-not-found');
      if (hold.status === 'expired') reject('hold-not-active');
      return hold.status === 'lifted' ? [] : [{ type: 'HoldLifted', holdId, reason: command.reason, at }];
    case 'ExpireHold':
      if (hold.status === 'absent') reject('hold-not-found');
      return hold.status === 'active' && hasExpired(hold, at) ? [{ type: 'HoldExpired', holdId, at }] : [];
  }
}

function place({ holdId, terms, cause, at }: PlaceHold, hold: Hold): readonly HoldEvent[] {
  if (hold.status !== 'absent') {
    // The request that is sent again changes nothing; a hold that was lifted is not placed anew under its old id.
    const isSame = hold.status === 'active' && JSON.stringify(toTerms(terms)) === JSON.stringify(toTerms(hold));
    return isSame ? [] : reject('hold-exists');
  }
  if (hasExpired(terms, at)) reject('expiry-in-past');
  return [{ type: 'HoldPlaced', holdId, ...toTerms(terms), ...(cause !== undefined && { cause }), at }];
}

function evolve(hold: Hold, event: HoldEvent): Hold {
  if (event.type === 'HoldPlaced') {
    return { status: 'active', holdId: event.holdId, ...toTerms(event), placedAt: event.at };
  }
  if (hold.status !== 'active') return hold;
  switch (event.type) {
    case 'HoldLifted':
      return { ...hold, status: 'lifted', liftedAt: event.at, liftedBecause: event.reason };
    case 'HoldExpired':
      return { ...hold, status: 'expired' };
    default:
      return unknownEvent(hold, event);
  }
}

/** The terms field by field: the same terms are the same JSON. */
function toTerms({ patchId, slice, reason, owner, url, expiresAt, removals, evidence }: HoldTerms): HoldTerms {
  return {
    ...(patchId !== undefined && { patchId }),
    slice: toAudience(slice),
    reason,
    owner,
    ...(url !== undefined && { url }),
    ...(expiresAt !== undefined && { expiresAt }),
    ...(removals === true && { removals }),
    ...(evidence !== undefined && { evidence }),
  };
}

function hasExpired({ expiresAt }: Pick<HoldTerms, 'expiresAt'>, at: string): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) <= Date.parse(at);
}
