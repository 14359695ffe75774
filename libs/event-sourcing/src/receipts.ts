import { type DomainEvent } from './decider.ts';
import { type CommitBody } from './event-store.ts';

/** The receipt of an event, and whose it is: what an event of one stream names as its cause in another one. */
export interface NamedReceipt {
  readonly stream: string;
  readonly receipt: string;
}

/** What an event of a chained stream has beside what happened. Events from before there were receipts have none. */
export interface Receipted {
  readonly receipt?: string;
}

/** SHA-256 of a text in UTF-8, as 64 hex digits. Handed in: the kernel knows no crypto. */
export type Digest = (text: string) => string;

/**
 * Puts receipts on the events that are to be appended to a stream, in order. `last`: the receipt of the last event that the
 * stream has; undefined where it has none yet.
 */
export type Seal = (stream: string, events: readonly DomainEvent[], last: string | undefined) => readonly DomainEvent[];

/** Each event with its receipt, which goes on from the one before it. */
export function sealed(
  { stream, last }: { readonly stream: string; readonly last: string | undefined },
  events: readonly DomainEvent[],
  digest: Digest,
): readonly DomainEvent[] {
  let receipt = last;
  return events.map((event) => ({ ...event, receipt: (receipt = receiptOf(receipt ?? stream, event, digest)) }));
}

/**
 * The receipt of an event: the digest of what came before it (the receipt of the event before it, or, of the first in a chain,
 * the name of the stream), a line feed, and the canonical JSON of the event without its receipt. So whoever changes an event has to
 * change all receipts that follow it.
 */
export function receiptOf(before: string, event: DomainEvent & Receipted, digest: Digest): string {
  const { receipt: _, ...decision } = event;
  return digest(`${before}\n${canonicalJson(decision)}`);
}

/** The receipt of the last of the events that has one; `before` where none has. */
export function lastReceipt(events: readonly Receipted[], before: string | undefined): string | undefined {
  return events.findLast(({ receipt }) => receipt !== undefined)?.receipt ?? before;
}

/** The last receipt of a commit, of events that its reader does not understand as well; `before` where it has none. */
export function receiptAfter(body: CommitBody, before: string | undefined): string | undefined {
  if (body.kind === 'packed') return before;
  return body.receipt ?? lastReceipt(body.events as readonly Receipted[], before);
}

/** JSON with the names of each object in order (by code units) and no blanks, as RFC 8785 has it. Takes what JSON can say. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const fields = value as Readonly<Record<string, unknown>>;
  const present = Object.keys(fields).filter((name) => fields[name] !== undefined);
  return `{${present
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(fields[name])}`)
    .join(',')}}`;
}
