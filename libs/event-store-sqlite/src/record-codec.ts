import { constants, crc32, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Metadata } from '@sluice/event-sourcing';

/**
 * A commit as one compact record, ending in a checksum that also covers its place in the store, so that a record which was
 * damaged, or has got into another's place, is noticed.
 *
 *   flags, revision, recordedAtMs, commitId, actor, correlationId, causationId, [traceparent], [count when packed], body, CRC-32
 *
 * Numbers are variable-length, 7 bits a byte, lowest first. An id is a tag and, for a UUID, its 16 bytes.
 */
export interface StoredRecord {
  readonly revision: number;
  readonly recordedAtMs: number;
  readonly commitId: string;
  readonly metadata: Metadata;
  /** The number of facts in a packed body; undefined when the body is events as JSON. */
  readonly packedCount: number | undefined;
  readonly body: Uint8Array;
}

/** Where a record lies: its position, and the number of its stream. */
export interface RecordPlace {
  readonly position: number;
  readonly streamId: number;
}

const FLAG_PACKED = 1;
const FLAG_COMPRESSED = 2;
const FLAG_TRACED = 4;
const ID_UUID = 0;
const ID_ABSENT = 1;
const ID_SAME_AS_COMMIT = 2;
const ID_TEXT = 3;
const CHECKSUM_BYTES = 4;
/** Smaller bodies hardly get smaller by compression, and trying costs more than writing them. */
const COMPRESSIBLE_BYTES_MIN = 256;
const COMPRESSION_LEVEL = 3;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function encodeRecord(place: RecordPlace, record: StoredRecord): Uint8Array {
  const { commitId, metadata, packedCount } = record;
  const compressed = compress(record.body);
  const body = compressed ?? record.body;
  const header: number[] = [];
  const { traceparent } = metadata;
  header.push(
    (packedCount === undefined ? 0 : FLAG_PACKED) |
      (compressed === undefined ? 0 : FLAG_COMPRESSED) |
      (traceparent === undefined ? 0 : FLAG_TRACED),
  );
  pushNumber(header, record.revision);
  pushNumber(header, record.recordedAtMs);
  pushId(header, commitId);
  pushText(header, metadata.actor, 0);
  pushId(header, metadata.correlationId, commitId);
  pushId(header, metadata.causationId, commitId);
  if (traceparent !== undefined) pushText(header, traceparent, 0);
  if (packedCount !== undefined) pushNumber(header, packedCount);
  const bytes = new Uint8Array(header.length + body.length + CHECKSUM_BYTES);
  bytes.set(header);
  bytes.set(body, header.length);
  const end = bytes.length - CHECKSUM_BYTES;
  new DataView(bytes.buffer).setUint32(end, checksum(place, bytes.subarray(0, end)));
  return bytes;
}

/** Undefined when the record is not what was written at this place. */
export function decodeRecord(place: RecordPlace, bytes: Uint8Array): StoredRecord | undefined {
  const end = bytes.length - CHECKSUM_BYTES;
  if (end <= 0) return undefined;
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint32(end);
  if (stored !== checksum(place, bytes.subarray(0, end))) return undefined;
  const cursor: Cursor = { bytes, index: 1 };
  const flags = bytes[0] ?? 0;
  const revision = takeNumber(cursor);
  const recordedAtMs = takeNumber(cursor);
  const commitId = takeId(cursor) ?? '';
  const actor = takeText(cursor, takeNumber(cursor));
  const correlationId = takeId(cursor, commitId) ?? '';
  const causationId = takeId(cursor, commitId);
  const traceparent = (flags & FLAG_TRACED) === 0 ? undefined : takeText(cursor, takeNumber(cursor));
  const packedCount = (flags & FLAG_PACKED) === 0 ? undefined : takeNumber(cursor);
  const body = bytes.subarray(cursor.index, end);
  return {
    revision,
    recordedAtMs,
    commitId,
    metadata: {
      actor,
      correlationId,
      ...(causationId !== undefined && { causationId }),
      ...(traceparent !== undefined && { traceparent }),
    },
    packedCount,
    body: (flags & FLAG_COMPRESSED) === 0 ? body : plain(zstdDecompressSync(body)),
  };
}

/** Undefined when the body does not get smaller. */
function compress(body: Uint8Array): Uint8Array | undefined {
  if (body.length < COMPRESSIBLE_BYTES_MIN) return undefined;
  const compressed = zstdCompressSync(body, {
    params: { [constants.ZSTD_c_compressionLevel]: COMPRESSION_LEVEL },
    pledgedSrcSize: body.length,
  });
  return compressed.length < body.length ? compressed : undefined;
}

function checksum({ position, streamId }: RecordPlace, bytes: Uint8Array): number {
  const place: number[] = [];
  pushNumber(place, position);
  pushNumber(place, streamId);
  return crc32(bytes, crc32(Uint8Array.from(place)));
}

interface Cursor {
  readonly bytes: Uint8Array;
  index: number;
}

// Division instead of shifts: times and positions do not fit into 32 bits.
function pushNumber(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

function takeNumber(cursor: Cursor): number {
  let value = 0;
  for (let scale = 1; ; scale *= 0x80) {
    const byte = cursor.bytes[cursor.index++] ?? 0;
    value += (byte % 0x80) * scale;
    if (byte < 0x80) return value;
  }
}

/** The length is written with an offset, which leaves the numbers below it to other tags. */
function pushText(bytes: number[], text: string, offset: number): void {
  const encoded = Buffer.from(text);
  pushNumber(bytes, encoded.length + offset);
  for (const byte of encoded) bytes.push(byte);
}

function takeText(cursor: Cursor, length: number): string {
  const from = cursor.index;
  cursor.index += length;
  return buffer(cursor.bytes).toString('utf8', from, cursor.index);
}

function pushId(bytes: number[], id: string | undefined, commitId?: string): void {
  if (id === undefined) bytes.push(ID_ABSENT);
  else if (id === commitId) bytes.push(ID_SAME_AS_COMMIT);
  else if (UUID.test(id)) bytes.push(ID_UUID, ...Buffer.from(id.replaceAll('-', ''), 'hex'));
  else pushText(bytes, id, ID_TEXT);
}

function takeId(cursor: Cursor, commitId?: string): string | undefined {
  const tag = takeNumber(cursor);
  if (tag === ID_ABSENT) return undefined;
  if (tag === ID_SAME_AS_COMMIT) return commitId;
  if (tag >= ID_TEXT) return takeText(cursor, tag - ID_TEXT);
  const from = cursor.index;
  cursor.index += 16;
  const hex = buffer(cursor.bytes).toString('hex', from, cursor.index);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function buffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
