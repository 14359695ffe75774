import { reject } from '@sluice/event-sourcing';
import { type KnownPatch } from './patch.ts';

export type PullMode = 'withdraw' | 'recall';

/** What a person orders. Whether the replacement exists and suits is for the caller to check: it is another patch. */
export interface PullOrder {
  readonly type: 'PullPatch';
  readonly patchId: string;
  readonly mode: PullMode;
  readonly reason: string;
  readonly replacement?: string;
  /** Of a recall: so many devices an hour are directed to remove the patch, and no more; absent is all at once. */
  readonly removePerHourMax?: number;
  /** Of a recall: the digest of the re-exposure ledger that was seen. */
  readonly ledgerDigest?: string;
  /** Of a recall: why it is not left to a second person. */
  readonly breakGlass?: { readonly reason: string };
  /** Who orders it. Two people are two names: each good token has a name of its own. */
  readonly by: string;
  readonly at: string;
}

/** What a recall would re-open, as it is when the order is decided on. */
export interface PresentLedger {
  readonly digest: string;
  readonly reopensExploited: boolean;
}

export interface PullPatch extends PullOrder {
  readonly ledger: PresentLedger;
}

/** `by` and what follows it are absent in events from before they were kept. */
export interface PatchPulled {
  readonly type: 'PatchPulled';
  readonly patchId: string;
  readonly mode: PullMode;
  readonly reason: string;
  readonly replacement?: string;
  readonly removePerHourMax?: number;
  readonly ledgerDigest?: string;
  readonly recallEpoch: number;
  readonly by?: string;
  /** Of a recall that two people decided on: who asked for it, and who made it one. */
  readonly requestedBy?: string;
  readonly confirmedBy?: string;
  /** Of a recall that one person decided on although it re-opens exploited CVEs. */
  readonly breakGlass?: { readonly by: string; readonly reason: string };
  readonly at: string;
}

/** A recall that one person asked for. The patch is withdrawn by a PatchPulled before it in its stream. */
export interface PullRequested {
  readonly type: 'PullRequested';
  readonly patchId: string;
  readonly mode: 'recall';
  readonly reason: string;
  readonly replacement?: string;
  readonly removePerHourMax?: number;
  readonly ledgerDigest: string;
  /** The one that the ledger is of; the withdrawal that comes with the request makes the next. */
  readonly recallEpoch: number;
  readonly by: string;
  readonly at: string;
}

export type Pulled = Omit<PatchPulled, 'type' | 'patchId' | 'recallEpoch'>;
export type Requested = Omit<PullRequested, 'type' | 'patchId'>;

/**
 * What follows from the order. A withdrawal needs nothing. A recall that re-opens exploited CVEs names the present ledger, and is
 * asked for by one person and confirmed by another one with the same ledger: until then the patch is withdrawn.
 */
export function pull(order: PullPatch, patch: KnownPatch): readonly (PatchPulled | PullRequested)[] {
  if (order.replacement === order.patchId) reject('replacement-unsuitable', 'a patch does not replace itself');
  if (patch.status === 'pulled' && patch.pulled.mode === 'recall') return pullFurther(order, patch.pulled, patch);
  if (order.mode === 'recall') return recall(order, patch);
  return patch.status === 'pulled' ? [] : [pulledBy(order, patch)];
}

/** The recall epoch that the ledger is of: a request does not change the ledger that it names. */
export function ledgerEpochOf(patch: KnownPatch): number {
  return requestOf(patch)?.recallEpoch ?? patch.recallEpoch;
}

function recall(order: PullPatch, patch: KnownPatch): readonly (PatchPulled | PullRequested)[] {
  const { ledger, ledgerDigest, breakGlass, by } = order;
  checkDigest(order);
  if (!ledger.reopensExploited) return [pulledBy(order, patch)];
  if (ledgerDigest === undefined) reject('ledger-not-named', howToWithdraw(order));
  if (breakGlass !== undefined) return [{ ...pulledBy(order, patch), breakGlass: { by, reason: breakGlass.reason } }];
  const asked = requestOf(patch);
  if (asked === undefined || !isSameRecall(order, asked)) return request(order, ledgerDigest, patch);
  // One person who sends it twice is one person still.
  if (asked.by === by) return [];
  return [{ ...pulledBy({ ...termsOf(asked), ...order }, patch), requestedBy: asked.by, confirmedBy: by }];
}

/** Withdraws at once, where that was not done before, and keeps what was asked for. */
function request(order: PullPatch, ledgerDigest: string, patch: KnownPatch): readonly (PatchPulled | PullRequested)[] {
  const { patchId, reason, by, at } = order;
  const what = { patchId, mode: 'recall', reason, ...termsOf(order), ledgerDigest } as const;
  const asked: PullRequested = { type: 'PullRequested', ...what, recallEpoch: ledgerEpochOf(patch), by, at };
  if (patch.status === 'pulled') return [asked];
  const recallEpoch = patch.recallEpoch + 1;
  return [{ type: 'PatchPulled', patchId, mode: 'withdraw', reason, recallEpoch, by, at }, asked];
}

/**
 * A recall is never undone; but a replacement can be named later, and its pace be changed. What is not named stays, and it
 * re-opens nothing further, so that one person is enough.
 */
function pullFurther(order: PullPatch, pulled: Pulled, patch: KnownPatch): readonly PatchPulled[] {
  if (order.mode !== 'recall') reject('patch-already-recalled', `at ${pulled.at}`);
  // Who sends an order again after somebody else has confirmed it gives another reason, and may name an older ledger.
  if (isOfTerms(order, pulled)) return [];
  checkDigest(order);
  const { requestedBy, confirmedBy, breakGlass, ledgerDigest } = pulled;
  const seen = ledgerDigest !== undefined && { ledgerDigest };
  return [
    {
      ...pulledBy({ ...termsOf(pulled), ...seen, ...order }, patch),
      ...(requestedBy !== undefined && { requestedBy }),
      ...(confirmedBy !== undefined && { confirmedBy }),
      ...(breakGlass !== undefined && { breakGlass }),
    },
  ];
}

function checkDigest(order: PullPatch): void {
  const { ledger, ledgerDigest } = order;
  if (ledgerDigest === undefined || ledgerDigest === ledger.digest) return;
  reject('ledger-changed', `it is ${ledger.digest} now; ${howToWithdraw(order)}`);
}

function howToWithdraw({ patchId }: PullOrder): string {
  return `what stops ${patchId} now, by one person: POST /v1/patches/${patchId}/pull {"mode": "withdraw"}`;
}

function pulledBy(order: PullOrder, { recallEpoch }: KnownPatch): PatchPulled {
  const { patchId, mode, reason, ledgerDigest, by, at } = order;
  const seen = mode === 'recall' && ledgerDigest !== undefined && { ledgerDigest };
  return {
    ...{ type: 'PatchPulled', patchId, mode, reason, ...termsOf(order), ...seen },
    recallEpoch: recallEpoch + 1,
    ...{ by, at },
  };
}

type Terms = Pick<PullOrder, 'replacement' | 'removePerHourMax'>;

function termsOf({ replacement, removePerHourMax }: Terms): Terms {
  return {
    ...(replacement !== undefined && { replacement }),
    ...(removePerHourMax !== undefined && { removePerHourMax }),
  };
}

function requestOf(patch: KnownPatch): Requested | undefined {
  return patch.status === 'pulled' ? patch.requested : undefined;
}

/** Whether the order is for what was asked for: of the same ledger, and naming no other terms. */
function isSameRecall(order: PullOrder, asked: Requested): boolean {
  return isOfTerms(order, asked) && order.ledgerDigest === asked.ledgerDigest;
}

/** What an order does not name, it does not change. */
function isOfTerms(order: Terms, present: Terms): boolean {
  return (['replacement', 'removePerHourMax'] as const).every(
    (field) => order[field] === undefined || order[field] === present[field],
  );
}
