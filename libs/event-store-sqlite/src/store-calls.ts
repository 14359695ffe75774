import type { Checkpoint } from '@sluice/event-sourcing';
import type { LogWrite, LogWritten } from './sqlite-log.ts';
import type { Page, PageQuery } from './sqlite-pages.ts';
import type { RefusalCode } from './store-refused.ts';

/** What the store asks of its thread, and what comes back. */
export interface StoreCalls {
  readonly write: { readonly input: LogWrite; readonly output: LogWritten };
  readonly read: { readonly input: PageQuery; readonly output: Page };
  readonly 'load-checkpoint': { readonly input: string; readonly output: Checkpoint | undefined };
  readonly 'prove-writable': { readonly input: undefined; readonly output: undefined };
  readonly head: { readonly input: undefined; readonly output: number };
  /** Whether to look out for what other processes write; asked to, the thread tells of it at once. */
  readonly watch: { readonly input: boolean; readonly output: undefined };
  readonly close: { readonly input: undefined; readonly output: undefined };
}

export type StoreRequest = {
  [Kind in keyof StoreCalls]: { readonly id: number; readonly kind: Kind; readonly input: StoreCalls[Kind]['input'] };
}[keyof StoreCalls];

export type StoreReply =
  | { readonly id: number; readonly kind: 'done'; readonly output: unknown }
  | { readonly id: number; readonly kind: 'failed'; readonly message: string }
  | StoreNotice;

/** What the thread says unasked: another process has written, and this is the position of the last commit now. */
export interface StoreNotice {
  readonly kind: 'others-wrote';
  readonly head: number;
}

/** The first message of the thread. */
export type StoreGreeting =
  | { readonly kind: 'opened'; readonly head: number; readonly lineage: string }
  | { readonly kind: 'refused'; readonly code: RefusalCode; readonly message: string };

/**
 * The same things with their bodies side by side in one buffer, which can be handed to another thread without a copy.
 * A body by itself may be a view of something large, and all of that would be copied with it.
 */
export function withSharedBuffer<Item extends { readonly body: Uint8Array }>(
  items: readonly Item[],
): { items: Item[]; buffer: ArrayBuffer } {
  const buffer = new ArrayBuffer(items.reduce((sum, { body }) => sum + body.length, 0));
  let index = 0;
  const shared = items.map((item) => {
    const body = new Uint8Array(buffer, index, item.body.length);
    body.set(item.body);
    index += body.length;
    return { ...item, body };
  });
  return { items: shared, buffer };
}
