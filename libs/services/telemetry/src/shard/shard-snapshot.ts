import { type CountRow, type HolderCount, type Population } from '@sluice/domain-cohorts';
import { createHash } from 'node:crypto';
import { imageOf, packImage, readImage, restoreShard, type AnnouncedHealth } from '@sluice/domain-fleet';
import { type FoldedCommit, REPORTS_REMEMBERED_DAYS, type ShardAsOf, ShardFold } from './shard-fold.ts';

/** To be raised whenever the header changes; the image has a version of its own. */
const SNAPSHOT_VERSION = 3;
const CHECKSUM = 'sha256';
const CHECKSUM_BYTES = 32;
/** Before the header, its length; and the image is to begin where its words may lie. */
const LENGTH_BYTES = 4;
const ALIGNMENT_BYTES = 8;
/** Copied to the socket in pieces of this size, so that other requests get their turn. */
const PIECE_BYTES = 1 << 20;

interface Header {
  readonly version: number;
  readonly shard: number;
  readonly last: FoldedCommit;
  readonly announced: {
    readonly buckets: number;
    readonly throughRevision: number;
    /** Absent before the first bucket. */
    readonly to?: number;
    readonly holders: readonly (readonly [string, HolderCount])[];
    readonly populations: readonly (readonly [string, Population])[];
    readonly pending: readonly (readonly [string, CountRow])[];
  };
}

/** The bytes are no whole snapshot of that shard. */
export class SnapshotFault extends Error {
  override readonly name = 'SnapshotFault';
}

export interface PackedSnapshot {
  readonly bytes: number;
  /** To be sent one after the other, once. */
  readonly pieces: Iterable<Uint8Array>;
}

/** A shard as of one of its commits, in bytes: header, image, checksum. A copy: the shard may go on meanwhile. */
export function packSnapshot(shard: number, { fold, announced }: ShardAsOf): PackedSnapshot {
  const { buckets, throughRevision, to, holders, populations, pending } = announced;
  const header: Header = {
    version: SNAPSHOT_VERSION,
    shard,
    last: fold.last,
    announced: {
      buckets,
      throughRevision,
      ...(buckets > 0 && { to }),
      holders: [...holders],
      populations: [...populations],
      pending: [...pending],
    },
  };
  const sections = [packHeader(header), ...packImage(imageOf(fold.state, fold.recent))];
  const bytes = sections.reduce((sum, section) => sum + section.length, CHECKSUM_BYTES);
  return { bytes, pieces: withChecksum(sections) };
}

/** Throws SnapshotFault, or what the image is refused with. */
export function readSnapshot(shard: number, bytes: Uint8Array): ShardAsOf {
  const content = bytes.subarray(0, Math.max(0, bytes.length - CHECKSUM_BYTES));
  const checksum = createHash(CHECKSUM).update(content).digest();
  if (!checksum.equals(bytes.subarray(content.length))) throw new SnapshotFault('its checksum is wrong');
  const headerEnd = LENGTH_BYTES + new DataView(content.buffer, content.byteOffset).getUint32(0, true);
  const text = new TextDecoder().decode(content.subarray(LENGTH_BYTES, headerEnd));
  const header = JSON.parse(text) as Header;
  if (header.version !== SNAPSHOT_VERSION)
    throw new SnapshotFault(`version ${String(header.version)} is not known here`);
  if (header.shard !== shard) throw new SnapshotFault(`it is one of shard ${String(header.shard)}`);
  const { state, recent } = restoreShard(readImage(content.subarray(headerEnd)), REPORTS_REMEMBERED_DAYS);
  const { buckets, throughRevision, to = -Infinity, holders, populations, pending } = header.announced;
  const announced: AnnouncedHealth = {
    buckets,
    throughRevision,
    to,
    holders: new Map(holders),
    populations: new Map(populations),
    pending: new Map(pending),
  };
  return { fold: new ShardFold(state, recent, header.last), announced };
}

function packHeader(header: Header): Uint8Array {
  const text = JSON.stringify(header);
  const bytes = Buffer.byteLength(text);
  const padded = Math.ceil((LENGTH_BYTES + bytes) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
  // Spaces at the end mean nothing in JSON.
  const packed = Buffer.alloc(padded, ' ');
  packed.writeUInt32LE(padded - LENGTH_BYTES, 0);
  packed.write(text, LENGTH_BYTES);
  return packed;
}

function* withChecksum(sections: readonly Uint8Array[]): Generator<Uint8Array> {
  const checksum = createHash(CHECKSUM);
  for (const section of sections) {
    for (let from = 0; from < section.length; from += PIECE_BYTES) {
      const piece = section.subarray(from, from + PIECE_BYTES);
      checksum.update(piece);
      yield piece;
    }
  }
  yield checksum.digest();
}
