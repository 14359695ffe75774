import {
  type FactKind,
  type FailureDetails,
  kindCodes,
  profileText,
  removalCauses,
  type Said,
  type StatusDetails,
  targetText,
} from './facts.ts';
import {
  CLOCK_AHEAD,
  CONTENT_BYTES,
  FACT_BYTES,
  FACTS_PER_COMMIT_MAX,
  FAR,
  FAR_TIME_BYTES,
  HAS_ID,
  HEADER_BYTES,
  headOf,
  KEY_BYTES,
  NONE,
  PACKED_VERSION,
  REPORT_BYTES,
} from './packed-layout.ts';

const FIRST_CAPACITY_FACTS = 256;

/**
 * A fact on its way into a commit: what the device said, and what intake added. Times are ms since 1970, whole.
 * Hashes are texts with one byte a character: a short Buffer costs several times the hash that it holds.
 */
export interface NewFact {
  readonly kind: FactKind;
  /** At least the first 16 bytes of SHA-256(deviceId). */
  readonly deviceHash: string;
  /** At least the first 8 bytes of SHA-256(deviceId, 0x1f, reportId). */
  readonly reportHash: string;
  /** 16 bits of a hash over what the report says, so that another report under the same id shows; 0 is none. */
  readonly content: number;
  /** Given where the shard may not have heard of the device before. At most 64 characters of ASCII. */
  readonly deviceId: string | undefined;
  readonly occurredAt: number;
  readonly receivedAt: number;
  readonly clockAhead: boolean;
  /** Absent for DeviceRetired only. A report can be handed in as it is. */
  readonly said: Said | undefined;
}

/** Collects facts and packs them into the body of one commit (see packed-layout.ts). Can be used again after `finish`. */
export class FactPacker {
  private facts = 0;
  private keys = new Uint8Array(FIRST_CAPACITY_FACTS * KEY_BYTES);
  private reports = new Uint8Array(FIRST_CAPACITY_FACTS * REPORT_BYTES);
  private contents = new Uint16Array(FIRST_CAPACITY_FACTS);
  private heads = new Uint8Array(FIRST_CAPACITY_FACTS);
  private profiles = new Uint16Array(FIRST_CAPACITY_FACTS);
  private targets = new Uint16Array(FIRST_CAPACITY_FACTS);
  private occurred = new Float64Array(FIRST_CAPACITY_FACTS);
  private received = new Float64Array(FIRST_CAPACITY_FACTS);
  private readonly profileLines = new Map<string, number>();
  private readonly targetLines = new Map<string, number>();
  private ids: string[] = [];
  private details: [number, FailureDetails | StatusDetails][] = [];

  get count(): number {
    return this.facts;
  }

  /** A commit has room for FACTS_PER_COMMIT_MAX facts; one more throws. */
  add(fact: NewFact): void {
    const index = this.facts;
    if (index === FACTS_PER_COMMIT_MAX) throw new RangeError('the commit is full');
    if (index === this.heads.length) this.grow();
    this.facts = index + 1;
    copy(fact.deviceHash, this.keys, index * KEY_BYTES, KEY_BYTES);
    copy(fact.reportHash, this.reports, index * REPORT_BYTES, REPORT_BYTES);
    this.occurred[index] = fact.occurredAt;
    this.received[index] = fact.receivedAt;
    this.contents[index] = fact.content;
    const { said } = fact;
    const cause = said?.cause !== undefined && fact.kind === 'PatchRolledBack' ? removalCauses.indexOf(said.cause) : 0;
    let head = headOf(kindCodes[fact.kind], cause) | (fact.clockAhead ? CLOCK_AHEAD : 0);
    if (fact.deviceId !== undefined) {
      head |= HAS_ID;
      this.ids.push(fact.deviceId);
    }
    this.heads[index] = head;
    this.profiles[index] = said === undefined ? NONE : lineOf(this.profileLines, profileText(said));
    this.targets[index] =
      said?.patchId === undefined ? NONE : lineOf(this.targetLines, targetText(said.patchId, said.rolloutId));
    if (said === undefined) return;
    if (fact.kind === 'DeviceObserved') this.addStatusDetails(index, said);
    else this.addDetails(index, said);
  }

  /** The packed commit; the packer is empty afterwards. */
  finish(): { bytes: Uint8Array; count: number } {
    const count = this.facts;
    const base = count === 0 ? 0 : this.received.subarray(0, count).reduce((least, time) => Math.min(least, time));
    const far = this.farTimes();
    const texts = this.encodeTexts();
    const textBytes = texts.reduce((sum, text) => sum + text.length, 0);
    const bytes = new Uint8Array(HEADER_BYTES + count * FACT_BYTES + far.length * FAR_TIME_BYTES + textBytes);
    const view = new DataView(bytes.buffer);
    bytes[0] = PACKED_VERSION;
    view.setUint32(4, count, true);
    view.setFloat64(8, base, true);
    view.setUint32(16, far.length, true);
    texts.forEach((text, index) => view.setUint32(20 + index * 4, text.length, true));
    let offset = this.writeColumns(bytes, base);
    for (const time of far) {
      view.setFloat64(offset, time, true);
      offset += FAR_TIME_BYTES;
    }
    for (const text of texts) {
      bytes.set(text, offset);
      offset += text.length;
    }
    this.clear();
    return { bytes, count };
  }

  private addDetails(index: number, { signal, failureCode, detail }: Said): void {
    if (signal === undefined && failureCode === undefined && detail === undefined) return;
    this.details.push([
      index,
      {
        ...(signal !== undefined && { signal }),
        ...(failureCode !== undefined && { failureCode }),
        ...(detail !== undefined && { detail }),
      },
    ]);
  }

  private addStatusDetails(index: number, { statusEveryHours }: Said): void {
    if (statusEveryHours !== undefined) this.details.push([index, { statusEveryHours }]);
  }

  private farTimes(): number[] {
    const far: number[] = [];
    for (let index = 0; index < this.facts; index += 1)
      if (this.lag(index) === FAR) far.push(this.occurred[index] ?? 0);
    return far;
  }

  /** The zigzag of receipt − occurrence: the sign lies in the lowest bit, so that small skews both ways stay small numbers. */
  private lag(index: number): number {
    const lag = (this.received[index] ?? 0) - (this.occurred[index] ?? 0);
    const zigzag = lag < 0 ? -2 * lag - 1 : 2 * lag;
    return zigzag < FAR && Number.isInteger(zigzag) ? zigzag : FAR;
  }

  private encodeTexts(): Uint8Array[] {
    const encoder = new TextEncoder();
    const ids = this.ids.map((id) => String.fromCharCode(id.length) + id).join('');
    return [
      encoder.encode([...this.profileLines.keys()].join('\n')),
      encoder.encode([...this.targetLines.keys()].join('\n')),
      encoder.encode(ids),
      encoder.encode(this.details.length === 0 ? '' : JSON.stringify(this.details)),
    ];
  }

  private writeColumns(bytes: Uint8Array, base: number): number {
    const count = this.facts;
    bytes.set(this.keys.subarray(0, count * KEY_BYTES), HEADER_BYTES);
    let offset = HEADER_BYTES + count * KEY_BYTES;
    bytes.set(this.reports.subarray(0, count * REPORT_BYTES), offset);
    offset += count * REPORT_BYTES;
    for (let index = 0; index < count; index += 1)
      writePlanes(bytes, offset + index, count, CONTENT_BYTES, this.contents[index] ?? 0);
    offset += count * CONTENT_BYTES;
    bytes.set(this.heads.subarray(0, count), offset);
    offset += count;
    for (let index = 0; index < count; index += 1) {
      const later = (this.received[index] ?? 0) - base;
      if (!Number.isInteger(later) || later > 0xffffffff) throw new RangeError('times of receipt are too far apart');
      writePlanes(bytes, offset + index, count, 2, this.profiles[index] ?? NONE);
      writePlanes(bytes, offset + 2 * count + index, count, 2, this.targets[index] ?? NONE);
      writePlanes(bytes, offset + 4 * count + index, count, 4, this.lag(index));
      writePlanes(bytes, offset + 8 * count + index, count, 4, later);
    }
    return offset + 12 * count;
  }

  private clear(): void {
    this.facts = 0;
    this.profileLines.clear();
    this.targetLines.clear();
    this.ids = [];
    this.details = [];
  }

  private grow(): void {
    this.keys = doubled(this.keys, new Uint8Array(this.keys.length * 2));
    this.reports = doubled(this.reports, new Uint8Array(this.reports.length * 2));
    this.contents = doubled(this.contents, new Uint16Array(this.contents.length * 2));
    this.heads = doubled(this.heads, new Uint8Array(this.heads.length * 2));
    this.profiles = doubled(this.profiles, new Uint16Array(this.profiles.length * 2));
    this.targets = doubled(this.targets, new Uint16Array(this.targets.length * 2));
    this.occurred = doubled(this.occurred, new Float64Array(this.occurred.length * 2));
    this.received = doubled(this.received, new Float64Array(this.received.length * 2));
  }
}

function copy(from: string, to: Uint8Array, offset: number, length: number): void {
  if (from.length < length)
    throw new RangeError(`a hash has ${String(from.length)} bytes instead of ${String(length)}`);
  for (let index = 0; index < length; index += 1) to[offset + index] = from.charCodeAt(index);
}

function writePlanes(bytes: Uint8Array, start: number, stride: number, planes: number, value: number): void {
  let rest = value;
  for (let plane = 0; plane < planes; plane += 1) {
    bytes[start + plane * stride] = rest & 0xff;
    rest >>>= 8;
  }
}

function lineOf(lines: Map<string, number>, text: string): number {
  const known = lines.get(text);
  if (known !== undefined) return known;
  const line = lines.size;
  lines.set(text, line);
  return line;
}

function doubled<Column extends { set(from: Column): void }>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}
