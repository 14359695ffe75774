import { createHash } from 'node:crypto';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { type Append, type Commit, type CommitBody, type DomainEvent, type Metadata } from '@sluice/event-sourcing';
import { type AllStreamResolvedEvent, type EventData, type ResolvedEvent } from '@eventstore/db-client';

/** `MaxAppendSize` of a server that nobody has configured; it counts data, metadata, and the type twice. */
export const APPEND_BYTES_MAX = 1024 * 1024;
/** Streams of checkpoints begin so; they hold no commits. */
export const CHECKPOINT_STREAMS = 'sluice-checkpoint-';
const SEVERAL_EVENTS = 'Commit';
const PACKED = 'PackedCommit';
/** Smaller bodies hardly get smaller by compression. */
const COMPRESSIBLE_BYTES_MIN = 256;

/** The commit does not fit into one append. It cannot be tried again as it is. */
export class AppendTooLarge extends Error {
  override readonly name = 'AppendTooLarge';

  constructor(
    readonly stream: string,
    readonly bytes: number,
  ) {
    super(`a commit of stream ${stream} has ${bytes} bytes, EventStoreDB takes ${APPEND_BYTES_MAX} an append`);
  }
}

/** A body as it is stored, apart from the memory of the caller. */
export type EncodedBody =
  | {
      readonly kind: 'event' | 'events';
      readonly type: string;
      readonly data: Record<string, unknown>;
      readonly bytes: number;
    }
  | {
      readonly kind: 'packed';
      readonly type: string;
      readonly data: Uint8Array;
      readonly bytes: number;
      readonly count: number;
      readonly compression?: 'zstd';
    };

/** Metadata of the stored event; `$correlationId` and `$causationId` are EventStoreDB's own names for them. */
interface StoredMetadata {
  readonly kind: 'event' | 'events' | 'packed';
  readonly commitId: string;
  readonly recordedAt: string;
  readonly actor: string;
  readonly $correlationId: string;
  readonly $causationId?: string;
  readonly traceparent?: string;
  readonly count?: number;
  readonly compression?: 'zstd';
}

export function encodeBody(body: CommitBody): EncodedBody {
  if (body.kind === 'packed') return encodePacked(body.bytes, body.count);
  const [event, ...others] = body.events;
  if (event === undefined || others.length > 0 || event.type === '' || event.type.startsWith('$')) {
    return encodeJson('events', SEVERAL_EVENTS, { events: body.events });
  }
  const { type, ...data } = event;
  return encodeJson('event', type, data);
}

function encodeJson(kind: 'event' | 'events', type: string, data: object): EncodedBody {
  const json = JSON.stringify(data);
  return { kind, type, data: JSON.parse(json) as Record<string, unknown>, bytes: Buffer.byteLength(json) };
}

function encodePacked(bytes: Uint8Array, count: number): EncodedBody {
  const compressed = bytes.length < COMPRESSIBLE_BYTES_MIN ? undefined : zstdCompressSync(bytes);
  if (compressed === undefined || compressed.length >= bytes.length) {
    return { kind: 'packed', type: PACKED, data: new Uint8Array(bytes), bytes: bytes.length, count };
  }
  // The client takes a Buffer for text.
  const data = new Uint8Array(compressed.buffer, compressed.byteOffset, compressed.length);
  return { kind: 'packed', type: PACKED, data, bytes: data.length, count, compression: 'zstd' };
}

/** The event for the server. Throws AppendTooLarge. */
export function toEvent(
  { stream, commitId, metadata }: Pick<Append, 'stream' | 'commitId' | 'metadata'>,
  body: EncodedBody,
  recordedAt: string,
): EventData {
  const stored = storedMetadata(metadata, body, { commitId, recordedAt });
  const bytes = body.bytes + Buffer.byteLength(JSON.stringify(stored)) + body.type.length * 2;
  if (bytes > APPEND_BYTES_MAX) throw new AppendTooLarge(stream, bytes);
  const named = { id: eventId([stream, commitId, recordedAt]), type: body.type, metadata: stored };
  return body.kind === 'packed'
    ? { ...named, contentType: 'application/octet-stream', data: body.data }
    : { ...named, contentType: 'application/json', data: body.data };
}

function storedMetadata(
  { actor, correlationId, causationId, traceparent }: Metadata,
  body: EncodedBody,
  ids: { commitId: string; recordedAt: string },
): StoredMetadata & Record<string, unknown> {
  return {
    kind: body.kind,
    ...ids,
    actor,
    $correlationId: correlationId,
    ...(causationId !== undefined && { $causationId: causationId }),
    ...(traceparent !== undefined && { traceparent }),
    ...(body.kind === 'packed' && { count: body.count }),
    ...(body.kind === 'packed' && body.compression && { compression: body.compression }),
  };
}

/** The commit that an event is; undefined when it was not written by a store like this one. */
export function toCommit(resolved: ResolvedEvent | AllStreamResolvedEvent): Commit | undefined {
  const { event } = resolved;
  if (event === undefined || isApart(event.streamId)) return undefined;
  const stored = event.metadata as Partial<StoredMetadata> | undefined;
  if (typeof stored?.commitId !== 'string' || typeof stored.recordedAt !== 'string') return undefined;
  const { actor = '', $correlationId: correlationId = '', $causationId: causationId, traceparent } = stored;
  return {
    stream: event.streamId,
    revision: Number(event.revision),
    position: String(positionOf(resolved)),
    commitId: stored.commitId,
    recordedAt: stored.recordedAt,
    metadata: {
      actor,
      correlationId,
      ...(causationId !== undefined && { causationId }),
      ...(traceparent !== undefined && { traceparent }),
    },
    body: toBody(stored, event),
  };
}

/** True for streams that hold no commits: EventStoreDB's own, and checkpoints. */
export function isApart(stream: string): boolean {
  return stream.startsWith('$') || stream.startsWith(CHECKPOINT_STREAMS);
}

/** Where an event lies in $all. A write of one event has one position for its commit and its prepare. */
export function positionOf({ event, commitPosition }: ResolvedEvent | AllStreamResolvedEvent): bigint {
  const position = event?.position?.commit ?? commitPosition;
  if (position === undefined) throw new Error('EventStoreDB gave an event without a position: it is older than 22.6');
  return position;
}

function toBody(stored: Partial<StoredMetadata>, { type, data }: { type: string; data: unknown }): CommitBody {
  if (stored.kind === 'event') return { kind: 'events', events: [{ type, ...(data as object) }] };
  if (stored.kind === 'events') return { kind: 'events', events: (data as { events: DomainEvent[] }).events };
  const bytes = data as Uint8Array;
  const plain = stored.compression === 'zstd' ? zstdDecompressSync(bytes) : bytes;
  return {
    kind: 'packed',
    bytes: new Uint8Array(plain.buffer, plain.byteOffset, plain.length),
    count: stored.count ?? 0,
  };
}

/**
 * The UUIDv5 (RFC 9562) of the parts. The time is one of them: when two processes write the same commit at once, the
 * server would take the second for a repetition of the first, and its time, which nobody has stored, would be answered.
 */
function eventId(parts: readonly string[]): string {
  const hash = createHash('sha1').update('sluice commit\0').update(JSON.stringify(parts)).digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = hash.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`;
}
