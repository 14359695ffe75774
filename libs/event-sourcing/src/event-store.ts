import type { Checkpoints } from './checkpoints.ts';
import type { DomainEvent } from './decider.ts';

/** An opaque decimal string that orders all commits of a store. Compare with `comparePositions`. */
export type Position = string;

/** The position before the first commit. */
export const BEGINNING: Position = '0';

/** A position where others see it: with the past that it belongs to, as `<lineage>.<number>`. */
export function toEdge(lineage: string, position: Position): string {
  return `${lineage}.${position}`;
}

/** A position as others send it: a bare number names no lineage. Undefined for anything else. */
export function fromEdge(
  text: string,
): { readonly lineage: string | undefined; readonly position: Position } | undefined {
  const [, lineage, number] = /^(?:([A-Za-z0-9]{1,16})\.)?(\d{1,20})$/.exec(text) ?? [];
  if (number === undefined) return undefined;
  // Compared as texts, positions have no zeros before them.
  return { lineage, position: number.replace(/^0+(?=\d)/, '') };
}

/** Who caused a commit, and which request or event it belongs to. */
export interface Metadata {
  readonly actor: string;
  readonly correlationId: string;
  readonly causationId?: string;
  /** W3C trace context of the step that appended it, where that is traced. */
  readonly traceparent?: string;
}

/**
 * What a commit holds: events as they are, or many facts packed into bytes by the domain that owns the stream
 * (fleet facts, at 100,000 a second, would cost too much as objects). Adapters may compress either.
 * Where a reader has left out what it does not understand, `places` are the indexes of the events in the commit, and `receipt` is
 * the last one of all its events: what is appended goes on from that.
 */
export type CommitBody =
  | {
      readonly kind: 'events';
      readonly events: readonly DomainEvent[];
      readonly places?: readonly number[];
      readonly receipt?: string;
    }
  | { readonly kind: 'packed'; readonly bytes: Uint8Array; readonly count: number };

/** The unit of an append: atomic, numbered from 0 within its stream, and placed among all commits of the store. */
export interface Commit {
  readonly stream: string;
  readonly revision: number;
  readonly position: Position;
  readonly commitId: string;
  /** Domain time, RFC 3339 in UTC; does not decrease along positions. */
  readonly recordedAt: string;
  readonly metadata: Metadata;
  readonly body: CommitBody;
}

/** The revision that the stream must be at: of its last commit, none at all, or whichever it is. */
export type ExpectedRevision = number | 'no-stream' | 'any';

export interface Append {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  /** Appending the same id to the same stream again returns the first result and writes nothing. */
  readonly commitId: string;
  readonly metadata: Metadata;
  readonly body: CommitBody;
}

export interface Appended {
  readonly revision: number;
  readonly position: Position;
  readonly recordedAt: string;
}

/** Which commits a reader wants: those after a position, of streams that start with one of the prefixes (all if none given). */
export interface ReadOptions {
  readonly after?: Position;
  readonly prefixes?: readonly string[];
}

/** A part of the store: what a reader that must hold up nobody reads at once. */
export interface CommitPage {
  readonly commits: readonly Commit[];
  /** All wanted commits up to here are in this page or lie before it. */
  readonly through: Position;
  /** False when that is all there was when the page was read. */
  readonly more: boolean;
}

/** `caught-up` comes each time that the subscription has seen all there is; its position also covers commits that the filter left out. */
export type SubscriptionMessage =
  { readonly kind: 'commit'; readonly commit: Commit } | { readonly kind: 'caught-up'; readonly position: Position };

/** The stream was not at the expected revision. Load it again and decide anew. */
export class RevisionConflict extends Error {
  override readonly name = 'RevisionConflict';

  constructor(
    readonly stream: string,
    readonly expected: ExpectedRevision,
    readonly actual: number | 'no-stream',
  ) {
    super(`stream ${stream} is at ${String(actual)}, not at ${String(expected)}`);
  }
}

/** The store can no longer write (disk full, file damaged, closed). Nothing of the append was kept. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable';
}

/** More appends are waiting than the store holds. Nothing of this one was kept; it may be tried again shortly. */
export class StoreOverloaded extends StoreUnavailable {
  override readonly name = 'StoreOverloaded';
}

/**
 * The port to the truth. An append that has resolved is durable.
 * Every adapter passes `eventStoreContract` of `@sluice/testing`.
 */
export abstract class EventStore {
  abstract readonly checkpoints: Checkpoints;
  /** The name of the past that the store holds, drawn when it was made: 1 to 16 letters and digits. */
  abstract readonly lineage: string;
  /** Throws RevisionConflict or StoreUnavailable. */
  abstract append(append: Append): Promise<Appended>;
  /** The commits of one stream from a revision on (0 if not given), to its present end; none if there is no such stream. */
  abstract readStream(stream: string, fromRevision?: number): AsyncIterable<Commit>;
  /** Commits of all streams in order of position, to the present end. */
  abstract readAll(options?: ReadOptions): AsyncIterable<Commit>;
  /** The next commits in order of position, some hundreds at most, or none where many lie between that are not wanted. */
  abstract readPage(options?: ReadOptions): Promise<CommitPage>;
  /** Catches up, then stays and delivers what is appended, until the signal aborts. */
  abstract subscribe(options: ReadOptions & { readonly signal: AbortSignal }): AsyncIterable<SubscriptionMessage>;
  /** When the last commit was recorded (domain time, RFC 3339), undefined if there is none. */
  abstract lastRecordedAt(): Promise<string | undefined>;
  /** The position of the last commit, BEGINNING if there is none. */
  abstract head(): Promise<Position>;
  /** Writes a mark that no reader sees. Durable when resolved; throws StoreUnavailable when an append would not be kept. */
  abstract proveWritable(): Promise<void>;
  /** Finishes what was accepted and lets go of all resources. */
  abstract close(): Promise<void>;
}

/** Negative, zero or positive, as for Array.sort. */
export function comparePositions(left: Position, right: Position): number {
  return left.length - right.length || (left < right ? -1 : left > right ? 1 : 0);
}

export function matchesPrefix(stream: string, prefixes: readonly string[] | undefined): boolean {
  return prefixes === undefined || prefixes.some((prefix) => stream.startsWith(prefix));
}
