/**
 * The packed form of a commit of fleet facts, version 2. All numbers are little-endian; n is the number of facts.
 *
 * | bytes | what |
 * | --- | --- |
 * | 1 | version: 2 |
 * | 3 | zero |
 * | 4 | n |
 * | 8 | the earliest time of receipt, ms since 1970, float64 |
 * | 4 × 5 | far times; bytes of profiles, targets, ids, details |
 * | 16 n | device keys: the first 16 bytes of SHA-256(deviceId) |
 * | 8 n | reports: the first 8 bytes of SHA-256(deviceId, 0x1f, reportId) |
 * | 2 n | contents: a hash of what the report says, 0 where there is none: the same report with another one is another |
 * | n | heads: kind (bits 0–3), cause (4–5), id text present (6), clock ahead (7) |
 * | 2 n | profile of each fact: a line of the profiles; 0xffff is none |
 * | 2 n | target of each fact: a line of the targets; 0xffff is none |
 * | 4 n | lag: receipt − occurrence in ms, zigzag; 0xffffffff says that the occurrence is the next far time |
 * | 4 n | receipt, ms after the earliest |
 * | 8 each | far times: occurrences, ms since 1970, float64 |
 * | … | profiles: lines of UTF-8, the fields separated by 0x1f |
 * | … | targets: lines of UTF-8, patch id and, after 0x1f, rollout id |
 * | … | ids: for each head that says so, its length in one byte and its text |
 * | … | details: JSON, [[index of the fact, {signal, failureCode, detail} or {statusEveryHours}], …], or nothing |
 *
 * Columns of two and four bytes are stored as planes (all low bytes first): the high planes are nearly constant, and
 * a general compressor makes nothing of them. Keys and hashes are random and stay as they are.
 *
 * Version 1 has no contents, and heads with one bit less for the kind: kind (bits 0–2), cause (3–4), id text present (5),
 * clock ahead (6). It is read, and no longer written.
 */
export const PACKED_VERSION = 2;
export const FIRST_VERSION = 1;
export const HEADER_BYTES = 36;
export const KEY_BYTES = 16;
export const REPORT_BYTES = 8;
export const CONTENT_BYTES = 2;
export const FAR_TIME_BYTES = 8;
/** Bytes of a fact in the columns. */
export const FACT_BYTES = KEY_BYTES + REPORT_BYTES + CONTENT_BYTES + 1 + 2 + 2 + 4 + 4;
export const FACT_BYTES_V1 = FACT_BYTES - CONTENT_BYTES;

export const FACTS_PER_COMMIT_MAX = 0xffff;
export const NONE = 0xffff;
export const FAR = 0xffffffff;

const KIND_MASK = 0b1111;
const CAUSE_SHIFT = 4;
const CAUSE_MASK = 0b11;
export const HAS_ID = 1 << 6;
export const CLOCK_AHEAD = 1 << 7;

/** The head of a fact with its kind and cause; flags are to be added. */
export function headOf(kind: number, cause: number): number {
  return kind | (cause << CAUSE_SHIFT);
}

export function kindOf(head: number): number {
  return head & KIND_MASK;
}

export function causeOf(head: number): number {
  return (head >> CAUSE_SHIFT) & CAUSE_MASK;
}

/** The head that says the same as one of version 1; undefined when it uses a bit that had no meaning. */
export function headOfV1(head: number): number | undefined {
  if (head > 0x7f) return undefined;
  const flags = ((head & (1 << 5)) !== 0 ? HAS_ID : 0) | ((head & (1 << 6)) !== 0 ? CLOCK_AHEAD : 0);
  return headOf(head & 0b111, (head >> 3) & 0b11) | flags;
}
